"""Where frames come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class CapturedFrame:
    """One frame as the source gave it.

    `image` is (height, width, 3) uint8 BGR, or None when `jpeg` holds the encoded bytes as they came. `media_ms` is the
    source's own time in milliseconds: the clip's position, when a client says that it took the frame, or None. It is never
    trusted as a clock in a check that decides something.
    """

    image: NDArray[np.uint8] | None
    jpeg: bytes | None = None
    media_ms: float | None = None


def captured_from(frame: NDArray[np.uint8] | bytes | CapturedFrame, media_ms: float | None) -> CapturedFrame:
    """A frame in any of the forms an app may hold it. Raises `InputError`."""
    if isinstance(frame, CapturedFrame):
        return frame
    if isinstance(frame, bytes):
        return CapturedFrame(None, jpeg=frame, media_ms=media_ms)
    if isinstance(frame, np.ndarray):
        return CapturedFrame(frame, media_ms=media_ms)
    raise InputError(
        f"a frame of type {type(frame).__name__}", expected="a BGR array of uint8, JPEG bytes or a CapturedFrame"
    )


class FrameSource(Protocol):
    """Delivers frames in order. Errors are `CaptureError` (cannot open or read) and `InputError` (not a picture)."""

    name: str
    live: bool
    """True for a camera: frames come at their own pace."""

    @property
    def duration_ms(self) -> float | None:
        """How long it will be, for a progress bar; None where nobody can tell."""

    def frames(self) -> Iterator[CapturedFrame]:
        """Opens the source and yields frames until it ends; closing the iterator releases it."""


class SoundSource(Protocol):
    """A microphone, listened to while digits are asked for and never else. Errors are `CaptureError` and `MissingTool`."""

    def listen(self) -> None:
        """From now on: what was recorded before is left out."""

    def heard(self) -> Sequence[NDArray[np.int16]]:
        """What was recorded since the last call, in pieces of (n,) int16 at 16 kHz, a quarter of a second at most."""

    def close(self) -> None:
        """Lets the microphone go."""


def release(frames: Iterator[CapturedFrame]) -> None:
    """Closes a source's iterator before its end, which frees the camera or file."""
    close = getattr(frames, "close", None)
    if close is not None:
        close()
