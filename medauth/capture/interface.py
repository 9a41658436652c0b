"""Where frames come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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


def release(frames: Iterator[CapturedFrame]) -> None:
    """Closes a source's iterator before its end, which frees the camera or file."""
    close = getattr(frames, "close", None)
    if close is not None:
        close()
