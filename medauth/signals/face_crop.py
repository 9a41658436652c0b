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
_SEAM_PX = 2.0
"""Around what a crop shows: pixels that interpolation also reads."""


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
    image: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    size_px: int,
    box: FaceBox,
    eyes_px: float,
    *,
    colour: bool = False,
) -> NDArray[np.uint8]:
    """Grey face (size_px, size_px) uint8 from a BGR image, the eyes level; (size_px, size_px, 3) BGR with `colour`.

    `eyes_px` is the distance between the outer eye corners corrected for head turn (`FaceQuality.size_px`), so that a
    turned face is not magnified.
    """
    matrix = face_matrix(landmarks, size_px, box, eyes_px)
    scale = math.hypot(matrix[0, 0], matrix[0, 1])
    part, corner = _part_under(image, matrix, size_px)
    if not colour:
        part = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    # A pixel of the crop covers 1/scale pixels of the image: draw finer, then average, or edges flicker.
    finer = min(_FINEST, max(1, math.ceil(0.75 / scale)))
    matrix[:, 2] += matrix[:, :2] @ corner
    side = size_px * finer
    drawn = cv2.warpAffine(part, matrix * finer, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if finer > 1:
        drawn = cv2.resize(drawn, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return drawn.astype(np.uint8, copy=False)


def draw_small(
    image: NDArray[np.uint8], landmarks: NDArray[np.float32], size_px: int, box: FaceBox, eyes_px: float
) -> NDArray[np.uint8]:
    """The grey face of `crop_face`, a little softer, for a fifth of the time where faces are large.

    Blocks of pixels are averaged before the crop is drawn. Their lattice is the picture's, not the face's: it may not
    jump with the landmarks.
    """
    matrix = face_matrix(landmarks, size_px, box, eyes_px)
    block = max(1, round(1 / math.hypot(matrix[0, 0], matrix[0, 1])))
    part, corner = _part_under(image, matrix, size_px, block)
    part = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    if block > 1:
        rows, columns = (max(1, length // block) for length in part.shape)
        whole = np.ascontiguousarray(part[: rows * block, : columns * block])
        part = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    # A block's middle lies (block - 1) / 2 behind its first pixel.
    matrix[:, 2] += matrix[:, :2] @ (corner + (block - 1) / 2)
    matrix[:, :2] *= block
    drawn = cv2.warpAffine(part, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return drawn.astype(np.uint8, copy=False)


def face_matrix(landmarks: NDArray[np.float32], size_px: int, box: FaceBox, eyes_px: float) -> NDArray[np.float64]:
    """(2, 3): from pixels of the image to pixels of the crop."""
    across = landmarks[OUTER_LEFT, :2] - landmarks[OUTER_RIGHT, :2]
    scale = box.outer_eyes * size_px / max(eyes_px, 1.0)
    turn = math.atan2(float(across[1]), float(across[0]))
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    rotation = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([box.eyes_x * size_px, box.eyes_y * size_px]) - rotation @ _eyes_of(landmarks)
    return np.column_stack([rotation, shift])


def _eyes_of(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(landmarks[list(_EYES), :2].mean(axis=0, dtype=np.float64))


def _part_under(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], size_px: int, block: int = 1
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the image that the crop shows, and its upper left corner: the rest is not converted. It begins at a
    multiple of `block`, and ends at one where the picture does not end before."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [size_px, 0], [0, size_px], [size_px, size_px]], np.float64) - matrix[:, 2]
    # The matrix turns and scales: its inverse is its transpose over the scale squared.
    places = corners @ matrix[:, :2] / (matrix[0, 0] ** 2 + matrix[0, 1] ** 2)
    (left, top), (right, bottom) = places.min(axis=0) - _SEAM_PX, places.max(axis=0) + _SEAM_PX
    left, top = (int(min(max(0.0, at), limit - 1)) for at, limit in zip((left, top), (width, height), strict=True))
    left, top = left - left % block, top - top % block
    right, bottom = int(min(width, right + block)), int(min(height, bottom + block))
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    return part, np.array([left, top], np.float64)
