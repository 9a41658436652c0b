"""Start a training from weights that were released: read them out of the `.tflite`, put them into the net.

Exported graphs have no batch normalisation left: it is folded into the convolutions. Unfolding needs data. With the
folded convolutions in place and every normalisation set to pass its input on plus the folded bias, the net computes what
the file computes; the moments of each convolution over some images then say how the same function is written with a
normalisation that normalises, so that training goes on from it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError

Array = NDArray[np.float32]
Folded = tuple[Array, Array]
_WEIGHTED = ("CONV_2D", "FULLY_CONNECTED")


def start_from_file(model: Any, path: Path, images: Array) -> None:
    """Give `model` the weights of the signature `predict` of `path`, in place.

    `images` float32 [N, S, S, 1] are training images, some hundreds, for the moments of the normalisations. Layers of
    `model` that are wider than those of the file keep their own values in the surplus channels, and nothing reads them
    until training does. Raises `ModelError` where the file holds another net.
    """
    waiting: dict[tuple[int, ...], deque[Folded]] = defaultdict(deque)
    folded = list(folded_layers(path))
    for kernel, bias in folded:
        waiting[kernel.shape[:2]].append((kernel, bias))
    normalised: list[tuple[Any, Array]] = []
    layers = [layer for layer in model.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))]
    if len(layers) != len(folded):
        raise ModelError(f"{path.name} holds {len(folded)} weighted layers", expected=f"{len(layers)}, as {model.name}")
    for layer in layers:
        kernel, bias = _take(waiting, layer, path)
        layer.kernel.assign(_widened(kernel, np.asarray(layer.kernel)))
        if layer.use_bias:
            layer.bias.assign(bias)
        else:
            normalised.append((_normalisation_after(layer), np.pad(bias, (0, layer.filters - len(bias)))))
    _unfold(model, normalised, images)


def folded_layers(path: Path) -> Iterator[Folded]:
    """Kernel (height, width, in, out) and bias (out) of each convolution and dense layer of `predict`, as they run."""
    from tensorflow.lite.python import schema_py_generated as schema

    stored = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graphs = {bytes(s.signatureKey).decode(): s.subgraphIndex for s in stored.signatureDefs}
    if "predict" not in graphs:
        raise ModelError(f"{path.name} has the signatures {sorted(graphs)}", expected="predict")
    graph = stored.subgraphs[graphs["predict"]]
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    for operator in graph.operators:
        if names[stored.operatorCodes[operator.opcodeIndex].builtinCode] in _WEIGHTED:
            kernel, bias = (_stored_values(stored, graph.tensors[index], graph) for index in operator.inputs[1:3])
            yield np.moveaxis(kernel if kernel.ndim == 4 else kernel[:, None, None], 0, -1), bias  # noqa: PLR2004


def _stored_values(stored: Any, tensor: Any, graph: Any) -> Array:
    """A constant as float32, whether it is kept as int8 per channel, float16 or float32."""
    content = stored.buffers[tensor.buffer].data
    if content is None:  # float16 constants reach their layer through a DEQUANTIZE
        source = next((op for op in graph.operators if graph.tensors[op.outputs[0]] is tensor), None)
        if source is None:
            raise ModelError(
                f"a weighted layer reads {bytes(tensor.name).decode()}", expected="weights kept in the file"
            )
        return _stored_values(stored, graph.tensors[source.inputs[0]], graph)
    kinds = {0: np.float32, 1: np.float16, 9: np.int8}
    if tensor.type not in kinds:  # INT32: the biases of a net whose activations are in eight bits
        raise ModelError(
            f"a weighted layer computes with {bytes(tensor.name).decode()} in another type than a net is trained in",
            expected="weights in int8, float16 or float32",
            next_step="a file that is all in eight bits already goes no further: --to litert or --to onnx",
        )
    values = np.frombuffer(bytes(content), kinds[tensor.type]).reshape(tensor.shape).astype(np.float32)
    if tensor.type == 9:  # noqa: PLR2004  # INT8
        scale = np.asarray(tensor.quantization.scale, np.float32)
        axis = tensor.quantization.quantizedDimension
        shape = [1] * values.ndim
        shape[axis] = len(scale)
        values = values * scale.reshape(shape)
    return np.asarray(values, np.float32)


def _take(waiting: dict[tuple[int, ...], deque[Folded]], layer: Any, path: Path) -> Folded:
    """The next folded layer that fits: same window, and no wider than `layer`."""
    shape = np.asarray(layer.kernel).shape
    wanted = shape if len(shape) == 4 else (1, 1, *shape)  # noqa: PLR2004
    queue = waiting[wanted[:2]]
    for index, (kernel, bias) in enumerate(queue):
        if kernel.shape[2:] == wanted[2:] or _is_narrower_stem(kernel.shape[2:], wanted[2:]):
            del queue[index]
            return kernel.reshape(*kernel.shape[-len(shape) :]), bias
    raise ModelError(f"{path.name} holds no layer of shape {wanted}", expected="a file made from the same net")


def _is_narrower_stem(stored: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """One side is the same and the other at most a half wider."""
    (a, b), (c, d) = stored, wanted
    return (a == c and b < d <= 1.5 * b) or (b == d and a < c <= 1.5 * a)


def _widened(kernel: Array, own: Array) -> Array:
    """`kernel` in the shape of `own`: new outputs keep their own values, new inputs count nothing yet."""
    wide = own.copy()
    ins, outs = kernel.shape[-2:]
    wide[..., ins:, :] = 0.0
    wide[..., :ins, :outs] = kernel
    return wide


def _normalisation_after(layer: Any) -> Any:
    return layer.output._keras_history and next(  # noqa: SLF001
        node.operation
        for node in layer._outbound_nodes  # noqa: SLF001  # Keras has no public way down the graph
    )


def _unfold(model: Any, normalised: list[tuple[Any, Array]], images: Array) -> None:
    for layer, bias in normalised:
        ones = np.ones_like(bias)
        layer.set_weights([ones, bias, 0 * ones, ones - layer.epsilon])
    watch = keras.Model(model.input, [layer.input for layer, _ in normalised])
    sums = [np.zeros((2, len(bias))) for _, bias in normalised]
    count = len(images) // 64 * 64
    for at in range(0, count, 64):
        for index, values in enumerate(watch.predict_on_batch(images[at : at + 64])):
            flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
            sums[index] += np.stack([flat.mean(0), (flat**2).mean(0)]) * 64 / count
    for (layer, bias), (mean, square) in zip(normalised, sums, strict=True):
        variance = np.maximum(square - mean**2, 1e-6)
        layer.set_weights([np.sqrt(variance + layer.epsilon), bias + mean, mean, variance])
