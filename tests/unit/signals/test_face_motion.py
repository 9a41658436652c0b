"""Curves and irregularity of the face's motion, on meshes that are moved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.protocol.observation import FaceTrack, Pose
from medauth.signals.face_flow import REGIONS
from medauth.signals.face_motion import FaceMotion
from tests.unit.signals.heads import track as head

MOUTH = [point for name, points in REGIONS.items() if "mouth" in name or "lip" in name for point in points]


def shifted(points: list[int], down_px: float, turned: float = 0.0) -> FaceTrack:
    track = head(Pose(turned, 0.0, 0.0))
    landmarks = track.landmarks.copy()
    landmarks[points, 1] += np.float32(down_px)
    return FaceTrack(landmarks, track.pose, track.quality)


def played(cycles_hz: float, seconds: float = 8.0, fps: float = 30.0) -> FaceMotion:
    motion = FaceMotion()
    for k in range(int(seconds * fps)):
        motion.add(1000 * k / fps, shifted(MOUTH, 4.0 * float(np.sin(2 * np.pi * cycles_hz * k / fps))))
    return motion


def test_slow_motion_is_even_and_trembling_is_not() -> None:
    slow, quick = played(1.5).irregularity(), played(9.0).irregularity()
    assert slow is not None
    assert quick is not None
    assert slow.share < 0.05
    assert quick.share > 0.9


def test_curves_name_the_part_that_moved() -> None:
    curves = {part: max(values[30:-30]) for part, (_, values) in played(2.0).curves().items()}
    assert curves["mouth"] > 20 * curves["brows"]
    assert curves["mouth"] > 5


def test_a_head_that_turns_moves_no_part_of_the_face() -> None:
    motion = FaceMotion()
    for k in range(120):
        motion.add(1000 * k / 30, shifted([], 0.0, turned=15 * float(np.sin(k / 10))))
    assert max(value for _, values in motion.curves().values() for value in values) < 2


@pytest.mark.parametrize(("seconds", "fps"), [(2.0, 30.0), (20.0, 8.0), (0.0, 30.0)])
def test_too_little_to_tell(seconds: float, fps: float) -> None:
    assert played(1.0, seconds, fps).irregularity() is None


def test_no_cycle_is_made_of_a_gap() -> None:
    motion = FaceMotion()
    for k in range(300):
        motion.add(1000 * k / 30 + (5_000 if k >= 150 else 0), shifted(MOUTH, 3.0 * float(k >= 150)))
    assert max(motion.curves()["mouth"][1]) < 1
