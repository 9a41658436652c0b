"""What facial muscles do to the regions of the face: the patterns that a movement must follow to be an expression.

Directions after Ekman, Friesen & Hager, "Facial Action Coding System" (2002); both sides alike, every region that takes
part by the same distance. Whatever fits none of them is a head that turned, a shadow or a flaw of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_flow import NAMES

_IN_OUT = {"right": -1.0, "left": 1.0}
"""x of *outward* for the person's own sides, in the unmirrored picture."""

_PULLS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "brows up": {"brow, inner": (0.0, 1.0), "brow, outer": (0.0, 1.0)},
    "inner brows up": {"brow, inner": (0.0, 1.0)},
    "brows down": {"brow, inner": (-0.5, -1.0), "brow, outer": (-0.2, -0.6)},
    "nose wrinkled": {"nose wing": (0.0, 1.0), "brow, inner": (-0.2, -0.7), "upper lip": (0.0, 0.5)},
    "upper lip up": {"upper lip": (0.0, 1.0), "nose wing": (0.2, 0.6)},
    "mouth corners up": {"mouth corner": (0.7, 0.7)},
    "mouth corners apart": {"mouth corner": (1.0, 0.0)},
    "mouth corners down": {"mouth corner": (0.2, -1.0)},
    "chin up": {"chin": (0.0, 1.0), "lower lip": (0.0, 0.8)},
    "jaw down": {"chin": (0.0, -1.0), "lower lip": (0.0, -1.0)},
    "lips apart": {"lower lip": (0.0, -1.0)},
}
"""By action, region and (outward, up). FACS: 1+2, 1, 4, 9, 10, 12, 14 and 20, 15, 17, 26, 25."""

ACTIONS = tuple(_PULLS)
UPPER = tuple(index for index, name in enumerate(ACTIONS) if "brow" in name)
LOWER = tuple(index for index in range(len(ACTIONS)) if index not in UPPER)


def _pattern(pulls: Mapping[str, tuple[float, float]]) -> NDArray[np.float32]:
    moves = np.zeros((len(NAMES), 2), np.float32)
    for index, name in enumerate(NAMES):
        side, _, part = name.partition(" ")
        way, place = (_IN_OUT[side], part) if side in _IN_OUT else (0.0, name)
        outward, up = pulls.get(place, (0.0, 0.0))
        moves[index] = way * outward, -up
    return moves


PATTERNS = np.stack([_pattern(pulls) for pulls in _PULLS.values()])
"""(actions, regions, 2) float32: shifts in the picture, x to the right and y down, of an action of one pixel."""


def amounts(moves: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each action is performed: (..., actions) in pixels, from shifts (..., regions, 2), by least squares."""
    flat = PATTERNS.reshape(len(ACTIONS), -1)
    return np.asarray(
        moves.reshape(*moves.shape[:-2], -1) @ (flat / (flat**2).sum(axis=1, keepdims=True)).T, np.float32
    )


def explained(moves: NDArray[np.float32], most: int = 3) -> float:
    """Share of the movement's energy that at most `most` actions account for; `moves` (regions, 2), eyes not counted.

    Matching pursuit (Mallat & Zhang 1993) with actions that only pull, never push.
    """
    flat = PATTERNS.reshape(len(ACTIONS), -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    left = np.where(_EXPRESSIVE[:, None], moves, 0.0).ravel()
    whole = float(left @ left)
    for _ in range(most):
        fit = flat @ left
        best = int(fit.argmax())
        left = left - max(0.0, float(fit[best])) * flat[best]
    return 1.0 - float(left @ left) / whole if whole > 0.0 else 0.0


_EXPRESSIVE = np.array([not name.endswith("eye") for name in NAMES])
"""Lids and irises move on their own all the time: they are reported with an event and never make or break one."""
