"""A darkened part of the picture with letters and lines on it, drawn anew only when what it says has changed.

Letters are the dear part of an overlay: at 1920x1080 they cost more than the picture's own way to the screen. What is said
changes ten times a second, the picture under it sixty times.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.report.overlay import Picture

_SHADE = 0.45


class Panel:
    """One of them; remembers what it drew last."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._layer: Picture = np.zeros((1, 1, 3), np.uint8)
        self._drawn: NDArray[np.uint8] = np.zeros((1, 1), np.uint8)

    def put(
        self, picture: Picture, box: tuple[int, int, int, int], says: Hashable, draw: Callable[[Picture], None]
    ) -> None:
        """Darkens `box` (left, top, right, bottom) of the picture itself and lays on what `draw` drew onto black.

        `draw` is called when `says` or the size is another than the last time, with (bottom - top, right - left, 3) uint8.
        """
        left, top = max(0, box[0]), max(0, box[1])
        part = picture[top : box[3], left : box[2]]
        if not part.size:
            return
        if (says, part.shape) != self._key:
            self._key = (says, part.shape)
            self._layer = np.zeros(part.shape, np.uint8)
            draw(self._layer)
            self._drawn = np.asarray(self._layer.max(axis=2) > 0, np.uint8)
        cv2.convertScaleAbs(part, dst=part, alpha=_SHADE)
        cv2.copyTo(self._layer, self._drawn, part)
