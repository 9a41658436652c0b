"""A face as a point: near others of the same person, far from those of anyone else."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, ModelError
from medauth.signals.face_chip import FIVE_POINTS, cut_chip
from medauth.signals.interface import ModelUse
from medauth.signals.models import Model, prepare_image

Embedding = NDArray[np.float32]
"""(D,) float32 of length 1: the product of two is the cosine between them."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceReference:
    """The face that a check is compared with, as the app enrolled it: the model that made it, and its embedding."""

    model_sha256: str
    embedding: Embedding

    def __post_init__(self) -> None:
        """Refuse what is no embedding."""
        vector = np.asarray(self.embedding, np.float32)
        length = float(np.linalg.norm(vector)) if vector.ndim == 1 else float("nan")
        if not np.isfinite(length) or abs(length - 1.0) > 0.01:  # noqa: PLR2004
            raise InputError(
                f"a reference of shape {vector.shape}", expected="a vector of length 1, as embed() returns"
            )
        object.__setattr__(self, "embedding", vector)


class FaceEmbedder:
    """Runs the face embedding that the manifest describes."""

    def __init__(self, model: Model) -> None:
        needs = model.manifest.preprocessing
        thresholds = model.manifest.calibration.get("same_person", {})
        if "size_px" not in needs or "stranger" not in thresholds:
            raise ModelError(
                f"model {model.manifest.name} is no face embedding", expected="size_px and thresholds in its manifest"
            )
        self._model = model
        self._size_px, self._grey = int(needs["size_px"]), needs.get("colour", "grey") == "grey"
        self.stranger = float(thresholds["stranger"])
        """Cosine below which two looks are of two persons, however they were taken."""
        self.match = float(thresholds["match"])
        """Cosine from which on a face is that of a reference."""

    @property
    def use(self) -> ModelUse:
        """Name and digest, for the statement."""
        return self._model.use

    def embed(self, image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Embedding:
        """The face of a BGR image (height, width, 3) uint8 with FaceMesh `landmarks` (478, 3)."""
        points = landmarks[FIVE_POINTS, :2]
        if self._grey:
            # Only what the chip will show is turned to grey.
            left, top = np.maximum(points.min(axis=0) - np.ptp(points, axis=0).max(), 0).astype(int)
            right, bottom = (points.max(axis=0) + np.ptp(points, axis=0).max()).astype(int) + 2
            part = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
            chip = cut_chip(np.asarray(part, np.uint8), points - np.array([left, top], np.float32), self._size_px)
        else:
            chip = cut_chip(image, points, self._size_px)[..., ::-1]
        found = self._model.run(images=prepare_image(chip, self._model.manifest))["embedding"][0]
        return np.asarray(found, np.float32).copy()
