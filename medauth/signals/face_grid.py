"""How bright sixteen parts of a face are against each other, by a grid that lies on the face wherever that is in the picture.

Another background, a film moved aside, scaled, turned or slowly zoomed leave a face's own parts as they were. The grid goes
by where the face was in the last second, not in this frame: the mesh trembles by as much as a face that keeps still moves,
and how a head moves in its grid is what is to be known again. What rows and columns have in common is taken off: bands that
roll over the picture, a lamp's flicker, drifting exposure and a screen's glow are mostly that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack

SIDE = 4
_FRAME = (10, 152, 234, 454)
"""Landmarks: top of the forehead, chin, sides of the face."""
_HALF_HEIGHT = 0.7
"""Of the grid, in halves of the way from chin to top: brows to chin, so that little background comes in when a head turns."""
_ASPECT = 0.8
_MEMORY_MS = 1_000.0
_CUT = 0.5
"""From one frame to the next, in halves of the face's height: no head moves or grows so far, the film was cut."""
_DARKEST = 4.0
"""Grey levels; darker is noise, and has no logarithm to speak of."""
_PLACES = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
_ACROSS, _DOWN = np.tile(_PLACES, SIDE), np.repeat(_PLACES, SIDE)

Sums = NDArray[np.int32]
Levels = NDArray[np.float32]
"""(16,) float32, row by row: logarithms of mean brightness, less what their row and their column have in common."""
Numbers = NDArray[np.float64]


class FaceGrid:
    """Fed every frame of one check in which there is a face."""

    def __init__(self) -> None:
        self._anchor = self._seen = np.zeros(4)
        self._t_ms = -math.inf

    def levels(self, t_ms: float, sums: Sums, height: int, track: FaceTrack) -> Levels:
        """`sums` are (n + 1, width + 1), as `cv2.integral` gives them of n evenly spaced rows of a frame of that `height`."""
        self._follow(t_ms, track)
        return _against_each_other(_means(sums, (len(sums) - 1) / height, self._anchor))

    def _follow(self, t_ms: float, track: FaceTrack) -> None:
        points = track.landmarks[_FRAME, :2].astype(np.float64)
        seen = np.concatenate([points.mean(axis=0), (points[0] - points[1]) / 2])
        gone = t_ms - self._t_ms
        leapt = float(np.abs(seen - self._seen).max()) > _CUT * math.hypot(seen[2], seen[3])
        if leapt or gone > _MEMORY_MS:
            self._anchor = seen
        else:
            self._anchor = self._anchor + (1 - math.exp(-gone / _MEMORY_MS)) * (seen - self._anchor)
        self._seen, self._t_ms = seen, t_ms


def _means(sums: Sums, rows_a_pixel: float, anchor: Numbers) -> Numbers:
    """(16,) mean brightness. Boxes stand upright at places that turn with the face: of a head that nobody tilts by more than
    some 20 degrees they cover the same."""
    half = max(1.0, math.hypot(anchor[2], anchor[3])) * _HALF_HEIGHT
    down = -anchor[2:] / max(1.0, math.hypot(anchor[2], anchor[3]))
    right = np.array([down[1], -down[0]])
    centres = anchor[:2] + half * (_ASPECT * _ACROSS[:, None] * right + _DOWN[:, None] * down)
    reach = half / SIDE * np.array([_ASPECT, 1.0])
    most = np.array(sums.shape[::-1], np.float64) - 1
    scale = np.array([1.0, rows_a_pixel])
    first, end = (np.clip((centres + way * reach) * scale, 0.0, most) for way in (-1, 1))
    # All corners in one go: right and left below, left and right above.
    x, y = np.stack([end[:, 0], first[:, 0]])[[0, 1, 1, 0]], np.stack([end[:, 1], first[:, 1]])[[0, 0, 1, 1]]
    total = np.array([1.0, -1.0, 1.0, -1.0]) @ _at(sums, x, y)
    # A box outside of the picture has no area, and is as dark as can be.
    return np.asarray(total / np.maximum((x[0] - x[1]) * (y[0] - y[2]), 1e-6))


def _at(sums: Sums, x: Numbers, y: Numbers) -> Numbers:
    """Between the pixels, too: a grid that creeps over the picture must not leap from pixel to pixel."""
    left = np.minimum(x.astype(np.intp), sums.shape[1] - 2)
    top = np.minimum(y.astype(np.intp), sums.shape[0] - 2)
    along, below = x - left, y - top
    flat, place, width = sums.ravel(), top * sums.shape[1] + left, sums.shape[1]
    upper, lower = flat[place].astype(np.float64), flat[place + width].astype(np.float64)
    upper += (flat[place + 1] - upper) * along
    lower += (flat[place + width + 1] - lower) * along
    return np.asarray(upper + (lower - upper) * below)


def _against_each_other(means: Numbers) -> Levels:
    levels = np.log(np.maximum(means, _DARKEST)).reshape(SIDE, SIDE)
    levels = levels - levels.mean(axis=1, keepdims=True)
    return np.asarray((levels - levels.mean(axis=0, keepdims=True)).ravel(), np.float32)
