"""One frame of a live picture looked at: where the face is, what it expresses, which parts of it moved and whereto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.desktop.live_movements import MovementWatch
from medauth.protocol.observation import HINTS, FaceTrack, Frame
from medauth.report.live_overlay import Arrow, LiveView
from medauth.report.smoothing import Exponential
from medauth.signals.emotion_reader import EmotionReader
from medauth.signals.face_flow import EYES_PX, NAMES, dense_flow, draw_face, region_middles
from medauth.signals.interface import FaceTracker
from medauth.signals.micro_spotter import direction_of

Picture = NDArray[np.uint8]

_MESH_PX = 640
"""The face track looks at a picture of this width: more pixels tell it no more, and cost it time."""
_AROUND_PX = 4
_STALE_MS = 1_000.0
"""Motion is measured against the frame before; one older than this says nothing about now."""


@dataclass(frozen=True, slots=True)
class LiveTuning:
    """What is named, from when on."""

    least_confidence: float = 0.5
    """An expression is named, and heard, from this probability on."""
    least_motion: float = 25.0
    """A part of the face moves from so many thousandths of the distance between the outer eye corners on."""
    smoothing_ms: float = 250.0
    movements: bool = False
    """Which facial movements the face shows is put into words."""
    landmarks: bool = False
    """The points of the face mesh are shown."""


@dataclass(slots=True)
class LiveAnalysis:
    """Looks at frames one after another, in one thread. `close` frees the face track."""

    tracker: FaceTracker
    reader: EmotionReader
    tuning: LiveTuning = field(default_factory=LiveTuning)
    _count: int = 0
    _smooth: Exponential | None = None
    _watch: MovementWatch = field(default_factory=MovementWatch)
    _before: tuple[float, NDArray[np.uint8]] | None = None

    def look(self, image: Picture, t_ms: float) -> LiveView:
        """What there is to see in a frame (height, width, 3) uint8 BGR."""
        scale = min(1.0, _MESH_PX / image.shape[1])
        small = image if scale == 1.0 else _shrunk(image, scale)
        self._count += 1
        track, problem = self.tracker.track(Frame(self._count, t_ms, b"", b"", small))
        if track is None:
            self._before = self._smooth = None
            self._watch.lost()
            return LiveView(t_ms, problem=HINTS[problem] if problem else "")
        arrows = self._arrows(small, track, t_ms, 1 / scale)
        emotions = self._emotions(small, track, t_ms)
        name = max(emotions, key=emotions.__getitem__)
        dominant = name if emotions[name] >= self.tuning.least_confidence else ""
        points = np.round(track.landmarks[:, :2] / scale).astype(np.int32)
        box = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
        found = LiveView(
            t_ms,
            box=box,
            emotions=emotions,
            dominant=dominant,
            arrows=arrows,
            points=points if self.tuning.landmarks else None,
        )
        return self._with_movements(found, track) if self.tuning.movements else found

    def close(self) -> None:
        """Frees the face track."""
        self.tracker.close()

    def _emotions(self, image: Picture, track: FaceTrack, t_ms: float) -> Mapping[str, float]:
        if self._smooth is None:
            self._smooth = Exponential(self.tuning.smoothing_ms)
        smooth = self._smooth.feed(t_ms, self.reader.look(image, track))
        return dict(zip(self.reader.classes, map(float, smooth), strict=True))

    def _with_movements(self, view: LiveView, track: FaceTrack) -> LiveView:
        found = self._watch.look(view.t_ms, track, view.emotions.get("neutral", 0.0))
        against = "against this face at rest" if found.own_rest else "against other people at rest"
        return replace(view, movements=found.words, against=against)

    def _arrows(self, image: Picture, track: FaceTrack, t_ms: float, grow: float) -> tuple[Arrow, ...]:
        """Regions that moved since the last look, the head's own motion taken out."""
        grey, before = draw_face(image, track), self._before
        self._before = (t_ms, grey)
        if before is None or t_ms - before[0] > _STALE_MS:
            return ()
        flow, middles = dense_flow(before[1], grey), region_middles(track)
        least_px = self.tuning.least_motion * EYES_PX / 1000
        found = []
        for name, (x, y) in zip(NAMES, middles.round().astype(int).tolist(), strict=True):
            part = flow[max(0, y - _AROUND_PX) : y + _AROUND_PX + 1, max(0, x - _AROUND_PX) : x + _AROUND_PX + 1]
            shift = part.reshape(-1, 2).mean(axis=0) if part.size else np.zeros(2, np.float32)
            length = float(np.hypot(*shift))
            if length >= least_px:
                found.append((name, (x, y), shift, length))
        return tuple(
            Arrow(name, direction_of(shift), 1000 * length / EYES_PX, *_ends(track, at, shift, grow))
            for name, at, shift, length in found
        )


def _ends(
    track: FaceTrack, at: tuple[int, int], shift: NDArray[np.float32], grow: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where an arrow begins and ends in the picture; it is drawn three times as long as the motion."""
    inverse = cv2.invertAffineTransform(_drawing_matrix(track))
    start = inverse[:, :2] @ np.array(at, np.float64) + inverse[:, 2]
    end = start + 3 * inverse[:, :2] @ shift.astype(np.float64)
    (x0, y0), (x1, y1) = np.round(start * grow).astype(int).tolist(), np.round(end * grow).astype(int).tolist()
    return (x0, y0), (x1, y1)


def _drawing_matrix(track: FaceTrack) -> NDArray[np.float64]:
    from medauth.signals.face_crop import face_matrix
    from medauth.signals.face_flow import BOX, SIDE_PX

    return face_matrix(track.landmarks, SIDE_PX, BOX, track.quality.size_px)


def _shrunk(image: Picture, scale: float) -> Picture:
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
