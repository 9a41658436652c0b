"""How far the head moved from one frame to the next, by all its pixels at once: to some hundredths of a pixel.

A similarity (shift, turn, size) by least squares over brightness, one step of B. D. Lucas and T. Kanade, An iterative
image registration technique (IJCAI 1981). Forehead, cheeks, ears and hair count; eyes, brows and mouth are left out, since
a blink or a word moves them from one frame to the next. Of large movements it says less than there was, and never little.

One small grey picture of the last frame is kept, and nothing else.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.frame_print import Image

Grey = NDArray[np.float32]
SIDE = 60
"""The shorter side of the small picture."""
_CORNERS, _TOP, _CHIN, _MOUTH = (33, 263), 10, 152, (61, 291)
_EYES = ((33, 133), (263, 362))
# Half axes in distances between the outer eye corners.
_HEAD = (1.05, 1.35)
_LIFT = 0.15
"""The head with its hair reaches higher than the mesh."""
_EYE = (0.28, 0.17)
_LIPS = (0.42, 0.35)
_LEAST_PIXELS = 60
_DAMPING = 1.0
"""Added to the sums of squares: a face without any contrast has not moved far."""


class HeadStep:
    """Fed every frame."""

    def __init__(self) -> None:
        self._last: Grey | None = None
        self._track: FaceTrack | None = None
        self._size = (0, 0)

    def add(self, rows: Image, size: tuple[int, int], track: FaceTrack | None) -> float:
        """The step to this frame in distances between the outer eye corners, root mean square over the head; NaN where
        one of both frames shows no face, or they differ in size.

        `rows` (n, width) uint8 grey are evenly spaced rows of the frame, `size` is its (height, width).
        """
        scale = SIDE / max(1, min(size))
        shape = (max(1, round(size[1] * scale)), max(1, round(size[0] * scale)))
        # Across first: where the width is a multiple, as it mostly is, that takes a third of the time of both at once.
        narrow = cv2.resize(rows, (shape[0], len(rows)), interpolation=cv2.INTER_AREA)
        small = cv2.resize(narrow, shape, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, before, same = self._last, self._track, self._size == size
        self._last, self._track, self._size = small, track, size
        if last is None or before is None or track is None or not same:
            return math.nan
        return _step(last, small, before.landmarks[:, :2] * scale)


def _step(before: Grey, after: Grey, points: NDArray[np.float32]) -> float:
    right, left = points[_CORNERS[0]], points[_CORNERS[1]]
    eyes = float(np.hypot(*(left - right)))
    middle = (points[_TOP] + points[_CHIN]) / 2
    at = np.flatnonzero(_skin_and_hair(before.shape, points, eyes))
    if at.size < _LEAST_PIXELS:
        return math.nan
    # Without brightness and contrast: a lamp moves nobody.
    one, other = (picture.ravel()[at] for picture in (before, after))
    one -= one.mean()
    other -= other.mean()
    lit = other * (math.sqrt(float(one @ one)) / max(math.sqrt(float(other @ other)), 1e-3))
    mean = (before + after) / 2
    across = cv2.Sobel(mean, cv2.CV_32F, 1, 0, scale=1 / 8).ravel()[at]
    down = cv2.Sobel(mean, cv2.CV_32F, 0, 1, scale=1 / 8).ravel()[at]
    columns, lines = _grid(before.shape[0], before.shape[1])
    x, y = (columns[at] - middle[0]) / eyes, (lines[at] - middle[1]) / eyes
    slopes = np.stack([across, down, across * x + down * y, down * x - across * y])
    moved = np.linalg.solve(np.float64(slopes @ slopes.T) + _DAMPING * np.eye(4), np.float64(slopes @ (one - lit)))
    u, v = moved[0] + moved[2] * x - moved[3] * y, moved[1] + moved[2] * y + moved[3] * x
    return math.sqrt(float(u @ u + v @ v) / len(at)) / eyes


@lru_cache(maxsize=8)
def _grid(height: int, width: int) -> tuple[Grey, Grey]:
    """Column and line of every pixel, flat."""
    lines, columns = np.mgrid[:height, :width].astype(np.float32)
    return columns.ravel(), lines.ravel()


def _skin_and_hair(shape: tuple[int, ...], points: NDArray[np.float32], eyes: float) -> NDArray[np.uint8]:
    right, left = points[_CORNERS[0]], points[_CORNERS[1]]
    angle = math.degrees(math.atan2(*(left - right)[::-1].tolist()))
    mask = np.zeros(shape, np.uint8)

    def filled(centre: NDArray[np.float32], axes: tuple[float, float], value: int) -> None:
        sides = max(1, round(axes[0] * eyes)), max(1, round(axes[1] * eyes))
        cv2.ellipse(mask, (round(float(centre[0])), round(float(centre[1]))), sides, angle, 0, 360, (value,), -1)

    filled((points[_TOP] + points[_CHIN]) / 2 - np.array([0, _LIFT * eyes], np.float32), _HEAD, 1)
    for outer, inner in _EYES:
        filled((points[outer] + points[inner]) / 2, _EYE, 0)
    filled((points[_MOUTH[0]] + points[_MOUTH[1]]) / 2, _LIPS, 0)
    return mask
