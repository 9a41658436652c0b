"""A `.tflite` as a function that TensorFlow can differentiate: the graph of one signature, operator by operator.

Run-time files have no gradients, and the nets they came from are not shipped. Whoever has a file has its weights, though,
so whoever attacks it has its gradients: this module is what they would write. Weights in eight bits are taken at their
values and activations are never rounded; the file itself, run by LiteRT, stays the judge of what an attack achieved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError

_PADDINGS = ("SAME", "VALID")
_RELU, _RELU_N1_TO_1, _RELU6, _TANH = 1, 2, 3, 4
_TYPES: Mapping[int, Any] = {
    0: np.float32,
    1: np.float16,
    2: np.int32,
    3: np.uint8,
    4: np.int64,
    6: np.bool_,
    9: np.int8,
}
_INT8, _UINT8, _INT32 = 9, 3, 2


@dataclass(frozen=True, slots=True)
class _Operation:
    """What one operator is given: TensorFlow, its options, and its inputs as tensors (None where one is left out)."""

    tf: Any
    options: Any
    inputs: list[Any]


class DifferentiableFile:
    """The signature `signature` of a model file, float32 in and out, for any number of rows."""

    def __init__(self, content: bytes, signature: str = "predict") -> None:
        from tensorflow.lite.python import schema_py_generated as schema

        self._stored = schema.ModelT.InitFromPackedBuf(content, 0)
        names = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
        self._names = [names[code.builtinCode] for code in self._stored.operatorCodes]
        found = {bytes(s.signatureKey).decode(): s for s in self._stored.signatureDefs or []}
        self._graph = self._stored.subgraphs[found[signature].subgraphIndex if signature in found else 0]
        if found and signature not in found:
            raise ModelError(f"the file has the signatures {sorted(found)}", expected=signature)
        wanted = found[signature].outputs if signature in found else []
        self.outputs = {bytes(o.name).decode(): o.tensorIndex for o in wanted} or {"output": self._graph.outputs[0]}
        self._input = self._graph.inputs[0]
        unknown = sorted({self._name(op) for op in self._graph.operators} - set(_OPERATORS))
        if unknown:
            raise ModelError(f"operators without a gradient here: {', '.join(unknown)}", expected="a feed-forward net")
        self._constants = {
            index: self._constant(tensor)
            for index, tensor in enumerate(self._graph.tensors)
            if self._stored.buffers[tensor.buffer].data is not None
        }

    def __call__(self, images: Any) -> dict[str, Any]:
        """Outputs by name for a float32 tensor (n, ...); all of TensorFlow's tapes see through it."""
        import tensorflow as tf

        values: dict[int, Any] = {index: tf.constant(value) for index, value in self._constants.items()}
        values[self._input] = images
        for operator in self._graph.operators:
            inputs = [values[index] if index >= 0 else None for index in operator.inputs]
            work = _OPERATORS[self._name(operator)]
            values[operator.outputs[0]] = work(_Operation(tf, operator.builtinOptions, inputs))
        return {name: values[index] for name, index in self.outputs.items()}

    def _name(self, operator: Any) -> str:
        return str(self._names[operator.opcodeIndex])

    def _constant(self, tensor: Any) -> NDArray[Any]:
        """As float32 where it is a weight, whatever it is kept in; as it is where it is an axis or a shape."""
        if tensor.type not in _TYPES:
            raise ModelError(f"a constant of type {tensor.type}", expected="weights in int8, float16 or float32")
        kept = np.frombuffer(bytes(self._stored.buffers[tensor.buffer].data), _TYPES[tensor.type])
        values = kept.reshape(tensor.shape)
        scales = None if tensor.quantization is None else tensor.quantization.scale
        if scales is not None and len(scales) and tensor.type in (_INT8, _UINT8, _INT32):
            shape = [1] * values.ndim
            if len(scales) > 1:
                shape[tensor.quantization.quantizedDimension] = len(scales)
            zero = np.asarray(tensor.quantization.zeroPoint, np.float32).reshape(shape)
            return np.asarray(
                (values.astype(np.float32) - zero) * np.asarray(scales, np.float32).reshape(shape), np.float32
            )
        return values.astype(np.float32) if values.dtype == np.float16 else values


def _activated(op: _Operation, value: Any) -> Any:
    """The activation that an operator carries with it."""
    kinds: Mapping[int, Callable[[Any], Any]] = {
        _RELU: op.tf.nn.relu,
        _RELU_N1_TO_1: lambda x: op.tf.clip_by_value(x, -1.0, 1.0),
        _RELU6: op.tf.nn.relu6,
        _TANH: op.tf.math.tanh,
    }
    chosen = int(getattr(op.options, "fusedActivationFunction", 0) or 0)
    return kinds[chosen](value) if chosen else value


def _convolution(op: _Operation) -> Any:
    images, kernel, bias = op.inputs
    strides, padding = (op.options.strideH, op.options.strideW), _PADDINGS[op.options.padding]
    spread = (op.options.dilationHFactor, op.options.dilationWFactor)
    made = op.tf.nn.conv2d(images, op.tf.transpose(kernel, (1, 2, 3, 0)), strides, padding, dilations=spread)
    return _activated(op, made if bias is None else made + bias)


def _depthwise(op: _Operation) -> Any:
    images, kernel, bias = op.inputs
    strides = (1, op.options.strideH, op.options.strideW, 1)
    made = op.tf.nn.depthwise_conv2d(
        images, op.tf.transpose(kernel, (1, 2, 3, 0)), strides, _PADDINGS[op.options.padding]
    )
    return _activated(op, made if bias is None else made + bias)


def _dense(op: _Operation) -> Any:
    values, kernel, bias = op.inputs
    flat = values if op.options.keepNumDims else op.tf.reshape(values, (-1, kernel.shape[1]))
    made = op.tf.linalg.matmul(flat, kernel, transpose_b=True)
    return _activated(op, made if bias is None else made + bias)


def _pooled(how: str) -> Callable[[_Operation], Any]:
    def pool(op: _Operation) -> Any:
        window, strides = (op.options.filterHeight, op.options.filterWidth), (op.options.strideH, op.options.strideW)
        return _activated(op, op.tf.nn.pool(op.inputs[0], window, how, strides, _PADDINGS[op.options.padding]))

    return pool


def _both(name: str) -> Callable[[_Operation], Any]:
    return lambda op: _activated(op, getattr(op.tf.math, name)(*op.inputs))


def _each(name: str) -> Callable[[_Operation], Any]:
    return lambda op: getattr(op.tf.math, name)(op.inputs[0])


def _reduced(name: str) -> Callable[[_Operation], Any]:
    def reduce(op: _Operation) -> Any:
        return getattr(op.tf.math, name)(op.inputs[0], axis=op.inputs[1], keepdims=bool(op.options.keepDims))

    return reduce


def _reshaped(op: _Operation) -> Any:
    """The file speaks of one row; here there may be many."""
    shape = [int(length) for length in np.asarray(op.inputs[1])]
    return op.tf.reshape(op.inputs[0], [-1, *shape[1:]])


_OPERATORS: Mapping[str, Callable[[_Operation], Any]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "AVERAGE_POOL_2D": _pooled("AVG"),
    "MAX_POOL_2D": _pooled("MAX"),
    "ADD": _both("add"),
    "SUB": _both("subtract"),
    "MUL": _both("multiply"),
    "DIV": _both("divide"),
    "MAXIMUM": _both("maximum"),
    "MINIMUM": _both("minimum"),
    "SQUARED_DIFFERENCE": _both("squared_difference"),
    "ABS": _each("abs"),
    "SQRT": _each("sqrt"),
    "RSQRT": _each("rsqrt"),
    "SQUARE": _each("square"),
    "LOGISTIC": _each("sigmoid"),
    "TANH": _each("tanh"),
    "MEAN": _reduced("reduce_mean"),
    "SUM": _reduced("reduce_sum"),
    "SOFTMAX": lambda op: op.tf.nn.softmax(op.inputs[0] * op.options.beta),
    "RELU": lambda op: op.tf.nn.relu(op.inputs[0]),
    "CONCATENATION": lambda op: _activated(op, op.tf.concat(op.inputs, op.options.axis)),
    "RESHAPE": _reshaped,
    "QUANTIZE": lambda op: op.inputs[0],
    "DEQUANTIZE": lambda op: op.inputs[0],
}
