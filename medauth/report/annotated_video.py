"""A recording played again with what an analysis found drawn on it: heat where the net looked, and the numbers so far."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame, FrameSource, release
from medauth.report.heat import relative_heat
from medauth.report.looking_over import FacePlace, Look, LookingOver
from medauth.report.overlay import write_lines
from medauth.report.recording_summary import Impression, Summary
from medauth.report.video_writer import VideoWriter
from medauth.service.observing import FrameReader
from medauth.signals.interface import Marks

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_COLOURS: Mapping[Impression, Colour] = {
    Impression.REAL: (115, 158, 0),
    Impression.OPEN: (0, 159, 230),
    Impression.FAKE: (0, 94, 213),
}
_OPACITY = 0.55
_STALE_MS = 450.0
"""A heat map older than two looks is no longer where the face is."""
_LEAST_HEAT = 1e-6
_HEAT_PX = 96


class AnnotatedVideo:
    """Draws over the frames of one analysed recording."""

    def __init__(self, summary: Summary, over: LookingOver, marks: Mapping[str, Marks]) -> None:
        self._summary = summary
        self._looks = over.looks
        self._look_times = [look.t_ms for look in over.looks]
        self._places = {place.t_ms: place for place in over.places}
        self._blinks = [event["closed_ms"] for event in marks.get("blink", Marks()).events.get("blink", ())]
        emotion = marks.get("emotion", Marks()).traces
        self._emotions = [trace for trace in emotion if trace.times_ms]
        self._hottest = max((float(look.heat.max(initial=0.0)) for look in over.looks), default=0.0)

    def drawn(self, image: Picture, t_ms: float) -> Picture:
        """A copy of a frame (height, width, 3) uint8 BGR with everything that is known of this moment."""
        look = self._look_at(t_ms)
        picture = self._heated(image, look) if look is not None else image.copy()
        self._frame_face(picture, self._places.get(t_ms))
        return write_lines(picture, self._lines(t_ms, look))

    def _look_at(self, t_ms: float) -> Look | None:
        index = bisect_right(self._look_times, t_ms) - 1
        if index < 0 or t_ms - self._look_times[index] > _STALE_MS:
            return None
        return self._looks[index]

    def _heated(self, image: Picture, look: Look) -> Picture:
        """Heat as a share of the recording's hottest place, so that a frame without cause stays cool."""
        if self._hottest < _LEAST_HEAT or look.side <= 1:
            return image.copy()
        share = relative_heat(look.heat, _HEAT_PX) * np.float32(float(look.heat.max(initial=0.0)) / self._hottest)
        # The matrix leads from the frame's pixels to the heat map's; only the part under the face is drawn.
        place = look.place * (_HEAT_PX / look.side)
        drawn, (left, top, right, bottom) = image.copy(), _under(place, image.shape)
        if right <= left or bottom <= top:
            return drawn
        place[:, 2] += place[:, :2] @ np.array([left, top], np.float64)
        spread = cv2.warpAffine(
            share, place, (right - left, bottom - top), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        opacity = (_OPACITY * spread)[..., None]
        colours = cv2.applyColorMap((spread * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
        drawn[top:bottom, left:right] = image[top:bottom, left:right] * (1 - opacity) + colours * opacity
        return drawn

    def _frame_face(self, picture: Picture, place: FacePlace | None) -> None:
        if place is not None:
            left, top, right, bottom = place.box
            colour = _COLOURS[self._summary.impression]
            cv2.rectangle(picture, (left, top), (right, bottom), colour, 2, cv2.LINE_AA)

    def _lines(self, t_ms: float, look: Look | None) -> list[str]:
        summary = self._summary
        whole = "" if summary.fake_probability is None else f", fake {summary.fake_probability:.2f}"
        now = f"this frame {look.single:.2f}   " if look is not None else ""
        return [
            f"{summary.impression.value}{whole} (a hint, no proof)",
            f"{now}{t_ms / 1000:.1f} s   blinks {sum(at <= t_ms for at in self._blinks)}",
            self._expression(t_ms),
        ]

    def _expression(self, t_ms: float) -> str:
        if not self._emotions:
            return ""
        index = max(0, bisect_right(self._emotions[0].times_ms, t_ms) - 1)
        best = max(self._emotions, key=lambda trace: trace.values[index])
        return f"{best.name} {best.values[index]:.2f}"


def _under(place: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a frame that the heat map covers."""
    corners = np.array([[0, 0], [_HEAT_PX, 0], [0, _HEAT_PX], [_HEAT_PX, _HEAT_PX]], np.float64)
    places = (corners - place[:, 2]) @ np.linalg.inv(place[:, :2]).T
    (left, top), (right, bottom) = np.floor(places.min(axis=0)), np.ceil(places.max(axis=0))
    return max(0, int(left)), max(0, int(top)), min(shape[1], int(right)), min(shape[0], int(bottom))


def write_annotated(source: FrameSource, read_frame: FrameReader, drawing: AnnotatedVideo, path: Path) -> int:
    """Plays `source` once more into an MP4 file; returns how many frames it has. Raises `StoreError`."""
    frames = source.frames()
    try:
        with VideoWriter(path) as writer:
            for captured in frames:
                _write(captured, read_frame, drawing, writer)
            return writer.frames
    finally:
        release(frames)


def _write(captured: CapturedFrame, read_frame: FrameReader, drawing: AnnotatedVideo, writer: VideoWriter) -> None:
    t_ms = captured.media_ms or 0.0
    image = captured.image if captured.image is not None else read_frame(captured, 0, t_ms).image
    writer.write(drawing.drawn(image, t_ms), t_ms)
