"""A schematic face as 478 marks: contours where they lie in people, everything else spread over the oval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL, INNER_LIPS, LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE
from medauth.training.face_bank import STORED_PX

_MIDDLE = STORED_PX / 2


def drawn_mesh() -> NDArray[np.float32]:
    """(478, 2) float32 in a picture of the bank: outer eye corners 72 pixels apart, lips a little open."""
    angle = np.arange(478) * 2.39996  # a sunflower: even, and never twice the same
    radius = np.sqrt((np.arange(478) + 0.5) / 478) * 0.9
    marks = np.stack([np.cos(angle) * 50, np.sin(angle) * 66], axis=1) * radius[:, None] + (_MIDDLE, _MIDDLE + 6)
    marks[4] = _MIDDLE, _MIDDLE + 12
    _ellipse(marks, FACE_OVAL, (_MIDDLE, _MIDDLE + 6), (54, 70), start=-np.pi / 2)
    _ellipse(marks, RIGHT_EYE, (_MIDDLE - 24, _MIDDLE - 14), (12, 5), start=np.pi)
    _ellipse(marks, LEFT_EYE, (_MIDDLE + 24, _MIDDLE - 14), (-12, 5), start=np.pi)
    _ellipse(marks, OUTER_LIPS, (_MIDDLE, _MIDDLE + 40), (24, 11), start=np.pi)
    _ellipse(marks, INNER_LIPS, (_MIDDLE, _MIDDLE + 40), (20, 4), start=np.pi)
    for brow, side in ((RIGHT_BROW, -1), (LEFT_BROW, 1)):
        across = np.r_[np.linspace(36, 10, 5), np.linspace(10, 36, 5)]
        marks[list(brow)] = np.stack([_MIDDLE + side * across, np.repeat((_MIDDLE - 30, _MIDDLE - 26), 5)], axis=1)
    return np.asarray(marks, np.float32)


def _ellipse(
    marks: NDArray[np.float64],
    indices: tuple[int, ...],
    middle: tuple[float, float],
    half: tuple[float, float],
    *,
    start: float,
) -> None:
    """Marks in the order of a pen, from `start` on."""
    angle = start + np.arange(len(indices)) * 2 * np.pi / len(indices)
    marks[list(indices)] = np.stack([np.cos(angle), np.sin(angle)], axis=1) * half + middle
