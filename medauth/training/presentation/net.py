"""The presentation attack net: one small CNN for both crop scales, three logits (live, print, replay)."""

from __future__ import annotations

from typing import Any

import keras

from medauth.training.layers import convolution

CROP_PX = 96
CLASSES = ("live", "print", "replay")
LAST_CONVOLUTION = "last_convolution"
STAGES = ((32, 1), (64, 1), (96, 1))  # (channels, residual blocks); each stage halves the resolution


@keras.saving.register_keras_serializable(package="medauth")
class TextureChannels(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Adds to a colour image what recapture changes most: fine detail, at a contrast of its own.

    Float32 [N, H, W, 3] BGR 0..255 -> [N, H, W, 6]: colour scaled to -1..1, then the detail of each channel (image
    minus its 3x3 mean) divided by the detail's mean magnitude over the whole crop, so that neither blur nor contrast
    alone decides what the later layers see of it.
    """

    def __init__(self, floor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.floor = floor  # grey levels: finer detail than this is quantisation

    def call(self, images: Any) -> Any:
        """See the class."""
        mean = keras.ops.average_pool(images, 3, strides=1, padding="same")
        detail = images - mean
        size = keras.ops.mean(keras.ops.abs(detail), axis=(1, 2, 3), keepdims=True)
        detail = 0.5 * detail / keras.ops.maximum(size, self.floor)
        return keras.ops.concatenate([images / 127.5 - 1.0, keras.ops.clip(detail, -4.0, 4.0)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the layer again."""
        return {**super().get_config(), "floor": self.floor}


def build_presentation_model(stages: tuple[tuple[int, int], ...] = STAGES, stem: int = 32) -> Any:
    """Return the untrained net: float32 [N, 96, 96, 3] BGR 0..255 -> float32 [N, 3] logits.

    What tells a screen from skin is a pixel or two wide: the first layer halves the resolution with more filters than
    the 24 values it reads from each new 2x2 block, so nothing need be lost.
    """
    images = keras.Input((CROP_PX, CROP_PX, 3), name="images", dtype="float32")
    x = TextureChannels(name="texture")(images)
    x = convolution(x, stem, stride=2, kernel=4)
    for channels, blocks in stages:
        x = convolution(x, channels, stride=2)
        for _ in range(blocks):
            x = _residual(x, channels)
    x = keras.layers.Activation("linear", name=LAST_CONVOLUTION)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    logits = keras.layers.Dense(len(CLASSES), dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="presentation_attack")


def _residual(x: Any, channels: int) -> Any:
    y = convolution(convolution(x, channels, stride=1), channels, stride=1, activate=False)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))
