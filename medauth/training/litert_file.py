"""`.tflite` files joined and taken apart: an int8 graph for every frame and a float16 one for heat maps make one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medauth.errors import InputError

# Loops and branches name the graphs that they run.
_GRAPH_INDICES = ("condSubgraphIndex", "bodySubgraphIndex", "thenSubgraphIndex", "elseSubgraphIndex")


def join_signatures(first: Path, second: Path, target: Path) -> None:
    """Write to `target` a file with the signatures of `first` and `second`; neither graph changes.

    A `.tflite` is a flat buffer of sub-graphs that point into shared tables of buffers and operator codes; appending
    the second file's tables and shifting its indices is all that joining takes.
    """
    one, two = _read(first), _read(second)
    _append(one, two)
    _write(one, target)


def take_signature(source: Path, name: str, target: Path) -> None:
    """Write to `target` the graph of one signature of `source`, its inputs and outputs named as the signature does.

    Raises `InputError` for a signature that is not there and for a graph that calls others.
    """
    model = _read(source)
    known = {str(signature.signatureKey, "utf-8"): signature for signature in model.signatureDefs or ()}
    if name not in known:
        raise InputError(f"{source.name} has no signature {name!r}", expected=", ".join(known))
    graph = model.subgraphs[known[name].subgraphIndex]
    if any(hasattr(operator.builtinOptions, index) for operator in graph.operators for index in _GRAPH_INDICES):
        raise InputError(f"the graph of {name} calls others", expected="a graph without loops and branches")
    for end in (*known[name].inputs, *known[name].outputs):
        graph.tensors[end.tensorIndex].name = end.name
    model.subgraphs, model.signatureDefs, model.metadata = [graph], [], []
    _write(model, target)


def _read(path: Path) -> Any:
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def _write(model: Any, target: Path) -> None:
    import flatbuffers  # type: ignore[import-untyped]  # ships no types

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
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
