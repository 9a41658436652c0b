"""A recorded clip, frame by frame, with the same times on every run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from medauth.capture.interface import CapturedFrame
from medauth.capture.picture_header import check_side
from medauth.errors import CaptureError, InputError
from medauth.silence import native_silence

# FFmpeg takes whatever it recognises, among it playlists that name other files and addresses. A clip from a stranger
# must be a container that holds its own frames: ISO media (MP4, MOV), Matroska (WebM), AVI, MPEG transport and program
# streams, Ogg, FLV, GIF, raw Y4M and motion JPEG.
_CONTAINERS: tuple[tuple[int, bytes], ...] = (
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (4, b"free"), (4, b"skip"),
    (0, b"\x1aE\xdf\xa3"), (0, b"RIFF"), (0, b"\x47"), (0, b"\x00\x00\x01\xba"), (0, b"OggS"), (0, b"FLV"),
    (0, b"GIF8"), (0, b"YUV4MPEG2"), (0, b"\xff\xd8\xff"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file is to hold, as errors name it."""

    kind: str
    formats: str
    next_step: str


_VIDEO = Wanted(
    "video",
    "an MP4, MOV, WebM, AVI, MPEG, Ogg, GIF, Y4M or MJPEG file with a video track",
    "play it to see that it is whole, or export it anew (ffmpeg -i IN -c:v libx264 OUT.mp4)",
)
_WHOLE_SHARE = 0.9
"""A container's own frame count may be an estimate; a clip that ends before this share of it was cut off."""
_DEFAULT_FPS = 25.0
_FPS_RANGE = (1.0, 1000.0)


class VideoFile:
    """A clip as a frame source.

    `media_ms` is the container's presentation time. Where that does not advance (broken or missing time stamps), the
    nominal frame interval is added instead. `start_ms` and `end_ms` cut the clip; `media_ms` stays the time in the whole
    clip. With `realtime` frames are delivered at the clip's pace, none are skipped.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        start_ms: float = 0.0,
        end_ms: float | None = None,
        realtime: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if start_ms < 0 or (end_ms is not None and end_ms <= start_ms):
            raise InputError(
                f"a cut from {start_ms:g} to {end_ms} ms",
                expected="0 <= start_ms < end_ms",
                next_step="give the times in milliseconds from the clip's beginning",
            )
        self._path = Path(path)
        self.name = self._path.name
        self.live = False
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._realtime = realtime
        self._sleep = sleep
        self._monotonic = monotonic

    @property
    def duration_ms(self) -> float | None:
        """Length of the cut by what the container says of itself. Raises `InputError` when the file is no clip."""
        check_container(self._path)
        capture = self._open()
        try:
            frames = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            whole = 1000.0 * frames / _nominal_fps(capture)
        finally:
            capture.release()
        end = whole if self._end_ms is None else min(whole, self._end_ms)
        return end - self._start_ms if frames > 0 and end > self._start_ms else None

    def frames(self) -> Iterator[CapturedFrame]:
        """Yields the clip. Raises `InputError` when the file is no usable clip, `CaptureError` when it breaks off."""
        check_container(self._path)
        capture = self._open()
        try:
            frames = self._read(capture)
            yield from self._paced(frames) if self._realtime else frames
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        with native_silence():
            capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture.release()
            raise self._unusable("holds no readable video track")
        try:
            check_side(int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        except InputError:
            capture.release()
            raise
        return capture

    def _read(self, capture: cv2.VideoCapture) -> Iterator[CapturedFrame]:
        interval_ms = 1000.0 / _nominal_fps(capture)
        media_ms, count = -interval_ms, 0
        while _grab(capture):
            count += 1
            stamp = float(capture.get(cv2.CAP_PROP_POS_MSEC))
            media_ms = stamp if stamp > media_ms else media_ms + interval_ms
            if self._end_ms is not None and media_ms >= self._end_ms:
                return
            if media_ms < self._start_ms:
                continue  # grabbing all from the start: seeking lands on other frames with other builds of FFmpeg
            done, image = capture.retrieve()
            if done:
                yield CapturedFrame(image=np.asarray(image, dtype=np.uint8), media_ms=media_ms)
        self._check_whole(count, capture, media_ms)

    def _check_whole(self, count: int, capture: cv2.VideoCapture, last_ms: float) -> None:
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if count == 0:
            raise self._unusable("holds no readable frame")
        if promised > 0 and count < _WHOLE_SHARE * promised:
            raise CaptureError(
                f"{self.name} breaks off after {count} of {promised:.0f} frames",
                expected="a whole clip",
                next_step=_VIDEO.next_step,
            )
        if last_ms < self._start_ms:
            raise InputError(
                f"{self.name} is {last_ms:.0f} ms long and was to start at {self._start_ms:g} ms",
                expected="a start within the clip",
                next_step="give an earlier start",
            )

    def _paced(self, frames: Iterator[CapturedFrame]) -> Iterator[CapturedFrame]:
        """Holds each frame back until its time has come, measured from the first one."""
        began: float | None = None
        for frame in frames:
            due = (frame.media_ms or 0.0) / 1000.0
            began = self._monotonic() - due if began is None else began
            wait = began + due - self._monotonic()
            if wait > 0:
                self._sleep(wait)
            yield frame

    def _unusable(self, what: str) -> InputError:
        return _unusable(self.name, what)


def check_container(path: Path, wanted: Wanted = _VIDEO) -> None:
    """Raises `InputError` where the file is no container that holds its own frames and sound."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}",
            expected=wanted.formats,
            next_step="check the path and its permissions",
        ) from error
    if not is_container(head):
        raise _unusable(path.name, "is empty" if not head else f"is no {wanted.kind}", wanted)


def is_container(head: bytes) -> bool:
    """Whether a file that begins so (16 bytes will do) holds its own frames, and is no list of others to be opened."""
    return any(head[at : at + len(magic)] == magic for at, magic in _CONTAINERS)


def _unusable(name: str, what: str, wanted: Wanted = _VIDEO) -> InputError:
    return InputError(f"{name} {what}", expected=wanted.formats, next_step=wanted.next_step)


def _nominal_fps(capture: cv2.VideoCapture) -> float:
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if _FPS_RANGE[0] <= fps <= _FPS_RANGE[1] else _DEFAULT_FPS


def _grab(capture: cv2.VideoCapture) -> bool:
    with native_silence():  # FFmpeg complains about every damaged block
        return capture.grab()
