"""Drawn frames to an MP4 or WebM file whose time is the frames' own, however unevenly they came."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import StoreError
from medauth.silence import native_silence

_CODECS = {".mp4": "mp4v", ".webm": "VP80"}
"""MPEG-4 part 2: every build of OpenCV writes it, and ffmpeg, VLC and the like play it; browsers do not. They play VP8."""
_MOST_REPEATS = 250
"""A source that was silent for longer is not waited for: the film goes on."""


class VideoWriter:
    """Writes at `fps` frames a second: a frame that comes late is shown for longer, one that comes too soon is left out.

    The first frame gives the size; later ones of another size are scaled to it.
    """

    def __init__(self, path: Path, fps: float = 25.0) -> None:
        self._path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._began_ms = 0.0
        self._last: NDArray[np.uint8] | None = None
        self.frames = 0

    def write(self, picture: NDArray[np.uint8], t_ms: float) -> None:
        """Adds a picture (height, width, 3) uint8 BGR. Raises `StoreError` where the file cannot be made."""
        if self._writer is None:
            self._open(picture, t_ms)
        assert self._writer is not None
        due = int((t_ms - self._began_ms) * self._fps / 1000)
        if self._last is not None and due > self.frames:
            for _ in range(min(due - self.frames, _MOST_REPEATS)):
                self._writer.write(self._last)
            self.frames = due
        self._last = self._fitted(picture)
        if due == self.frames:
            self._writer.write(self._last)
            self.frames += 1

    def close(self) -> None:
        """Ends the file; without this it does not play."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, picture: NDArray[np.uint8], t_ms: float) -> None:
        height, width = picture.shape[:2]
        self._size = (width - width % 2, height - height % 2)  # the codec halves the colours
        self._began_ms = t_ms
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        codec = _CODECS.get(self._path.suffix, _CODECS[".mp4"])
        with native_silence():
            writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*codec), self._fps, self._size)
        if not writer.isOpened():
            raise self._refused("the encoder does not open it")
        self._writer = writer

    def _fitted(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if (picture.shape[1], picture.shape[0]) == self._size:
            return np.ascontiguousarray(picture)
        if picture.shape[1] - self._size[0] in (0, 1) and picture.shape[0] - self._size[1] in (0, 1):
            return np.ascontiguousarray(picture[: self._size[1], : self._size[0]])
        return np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _refused(self, why: str) -> StoreError:
        return StoreError(
            f"{self._path} cannot be written: {why}",
            expected="a path that ends in .mp4 or .webm, in a folder of yours",
            next_step="choose another place",
        )
