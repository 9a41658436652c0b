"""Mean colours of bare skin, where light and pulse are read: forehead and cheeks, each frame looked at once.

Patches follow landmarks that lie on skin in most people: above the brows and over the cheekbones, clear of eyes, mouth,
beard and glasses. They are boxes, not polygons: a mean over some hundred pixels costs a hundredth of a millisecond.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import Observation

FOREHEAD, RIGHT_CHEEK, LEFT_CHEEK = range(3)
_CENTRES = ((151, 9), (50, 205), (280, 425))
"""Pairs of landmarks; a patch lies in the middle of each."""
_HALF_WIDTH, _HALF_HEIGHT = 0.17, 0.10
"""In distances between the outer eye corners."""
_LEAST_PX = 2
TURNED_DEGREES = 22.0
"""Beyond this the cheek on the far side is seen from its edge."""


class SkinPatches:
    """Patches of one check's frames. Signals that share an object share the work."""

    def __init__(self) -> None:
        self._index = -1
        self._colours: NDArray[np.float64] | None = None

    def of(self, observation: Observation) -> NDArray[np.float64] | None:
        """(3, 3) float64: forehead, the person's right and left cheek, each as mean red, green and blue, 0-255. A patch
        out of sight is NaN; None without a face."""
        if observation.frame.index != self._index or self._index < 0:
            self._index = observation.frame.index
            self._colours = _measured(observation)
        return self._colours


def _measured(observation: Observation) -> NDArray[np.float64] | None:
    track = observation.track
    if track is None:
        return None
    image, eyes_px = observation.frame.image, track.quality.size_px
    half_width, half_height = (max(_LEAST_PX, round(share * eyes_px)) for share in (_HALF_WIDTH, _HALF_HEIGHT))
    height, width = image.shape[:2]
    colours = np.full((3, 3), np.nan)
    for number, (one, other) in enumerate(_CENTRES):
        if _turned_away(number, track.pose.yaw):
            continue
        x, y = ((track.landmarks[one, :2] + track.landmarks[other, :2]) / 2).tolist()
        left, top = round(x) - half_width, round(y) - half_height
        right, bottom = left + 2 * half_width, top + 2 * half_height
        if left >= 0 and top >= 0 and right <= width and bottom <= height:
            colours[number] = cv2.mean(image[top:bottom, left:right])[2::-1]
    return colours


def _turned_away(patch: int, yaw: float) -> bool:
    """Turning to their left, a person hides the left cheek."""
    return (patch == LEFT_CHEEK and yaw > TURNED_DEGREES) or (patch == RIGHT_CHEEK and yaw < -TURNED_DEGREES)
