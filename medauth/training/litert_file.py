"""Join `.tflite` files: an int8 graph for every frame and a float16 one for heat maps, in one file, two signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Loops and branches name the graphs that they run.
_GRAPH_INDICES = ("condSubgraphIndex", "bodySubgraphIndex", "thenSubgraphIndex", "elseSubgraphIndex")


def join_signatures(first: Path, second: Path, target: Path) -> None:
    """Write to `target` a file with the signatures of `first` and `second`; neither graph changes.

    A `.tflite` is a flat buffer of sub-graphs that point into shared tables of buffers and operator codes; appending
    the second file's tables and shifting its indices is all that joining takes.
    """
    import flatbuffers  # type: ignore[import-untyped]  # ships no types
    from tensorflow.lite.python import schema_py_generated as schema

    one, two = (schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0) for path in (first, second))
    _append(one, two)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(one.Pack(builder), file_identifier=b"TFL3")
    partial = target.with_suffix(".partial")
    partial.write_bytes(bytes(builder.Output()))
    partial.replace(target)


def _append(one: Any, two: Any) -> None:
    """Move everything of `two` behind the tables of `one`, in place."""
    buffers, codes, graphs = len(one.buffers), len(one.operatorCodes), len(one.subgraphs)
    for graph in two.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = tensor.buffer + buffers if tensor.buffer else 0  # buffer 0 is "none" in every file
        for operator in graph.operators:
            operator.opcodeIndex += codes
            for name in _GRAPH_INDICES:
                if hasattr(operator.builtinOptions, name):
                    setattr(operator.builtinOptions, name, getattr(operator.builtinOptions, name) + graphs)
    for signature in two.signatureDefs:
        signature.subgraphIndex += graphs
    one.buffers += two.buffers
    one.operatorCodes += two.operatorCodes
    one.subgraphs += two.subgraphs
    one.signatureDefs += two.signatureDefs
    one.metadata = []  # converter notes that name buffers by index; the runtime needs none of them
