"""Expression nets of inverted residuals: MobileNetV2 cut down to 48-pixel faces, and a still smaller student.

Inverted residuals with linear bottlenecks are those of Sandler et al., "MobileNetV2" (CVPR 2018). Nets for pictures of
224 pixels halve the resolution five times; a face of 48 pixels would end as one cell, so these halve it three times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from medauth.training.expression import LAST_CONVOLUTION
from medauth.training.layers import FusedBatchNormalization, Standardise


@dataclass(frozen=True)
class Stage:
    """`blocks` inverted residuals: each widens `expansion` times, filters by depth, narrows to `channels`."""

    expansion: int
    channels: int
    blocks: int
    stride: int


# Channels are multiples of 16, where batch normalisation and bfloat16 convolutions are fast on a CPU.
MOBILE_STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 32, 2, 2),
    Stage(6, 64, 3, 2),
    Stage(6, 96, 2, 1),
)
STUDENT_STAGES = (
    Stage(2, 16, 1, 1),
    Stage(4, 32, 2, 2),
    Stage(4, 48, 2, 2),
)


def build_inverted_model(
    stages: tuple[Stage, ...], *, stem: int, top: int, name: str, classes: int = 8, dropout: float = 0.2
) -> Any:
    """Return the untrained net: float32 [N, H, W, 1] grey 0..255 -> float32 [N, classes] logits.

    `stem` and `top` are the channels of the first and of the last convolution. H and W are free (multiples of 8).
    """
    images = keras.Input((None, None, 1), name="images", dtype="float32")
    x = Standardise(name="standardise")(images)
    x = _activated(keras.layers.Conv2D(stem, 3, strides=2, padding="same", use_bias=False)(x))
    for stage in stages:
        for block in range(stage.blocks):
            x = _inverted_residual(x, stage.expansion, stage.channels, stage.stride if block == 0 else 1)
    x = _activated(keras.layers.Conv2D(top, 1, use_bias=False)(x))
    x = keras.layers.Activation("linear", name=LAST_CONVOLUTION)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(images, keras.layers.Dense(classes, dtype="float32", name="logits")(x), name=name)


def build_mobile_model() -> Any:
    """MobileNetV2's blocks at about half its width."""
    return build_inverted_model(MOBILE_STAGES, stem=32, top=320, name="expression_mobilenet")


def build_student_model() -> Any:
    """A net small enough for a microcontroller's memory, to be taught by a larger one."""
    return build_inverted_model(STUDENT_STAGES, stem=16, top=128, name="expression_student", dropout=0.1)


def _inverted_residual(x: Any, expansion: int, channels: int, stride: int) -> Any:
    narrow = x
    if expansion > 1:
        x = _activated(keras.layers.Conv2D(expansion * narrow.shape[-1], 1, use_bias=False)(x))
    x = _activated(keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
    x = FusedBatchNormalization(momentum=0.98)(keras.layers.Conv2D(channels, 1, use_bias=False)(x))
    return keras.layers.Add()([narrow, x]) if stride == 1 and narrow.shape[-1] == channels else x


def _activated(x: Any) -> Any:
    """Six is where the activation stops growing, so that eight bits are enough for it."""
    return keras.layers.ReLU(6.0)(FusedBatchNormalization(momentum=0.98)(x))
