"""Training faces as meshes: 478 landmarks of every tile that the face mesh understands, kept so that it looks once.

Tiles of 48 pixels are drawn four times as large first: the mesh was not made for anything so small. What it then makes of
them is coarser than on a camera's picture, which the card of whatever learns from it must say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import LANDMARK_COUNT, FaceQuality, FaceTrack
from medauth.signals.face_track import MAX_MISFIT, StillMesh
from medauth.signals.head_pose import fit_head
from medauth.training.datasets import LabelledImages

_SIDE_PX = 192
_EVERY = 2_000


def meshes_of(
    images: LabelledImages, folder: Path, name: str, report: Callable[[str], None] = print
) -> NDArray[np.float32]:
    """Landmarks float32 [N, 478, 3] in pixels of a tile drawn 192 pixels wide; NaN where the mesh finds no face.

    Read from `folder` where an earlier run left them for the same pictures, else worked out (7 ms a tile) and left there.
    """
    digest = hashlib.sha256(np.ascontiguousarray(images.images).tobytes()).hexdigest()
    path = folder / f"meshes-{name}-{digest[:16]}.npy"
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    found = np.full((len(images.images), LANDMARK_COUNT, 3), np.nan, np.float32)
    mesh = StillMesh()
    try:
        for index, image in enumerate(images.images):
            marks = mesh.find(enlarged(image))
            if marks is not None and fit_head(marks).misfit <= MAX_MISFIT:
                found[index] = marks
            if (index + 1) % _EVERY == 0:
                report(f"{name}: {index + 1} of {len(found)} looked at")
    finally:
        mesh.close()
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, found)
    partial.replace(path)
    return found


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey tile (h, w) as the mesh is shown it: (192, 192, 3) uint8 BGR."""
    large = cv2.resize(image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), np.uint8)


def track_of(landmarks: NDArray[np.float32]) -> FaceTrack:
    """Landmarks (478, 3) as the face track would hand them on; light and focus are not judged."""
    head = fit_head(landmarks)
    return FaceTrack(landmarks, head.pose, FaceQuality(head.size_px, 1.0, 128.0))
