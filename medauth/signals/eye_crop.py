"""A square picture of one eye, level with its corners, cut as the eye-state model expects it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

LEFT_CORNERS, RIGHT_CORNERS = (362, 263), (33, 133)
"""FaceMesh indices of the person's eyes' corners, the one that is left in an unmirrored picture first."""


def crop_eye(image: NDArray[np.uint8], corners: NDArray[np.float32], size_px: int, side: float) -> NDArray[np.uint8]:
    """Square of `side` corner distances about the eye, level with it: grey uint8 [size_px, size_px].

    `image` is grey (height, width) or BGR (height, width, 3); `corners` float32 [2, 2] are the eye's corners in it, left
    one in the picture first.
    """
    across = corners[1] - corners[0]
    length = max(1.0, math.hypot(float(across[0]), float(across[1])))
    scale = size_px / (length * side)
    centre = corners.mean(axis=0, dtype=np.float64)
    part, corner = _around(image, centre, length * side)
    if scale < 1.0:  # each pixel of the crop covers several of the image: average them
        width = max(1, round(1 / scale))
        part = cv2.blur(part, (width, width)).astype(np.uint8, copy=False)
    turn = math.atan2(float(across[1]), float(across[0]))
    rotation = scale * np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    shift = (size_px - 1) / 2 - rotation @ (centre - corner)
    matrix = np.column_stack([rotation, shift])
    drawn = cv2.warpAffine(part, matrix, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)
    return drawn.astype(np.uint8, copy=False)


def _around(
    image: NDArray[np.uint8], centre: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The grey part of the image within `reach` pixels of `centre`, and its upper left corner."""
    height, width = image.shape[:2]
    left, top = (int(min(max(0.0, at - reach), limit - 1)) for at, limit in zip(centre, (width, height), strict=True))
    right, bottom = int(min(width, centre[0] + reach + 2)), int(min(height, centre[1] + reach + 2))
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    if part.ndim == 3:  # noqa: PLR2004  # colour
        part = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)
    return part, np.array([left, top], np.float64)
