"""Whether the tracked face is alone: looked for four times a second in the whole picture, and between that in a quarter of it.

The detector (`face_detector`) squeezes what it is given into 128 x 128, in which a face needs 16 or so across: a second one
an eighth as wide as the picture. A face three tenths as wide as that of a person at a camera is smaller. So every
look is followed, in a later frame, by one at a quarter of the picture, the four in turn, in which it is nearly twice as large.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_quality import Box

EVERY_MS = 250.0
"""How often is looked."""
MIN_SHARE = 0.3
"""A face narrower than this share of the tracked one stands far behind: somebody passing, or a picture on the wall."""
PART = 0.55
"""Of the longer side: what a quarter is wide and high, so that a face on the line between two is whole in one of them."""
_ALL = 4

Find = Callable[[NDArray[np.uint8]], list[Box]]
"""Faces of a (height, width, 3) uint8 RGB picture in its pixels."""


class SecondFace:
    """Company of one tracked face."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.forget()

    def forget(self) -> None:
        """Looks at once, and at all of it anew: whoever comes back may bring company."""
        self._looked_ms: float | None = None
        self._turn = 0
        self._owed = self._whole = False
        self._quarters = [False] * _ALL

    def seen(self, rgb: NDArray[np.uint8], tracked: Box, t_ms: float) -> bool:
        """Whether somebody else was there when last looked: where a quarter showed somebody, until it is looked at again."""
        if self._looked_ms is None or t_ms - self._looked_ms >= EVERY_MS:
            if self._owed:  # frames come so seldom that none was between
                self._look_closer(rgb, tracked)
            self._looked_ms, self._owed = t_ms, True
            self._whole = any(is_another(face, tracked) for face in self._find(rgb))
        elif self._owed and t_ms - self._looked_ms >= EVERY_MS / 2:
            self._look_closer(rgb, tracked)
        return self._whole or any(self._quarters)

    def _look_closer(self, rgb: NDArray[np.uint8], tracked: Box) -> None:
        left, top, part = _quarter(rgb, self._turn)
        faces = (face.moved(left, top) for face in self._find(part))
        self._quarters[self._turn] = any(is_another(face, tracked) for face in faces)
        self._turn, self._owed = (self._turn + 1) % len(self._quarters), False


def is_another(other: Box, tracked: Box) -> bool:
    """True for a face that is not the tracked one itself and not far in the background."""
    x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    same = tracked.left <= x <= tracked.right and tracked.top <= y <= tracked.bottom
    return not same and other.right - other.left >= MIN_SHARE * (tracked.right - tracked.left)


def _quarter(rgb: NDArray[np.uint8], number: int) -> tuple[int, int, NDArray[np.uint8]]:
    """Where it begins (x, y), and its pixels."""
    height, width = rgb.shape[:2]
    side = round(PART * max(height, width))
    left = max(0, width - side) * (number % 2)
    top = max(0, height - side) * (number // 2)
    return left, top, rgb[top : top + side, left : left + side]
