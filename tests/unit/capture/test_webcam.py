"""A camera, played by a stand-in."""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame, release
from medauth.capture.webcam import Webcam
from medauth.errors import CaptureError, InputError


class Camera:
    """Gives `frames` pictures whose grey level counts them; in lockstep each waits for `go`."""

    def __init__(self, frames: int = 0, *, opened: bool = True, then: str = "end", lockstep: bool = False) -> None:
        self.left, self.opened, self.then = frames, opened, then
        self.go = threading.Semaphore(0 if lockstep else 1_000)
        self.over = threading.Event()
        self.settings: dict[int, float] = {}
        self.released = 0
        self.count = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def set(self, prop: int, value: float) -> bool:
        self.settings[prop] = value
        return True

    def release(self) -> None:
        self.released += 1
        self.over.set()

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        if self.count == self.left:
            if self.then == "raise":
                raise cv2.error("lost")
            if self.then == "hang":
                self.over.wait(0.2)
            return False, None
        self.go.acquire()
        self.count += 1
        return True, np.full((64, 64, 3), self.count, np.uint8)


def webcam(camera: Camera, **options: Any) -> Webcam:
    return Webcam(open_device=lambda _: camera, first_frame_s=0.1, stall_s=0.1, **options)


def grey(frame: CapturedFrame) -> int:
    assert frame.image is not None
    return int(frame.image[0, 0, 0])


def test_the_camera_is_asked_for_size_and_pace_and_released():
    camera = Camera(5, lockstep=True)
    source = webcam(camera, width=320, height=240, fps=15)
    frames = source.frames()
    camera.go.release()
    assert grey(next(frames)) == 1
    assert camera.settings == {
        cv2.CAP_PROP_FRAME_WIDTH: 320,
        cv2.CAP_PROP_FRAME_HEIGHT: 240,
        cv2.CAP_PROP_FPS: 15,
    }
    camera.go.release(10)
    release(frames)
    assert camera.over.wait(1)
    assert camera.released == 1


def test_only_the_newest_frame_waits():
    camera = Camera(4, then="hang")
    source = webcam(camera)
    seen: list[int] = []

    def follow() -> None:
        for frame in source.frames():
            seen.append(grey(frame))
            camera.over.wait(0.05)

    with pytest.raises(CaptureError, match="stopped delivering"):
        follow()
    assert seen[-1] == 4
    assert seen == sorted(seen)
    assert source.dropped == 4 - len(seen)


def test_no_camera_says_what_to_do():
    camera = Camera(opened=False)
    with pytest.raises(CaptureError, match=r"no camera 0.*next step"):
        next(webcam(camera).frames())
    assert camera.released == 1


def test_a_camera_without_a_picture_is_taken_for_busy():
    with pytest.raises(CaptureError, match="other programs"):
        next(webcam(Camera(0, then="hang")).frames())


def test_a_camera_that_is_pulled_out_is_an_error_of_ours():
    with pytest.raises(CaptureError, match="stopped delivering"):
        list(webcam(Camera(2, then="raise")).frames())


@pytest.mark.parametrize("options", [{"index": -1}, {"width": 0}, {"fps": 0}])
def test_impossible_wishes_are_refused(options):
    with pytest.raises(InputError, match="camera"):
        Webcam(**options)
