"""The live picture: a camera thread, this thread that shows every newest frame, and a thread that analyses when it can.

Nothing here waits for the analysis: the picture shows what was found last, and the camera is read whether anybody
looks or not. What nobody looked at is counted.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame, release
from medauth.capture.webcam import Webcam
from medauth.desktop.background import Background
from medauth.errors import CaptureError
from medauth.report.live_overlay import LiveOverlay, LiveView, Pace
from medauth.report.video_writer import VideoWriter

Picture = NDArray[np.uint8]
_PACE_FRAMES = 45
_LEAST_WIDTH = 640
"""Letters on a smaller picture would cover the face: it is shown, and recorded, enlarged to this width."""
_RECORDED_AHEAD = 8
"""Drawn frames that may wait for the film's encoder; more would fill the memory where the disk is slow."""


class Screen(Protocol):
    """Shows pictures and says when somebody has had enough."""

    def show(self, picture: Picture) -> bool:
        """False when the person asked to end."""

    def close(self) -> None:
        """Takes the picture away."""


class NoScreen:
    """Shows nothing: for recordings and measurements."""

    def show(self, picture: Picture) -> bool:
        del picture
        return True

    def close(self) -> None:
        """There is nothing to take away."""


@dataclass(frozen=True, slots=True)
class LiveReport:
    """What came of a run."""

    seconds: float
    captured: int
    shown: int
    dropped: int
    """Frames that the camera gave and nobody saw."""
    analysed: int
    shown_fps: float
    captured_fps: float
    analysis_ms: float
    """Median."""
    draw_ms: float
    """Median, from a captured frame to a drawn one."""
    draw_cpu_ms: float
    """The mean of the same in time of a processor, which other programs on the machine do not lengthen."""
    cores: float
    """Time of processors that the whole run took, over its seconds: reading, drawing, showing, analysing, recording."""
    recorded: int
    record_left_out: int
    expressions: dict[str, int] = field(default_factory=dict)
    """How often each was named."""
    motion: dict[str, int] = field(default_factory=dict)
    """How often each part of the face was seen to move, with its direction."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class LiveRun:
    """One run over a camera, or over a clip that plays like one."""

    def __init__(
        self,
        camera: Webcam,
        look: Callable[[Picture, float], LiveView],
        screen: Screen,
        *,
        interval_s: float = 0.1,
        film: VideoWriter | None = None,
        heard: Callable[[LiveView], None] | None = None,
        ended: Callable[[], bool] = lambda: False,
        caption: str = "",
        monotonic: Callable[[], float] = time.monotonic,
        busy: Callable[[], float] = time.process_time,
    ) -> None:
        self._camera = camera
        self._screen = screen
        self._heard = heard
        self._ended = ended
        self._monotonic = monotonic
        self._busy = busy
        self._overlay = LiveOverlay(caption)
        self._analysis: Background[tuple[Picture, float], LiveView] = Background(
            lambda given: look(*given), interval_s=interval_s
        )
        self._film = film
        self._recorder: Background[tuple[Picture, float], None] | None = None
        if film is not None:
            self._recorder = Background(lambda given: film.write(*given), depth=_RECORDED_AHEAD)
        self._times: deque[float] = deque(maxlen=_PACE_FRAMES)
        self._drawn_s: deque[float] = deque(maxlen=2_000)
        self._drawn_cpu_s: deque[float] = deque(maxlen=2_000)
        self._shown = 0
        self._named: Counter[str] = Counter()
        self._moved: Counter[str] = Counter()
        self._last = LiveView(0.0)

    def run(self, seconds: float = 0.0) -> LiveReport:
        """Until the person ends it, the clip is over, or `seconds` have gone by (0: no end)."""
        frames, began, busy = self._camera.frames(), self._monotonic(), self._busy()
        try:
            for captured in frames:
                now = self._monotonic()
                if not self._step(captured, now, now - began) or 0 < seconds <= now - began:
                    break
        except CaptureError:
            if not self._ended():
                raise
        finally:
            delivered, elapsed, busy = self._camera.delivered, self._monotonic() - began, self._busy() - busy
            release(frames)
            self._stop()
        return self._report(elapsed, delivered, busy)

    def _step(self, captured: CapturedFrame, now: float, elapsed: float) -> bool:
        assert captured.image is not None, "a camera gives pixels"
        picture = captured.image
        # The analysis gets the frame itself, so what is drawn is drawn on a copy.
        self._analysis.offer((picture, 1000 * elapsed))
        self._notice(self._analysis.newest)
        self._times.append(now)
        cpu = time.thread_time()
        scale = max(1.0, _LEAST_WIDTH / picture.shape[1])
        ground = picture.copy() if scale == 1.0 else _enlarged(picture, scale)
        drawn = self._overlay.drawn(ground, self._last.scaled(scale), self._pace(elapsed))
        self._drawn_s.append(self._monotonic() - now)
        self._drawn_cpu_s.append(time.thread_time() - cpu)
        self._shown += 1
        if self._recorder is not None:
            self._recorder.offer((drawn, 1000 * elapsed))
        return self._screen.show(drawn)

    def _notice(self, view: LiveView | None) -> None:
        if view is None or view is self._last:
            return
        self._last = view
        if view.dominant:
            self._named[view.dominant] += 1
        self._moved.update(f"{arrow.region}: {arrow.direction}" for arrow in view.arrows)
        if self._heard is not None:
            self._heard(view)

    def _pace(self, elapsed: float) -> Pace:
        span = self._times[-1] - self._times[0]
        shown = (len(self._times) - 1) / span if span > 0 else 0.0
        captured = self._camera.delivered / elapsed if elapsed > 0 else 0.0
        spent = self._analysis.spent_s
        analysis_ms = 1000 * spent[-1] if spent else 0.0
        return Pace(shown, captured, self._camera.dropped, analysis_ms, time.strftime("%H:%M:%S"))

    def _stop(self) -> None:
        self._analysis.stop()
        if self._recorder is not None and self._film is not None:
            self._recorder.stop(finish=True)
            self._film.close()
        self._screen.close()

    def _report(self, seconds: float, delivered: int, busy: float) -> LiveReport:
        recorder = self._recorder
        return LiveReport(
            seconds=round(seconds, 2),
            captured=delivered,
            shown=self._shown,
            dropped=max(0, delivered - self._shown),
            analysed=self._analysis.done,
            shown_fps=round(self._shown / seconds, 1) if seconds > 0 else 0.0,
            captured_fps=round(delivered / seconds, 1) if seconds > 0 else 0.0,
            analysis_ms=_median_ms(self._analysis.spent_s),
            draw_ms=_median_ms(self._drawn_s),
            draw_cpu_ms=round(1000 * float(np.mean(self._drawn_cpu_s)), 2) if self._drawn_cpu_s else 0.0,
            cores=round(busy / seconds, 2) if seconds > 0 else 0.0,
            recorded=self._film.frames if self._film is not None else 0,
            record_left_out=recorder.left_out if recorder is not None else 0,
            expressions=dict(self._named.most_common()),
            motion=dict(self._moved.most_common()),
        )


def _enlarged(picture: Picture, scale: float) -> Picture:
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _median_ms(seconds: deque[float]) -> float:
    return round(1000 * float(np.median(seconds)), 1) if seconds else 0.0
