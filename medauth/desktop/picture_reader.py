"""Expressions in pictures: the faces that a detector finds, and what each of them shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.signals.emotion_reader import EmotionReader
from medauth.signals.face_finders import FaceFinder
from medauth.signals.face_quality import Box, box_of
from medauth.signals.found_face import FoundFaceTracker, roomy


@dataclass(frozen=True, slots=True, eq=False)
class ReadFace:
    """One face of a picture."""

    box: Box
    emotions: Mapping[str, float]
    crop: NDArray[np.uint8]
    """The head, with room around it, (h, w, 3) uint8 BGR."""

    @property
    def expression(self) -> str:
        """The likeliest."""
        return max(self.emotions, key=self.emotions.__getitem__)

    @property
    def confidence(self) -> float:
        """Its probability."""
        return self.emotions[self.expression]


class PictureReader:
    """Reads pictures one by one; belongs to one thread. `close` frees the mesh."""

    def __init__(self, finder: FaceFinder, reader: EmotionReader) -> None:
        self._finder = finder
        self._reader = reader
        self._faces = FoundFaceTracker(finder)

    def read(self, image: NDArray[np.uint8]) -> Sequence[ReadFace]:
        """Every face of a picture (height, width, 3) uint8 BGR that the mesh sees too, the largest first."""
        found: list[ReadFace] = []
        for box in sorted(self._finder.find(image), key=lambda box: box.left - box.right):
            track = self._faces.within(image, box)
            # Around a small box the mesh may see the large face beside it once more.
            if track is not None and not any(_within(box_of(track.landmarks), face.box) for face in found):
                emotions = dict(zip(self._reader.classes, map(float, self._reader.look(image, track)), strict=True))
                face = box_of(track.landmarks)
                left, top, right, bottom = roomy(face, image.shape)
                found.append(ReadFace(face, emotions, image[top:bottom, left:right].copy()))
        return found

    def close(self) -> None:
        """Frees the mesh."""
        self._faces.close()


def _within(box: Box, other: Box) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return other.left <= x <= other.right and other.top <= y <= other.bottom
