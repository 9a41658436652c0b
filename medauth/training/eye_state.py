"""The eye-state net: a very small CNN that tells a closed eye from an open one."""

from __future__ import annotations

from typing import Any

import keras

from medauth.training.augmentation import Distortion
from medauth.training.layers import FusedBatchNormalization, Standardise

EYE_PX = 32  # side of the net's input
STORED_PX = (
    40  # side at which crops are kept: the middle 80 % is the nominal view, random zooms see 0.6 to 1.1 of the crop
)

# An eye seen by a webcam is a few dim pixels: small, blurred, noisy, off centre. Far harder than the crops themselves.
EYE_DISTORTION = Distortion(
    rotation_deg=20.0,
    scale=0.3,
    shear=0.12,
    shift=0.12,
    gamma=0.5,
    contrast=0.4,
    brightness=35.0,
    blur_chance=0.35,
    shrink_chance=0.5,
    jpeg_chance=0.3,
    noise_chance=0.3,
    cutout_chance=0.15,
    cutout_side=0.25,
)


def build_eye_model(classes: int = 2, channels: tuple[int, ...] = (12, 24, 32, 48)) -> Any:
    """Return the untrained net: float32 [N, H, W, 1] grey 0..255 -> float32 [N, classes] logits."""
    images = keras.Input((None, None, 1), name="images", dtype="float32")
    x = Standardise(name="standardise")(images)
    for index, count in enumerate(channels):
        x = keras.layers.Conv2D(count, 3, strides=2 if index else 1, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(FusedBatchNormalization(momentum=0.95)(x))
    x = keras.layers.Activation("linear", name="last_convolution")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    return keras.Model(images, keras.layers.Dense(classes, dtype="float32", name="logits")(x), name="eye_state")
