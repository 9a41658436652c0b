"""Deepfake: is the face that moves here a person's own, or was it painted over frame by frame?

Ten times a second an aligned crop becomes a vector of what its texture, edges and colours look like; sixteen vectors make
a window, which a recurrent head judges, so that what flickers from frame to frame counts beside what is wrong in a single
one. While a step asks for what painted faces handle badly, every look closes a window, so that those moments weigh most.
A check is judged by the eighth of its windows that look most painted, about what one step fills, by the mean of their
logits: a photograph that is made to move shows it while it moves and not between, and in a check no single window decides.
The model's manifest makes a probability of that and has the threshold, which comes from people who were judged in the same
way.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge, is_breaker
from medauth.protocol.observation import FaceTrack, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.calibration import FALLBACK, Calibration, deny_threshold
from medauth.signals.face_crop import FaceBox, crop_face, face_matrix
from medauth.signals.interface import HeatMap, Marks, Notable, Trace
from medauth.signals.models import JudgingModel, prepare_image

_SIGNATURES = frozenset({"encode", "score"})


@dataclass(frozen=True, slots=True)
class DeepfakeTuning:
    """How often the model looks and what it is spared."""

    every_ms: float = 100.0
    """Between looks; a window then spans a second and a half, in which a face moves enough to tear a mask loose."""
    judge_every: int = 4
    """Looks from one window to the next."""
    most_turn_deg: float = 35.0
    """A head turned further shows half a face, and the crops of the training did not."""
    gap_ms: float = 1_500.0
    """After so long without a usable face the window begins anew: nobody knows what happened in between."""


class DeepfakeSignal:
    """Fails where the face was exchanged or driven by a computer; whether that denies is the policy's to say (today: every one).

    A `Signal` and `Explainable`; `policy` names the threshold. The model's `encode` takes `images` (1, side, side, 3) to
    `vector` (1, width) and `maps` (1, h, w, width), `score` takes `vectors` (1, window, width) to `logit`, and `explain`
    takes `maps` (1, window, h, w, width) to `heat` (1, window, h, w).
    """

    name = "deepfake"

    def __init__(self, model: JudgingModel, policy: str = FALLBACK, tuning: DeepfakeTuning | None = None) -> None:
        missing = _SIGNATURES - set(model.signatures())
        if missing:
            raise ModelError(
                f"model {model.manifest.name} cannot {' and '.join(sorted(missing))}",
                expected="a deepfake model, with the signatures encode and score",
                next_step="use a model made by `medauth train deepfake`",
            )
        self._model = model
        self._tuning = tuning or DeepfakeTuning()
        self._threshold = deny_threshold(model.manifest.operating_points, policy)
        self._calibration = Calibration.of(model.manifest.calibration)
        self._box = FaceBox.of(model.manifest.preprocessing)
        self._size_px = model.input_shape("encode")[1]
        self._window: deque[NDArray[np.float32]] = deque(maxlen=model.input_shape("score")[1])
        self._last_ms = -math.inf
        self._looks = self._turned = 0
        self._covered = self._waiting = 0
        self._times_ms: list[float] = []
        self._broken: list[float] = []
        self._logits: list[float] = []
        self._notable: Notable | None = None

    def start(self, challenge: Challenge | None) -> None:
        """Needs nothing of the challenge."""

    def update(self, observation: Observation) -> None:
        self._notable = None
        t_ms, track = observation.frame.t_ms, observation.track
        # Half a millisecond of slack: a clip's timestamps are rounded.
        if track is None or t_ms - self._last_ms < self._tuning.every_ms - 0.5:
            return
        if abs(track.pose.yaw) > self._tuning.most_turn_deg:
            self._turned += 1
            return
        if t_ms - self._last_ms > self._tuning.gap_ms:
            self._window.clear()
            self._waiting = 0
        self._last_ms = t_ms
        self._window.append(self._encode(observation.frame.image, track))
        self._looks += 1
        self._waiting += 1
        prompt = observation.prompt
        self._judge(t_ms, closely=prompt is not None and is_breaker(prompt.step.action))

    def reading(self) -> SignalReading:
        details = self._details()
        if not self._logits:
            text = "The face was not seen well enough, or not long enough, to tell a real one from a painted one."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "deepfake.too_few_frames", text, None, details)
        strength = self._probability(check_logit(self._logits))
        score = to_ppm(strength)
        if strength >= self._threshold:
            text = "The face shows traces of having been exchanged or painted over."
            return SignalReading(self.name, Outcome.FAIL, "deepfake.suspected", text, score, details)
        if 2 * self._covered < self._looks:  # gaps took the rest away: whoever makes them chooses what is judged
            text = "The face was gone too often to tell a real one from a painted one."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "deepfake.too_few_frames", text, None, details)
        text = "No traces of an exchanged or painted face were seen."
        return SignalReading(self.name, Outcome.PASS, "deepfake.none_seen", text, score, details)

    def marks(self) -> Marks:
        trace = Trace("deepfake", "probability", tuple(self._times_ms), tuple(map(self._probability, self._logits)))
        return Marks((trace,), (self._model.use,))

    def notable(self) -> Notable | None:
        """A frame that ends a window which looks more painted than real."""
        return self._notable

    def explained(self, image: NDArray[np.uint8], track: FaceTrack, what: str) -> HeatMap | None:
        """Grad-CAM through the recurrent head, of a window in which the face stands still: one frame is kept, not sixteen."""
        if "explain" not in self._model.signatures():
            return None
        face = self._cut(image, track)
        maps = self._model.run("encode", images=prepare_image(face, self._model.manifest))["maps"]
        window = np.repeat(np.asarray(maps, np.float32)[:, None], self._window.maxlen or 1, axis=1)
        heat = np.asarray(self._model.run("explain", maps=window)["heat"], np.float32)[0].mean(axis=0)
        place = face_matrix(track.landmarks, self._size_px, self._box, track.quality.size_px)
        return HeatMap(self.name, what, "Grad-CAM", heat, face, self._model.use, place)

    def single(self, image: NDArray[np.uint8], track: FaceTrack) -> float | None:
        """Probability that one frame by itself was painted, uncalibrated; None where the file gives no such answer."""
        found = self._model.run("encode", images=prepare_image(self._cut(image, track), self._model.manifest))
        logit = found.get("logit")
        return None if logit is None else _sigmoid(float(np.asarray(logit).reshape(-1)[0]))

    def _cut(self, image: NDArray[np.uint8], track: FaceTrack) -> NDArray[np.uint8]:
        return crop_face(image, track.landmarks, self._size_px, self._box, track.quality.size_px, colour=True)

    def _encode(self, image: NDArray[np.uint8], track: FaceTrack) -> NDArray[np.float32]:
        found = self._model.run("encode", images=prepare_image(self._cut(image, track), self._model.manifest))
        return np.asarray(found["vector"], np.float32).reshape(-1)

    def _judge(self, t_ms: float, *, closely: bool) -> None:
        """A window is judged when it is full, and then after every few looks; `closely` after every one."""
        length = self._window.maxlen or 0
        if len(self._window) == length and (closely or (self._looks - length) % self._tuning.judge_every == 0):
            found = self._model.run("score", vectors=np.stack(self._window)[None])
            self._covered, self._waiting = self._covered + self._waiting, 0
            self._times_ms.append(t_ms)
            self._logits.append(float(np.asarray(found["logit"]).reshape(-1)[0]))
            if closely:
                self._broken.append(self._logits[-1])
            if self._logits[-1] > 0:
                self._notable = Notable("fake", self._probability(self._logits[-1]))

    def _probability(self, logit: float) -> float:
        return self._calibration.probability(_sigmoid(logit))

    def _details(self) -> dict[str, Json]:
        chances = [self._probability(logit) for logit in self._logits]
        return {
            "model": self._model.manifest.name,
            "looks": self._looks,
            "looks_judged": self._covered,
            "turned_away": self._turned,
            "windows": len(chances),
            "windows_above_threshold": sum(chance >= self._threshold for chance in chances),
            "threshold_ppm": to_ppm(self._threshold),
            "highest_ppm": to_ppm(max(chances)) if chances else None,
            "breaker_windows": len(self._broken),
            "breaker_ppm": to_ppm(self._probability(check_logit(self._broken))) if self._broken else None,
        }


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(50.0, max(-50.0, logit))))


def check_logit(logits: Sequence[float], most: float = 8.0) -> float:
    """Mean of the highest eighth of a check's logits, at least one, each within +-`most`."""
    highest = sorted(logits, reverse=True)[: math.ceil(len(logits) / 8)]
    return sum(min(most, max(-most, logit)) for logit in highest) / len(highest)
