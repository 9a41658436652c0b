"""Presentation attack: is it a face in front of the camera, or paper or a screen with a face on it?

A network looks at two crops of a frame, the face alone (texture, moire, dots) and the face with its surroundings (edges,
bezels, hands), a few times a second. What it says of single frames is unsteady, so a check is judged by the trimmed mean
of its log-odds; the threshold stands in the model's manifest, where the evaluation that set it is recorded.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import CaptureProblem, FaceTrack, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals import calibration
from medauth.signals.calibration import FALLBACK, deny_threshold
from medauth.signals.explain import Explainer, GradCam
from medauth.signals.interface import HeatMap, Marks, Notable, Trace
from medauth.signals.models import JudgingModel, Manifest, prepare_image
from medauth.signals.presentation_crop import cut_square, face_box

_LIVE, _PRINT, _REPLAY = "live", "print", "replay"
_TEXTS = {
    _PRINT: ("presentation_attack.print", "The face looks like a picture on paper."),
    _REPLAY: ("presentation_attack.replay", "The face looks like a picture on a screen."),
}
_UNUSABLE = {
    CaptureProblem.FACE_TOO_SMALL: (
        "presentation_attack.too_small",
        "The face was too small to tell skin from a picture.",
    ),
    CaptureProblem.BLURRED: ("presentation_attack.blurred", "The face was too blurred to tell skin from a picture."),
}


@dataclass(frozen=True, slots=True)
class PresentationTuning:
    """How often the model looks and what it is shown."""

    every_ms: float = 250.0
    """Paper and glass do not come and go within a check: four looks a second are enough, and cost a tenth of them all."""
    least_looks: int = 8
    least_size_px: float = 36.0
    """Between the outer eye corners: below, dots and lattices of a picture are smaller than the camera's pixels."""
    most_turn_deg: float = 30.0
    """A head turned further shows the net little of what it learned."""
    trim: float = 0.2
    """Share of looks left out at either end: one glint is no attack, one lucky frame no life."""
    clip: float = 6.0
    """Log-odds beyond this count as this much."""


class PresentationAttackSignal:
    """Fails where the face is a picture, by the threshold of the policy of that name. A `Signal` and `Explainable`.

    The model's `predict` takes `images` float32 (1, side, side, 3) to `probabilities` (1, classes); it may have `explain`.
    """

    name = "presentation_attack"

    def __init__(
        self,
        model: JudgingModel,
        policy: str = FALLBACK,
        tuning: PresentationTuning | None = None,
        explainer: Explainer | None = None,
    ) -> None:
        self._model = model
        self._explainer = explainer or GradCam()
        self._tuning = tuning or PresentationTuning()
        manifest = model.manifest
        self._classes = manifest.classes
        if not {_LIVE, _PRINT, _REPLAY} <= set(self._classes):
            raise ModelError(
                f"model {manifest.name} knows {', '.join(self._classes) or 'no classes'}",
                expected="a model that knows live, print and replay",
                next_step="use a presentation attack model",
            )
        self._scales, self._threshold = _scales_of(manifest), deny_threshold(manifest.operating_points, policy)
        self._size_px = model.input_shape()[1]
        self._times_ms: list[float] = []
        self._odds: list[float] = []
        self._shares: list[NDArray[np.float64]] = []
        self._unusable: Counter[CaptureProblem] = Counter()
        self._last_ms = -math.inf
        self._notable: Notable | None = None

    def start(self, challenge: Challenge | None) -> None:
        """Needs nothing of the challenge."""

    def update(self, observation: Observation) -> None:
        self._notable = None
        t_ms = observation.frame.t_ms
        # Half a millisecond of slack: a clip's timestamps are rounded.
        if t_ms - self._last_ms < self._tuning.every_ms - 0.5:
            return
        track = observation.track
        if track is None:
            if observation.problem in _UNUSABLE:
                self._unusable[observation.problem] += 1
            return
        self._last_ms = t_ms
        if track.quality.size_px < self._tuning.least_size_px:
            self._unusable[CaptureProblem.FACE_TOO_SMALL] += 1
        elif abs(track.pose.yaw) <= self._tuning.most_turn_deg:
            self._look(observation.frame.image, track, t_ms)

    def reading(self) -> SignalReading:
        details = self._details()
        if len(self._odds) < self._tuning.least_looks:
            code, text = self._why_too_few()
            return SignalReading(self.name, Outcome.INCONCLUSIVE, code, text, None, details)
        strength = _chance(trimmed_mean(self._odds, self._tuning.trim))
        score = to_ppm(strength)
        if strength >= self._threshold:
            code, text = _TEXTS[self._likelier_attack(np.mean(self._shares, axis=0))]
            return SignalReading(self.name, Outcome.FAIL, code, text, score, details)
        text = "Nothing of paper or a screen was seen."
        return SignalReading(self.name, Outcome.PASS, "presentation_attack.none_seen", text, score, details)

    def marks(self) -> Marks:
        values = tuple(_chance(odds) for odds in self._odds)
        trace = Trace("presentation attack", "probability", tuple(self._times_ms), values)
        return Marks((trace,), (self._model.use,))

    def notable(self) -> Notable | None:
        """A frame that looks more like an attack than like a face: the likelier attack, by its share."""
        return self._notable

    def explained(self, image: NDArray[np.uint8], track: FaceTrack, what: str) -> HeatMap | None:
        """Grad-CAM of the attack `what` on the crop, of the two, that says so louder."""
        if not self._explainer.can_explain(self._model):
            return None
        index = self._classes.index(what)
        crops = self._crops(image, track)
        crop = max(crops, key=lambda cut: float(self._shares_of(cut)[index]))
        heat = self._explainer.heat(self._model, prepare_image(crop, self._model.manifest), index)
        return HeatMap(self.name, what, self._explainer.name, heat, crop, self._model.use)

    def _look(self, image: NDArray[np.uint8], track: FaceTrack, t_ms: float) -> None:
        shares = [self._shares_of(crop) for crop in self._crops(image, track)]
        live = self._classes.index(_LIVE)
        odds = [log_odds(1.0 - float(share[live]), self._tuning.clip) for share in shares]
        self._times_ms.append(t_ms)
        self._odds.append(float(np.mean(odds)))
        self._shares.append(np.mean(shares, axis=0))
        if self._odds[-1] > 0:
            likelier = self._likelier_attack(self._shares[-1])
            self._notable = Notable(likelier, float(self._shares[-1][self._classes.index(likelier)]))

    def _crops(self, image: NDArray[np.uint8], track: FaceTrack) -> list[NDArray[np.uint8]]:
        """The face alone and with its surroundings, (side, side, 3) uint8 BGR each."""
        x, y, width = face_box(track.landmarks)
        return [cut_square(image, (x, y), scale * width, self._size_px) for scale in self._scales]

    def _shares_of(self, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = self._model.run("predict", images=prepare_image(crop, self._model.manifest))
        return np.asarray(found["probabilities"], np.float64).reshape(-1)

    def _likelier_attack(self, shares: NDArray[np.float64]) -> str:
        return max((_PRINT, _REPLAY), key=lambda name: float(shares[self._classes.index(name)]))

    def _why_too_few(self) -> tuple[str, str]:
        if self._unusable and sum(self._unusable.values()) >= len(self._odds):
            return _UNUSABLE[self._unusable.most_common(1)[0][0]]
        return "presentation_attack.too_few_frames", "The face was not seen long enough to tell skin from a picture."

    def _details(self) -> dict[str, Json]:
        above = sum(_chance(odds) >= self._threshold for odds in self._odds)
        means = np.mean(self._shares, axis=0) if self._shares else []
        return {
            "model": self._model.manifest.name,
            "looks": len(self._odds),
            "looks_above_threshold": above,
            "threshold_ppm": to_ppm(self._threshold),
            "unusable": {problem.value: count for problem, count in sorted(self._unusable.items())},
            "shares_ppm": {name: to_ppm(float(share)) for name, share in zip(self._classes, means, strict=False)},
        }


def log_odds(chance: float, clip: float) -> float:
    """Log-odds of `chance` within +-`clip`."""
    return calibration.log_odds(chance, _chance(-clip))


def trimmed_mean(values: list[float], trim: float) -> float:
    """Mean without the share `trim` of the smallest and of the largest values (at least one is left)."""
    cut = min(int(trim * len(values)), (len(values) - 1) // 2)
    kept = sorted(values)[cut : len(values) - cut]
    return sum(kept) / len(kept)


def _chance(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))


def _scales_of(manifest: Manifest) -> tuple[float, ...]:
    scales = manifest.preprocessing.get("face_widths")
    if not isinstance(scales, list) or not scales:
        raise ModelError(
            f"model {manifest.name} names no crops", expected="`preprocessing.face_widths`, sides in widths of the face"
        )
    return tuple(float(scale) for scale in scales)
