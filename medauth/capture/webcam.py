"""A camera. A thread keeps reading it, so that a check always gets the newest frame and no stale ones queue up."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame
from medauth.errors import CaptureError, InputError
from medauth.silence import native_silence

FIRST_FRAME_S = 5.0
"""Cameras warm up for up to two seconds; after this one is taken for busy."""
STALL_S = 2.0
"""A camera that delivered and then is silent for this long was unplugged or taken away."""


_MOST_CAMERAS = 99


class Device(Protocol):
    """What is needed of `cv2.VideoCapture`; tests stand in for a camera here."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]: ...

    def set(self, prop: int, value: float) -> bool: ...

    def release(self) -> None: ...


class Webcam:
    """The camera with this index. Ask for what you need: a camera answers with the nearest size that it can do."""

    live = True
    duration_ms = None

    def __init__(
        self,
        index: int = 0,
        width: int = 640,
        height: int = 480,
        fps: int = 30,
        *,
        first_frame_s: float = FIRST_FRAME_S,
        stall_s: float = STALL_S,
        open_device: Callable[[int], Device] | None = None,
    ) -> None:
        if not 0 <= index <= _MOST_CAMERAS or min(width, height, fps) <= 0:
            raise InputError(
                f"camera {index} at {width} x {height}, {fps} frames a second",
                expected=f"an index from 0 to {_MOST_CAMERAS} and positive sizes",
                next_step="use Webcam() for the first camera",
            )
        self.name = f"webcam {index}"
        self._index = index
        self._wanted = ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height), (cv2.CAP_PROP_FPS, fps))
        self._first_frame_s = first_frame_s
        self._stall_s = stall_s
        self._open_device = open_device or _open_camera
        self._reader: _Reader | None = None

    @property
    def dropped(self) -> int:
        """Frames that the camera gave and nobody asked for in time: how far the check lags behind the camera."""
        return self._reader.dropped if self._reader else 0

    @property
    def delivered(self) -> int:
        """Frames that the camera gave."""
        return self._reader.delivered if self._reader else 0

    def frames(self) -> Iterator[CapturedFrame]:
        """Opens the camera and yields the newest frame, each once, until closed. Raises `CaptureError` when there is no
        camera, when another program has it, and when it stops delivering."""
        device = self._open()
        reader = self._reader = _Reader(device)
        reader.start()
        try:
            yield self._next(reader, self._first_frame_s)
            while True:
                yield self._next(reader, self._stall_s)
        finally:
            reader.stop()

    def _open(self) -> Device:
        with native_silence():
            device = self._open_device(self._index)
        if not device.isOpened():
            device.release()
            raise CaptureError(
                f"there is no camera {self._index}, or it may not be used",
                expected="a connected camera that this user may open",
                next_step=_remedy(),
            )
        for prop, value in self._wanted:
            device.set(prop, value)
        return device

    def _next(self, reader: _Reader, timeout_s: float) -> CapturedFrame:
        image = reader.newest(timeout_s)
        if image is not None:
            return CapturedFrame(image=image)
        if reader.delivered:
            raise CaptureError(
                f"camera {self._index} stopped delivering frames",
                expected=f"a frame at least every {self._stall_s:g} s",
                next_step="plug it in again and start a new check",
            )
        raise CaptureError(
            f"camera {self._index} opened but gives no picture",
            expected=f"a first frame within {self._first_frame_s:g} s",
            next_step="close other programs that use the camera, then try again",
        )


class _Reader:
    """Reads a device in a thread and keeps the newest frame only."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._changed = threading.Condition()
        self._image: NDArray[np.uint8] | None = None
        self._running = True
        self._thread = threading.Thread(target=self._run, name="medauth-webcam", daemon=True)
        self.delivered = 0
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def newest(self, timeout_s: float) -> NDArray[np.uint8] | None:
        """The frame that came last, waiting for one not yet given out; None when none comes or the camera is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._image is not None or not self._running, timeout_s)
            image, self._image = self._image, None
            return image

    def stop(self) -> None:
        """Ends the thread and releases the camera; waits, since releasing under a running read crashes drivers."""
        with self._changed:
            self._running = False
            self._changed.notify_all()
        self._thread.join(timeout=STALL_S)

    def _run(self) -> None:
        try:
            while self._running and self._read_one():
                pass
        finally:
            self._device.release()
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _read_one(self) -> bool:
        try:
            done, image = self._device.read()
        except cv2.error:
            return False
        if not done or image is None:
            return False
        with self._changed:
            self.delivered += 1
            self.dropped += self._image is not None
            self._image = image
            self._changed.notify_all()
        return True


def _open_camera(index: int) -> Device:
    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        device: Device = cv2.VideoCapture(index)  # type: ignore[assignment] # OpenCV's stub has overloads
    finally:
        cv2.setLogLevel(level)
    return device


def _remedy() -> str:
    """What to do about a camera that does not open, on this system."""
    if not sys.platform.startswith("linux"):
        return "allow camera access for this program in the system's privacy settings, or pass a clip: VideoFile(path)"
    if not any(Path("/dev").glob("video*")):
        return "connect a camera (this machine has no /dev/video*), or pass a clip: VideoFile(path)"
    return "try another index, close other programs, add yourself to group video, or pass a clip: VideoFile(path)"
