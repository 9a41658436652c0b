"""The net that sees the mesh alone, on a real clip and from its training: what it reads, and that mirrors change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medauth.capture.video_file import VideoFile
from medauth.config import Settings
from medauth.ensemble import members
from medauth.protocol.observation import FaceTrack, Frame
from medauth.signals.emotion_landmarks import LandmarkEmotionModel
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import ModelLibrary

pytestmark = pytest.mark.media
BLANK = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(scope="module")
def model() -> LandmarkEmotionModel:
    return LandmarkEmotionModel(ModelLibrary().load("expression_landmarks"))


def tracks(clip: Path, start_s: float) -> list[FaceTrack]:
    tracker = FaceMeshTracker()
    frames = list(VideoFile(clip, start_ms=1000 * start_s, end_ms=1000 * start_s + 600).frames())
    try:
        found = [tracker.track(Frame(k, 40.0 * k, b"", b"", np.asarray(f.image)))[0] for k, f in enumerate(frames)]
    finally:
        tracker.close()
    return [track for track in found if track is not None]


@pytest.mark.parametrize(("start_s", "expected"), [(55.0, "happiness"), (85.0, "happiness"), (12.0, "neutral")])
def test_it_reads_a_real_face_without_a_pixel(
    clip: Path, model: LandmarkEmotionModel, start_s: float, expected: str
) -> None:
    found = [model.probabilities_of(BLANK, track) or {} for track in tracks(clip, start_s)]
    assert len(found) > 8
    named = [max(answer, key=answer.__getitem__) for answer in found]
    assert named.count(expected) > 0.7 * len(named)


def test_it_votes_by_name_and_never_under_standard(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, emotion_models="expression_landmarks=0.5")
    (member,) = members(settings, ModelLibrary(), None)
    assert isinstance(member.model, LandmarkEmotionModel)
    assert members(settings, ModelLibrary(), "standard") == ()


@pytest.mark.train
@pytest.mark.filterwarnings("ignore")
def test_training_faces_mirror_into_faces_and_the_file_answers_like_the_net(clip: Path, tmp_path: Path) -> None:
    from medauth.signals.head_pose import in_head_frame
    from medauth.training.landmark_net import build_landmark_model, disturbed, mirror_order
    from medauth.training.landmark_release import write_file

    every = np.arange(478)
    shapes = np.stack([in_head_frame(track, every) for track in tracks(clip, 12.0)]).astype(np.float32)
    order = mirror_order(shapes)
    assert (order[order] == every).mean() > 0.75, "one person is not even; many are (all 478)"
    assert order[33] == 263, "outer corners of the eyes"
    assert order[61] == 291, "corners of the mouth"
    moved = disturbed(shapes, order, np.random.default_rng(0))
    assert 0.005 < np.abs(moved - shapes).mean() < 0.15
    net = build_landmark_model(shapes.mean(axis=0), shapes.std(axis=0) + 0.01)
    assert write_file(net, 1.0, tmp_path / "net.tflite", shapes[:4]) < 0.05
