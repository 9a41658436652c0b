"""An upright square picture of the face, placed by five points that neither lids nor mouth move.

Face embeddings compare faces only when all are cut alike. The places are those of dlib's five-point shape with a padding
of a quarter (King, "Dlib-ml", JMLR 2009): the four corners of the eyes and the base of the nose; the similarity that takes
the five points nearest to them is Umeyama's ("Least-squares estimation of transformation parameters", TPAMI 1991).
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FIVE_POINTS = np.array([33, 133, 362, 263, 2], dtype=np.intp)
"""FaceMesh: corners of the eye that is left in the picture, of the other one, base of the nose."""
_PLACES = np.array(
    [[0.1206, 0.2137], [0.3341, 0.2291], [0.6461, 0.2290], [0.8596, 0.2135], [0.4901, 0.6278]], dtype=np.float64
)
_PADDING = 0.25
CHIP = (_PLACES + _PADDING) / (1 + 2 * _PADDING)
"""(5, 2) places of the five points as fractions of the chip's side."""
_FINEST = 4


def cut_chip(
    image: NDArray[np.uint8], points: NDArray[np.floating[Any]], size_px: int, reach: float = 1.0
) -> NDArray[np.uint8]:
    """The face as (size_px, size_px) or (size_px, size_px, 3) uint8, from an image of as many channels.

    `points` (5, 2) are `FIVE_POINTS` in pixels of the image. With `reach` above 1 the picture shows more around the chip.
    """
    places = 0.5 + (CHIP - 0.5) / reach
    matrix = similarity(np.asarray(points, np.float64), places * size_px)
    # A pixel of the chip covers 1/scale pixels of the image: draw finer, then average, or edges flicker.
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    finer = min(_FINEST, max(1, math.ceil(0.75 / max(scale, 1e-6))))
    side = size_px * finer
    drawn = cv2.warpAffine(image, matrix * finer, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if finer > 1:
        drawn = cv2.resize(drawn, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return drawn.astype(np.uint8, copy=False)


def similarity(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 2x3 turn, scale and shift that takes `points` (n, 2) nearest to `places` (n, 2); never a mirror image."""
    from_mean, to_mean = points.mean(axis=0), places.mean(axis=0)
    # As complex numbers a turn with a scale is one factor, and least squares is one division.
    before = (points - from_mean) @ np.array([1, 1j])
    after = (places - to_mean) @ np.array([1, 1j])
    factor = np.vdot(before, after) / max(float(np.vdot(before, before).real), 1e-12)
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, to_mean - turn @ from_mean])
