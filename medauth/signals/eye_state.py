"""How likely each eye is closed, as the eye-state model sees it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.signals.eye_crop import LEFT_CORNERS, RIGHT_CORNERS, crop_eye
from medauth.signals.interface import ModelUse
from medauth.signals.models import Model, prepare_image


class EyeReader(Protocol):
    """Looks at the eyes themselves, where landmarks only give their outline."""

    @property
    def use(self) -> ModelUse:
        """The model that looks."""

    def closed(self, image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> tuple[float, float]:
        """Probability that the left and the right eye are closed, from a BGR image (height, width, 3) uint8."""


class EyeStateModel:
    """An `EyeReader` that runs the eye-state model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._size_px = model.input_shape()[1]
        self._side = float(model.manifest.preprocessing["eye"]["side"])
        self._closed = model.manifest.classes.index("closed")

    @property
    def use(self) -> ModelUse:
        """Name and digest, for the statement."""
        return self._model.use

    def closed(self, image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> tuple[float, float]:
        """Both eyes, a call each: batches of two gain nothing in LiteRT."""
        left, right = (self._one(image, landmarks[list(pair), :2]) for pair in (LEFT_CORNERS, RIGHT_CORNERS))
        return left, right

    def _one(self, image: NDArray[np.uint8], corners: NDArray[np.float32]) -> float:
        crop = crop_eye(image, corners, self._size_px, self._side)
        found = self._model.run(images=prepare_image(crop, self._model.manifest))
        return float(found["probabilities"][0, self._closed])
