"""Mouth and brows as numbers, in the head's own frame, so that a turn of the head does not look like a smile."""

from __future__ import annotations

import numpy as np

from medauth.protocol.observation import FaceTrack
from medauth.signals.head_pose import Floats, in_head_frame

CLEAR_SMILE = 0.14
CLEAR_BROWS = 0.045
CLEAR_OPENING = 0.22
"""Of a clear expression, in distances between the outer eye corners."""

# FaceMesh: corners of the mouth, inner lips, and the middle of both brows.
_CORNERS = (61, 291)
_LIPS = (13, 14)
_BROWS = (105, 66, 334, 296)
_POINTS = np.array([*_CORNERS, *_LIPS, *_BROWS], dtype=np.intp)


def expression_shape(track: FaceTrack) -> Floats:
    """(3,) float64 in eye distances: how far the corners of the mouth are apart and up, how high the brows are, and the gap
    between the lips."""
    points = in_head_frame(track, _POINTS)
    right, left, upper, lower = points[:4]
    corners = (left[0] - right[0]) + (left[1] + right[1]) / 2
    return np.array([corners, points[4:, 1].mean(), float(np.linalg.norm(upper - lower))])
