"""What each detection cue says of a short film by itself: gestures and light are granted, so nothing is asked.

Films are 2.6 s at ten frames a second: as many looks as the deepfake window and the presentation attack cue need at least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.evaluation.attacks.camera import Camera, draw_camera
from medauth.evaluation.attacks.stage import Act
from medauth.evaluation.degraded import Degrade, Moment, dim_and_noisy, small, unchanged
from medauth.protocol.coverage import Coverage
from medauth.protocol.observation import Frame, Observation
from medauth.protocol.policy import Policy
from medauth.protocol.reading import SignalReading
from medauth.sensing import signals
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import ModelLibrary

Picture = NDArray[np.uint8]
FRAMES = 26
EVERY_MS = 100.0
_BLANK = np.zeros((96, 96, 3), np.uint8)

NATURAL: Mapping[str, tuple[Degrade, float]] = {
    "as filmed": (unchanged, EVERY_MS),
    "320x240": (small, EVERY_MS),
    "low light and noise": (dim_and_noisy, EVERY_MS),
    "15 fps": (unchanged, 1_000 / 15),
}
"""How natural clips are shown: what happens to each picture, and the time between two."""


NO_CUES = frozenset({"gesture", "hand", "micro_expression", "pulse", "shading"})
"""Signals that measure for others or for the report, and are no detection cues; and one that needs a turn, which nobody
makes in these films."""


def granted(policy: Policy) -> frozenset[str]:
    """What is taken to hold when a cue stands alone: gestures and all that is to be confirmed, and the light."""
    return frozenset({*policy.confirm, "challenge", "light"})


class Onlookers:
    """The detection cues of the product, fresh for each film, behind one face track. One thread."""

    def __init__(self, models: ModelLibrary, policy: Policy) -> None:
        self._models = models
        self._policy = policy
        self._tracker = FaceMeshTracker()

    def judge(self, film: Iterator[tuple[float, Picture]]) -> tuple[int, list[SignalReading]]:
        """Frames, and what the two readings of coverage and every cue say of them."""
        self._tracker.track(_frame(_BLANK, 0, 0.0))  # lets go of the face before
        left_out, coverage = granted(self._policy) | NO_CUES, Coverage()
        cues = [signal for signal in signals(self._models, self._policy.name) if signal.name not in left_out]
        for cue in cues:
            cue.start(None)
        for index, (t_ms, picture) in enumerate(film):
            frame = read_frame(CapturedFrame(picture), index, t_ms)
            observation = Observation(frame, *self._tracker.track(frame), None)
            coverage.add(observation)
            for cue in cues:
                cue.update(observation)
        return coverage.frames, [*coverage.readings(self._policy), *(cue.reading() for cue in cues)]

    def close(self) -> None:
        """Frees the mesh."""
        self._tracker.close()


def staged(act: Act, random: np.random.Generator) -> Iterator[tuple[float, Picture]]:
    """An act before a drawn camera."""
    camera = Camera(draw_camera(random), random)
    for index in range(FRAMES):
        yield index * EVERY_MS, camera.take(act(index * EVERY_MS, None), index * EVERY_MS)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a natural clip and how it is shown."""

    path: str
    person: str
    start_ms: float
    condition: str


def windows(clips: Sequence[tuple[str, Path]], most: int) -> list[Window]:
    """At most `most` windows a clip, spread over it, each condition in turn. `clips` are (person, path)."""
    found = []
    for person, path in clips:
        clip = cv2.VideoCapture(str(path))
        length_ms = 1_000 * clip.get(cv2.CAP_PROP_FRAME_COUNT) / max(1.0, clip.get(cv2.CAP_PROP_FPS))
        clip.release()
        last = length_ms - FRAMES * EVERY_MS - 200
        if last < 0:
            continue
        count = min(most, 1 + int(last // (FRAMES * EVERY_MS)))
        names = list(NATURAL)
        for index, start in enumerate(np.linspace(0.0, last, count)):
            found.append(Window(str(path), person, float(start), names[index % len(names)]))
    return found


def filmed(window: Window) -> Iterator[tuple[float, Picture]]:
    """The window's frames as a camera of that condition delivers them."""
    degrade, every_ms = NATURAL[window.condition]
    clip = cv2.VideoCapture(window.path)
    clip.set(cv2.CAP_PROP_POS_MSEC, window.start_ms)
    began, due, shown = None, 0.0, 0
    try:
        while shown * every_ms < FRAMES * EVERY_MS:
            there, picture = clip.read()
            if not there:
                return
            now = clip.get(cv2.CAP_PROP_POS_MSEC)
            began = now if began is None else began
            if now - began >= due - 1.0:
                shown, due = shown + 1, due + every_ms
                moment = Moment(np.asarray(picture, np.uint8), None, now - began)
                yield now - began, degrade(moment)
    finally:
        clip.release()


def _frame(image: Picture, index: int, t_ms: float) -> Frame:
    return Frame(index=index, t_ms=t_ms, jpeg=b"", sha256=bytes(32), image=image)
