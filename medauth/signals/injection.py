"""Injection: do the frames come from a camera that films now, or from a program that plays something?

Looks at what no lens shows: the frames' times, pictures that come again to the bit or in step, a film that goes on with
another camera. It fails a check only on what no camera produces; what some cameras and networks do as well (a picture
given twice, no noise after compression, a cut) is told with its figure and decides nothing.

What it cannot see: a recording played once, at its own pace, with its own noise. That is no injection a frame shows; the
challenge and the other signals have to refuse it.
"""

from __future__ import annotations

import math
import statistics
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import FaceTrack, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.arrivals import Arrivals
from medauth.signals.camera_change import CameraChange, Sight
from medauth.signals.cross_fades import CrossFades
from medauth.signals.declared_times import DeclaredTimes
from medauth.signals.frame_print import FrameRows, Image, noise_of
from medauth.signals.head_step import UNKNOWN, HeadView, is_gone, move_between, step_between, view_of
from medauth.signals.interface import DECLARED_TRACE, Marks, Trace
from medauth.signals.jump_cuts import JumpCuts
from medauth.signals.loop_finder import LoopFinder
from medauth.signals.repeated_frames import RepeatedFrames
from medauth.signals.sight_lost import SightLost

_RIGHT_EYE, _LEFT_EYE = 33, 263
_CLOCKS = {
    "backwards": ("injection.clock_backwards", "The frames' times run backwards."),
    "standing_still": ("injection.clock_stands_still", "Many frames came at one and the same time."),
    "too_fast": ("injection.clock_too_fast", "Frames came faster than any camera gives them."),
}
_DECLARED = {
    "backwards": ("injection.declared_backwards", "By the client's own times the frames were taken backwards."),
    "future": ("injection.declared_future", "By the client's own times a frame was taken after it had come."),
    "outruns": ("injection.declared_outruns", "By the client's own times more was filmed than time has passed."),
    "too_fast": (
        "injection.declared_too_fast",
        "By the client's own times frames were taken faster than cameras take.",
    ),
    "set_back": ("injection.declared_set_back", "The client's clock went back."),
    "gap": ("injection.declared_gap", "By the client's own times film was left out between frames."),
    "hurried": (
        "injection.declared_hurried",
        "By the client's own times a stretch was taken faster than cameras take.",
    ),
    "standing_still": ("injection.declared_stands_still", "Most frames have the client's time of the one before."),
    "constant": ("injection.declared_constant", "The client's times are more even than a camera's."),
}
_DIGEST_BYTES = 8
"""Enough to tell some thousand frames apart."""


@dataclass(frozen=True, slots=True)
class InjectionTuning:
    """From when on something is no camera's doing."""

    loop_share: float = 0.35
    """Share of the looks in 2.4 s that find an earlier picture in step. Filmed people of three clips reached 0.07."""
    frozen_ms: float = 5_000.0
    """One and the same picture for so long, with a face in it and a prompt on show."""
    stalled_ms: float = 2_000.0
    """For so long a camera stands still now and then; what was missed meanwhile nobody knows."""
    jumps: int = 3
    """So many leaps of the head: a player that cuts to what is asked leaps to each gesture and back. Filmed people of seven
    clips came to one in a minute."""
    repeated_share: float = 0.7
    """Of the frames of a stretch of `repeated_ms`, so many have the bytes of the one before: cameras in low light give a picture
    twice or three times, and one that gives it four times cannot be judged."""
    repeated_ms: float = 4_000.0
    steps_lost: int = 3
    """In so many steps the face was away for a moment: there a player may have gone to what was asked. Of seven people's film,
    5,333 frames, no frame was lost."""
    least_frames: int = 15
    noise_every_ms: float = 80.0
    """Grain does not change from frame to frame, and costs more to measure than the rest."""


class InjectionSignal:
    """Fails where the film is no camera's. A `Signal`."""

    name = "injection"

    def __init__(self, tuning: InjectionTuning | None = None, rows: FrameRows | None = None) -> None:
        self._tuning = tuning or InjectionTuning()
        self._rows = rows or FrameRows()
        self._arrivals = Arrivals()
        self._declared = DeclaredTimes()
        self._claims = array("d")
        self._all_ms = array("d")
        self._loops = LoopFinder()
        self._camera = CameraChange()
        self._head: HeadView | None = None
        self._seen: HeadView | None = None
        self._jumps: JumpCuts[HeadView] = JumpCuts(step_between)
        self._fades = CrossFades()
        self._sight = SightLost()
        self._timed = False
        self._frames = self._duplicates = 0
        self._last_digest = b""
        self._same_since_ms = 0.0
        self._asked = False
        self._longest_ms = self._longest_asked_ms = 0.0
        self._repeats = RepeatedFrames(self._tuning.repeated_ms)
        self._times_ms = array("d")
        self._noises = array("d")

    def start(self, challenge: Challenge | None) -> None:
        """A recording has its own even clock: only a check's is judged."""
        self._timed = challenge is not None and not challenge.scripted

    def update(self, observation: Observation) -> None:
        frame, track = observation.frame, observation.track
        # What is signed of a time is its microseconds: judged again, a frame must give the same to the bit.
        t_ms = round(1_000 * frame.t_ms) / 1_000
        self._arrivals.add(t_ms)
        self._note_claim(t_ms, frame.declared_ms)
        digest = frame.sha256[:_DIGEST_BYTES]
        height, width = frame.image.shape[:2]
        rows, seen = self._rows.of(frame)
        head = None if track is None else view_of(rows, (height, width), track)
        gone = head is None and self._seen is not None and is_gone(rows, (height, width), self._seen)
        self._sight.add(t_ms, observation.prompt, face=head is not None, gone=gone)
        self._seen = head or self._seen
        self._follow(t_ms, rows, head, still=digest != b"" and digest == self._last_digest)
        self._freeze(observation, digest, t_ms)
        self._loops.add(t_ms, seen, digest if track is not None else b"")
        if not self._noises or t_ms - self._times_ms[-1] >= self._tuning.noise_every_ms - 0.5:
            self._times_ms.append(t_ms)
            self._noises.append(noise_of(frame.image))
        face = None if track is None else _centre(track, height, width)
        self._camera.add(Sight(t_ms, seen, face, (height, width), self._noises[-1]))
        self._frames += 1

    def reading(self) -> SignalReading:
        failed = self._failed()
        if failed is not None:
            return self._read(Outcome.FAIL, *failed)
        unclear = self._unclear()
        if unclear is not None:
            return self._read(Outcome.INCONCLUSIVE, *unclear)
        return self._read(Outcome.PASS, "injection.none_seen", "Nothing was seen that only a program does.")

    def marks(self) -> Marks:
        traces = [Trace("sensor noise", "grey levels", tuple(self._times_ms), tuple(self._noises))]
        if self._declared.told:
            # Of every frame, so that an auditor can look at the claims as they were made.
            traces.append(Trace(DECLARED_TRACE, "ms", tuple(self._all_ms), tuple(self._claims)))
        return Marks(tuple(traces))

    def _note_claim(self, t_ms: float, declared_ms: float | None) -> None:
        self._declared.add(t_ms, declared_ms)
        self._all_ms.append(t_ms)
        self._claims.append(math.nan if declared_ms is None else declared_ms)

    def _follow(self, t_ms: float, rows: Image, head: HeadView | None, *, still: bool) -> None:
        """Where the head went since the last frame."""
        move = UNKNOWN if head is None or self._head is None else move_between(self._head, head)
        self._head = head
        self._jumps.add(t_ms, head, still=still, step=move.length)
        self._fades.add(t_ms, rows, head, move)

    def _leaps(self) -> tuple[int, int]:
        """How many leaps and fades were seen, and how many lie where nobody saw them. What is within a fade is the fade."""
        spans, unclear = self._fades.told_ms()

        def alone(times_ms: list[float]) -> int:
            return sum(not any(start < t_ms <= end for start, end in (*spans, *unclear)) for t_ms in times_ms)

        return alone(self._jumps.seen_ms) + len(spans), alone(self._jumps.hidden_ms) + len(unclear)

    def _freeze(self, observation: Observation, digest: bytes, t_ms: float) -> None:
        """How long the very same picture of a face stands. A covered lens is black to the bit as well: no face, no claim."""
        self._repeats.add(t_ms, again=digest != b"" and digest == self._last_digest, face=observation.track is not None)
        if not digest or digest != self._last_digest or observation.track is None:
            self._last_digest, self._same_since_ms, self._asked = digest, t_ms, False
            return
        self._duplicates += 1
        self._asked = self._asked or observation.prompt is not None or not self._timed
        stood_ms = t_ms - self._same_since_ms
        self._longest_ms = max(self._longest_ms, stood_ms)
        if self._asked:
            self._longest_asked_ms = max(self._longest_asked_ms, stood_ms)

    def _failed(self) -> tuple[str, str] | None:
        impossible = self._arrivals.impossible() if self._timed else ""
        claimed = self._declared.impossible() if self._timed else ""
        if impossible:
            return _CLOCKS[impossible]
        return _DECLARED[claimed] if claimed else self._no_film_of_a_camera()

    def _no_film_of_a_camera(self) -> tuple[str, str] | None:
        loop = self._loops.best
        if loop.share >= self._tuning.loop_share:
            way = "backwards" if loop.backwards else f"after {loop.lag_ms / 1_000:.1f} s"
            return "injection.looped", f"A stretch of the film came again {way}."
        if self._longest_asked_ms >= self._tuning.frozen_ms:
            return "injection.frozen", f"One picture stood still to the bit for {self._longest_asked_ms / 1_000:.1f} s."
        if self._camera.changed_ms is not None:
            at_s = self._camera.changed_ms / 1_000
            return "injection.camera_changed", f"At {at_s:.1f} s the film went on with another camera."
        leaps, _ = self._leaps()
        if leaps >= self._tuning.jumps:
            return "injection.jumped", f"{leaps} times the person leapt from one moment to another."
        return None

    def _unclear(self) -> tuple[str, str] | None:
        if self._frames < self._tuning.least_frames:
            return "injection.too_few_frames", "There were too few frames to tell a camera from a program."
        if self._longest_ms >= self._tuning.stalled_ms:
            return "injection.stalled", f"The picture stood still to the bit for {self._longest_ms / 1_000:.1f} s."
        if self._repeats.most >= self._tuning.repeated_share:
            return (
                "injection.repeated",
                f"{self._repeats.most:.0%} of the frames of a stretch are the one before again.",
            )
        if sum(self._leaps()) >= self._tuning.jumps:
            return "injection.jumps_hidden", "Where nobody saw it the person leapt from one moment to another."
        if len(self._sight.steps) >= self._tuning.steps_lost:
            return "injection.out_of_sight", f"In {len(self._sight.steps)} steps the face was lost for a moment."
        return self._unlikely_times() if self._timed else None

    def _unlikely_times(self) -> tuple[str, str] | None:
        if self._arrivals.constant:
            return "injection.clock_constant", "The frames came more evenly than cameras and networks give them."
        if self._arrivals.hurried:
            return "injection.clock_hurried", "Many frames came at once, and nothing had held them up."
        claimed = self._declared.unlikely()
        return _DECLARED[claimed] if claimed else None

    def _read(self, outcome: Outcome, code: str, text: str) -> SignalReading:
        tuning = self._tuning
        strength = max(
            self._loops.best.share / tuning.loop_share,
            self._longest_asked_ms / tuning.frozen_ms,
            self._leaps()[0] / tuning.jumps,
            1.0 if outcome is Outcome.FAIL else 0.0,
        )
        score = to_ppm(strength) if self._frames >= tuning.least_frames or outcome is Outcome.FAIL else None
        return SignalReading(self.name, outcome, code, text, score, self._details())

    def _details(self) -> dict[str, Json]:
        loop, leaps = self._loops.best, self._leaps()
        noises = [noise for noise in self._noises if math.isfinite(noise)]
        return {
            "frames": self._frames,
            "duplicates": self._duplicates,
            "longest_still_ms": round(self._longest_ms),
            "repeated_ppm": to_ppm(self._repeats.most),
            "loop_share_ppm": to_ppm(loop.share),
            "loop_lag_ms": round(loop.lag_ms),
            "cuts": self._camera.cuts,
            "size_changes": self._camera.sizes,
            "jumps": leaps[0],
            "jumps_hidden": leaps[1],
            "fades": len(self._fades.spans_ms),
            "steps_lost": len(self._sight.steps),
            "noise_milli": round(1_000 * statistics.median(noises)) if noises else None,
            "clock_judged": self._timed,
            "clock": dict(self._arrivals.figures()),
            "declared": dict(self._declared.figures()),
        }


def _centre(track: FaceTrack, height: int, width: int) -> NDArray[np.float64]:
    """(2,) middle between the outer eye corners, in shares of the picture's sides."""
    right, left = track.landmarks[_RIGHT_EYE], track.landmarks[_LEFT_EYE]
    return np.array([(right[0] + left[0]) / (2 * width), (right[1] + left[1]) / (2 * height)])
