"""A face track over single pictures: a detector finds the face, the mesh looks at that part alone.

So faces are judged that are too small for the mesh in the whole picture, and the detector is one's own choice.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame
from medauth.signals.face_finders import FaceFinder
from medauth.signals.face_quality import Box, box_of, measure_quality
from medauth.signals.face_track import MAX_MISFIT, StillMesh
from medauth.signals.head_pose import fit_head

_ROOM = 0.45
"""Of the box's side, around it: detectors box the features, the mesh wants the whole head."""
_LEAST_PX = 320
"""A smaller part is enlarged before the mesh sees it."""


class FoundFaceTracker:
    """A `FaceTracker` whose pictures need not follow each other. The largest face is judged. One thread."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._mesh = StillMesh()

    def track(self, frame: Frame) -> tuple[FaceTrack | None, CaptureProblem | None]:
        boxes = sorted(self._finder.find(frame.image), key=lambda box: box.left - box.right)
        for box in boxes:
            track = self.within(frame.image, box)
            if track is not None:
                return track, None
        return None, CaptureProblem.NO_FACE

    def within(self, image: NDArray[np.uint8], box: Box) -> FaceTrack | None:
        """The face in a box of a picture (height, width, 3) uint8 BGR; None where the mesh sees none."""
        left, top, right, bottom = roomy(box, image.shape)
        part = image[top:bottom, left:right]
        if not part.size:
            return None
        grow = max(1.0, _LEAST_PX / min(part.shape[:2]))
        size = (round(part.shape[1] * grow), round(part.shape[0] * grow))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC) if grow > 1 else part, np.uint8)
        landmarks = self._mesh.landmarks(np.ascontiguousarray(part))
        if landmarks is None:
            return None
        landmarks = landmarks / np.float32(grow) + np.array([left, top, 0], np.float32)
        head = fit_head(landmarks)
        if head.misfit > MAX_MISFIT:
            return None
        return FaceTrack(landmarks, head.pose, measure_quality(image, box_of(landmarks), head.size_px))

    def close(self) -> None:
        self._mesh.close()


def roomy(box: Box, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a box with room around it, within the picture."""
    room = _ROOM * max(box.right - box.left, box.bottom - box.top)
    left, top = max(0, int(box.left - room)), max(0, int(box.top - room))
    return left, top, min(shape[1], int(box.right + room)), min(shape[0], int(box.bottom + room))
