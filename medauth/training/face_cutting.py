"""Faces for a training set, cut exactly as a check cuts them: by the face track, eyes level, 48 pixels, grey."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.folders import Item
from medauth.evaluation.still import Onlooker, Unusable, read_picture
from medauth.signals.face_crop import FaceBox, crop_face

SIDE_PX = 48
_CROP_PX = 100
"""A picture no larger than this shows nothing but the face."""


class FaceCutter:
    """Use it as a context manager; the face track is started with the first picture that needs one."""

    def __init__(self, box: FaceBox | None = None) -> None:
        self._box = box or FaceBox()
        self._onlooker: Onlooker | None = None

    def cut(self, path: Path) -> NDArray[np.uint8] | None:
        """The face of a picture file, uint8 (48, 48); None where there is none that can be judged."""
        item = Item(path, path.name, "face")
        try:
            image = read_picture(item)
            if max(image.shape[:2]) <= _CROP_PX:
                grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
                return np.asarray(cv2.resize(grey, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)
            if self._onlooker is None:
                self._onlooker = Onlooker()
            seen, track = self._onlooker.still(item)
        except Unusable:
            return None
        return crop_face(seen, track.landmarks, SIDE_PX, self._box, track.quality.size_px)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._onlooker is not None:
            self._onlooker.__exit__(None, None, None)
