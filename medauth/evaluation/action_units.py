"""Facial action units as displacements of mesh points, and the combinations that stand for an emotion.

Which muscle moves what where: Ekman, Friesen & Hager, "Facial Action Coding System" (2002). Combinations: the same
authors' emotion predictions and what coders of spontaneous micro-expressions noted (Yan et al., "CASME II", PLOS ONE
2014; Davison et al., "SAMM", IEEE TAC 2018); three classes as in the Micro-Expression Grand Challenge (See et al., FG
2019). Displacements are of our own drawing, not measured on faces: directions follow the muscles, sizes are relative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("negative", "positive", "surprise")


@dataclass(frozen=True, slots=True)
class Pull:
    """Mesh points that move together. `outward` is away from the midline, `up` towards the forehead; 1 is the most."""

    right: tuple[int, ...]
    """On the person's right; a point of the midline moves only up or down."""
    left: tuple[int, ...]
    outward: float
    up: float


_BROW_INNER = ((55, 107, 65, 66), (285, 336, 295, 296))
_BROW_OUTER = ((46, 70, 53, 63), (276, 300, 283, 293))
_BROW = ((55, 107, 65, 66, 52, 105, 53, 63, 46, 70), (285, 336, 295, 296, 282, 334, 283, 293, 276, 300))
_FOREHEAD = ((69, 104), (299, 333))
_UPPER_LID = ((159, 158, 160), (386, 385, 387))
_LOWER_LID = ((145, 144, 153), (374, 373, 380))
_CHEEK = ((117, 118, 50, 101), (346, 347, 280, 330))
_NOSE_WING = ((48, 64, 98, 129), (278, 294, 327, 358))
_NOSE_SIDE = ((122, 174, 198), (351, 399, 420))
_CORNER = ((61, 78, 146, 185), (291, 308, 375, 409))
_FOLD = ((205, 206, 216), (425, 426, 436))
_UPPER_LIP = ((39, 40, 81, 82), (269, 270, 311, 312))
_UPPER_LIP_MIDDLE = ((0, 13), ())
_LOWER_LIP = ((84, 181, 91, 87, 178), (314, 405, 321, 317, 402))
_LOWER_LIP_MIDDLE = ((17, 14), ())
_CHIN = ((152, 148, 176, 199, 175, 171), (377, 400, 396))


def _pull(points: tuple[tuple[int, ...], tuple[int, ...]], outward: float, up: float) -> Pull:
    return Pull(points[0], points[1], outward, up)


ACTION_UNITS: Mapping[int, tuple[Pull, ...]] = {
    1: (_pull(_BROW_INNER, 0.0, 1.0), _pull(_FOREHEAD, 0.0, 0.5)),
    2: (_pull(_BROW_OUTER, 0.0, 1.0), _pull(_FOREHEAD, 0.0, 0.4)),
    4: (_pull(_BROW, -0.35, -0.75), _pull(_BROW_INNER, -0.6, -0.8)),
    5: (_pull(_UPPER_LID, 0.0, 0.8),),
    6: (_pull(_CHEEK, 0.0, 0.8), _pull(_LOWER_LID, 0.0, 0.45)),
    7: (_pull(_LOWER_LID, -0.1, 0.7), _pull(_UPPER_LID, 0.0, -0.4)),
    9: (
        _pull(_NOSE_WING, 0.1, 0.9),
        _pull(_NOSE_SIDE, 0.0, 0.7),
        _pull(_BROW_INNER, -0.2, -0.6),
        _pull(_UPPER_LIP, 0.0, 0.4),
    ),
    10: (
        _pull(_UPPER_LIP, 0.0, 1.0),
        _pull(_UPPER_LIP_MIDDLE, 0.0, 0.8),
        _pull(_NOSE_WING, 0.2, 0.6),
        _pull(_FOLD, 0.0, 0.4),
    ),
    12: (_pull(_CORNER, 0.75, 0.75), _pull(_FOLD, 0.35, 0.5), _pull(_CHEEK, 0.0, 0.3)),
    14: (_pull(_CORNER, 0.8, 0.0), _pull(_FOLD, 0.3, -0.15)),
    15: (_pull(_CORNER, 0.15, -1.0), _pull(_LOWER_LIP, 0.0, -0.3)),
    17: (_pull(_CHIN, 0.0, 0.9), _pull(_LOWER_LIP, 0.0, 0.7), _pull(_LOWER_LIP_MIDDLE, 0.0, 0.7)),
    20: (_pull(_CORNER, 1.0, -0.2), _pull(_LOWER_LIP, 0.3, -0.1)),
    25: (_pull(_LOWER_LIP, 0.0, -0.7), _pull(_LOWER_LIP_MIDDLE, 0.0, -0.8)),
    26: (
        _pull(_CHIN, 0.0, -1.0),
        _pull(_LOWER_LIP, 0.0, -0.9),
        _pull(_LOWER_LIP_MIDDLE, 0.0, -0.9),
        _pull(_CORNER, -0.1, -0.35),
    ),
}

COMBINATIONS: Mapping[str, Sequence[tuple[int, ...]]] = {
    "positive": ((12,), (6, 12), (6, 12), (12, 25), (6, 12, 25)),
    "surprise": ((1, 2), (1, 2, 5), (1, 2, 25), (1, 2, 5, 26), (1, 2, 26), (5, 26), (1, 2, 5, 25)),
    "negative": (
        (4,),
        (4,),
        (4, 7),
        (4, 9),
        (9,),
        (10,),
        (4, 10),
        (14,),
        (15,),
        (15, 17),
        (1, 4),
        (1, 4, 15),
        (4, 17),
        (7, 10),
        (14, 17),
        (20,),
        (1, 4, 20),
    ),
}
"""Repression, anger, contempt, disgust, sadness and fear are all *negative*; a combination listed twice is commoner."""

ONE_SIDED = frozenset({(14,), (10,), (12,), (15,)})
"""Combinations that faces also show on one side alone."""

_OUTER_RIGHT, _OUTER_LEFT = 33, 263
# Eyes, bridge and tip of the nose, lips and cheeks: they stay where they are unless a unit moves them.
_HELD = (33, 133, 159, 145, 362, 263, 386, 374, 6, 168, 4, 1, 10, 0, 17, 61, 291, 205, 425, 50, 280, 234, 454, 172, 397)


def point_moves(
    landmarks: NDArray[np.float32], strengths: Mapping[int, float], sides: tuple[float, float] = (1.0, 1.0)
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which mesh points move and how far: int [P], float64 [P, 2] in eye distances times strength.

    `landmarks` float32 (478, 3) give the face's own axes; `sides` weighs the person's right and left.
    """
    across = (landmarks[_OUTER_LEFT, :2] - landmarks[_OUTER_RIGHT, :2]).astype(np.float64)
    across /= max(1e-6, float(np.hypot(*across)))
    upward = np.array([across[1], -across[0]])
    moves: dict[int, NDArray[np.float64]] = {point: np.zeros(2) for point in _HELD}
    for unit, strength in strengths.items():
        for pull in ACTION_UNITS[unit]:
            for points, way, side in ((pull.right, -1.0, sides[0]), (pull.left, 1.0, sides[1])):
                shift = strength * side * (way * pull.outward * across + pull.up * upward)
                if not pull.left:  # the midline goes with the stronger side
                    shift = strength * max(sides) * pull.up * upward
                for point in points:
                    moves[point] = moves.get(point, np.zeros(2)) + shift
    order = sorted(moves)
    return np.array(order, dtype=np.intp), np.array([moves[point] for point in order]).reshape(-1, 2)
