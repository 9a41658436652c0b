"""Whether the tracked face is alone: looked for four times a second in the whole picture, and between that in a quarter of it.

The detector (`face_detector`) squeezes what it is given into 128 x 128, in which a face needs 16 or so across: a second one
an eighth as wide as the picture. A face three tenths as wide as that of a person at a camera is smaller. So every
look is followed, in a later frame, by one at a quarter of the picture, the four in turn, in which it is nearly twice as large.

Half a face beside something soft looks like one to the detector, where a quarter cuts the tracked one and in the whole
picture too: hair, an ear, a blurred room. So nobody counts whom a detector that was trained apart does not see in the middle
of a picture of their own. A quarter that shows somebody is looked at again before any other, so that one look alone is never a
person (`coverage.SEVERAL_FACES_MS`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_detector import overlap
from medauth.signals.face_quality import Box

EVERY_MS = 250.0
"""How often is looked."""
MIN_SHARE = 0.3
"""A face narrower than this share of the tracked one stands far behind: somebody passing, or a picture on the wall."""
PART = 0.55
"""Of the longer side: what a quarter is wide and high, so that a face on the line between two is whole in one of them."""
ROOM = 3.0
"""How wide the picture is in which a find is looked at again, by the find: it then is 64 of the 192 pixels wide."""
SAME = 0.3
"""Shared part of the union of two boxes of one face."""
_ALL = 4

Part = tuple[int, int, int]
"""Where a square of a picture begins (x, y), and its side, in pixels; what lies beyond the picture is left out."""
Find = Callable[[NDArray[np.uint8]], list[Box]]
"""Faces of a (height, width, 3) uint8 RGB picture in its pixels."""


class SecondFace:
    """Company of one tracked face: `find` looks for it, `confirm` is asked about each find."""

    def __init__(self, find: Find, confirm: Find) -> None:
        self._find, self._confirm = find, confirm
        self.forget()

    def forget(self) -> None:
        """Looks at once, and at all of it anew: whoever comes back may bring company."""
        self._looked_ms: float | None = None
        self._turn = 0
        self._owed = self._whole = self._close = False

    def seen(self, rgb: NDArray[np.uint8], tracked: Box, t_ms: float) -> bool:
        """Whether somebody else was there when last looked, at all of it or closer."""
        if self._looked_ms is None or t_ms - self._looked_ms >= EVERY_MS:
            if self._owed:  # frames come so seldom that none was between
                self._look_closer(rgb, tracked)
            self._looked_ms, self._owed = t_ms, True
            self._whole = self._another_in(rgb, (0, 0, max(rgb.shape[:2])), tracked)
        elif self._owed and t_ms - self._looked_ms >= EVERY_MS / 2:
            self._look_closer(rgb, tracked)
        return self._whole or self._close

    def _look_closer(self, rgb: NDArray[np.uint8], tracked: Box) -> None:
        self._close = self._another_in(rgb, _quarter(rgb, self._turn), tracked)
        if not self._close:
            self._turn = (self._turn + 1) % _ALL
        self._owed = False

    def _another_in(self, rgb: NDArray[np.uint8], part: Part, tracked: Box) -> bool:
        found = (face for face in _seen_in(rgb, part, self._find) if is_another(face, tracked))
        return any(self._is_there(rgb, face, tracked) for face in found)

    def _is_there(self, rgb: NDArray[np.uint8], face: Box, tracked: Box) -> bool:
        again = _seen_in(rgb, _around(rgb, face), self._confirm)
        return any(overlap(other, face) > SAME and is_another(other, tracked) for other in again)


def _seen_in(rgb: NDArray[np.uint8], part: Part, find: Find) -> list[Box]:
    left, top, side = part
    return [face.moved(left, top) for face in find(rgb[top : top + side, left : left + side])]


def is_another(other: Box, tracked: Box) -> bool:
    """True for a face that is not the tracked one itself and not far in the background."""
    x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    same = tracked.left <= x <= tracked.right and tracked.top <= y <= tracked.bottom
    return not same and other.right - other.left >= MIN_SHARE * (tracked.right - tracked.left)


def _quarter(rgb: NDArray[np.uint8], number: int) -> Part:
    height, width = rgb.shape[:2]
    side = round(PART * max(height, width))
    return max(0, width - side) * (number % 2), max(0, height - side) * (number // 2), side


def _around(rgb: NDArray[np.uint8], face: Box) -> Part:
    """The square with the face in its middle, moved into the picture where it ends."""
    height, width = rgb.shape[:2]
    side = round(ROOM * max(face.right - face.left, face.bottom - face.top))
    left, top = round((face.left + face.right - side) / 2), round((face.top + face.bottom - side) / 2)
    return max(0, min(left, width - side)), max(0, min(top, height - side)), side
