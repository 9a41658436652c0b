"""The square crops that the presentation attack net sees: the face alone, and the face with what surrounds it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def face_box(landmarks: NDArray[np.float32]) -> tuple[float, float, float]:
    """Centre x, centre y and width (ear to ear) of the face in pixels, from (n, 3) landmarks."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    centre = (low + high) / 2
    # A turned head looks narrow: its height stands in, by the proportion of a face seen from the front.
    width = max(float(high[0] - low[0]), 0.8 * float(high[1] - low[1]))
    return float(centre[0]), float(centre[1]), width


def cut_square(image: NDArray[np.uint8], centre: tuple[float, float], side: float, size_px: int) -> NDArray[np.uint8]:
    """A square of `side` pixels around `centre`, uint8 [size_px, size_px, 3], moved and if need be shrunk to lie inside
    the picture: nothing is made up beyond its edge.
    """
    height, width = image.shape[:2]
    whole = max(2, min(round(side), height, width))
    left, top = (
        int(min(max(round(at - whole / 2), 0), limit - whole))
        for at, limit in zip(centre, (width, height), strict=True)
    )
    part = image[top : top + whole, left : left + whole]
    way = cv2.INTER_AREA if whole > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (size_px, size_px), interpolation=way), np.uint8)
