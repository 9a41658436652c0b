"""Frames of an earlier check, changed so that no byte is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Recording = Sequence[tuple[float, bytes]]
"""Time in ms since the check began, and the frame as JPEG."""
Change = Callable[[Picture], Picture]


def _coded(quality: int) -> Change:
    def change(picture: Picture) -> Picture:
        packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)

    return change


def _cropped(picture: Picture) -> Picture:
    """2 % of each side are cut off, the rest is stretched to the old size."""
    height, width = picture.shape[:2]
    top, left = max(1, round(0.02 * height)), max(1, round(0.02 * width))
    inner = picture[top : height - top, left : width - left]
    return np.asarray(cv2.resize(inner, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _curved(exponent: float) -> Change:
    curve = np.asarray(255 * np.linspace(0, 1, 256) ** exponent + 0.5, np.uint8)
    return lambda picture: np.asarray(cv2.LUT(picture, curve), np.uint8)


def _mirrored(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, ::-1])


VARIANTS: Mapping[str, tuple[Change, float]] = {
    "the same": (lambda picture: picture, 0.0),
    "JPEG 60": (_coded(60), 0.0),
    "JPEG 80": (_coded(80), 0.0),
    "JPEG 95": (_coded(95), 0.0),
    "cropped by 2 %": (_cropped, 0.0),
    "a frame late": (lambda picture: picture, 67.0),
    "gamma 0.95": (_curved(0.95), 0.0),
    "gamma 1.05": (_curved(1.05), 0.0),
    "mirrored": (_mirrored, 0.0),
}
"""By name: what happens to a picture, and how much later it is played."""


class Player:
    """Plays a recording by the time of the new check."""

    def __init__(self, recording: Recording, variant: str) -> None:
        self._recording = recording
        self._change, self._late_ms = VARIANTS[variant]
        self._at = 0

    def at(self, t_ms: float) -> Picture:
        """The frame that is due; the last one goes on when the recording is over."""
        while self._at + 1 < len(self._recording) and self._recording[self._at + 1][0] + self._late_ms <= t_ms:
            self._at += 1
        packed = np.frombuffer(self._recording[self._at][1], np.uint8)
        return self._change(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8))
