"""The expression net: a small residual CNN over 48x48 grey faces, eight logits."""

from __future__ import annotations

from typing import Any

import keras

from medauth.training.layers import Standardise, convolution

FACE_PX = 48
LAST_CONVOLUTION = "last_convolution"
STAGES = ((48, 1), (96, 2), (160, 2))  # (channels, residual blocks); each stage halves the resolution


def build_expression_model(classes: int = 8, stages: tuple[tuple[int, int], ...] = STAGES, stem: int = 32) -> Any:
    """Return the untrained net: float32 [N, H, W, 1] grey 0..255 -> float32 [N, classes] logits.

    H and W are free (multiples of 8) because training crops are smaller than the 48 pixels of the final net.
    """
    images = keras.Input((None, None, 1), name="images", dtype="float32")
    x = Standardise(name="standardise")(images)
    x = convolution(x, stem, stride=1)
    for index, (channels, blocks) in enumerate(stages):
        if index == 0:
            x = convolution(x, channels, stride=2)
        for block in range(blocks):
            x = _residual(x, channels, stride=2 if index and block == 0 else 1)
    x = keras.layers.Activation("linear", name=LAST_CONVOLUTION)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    logits = keras.layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="expression")


def _residual(x: Any, channels: int, *, stride: int) -> Any:
    y = convolution(x, channels, stride=stride)
    y = _squeeze_excite(convolution(y, channels, stride=1, activate=False))
    if stride > 1:
        x = keras.layers.AveragePooling2D(stride)(x)
    if x.shape[-1] != channels:
        x = convolution(x, channels, stride=1, activate=False, kernel=1)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))


def _squeeze_excite(x: Any, ratio: int = 8) -> Any:
    """Let the whole face decide how much each channel counts (Hu et al. 2018)."""
    channels = x.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = keras.layers.Conv2D(channels // ratio, 1, activation="relu")(gate)
    gate = keras.layers.Conv2D(channels, 1, activation="sigmoid")(gate)
    return keras.layers.Multiply()([x, gate])
