"""What a face does, as 27 lengths between points of its mesh: lids, brows, nose, lips, corners of the mouth, jaw.

All in the head's own frame and in distances between the outer eye corners, so that a turned, near or far head measures the
same. A length says something only against the same length at rest: of this person, from the film itself, or, for a single
picture, of people in general. How far people differ at rest (`SPREAD`) is the unit in both cases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import LANDMARK_COUNT, FaceTrack
from medauth.signals.head_pose import Floats, in_head_frame

_INNER, _OUTER = (133, 362), (33, 263)
_NOSE_BASE = 2
_SIDES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "brow, inner": ((55, 107, 65, 66), (285, 336, 295, 296)),
    "brow, outer": ((46, 70, 53, 63), (276, 300, 283, 293)),
    "upper lid": ((159, 158, 160), (386, 385, 387)),
    "lower lid": ((145, 144, 153), (374, 373, 380)),
    "cheek": ((117, 118, 50, 101), (346, 347, 280, 330)),
    "nose wing": ((64, 98, 129), (294, 327, 358)),
    "upper lip": ((39, 40), (269, 270)),
}
"""FaceMesh points by part, the person's right and left; their height is measured."""
_ALL = np.arange(LANDMARK_COUNT, dtype=np.intp)

NAMES: tuple[str, ...] = (
    *(f"{side} {part}" for part in (*_SIDES, "corner up", "corner curve", "corner out") for side in ("right", "left")),
    "brow gap", "lip gap", "upper lip, thick", "lower lip, thick", "lower lip", "jaw", "chin",
)  # fmt: skip
"""Of the measures, in their order."""

# Of 6,895 pictures of resting faces (FER2013's, the training part, where most of ten labellers saw no expression, heads
# turned by less than 20 degrees), both sides made alike. Those tiles are small: on a camera's picture people spread less.
_SIDED_REST = (0.2385, 0.1885, 0.0608, -0.0310, -0.2521, -0.4416, -0.2029, -0.2746, -0.0118, 0.2680)
_SIDED_SPREAD = (0.0393, 0.0316, 0.0212, 0.0107, 0.0217, 0.0320, 0.0325, 0.0380, 0.0202, 0.0355)
_MIDDLE_REST = (0.3019, 0.0262, 0.0743, 0.1031, -0.3790, -0.7261, -0.2188)
_MIDDLE_SPREAD = (0.0260, 0.0442, 0.0169, 0.0224, 0.0553, 0.0593, 0.0496)

REST: Floats = np.array([*np.repeat(_SIDED_REST, 2), *_MIDDLE_REST])
SPREAD: Floats = np.array([*np.repeat(_SIDED_SPREAD, 2), *_MIDDLE_SPREAD])
"""Mean and standard deviation of the measures on resting faces."""


def measure_face(track: FaceTrack) -> Floats:
    """(27,) float64 in distances between the outer eye corners, by `NAMES`; up, outward and open are positive."""
    return measures_of(in_head_frame(track, _ALL))


def measures_of(points: Floats) -> Floats:
    """The same from all 478 points in the head frame (x to the person's left, y up)."""
    y, x = points[:, 1], points[:, 0]
    base = y[_NOSE_BASE]
    found: list[float] = []
    for part, sides in _SIDES.items():
        for side, members in enumerate(sides):
            found.append(float(y[list(members)].mean() - _level(y, part, side)))
    middle = (y[13] + y[14]) / 2
    corners = (61, 291)
    found += [float(y[corner] - base) for corner in corners]
    found += [float(y[corner] - middle) for corner in corners]
    found += [float(way * (x[corner] - x[_NOSE_BASE])) for way, corner in zip((-1, 1), corners, strict=True)]
    found += [
        float(x[285] - x[55]), float(y[13] - y[14]), float(y[0] - y[13]), float(y[14] - y[17]), float(y[17] - base),
        float(y[152] - base), float(y[199] - y[17]),
    ]  # fmt: skip
    return np.array(found)


def _level(y: NDArray[np.float64], part: str, side: int) -> float:
    """What a part's height is measured from."""
    if part == "upper lip":
        return float(y[_NOSE_BASE])
    if part.endswith("lid"):
        return float((y[_INNER[side]] + y[_OUTER[side]]) / 2)
    return float(y[_OUTER[side]] if part == "brow, outer" else y[_INNER[side]])
