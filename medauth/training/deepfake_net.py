"""The deepfake net: taps of a frozen MobileNetV2, linear maps of them fitted for forgeries, one vector for each frame.

What a forger leaves is a matter of texture, edges and colour, and the expanded layers of a pretrained MobileNetV2 respond
to all of these. They stay as they are: their mean over each of 7x7 cells, for the lower ones their spread too, is computed
once for each picture by LiteRT; only the maps on top (`linear_head`) are fitted.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.face_bank import CROP_PX
from medauth.training.layers import CellSpread
from medauth.training.linear_head import CHANNELS, LinearHead, region_masks
from medauth.training.mobilenet import Weights, grow, load_folded

LAST = 6  # the last block of which anything is used
TAPS: tuple[tuple[str, int, bool], ...] = (("block_1_expand_relu", 8, True), ("block_3_expand_relu", 4, True))
TAPS += (("block_5_expand_relu", 2, False), ("block_6_expand_relu", 2, False))
"""(layer, its cells a side of one of 7x7, whether the spread within a cell is used beside the mean)"""
CELLS = 7
LAST_CONVOLUTION = "last_convolution"
CLASSES = ("real", "fake")


def build_stem() -> Any:
    """Float32 [N, 112, 112, 3] RGB 0..255 -> [N, 7, 7, 864]; weights to be loaded."""
    images = keras.Input((CROP_PX, CROP_PX, 3), name="images", dtype="float32")
    return keras.Model(images, _tapped(images), name="stem")


def build_encoder(weights: Weights, fitted: LinearHead) -> Any:
    """The net as a check runs it: float32 [N, 112, 112, 3] BGR 0..255 -> maps [N, 7, 7, 5] and vector [N, 5].

    `weights` are the stem's. It was trained on RGB: its first kernel is turned around, so that nobody who runs the file
    has to do it.
    """
    images = keras.Input((CROP_PX, CROP_PX, 3), name="images", dtype="float32")
    tapped = _tapped(images)
    stem = keras.Model(images, tapped)
    load_folded(stem, weights)
    kernel, bias = stem.get_layer("Conv1").get_weights()
    stem.get_layer("Conv1").set_weights([kernel[:, :, ::-1], bias])
    maps = keras.layers.Conv2D(CHANNELS, 1, name=LAST_CONVOLUTION)(tapped)
    pooled = keras.layers.DepthwiseConv2D(CELLS, use_bias=False, name="pool")(maps)
    encoder = keras.Model(images, [maps, keras.layers.Flatten(name="vector")(pooled)], name="encoder")
    mixing = fitted.weights / fitted.spread  # one map for each region
    encoder.get_layer(LAST_CONVOLUTION).set_weights([mixing.T[None, None], -(mixing @ fitted.mean)])
    encoder.get_layer("pool").set_weights([pool_weights()[..., None]])
    return encoder


def frame_direction(fitted: LinearHead) -> tuple[NDArray[np.float32], float]:
    """Kernel (5,) and bias that make the frame's logit of a fake from its vector."""
    return np.ones(CHANNELS, np.float32), fitted.bias


def pool_weights() -> NDArray[np.float32]:
    """How a vector is pooled from the maps: each map over its own region, float32 [7, 7, 5]."""
    return np.asarray(np.moveaxis(region_masks(CELLS), 0, -1), dtype=np.float32)


def _tapped(images: Any) -> Any:
    x = grow(keras.layers.Rescaling(1 / 255, name="scale")(images), last=LAST)
    whole = keras.Model(images, x)
    parts = []
    for name, cells, spread in TAPS:
        tap = whole.get_layer(name).output
        parts.append(keras.layers.AveragePooling2D(cells, name=f"mean_{name}")(tap))
        if spread:
            parts.append(CellSpread(cells, name=f"spread_{name}")(tap))
    return keras.layers.Concatenate(name="taps")(parts)
