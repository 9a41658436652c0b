"""Capture and face track on real pictures: times, tracks and each reason why a face cannot be judged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.image import Image
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.errors import InputError, ModelError
from medauth.protocol.observation import CaptureProblem
from medauth.signals.face_track import FaceMeshTracker

pytestmark = pytest.mark.media
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def person(clip: Path) -> Pixels:
    frame = next(VideoFile(clip, start_ms=20_000).frames())
    assert frame.image is not None
    return np.asarray(cv2.resize(frame.image, (640, 512)), dtype=np.uint8)


def changed(pixels: Pixels, gain: float = 1.0, bias: float = 0.0) -> Pixels:
    return np.clip(pixels * gain + bias, 0, 255).astype(np.uint8)


def beside(pixels: Pixels) -> Pixels:
    half = pixels[:, 150:560]
    return np.ascontiguousarray(np.hstack([half, half]))


CASES: dict[CaptureProblem | None, Callable[[Pixels], Pixels]] = {
    None: lambda pixels: pixels,
    CaptureProblem.NO_FACE: lambda pixels: np.full_like(pixels, 128),
    CaptureProblem.SEVERAL_FACES: beside,
    CaptureProblem.FACE_TOO_SMALL: lambda pixels: np.asarray(cv2.resize(pixels, (128, 102)), dtype=np.uint8),
    CaptureProblem.FACE_CUT_OFF: lambda pixels: np.ascontiguousarray(pixels[:, :395]),
    CaptureProblem.TOO_DARK: lambda pixels: changed(pixels, 0.2),
    CaptureProblem.TOO_BRIGHT: lambda pixels: changed(pixels, 0.2, 210),
    CaptureProblem.BLURRED: lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 9), dtype=np.uint8),
}


@pytest.mark.parametrize("problem", list(CASES), ids=str)
def test_each_reason_is_found_on_a_real_face(person, problem):
    tracker = FaceMeshTracker()
    pixels = CASES[problem](person)
    for n in range(4):
        track, found = tracker.track(read_frame(CapturedFrame(pixels), n, 100.0 * n))
    tracker.close()
    assert found is problem
    assert (track is None) is (problem is not None)


def test_one_frame_gives_478_points_in_pixels(person):
    tracker = FaceMeshTracker()
    track, _ = tracker.track(read_frame(CapturedFrame(person), 0, 0.0))
    tracker.close()
    tracker.close()
    assert track is not None
    assert track.landmarks.shape == (478, 3)
    assert track.landmarks.dtype == np.float32
    assert 0 < track.landmarks[:, 0].min() < track.landmarks[:, 0].max() < person.shape[1]
    assert 100 < track.quality.size_px < 200
    with pytest.raises(ModelError, match="close"):
        tracker.track(read_frame(CapturedFrame(person), 1, 33.0))


def test_a_clip_has_the_same_frames_and_times_on_every_run(clip):
    def run() -> list[tuple[float | None, bytes]]:
        frames = VideoFile(clip, start_ms=1_000, end_ms=1_500).frames()
        return [(frame.media_ms, read_frame(frame, 0, 0.0).sha256) for frame in frames]

    first = run()
    assert first == run()
    assert [round(t or 0.0) for t, _ in first][:3] == [1000, 1042, 1083]
    assert len(first) == 12


def test_a_picture_file_is_tracked(person, tmp_path):
    path = tmp_path / "person.png"
    cv2.imwrite(str(path), person)
    (captured,) = Image(path).frames()
    tracker = FaceMeshTracker()
    track, problem = tracker.track(read_frame(captured, 0, 0.0))
    tracker.close()
    assert problem is None
    assert track is not None


def test_a_truncated_clip_is_refused_without_noise(clip, tmp_path, capfd):
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[:500_000])
    with pytest.raises(InputError, match="no readable video track"):
        next(VideoFile(path).frames())
    assert capfd.readouterr().err == ""


QUIET = """
import sys
from medauth.capture.encoding import read_frame
from medauth.capture.video_file import VideoFile
from medauth.signals.face_track import FaceMeshTracker
tracker = FaceMeshTracker()
for n, captured in enumerate(VideoFile(sys.argv[1], end_ms=300).frames()):
    assert tracker.track(read_frame(captured, n, captured.media_ms))[0] is not None
tracker.close()
assert not {"tensorflow", "jax"} & set(sys.modules)
"""


def test_a_tracker_writes_nothing_to_the_terminal_and_loads_no_tensorflow(clip):
    done = subprocess.run([sys.executable, "-c", QUIET, str(clip)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
