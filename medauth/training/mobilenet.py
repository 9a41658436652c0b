"""The lower part of MobileNetV2 (Sandler et al. 2018), its batch normalisation folded into the convolutions.

Folded, because we start from somebody's trained weights and have little time: normalisation with frozen moments is a
constant factor and offset, and without it a training step on a CPU takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError

# (block number, output channels, stride); the blocks above 12 see little but objects and are left out.
BLOCKS = (
    *((1, 24, 2), (2, 24, 1), (3, 32, 2), (4, 32, 1), (5, 32, 1), (6, 64, 2), (7, 64, 1), (8, 64, 1), (9, 64, 1)),
    *((10, 96, 1), (11, 96, 1), (12, 96, 1)),
)
STEM, FIRST, EXPANSION = 32, 16, 6
_EPSILON = 1e-3  # of the batch normalisation that is folded away

Weights = Mapping[str, NDArray[np.float32]]


def grow(x: Any, *, first: int = 0, last: int = 12) -> Any:
    """Blocks `first` to `last` on top of `x`; block 0 brings the stem. [N, H, W, C] in, [N, H/s, W/s, C'] out."""
    channels = int(x.shape[-1])
    if first == 0:
        x = _convolution(x, STEM, "Conv1", kernel=3, stride=2)
        x = _convolution(_depthwise(x, "expanded_conv_", 1), FIRST, "expanded_conv_project", activate=False)
        channels = FIRST
    for number, wanted, stride in BLOCKS:
        if first <= number <= last:
            x = _block(x, f"block_{number}_", channels, wanted, stride)
            channels = wanted
    return x


def folded(name: str, weights: Weights) -> list[NDArray[np.float32]]:
    """Kernel and bias of the convolution `name` of a trained MobileNetV2, its normalisation folded in.

    `weights` maps Keras' names ("block_1_expand/kernel", "block_1_expand_BN/gamma", ...) to arrays.
    """
    depthwise = name.endswith("depthwise")
    norm = "bn_Conv1" if name == "Conv1" else f"{name}_BN"
    try:
        kernel = weights[f"{name}/{'depthwise_kernel' if depthwise else 'kernel'}"]
        gamma, beta = weights[f"{norm}/gamma"], weights[f"{norm}/beta"]
        mean, variance = weights[f"{norm}/moving_mean"], weights[f"{norm}/moving_variance"]
    except KeyError as error:
        raise ModelError(f"no tensor {error}", expected="the weights of a Keras MobileNetV2, alpha 1.0") from error
    factor = gamma / np.sqrt(variance + _EPSILON)
    scale = factor[:, None] if depthwise else factor
    return [kernel * scale, beta - mean * factor]


def _block(x: Any, prefix: str, channels: int, wanted: int, stride: int) -> Any:
    y = _convolution(x, channels * EXPANSION, f"{prefix}expand")
    y = _convolution(_depthwise(y, prefix, stride), wanted, f"{prefix}project", activate=False)
    return keras.layers.Add(name=f"{prefix}add")([x, y]) if stride == 1 and channels == wanted else y


def _convolution(x: Any, channels: int, name: str, *, kernel: int = 1, stride: int = 1, activate: bool = True) -> Any:
    if stride > 1:
        x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x)
    padding = "valid" if stride > 1 else "same"
    x = keras.layers.Conv2D(
        channels, kernel, strides=stride, padding=padding, kernel_initializer="he_normal", name=name
    )(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _depthwise(x: Any, prefix: str, stride: int) -> Any:
    if stride > 1:
        x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{prefix}pad")(x)
    padding = "valid" if stride > 1 else "same"
    x = keras.layers.DepthwiseConv2D(
        3, strides=stride, padding=padding, depthwise_initializer="he_normal", name=f"{prefix}depthwise"
    )(x)
    return keras.layers.ReLU(6.0, name=f"{prefix}depthwise_relu")(x)
