"""An upright, centred picture of the face, cut as a model expects it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

OUTER_RIGHT, OUTER_LEFT = 33, 263
_EYES = (33, 133, 362, 263)
_FINEST = 4
"""Large faces are drawn at most this much larger before they are averaged down."""


@dataclass(frozen=True, slots=True)
class FaceBox:
    """Where the face lies in a square picture, as fractions of its side.

    The defaults are the medians of 574 tiles of FER2013 (test part), measured with the refined mesh.
    """

    eyes_x: float = 0.5
    eyes_y: float = 0.39
    outer_eyes: float = 0.518
    """Distance between the outer eye corners of a face that looks straight ahead."""

    @classmethod
    def of(cls, preprocessing: Mapping[str, Any]) -> Self:
        """As a manifest states it under `face`."""
        return cls(**{key: float(value) for key, value in preprocessing.get("face", {}).items()})


def crop_face(
    image: NDArray[np.uint8], landmarks: NDArray[np.float32], size_px: int, box: FaceBox, eyes_px: float
) -> NDArray[np.uint8]:
    """Grey face (size_px, size_px) uint8 from a BGR image, the eyes level.

    `eyes_px` is the distance between the outer eye corners corrected for head turn (`FaceQuality.size_px`), so that a
    turned face is not magnified.
    """
    eyes = landmarks[list(_EYES), :2].mean(axis=0, dtype=np.float64)
    across = landmarks[OUTER_LEFT, :2] - landmarks[OUTER_RIGHT, :2]
    scale = box.outer_eyes * size_px / max(eyes_px, 1.0)
    grey, corner = _grey_around(image, eyes, size_px / scale)
    # A pixel of the crop covers 1/scale pixels of the image: draw finer, then average, or edges flicker.
    finer = min(_FINEST, max(1, math.ceil(0.75 / scale)))
    side = size_px * finer
    turn = math.atan2(float(across[1]), float(across[0]))
    cos, sin = scale * finer * math.cos(turn), scale * finer * math.sin(turn)
    rotation = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([box.eyes_x * side, box.eyes_y * side]) - rotation @ (eyes - corner)
    drawn = cv2.warpAffine(
        grey, np.column_stack([rotation, shift]), (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if finer > 1:
        drawn = cv2.resize(drawn, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return drawn.astype(np.uint8, copy=False)


def _grey_around(
    image: NDArray[np.uint8], centre: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the image within `reach` pixels, in grey, and its upper left corner: the rest is not converted."""
    height, width = image.shape[:2]
    left, top = (int(min(max(0.0, at - reach), limit - 1)) for at, limit in zip(centre, (width, height), strict=True))
    right, bottom = int(min(width, centre[0] + reach + 1)), int(min(height, centre[1] + reach + 1))
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    return cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False), np.array([left, top], np.float64)
