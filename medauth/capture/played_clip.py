"""A clip that behaves like a camera: it delivers at its own pace, whether anybody asks or not, and so frames get lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile


class PlayedClip:
    """A `Device` for `Webcam(open_device=...)`: the clip, scaled to `size` (width, height) and played at `fps`, where they
    are given.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int] | None = None,
        fps: float = 0.0,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clip = VideoFile(path)
        self._frames: Iterator[CapturedFrame] | None = None
        self._size = size
        self._fps = fps
        self._sleep = sleep
        self._monotonic = monotonic
        self._began = 0.0
        self._count = 0
        self.ended = False
        """The last frame was delivered."""
        self.latest_s = 0.0
        """How much too late a frame was delivered, at most: what whoever reads the device is to be blamed for."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """True: a clip that is none raises as it is read."""
        return True

    def set(self, prop: int, value: float) -> bool:
        """A clip has its own size and pace, or those that it was made with."""
        del prop, value
        return False

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """The next frame, when its time has come; after the last one, or an error, there is none."""
        if self._frames is None:
            self._frames, self._began = self._clip.frames(), self._monotonic()
        frame = next(self._frames, None)
        if frame is None or frame.image is None:
            self.ended = True
            return False, None
        image = self._scaled(frame.image)
        due = self._count / self._fps if self._fps > 0 else (frame.media_ms or 0.0) / 1000.0
        self._count += 1
        wait = self._began + due - self._monotonic()
        if wait > 0:
            self._sleep(wait)
        else:
            self.latest_s = max(self.latest_s, -wait)
        return True, image

    def release(self) -> None:
        """Closes the clip."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            with suppress(ValueError):  # it is being read in its own thread, and ends there
                close()

    def _scaled(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._size is None or self._size == (image.shape[1], image.shape[0]):
            return image
        return np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
