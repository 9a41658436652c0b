"""How well the camera saw the person: two readings that need no model.

`capture` confirms that enough frames could be judged; `faces` denies a second person in view.
"""

from __future__ import annotations

from collections import Counter

from medauth.protocol.canonical import Json
from medauth.protocol.observation import HINTS, CaptureProblem, Observation
from medauth.protocol.policy import Policy
from medauth.protocol.reading import PPM, Outcome, SignalReading, to_ppm

CAPTURE = "capture"
FACES = "faces"
SEVERAL_FACES_MS = 400.0
"""A second face for longer than this without a break is a person, not a flicker of the detector."""
SEVERAL_FACES_IN_ALL_MS = 3_000.0
"""So is one that comes and goes for this long over the whole check."""


class Coverage:
    """Counts judged and unusable frames as they come."""

    def __init__(self) -> None:
        self.frames = 0
        self.judged = 0
        self.first_ms = 0.0
        self.last_ms = 0.0
        self._several_ms = 0.0
        self._run_ms = 0.0
        self._longest_ms = 0.0
        self._problems: Counter[CaptureProblem] = Counter()

    def add(self, observation: Observation) -> None:
        """Takes in one frame."""
        t_ms = observation.frame.t_ms
        self._note_company(observation.problem is CaptureProblem.SEVERAL_FACES, t_ms)
        if self.frames == 0:
            self.first_ms = t_ms
        self.last_ms = t_ms
        self.frames += 1
        if observation.problem is None:
            self.judged += 1
        else:
            self._problems[observation.problem] += 1

    def _note_company(self, several: bool, t_ms: float) -> None:
        passed = t_ms - self.last_ms if self.frames else 0.0
        self._run_ms = self._run_ms + passed if several else 0.0
        self._longest_ms = max(self._longest_ms, self._run_ms)
        self._several_ms += passed if several else 0.0

    @property
    def fps(self) -> float:
        """Frames a second over the whole check; 0 before the second frame."""
        duration_ms = self.last_ms - self.first_ms
        return 1_000 * (self.frames - 1) / duration_ms if duration_ms > 0 else 0.0

    def readings(self, policy: Policy) -> tuple[SignalReading, SignalReading]:
        """`capture` and `faces` under a policy."""
        return self._capture(policy), self._faces()

    def _capture(self, policy: Policy) -> SignalReading:
        share = to_ppm(self.judged / self.frames) if self.frames else 0
        details: dict[str, Json] = {
            "frames": self.frames,
            "judged": self.judged,
            "fps_milli": round(1_000 * self.fps),
            "problems": {problem.value: count for problem, count in sorted(self._problems.items())},
        }
        if not self.frames:
            return SignalReading(CAPTURE, Outcome.INCONCLUSIVE, "capture.no_frames", "No frame came.", None, details)
        if share < policy.min_judged_ppm:
            worst = self._problems.most_common(1)[0][0]
            text = f"The face could be judged in {share * 100 // PPM} % of the frames. {HINTS[worst]}"
            return SignalReading(CAPTURE, Outcome.INCONCLUSIVE, f"capture.{worst.value}", text, share, details)
        if self.fps < policy.min_fps:
            text = f"{self.fps:.1f} frames a second came; times cannot be measured below {policy.min_fps}."
            return SignalReading(CAPTURE, Outcome.INCONCLUSIVE, "capture.too_few_frames", text, share, details)
        return SignalReading(CAPTURE, Outcome.PASS, "capture.clear", "The face was in clear view.", share, details)

    def _faces(self) -> SignalReading:
        details: dict[str, Json] = {"several_ms": round(self._several_ms), "longest_ms": round(self._longest_ms)}
        if self._longest_ms >= SEVERAL_FACES_MS or self._several_ms >= SEVERAL_FACES_IN_ALL_MS:
            text = f"More than one face was in view for {self._several_ms / 1_000:.1f} s."
            return SignalReading(FACES, Outcome.FAIL, "faces.several", text, PPM, details)
        if not self.judged:
            return SignalReading(FACES, Outcome.INCONCLUSIVE, "faces.none", "No face was seen.", None, details)
        return SignalReading(FACES, Outcome.PASS, "faces.one", "One face was in view.", 0, details)
