"""Synthetic faces for tests: a mesh whose rigid points lie where they do in people, and whose mouth and brows move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import (
    CaptureProblem,
    FaceQuality,
    FaceTrack,
    Frame,
    Observation,
    Pose,
    Prompt,
)
from medauth.signals.head_pose import MODEL, RIGID, rotation

FRONT = Pose(0.0, 0.0, 0.0)
_AXES = np.array([1.0, -1.0, -1.0])
_NOTHING = np.zeros((1, 1, 3), np.uint8)


def shape(*, smile: float = 0.0, brows: float = 0.0, opening: float = 0.0) -> NDArray[np.float64]:
    """(478, 3) in the head frame; each expression in distances between the outer eye corners."""
    face = np.zeros((478, 3))
    face[RIGID] = MODEL
    face[61] = -0.28 - smile / 2, -0.76, 0.1
    face[291] = 0.28 + smile / 2, -0.76, 0.1
    face[13] = 0.0, -0.72 + opening / 2, 0.3
    face[14] = 0.0, -0.72 - opening / 2, 0.3
    for index, x in ((105, -0.4), (66, -0.25), (334, 0.4), (296, 0.25)):
        face[index] = x, 0.30 + brows, 0.1
    face[2] = 0.0, -0.45, 0.3
    return face


def mesh(face: NDArray[np.float64], pose: Pose = FRONT, size_px: float = 80.0) -> NDArray[np.float32]:
    """(478, 3) landmarks in pixels."""
    seen = (face @ rotation(pose).T) * size_px * _AXES
    return np.asarray(seen + np.array([200.0, 150.0, 0.0]), dtype=np.float32)


def track(
    pose: Pose = FRONT, size_px: float = 80.0, *, smile: float = 0.0, brows: float = 0.0, opening: float = 0.0
) -> FaceTrack:
    face = shape(smile=smile, brows=brows, opening=opening)
    return FaceTrack(mesh(face, pose, size_px), pose, FaceQuality(size_px, 300.0, 120.0))


def observed(
    t_ms: float, seen: FaceTrack | None, prompt: Prompt | None = None, image: NDArray[np.uint8] = _NOTHING
) -> Observation:
    problem = None if seen else CaptureProblem.NO_FACE
    return Observation(Frame(0, t_ms, b"", b"", image), seen, problem, prompt)
