"""How far each action is performed now, measured against the person's own face at rest.

Expressions are read in the head's own frame, so that a turn of the head does not look like a smile:

- *smile*: how much the corners of the mouth moved apart and up. An opening mouth moves them together and down.
- *raise brows*: how much the middle of the brows moved up.
- *open mouth*: the gap between the inner lips.

One hundred percent are a clear expression, in distances between the outer eye corners; the numbers come from looking at
the frames of clips in which people raise their brows, smile and open their mouth (tests/integration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from medauth.protocol.challenge import RULES, Action, Category, Challenge, Unit
from medauth.protocol.observation import FaceTrack, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.expression_shape import CLEAR_BROWS, CLEAR_OPENING, CLEAR_SMILE, expression_shape
from medauth.signals.head_pose import Floats
from medauth.signals.interface import Marks, Trace
from medauth.signals.neutral import Neutral

SMOOTHING_MS = 35.0
"""Time constant for expressions: takes half of the mesh's jitter at 30 frames a second, delays an onset by about one
frame. The head's pose and size rest on thirty points, jitter by a third of a degree and need none."""
MAX_YAW = 30.0
MAX_PITCH = 22.0
"""Beyond, in degrees from the camera's axis or from rest, half of the face is guessed by the mesh: no expressions."""
GAP_MS = 400.0
"""After a longer silence (face lost) smoothing starts anew."""
MIN_SHARE_PPM = 500_000

YAW, PITCH, ROLL, SIZE, SMILE, BROWS, OPENING = range(7)
"""Columns of a measurement: degrees, degrees, degrees, log pixels, and three in eye distances."""


_JITTERY = np.array([column >= SMILE for column in range(7)])


def measure(track: FaceTrack) -> Floats:
    """(7,) float64: the face as numbers, in the order above; nothing is compared with anything yet."""
    pose = track.pose
    return np.concatenate([[pose.yaw, pose.pitch, pose.roll, np.log(track.quality.size_px)], expression_shape(track)])


def amounts_of(measured: Floats, neutral: Floats) -> dict[Action, float]:
    """Every action in the unit of `RULES`. Expressions are left out on a head turned too far to show them."""
    change = measured - neutral
    grown = 100 * float(np.expm1(change[SIZE]))
    amounts = {
        Action.TURN_LEFT: float(change[YAW]),
        Action.TURN_RIGHT: -float(change[YAW]),
        Action.LOOK_UP: float(change[PITCH]),
        Action.LOOK_DOWN: -float(change[PITCH]),
        Action.TILT_LEFT: float(change[ROLL]),
        Action.TILT_RIGHT: -float(change[ROLL]),
        Action.CLOSER: grown,
        Action.FARTHER: -grown,
    }
    if abs(measured[YAW]) <= MAX_YAW and max(abs(change[PITCH]), abs(measured[PITCH])) <= MAX_PITCH:
        amounts[Action.SMILE] = 100 * float(change[SMILE]) / CLEAR_SMILE
        amounts[Action.RAISE_BROWS] = 100 * float(change[BROWS]) / CLEAR_BROWS
        amounts[Action.OPEN_MOUTH] = 100 * float(change[OPENING]) / CLEAR_OPENING
    return amounts


@dataclass(slots=True)
class _Smoothed:
    """Exponential smoothing in time, not in frames, so that the frame rate changes nothing."""

    value: Floats | None = None
    t_ms: float = 0.0

    def update(self, t_ms: float, measured: Floats) -> Floats:
        past = t_ms - self.t_ms
        if self.value is None or past > GAP_MS:
            self.value = measured
        else:
            share = 1 - np.exp(-past / SMOOTHING_MS)
            self.value = np.where(_JITTERY, self.value + share * (measured - self.value), measured)
        self.t_ms = t_ms
        return self.value


@dataclass(slots=True)
class GestureSignal:
    """Measures gestures for the ceremony; its own reading says only how well that worked."""

    name: str = "gesture"
    _neutral: Neutral = field(default_factory=Neutral)
    _smoothed: _Smoothed = field(default_factory=_Smoothed)
    _now: dict[Action, float] = field(default_factory=dict)
    _frames: int = 0
    _measured: int = 0
    _times: list[float] = field(default_factory=list)
    _history: list[dict[Action, float]] = field(default_factory=list)

    def start(self, challenge: Challenge | None) -> None:
        """In an analysis nothing was asked, so a face that stays changed is not taken for a new rest."""
        self._neutral.follows_rest = challenge is not None

    def update(self, observation: Observation) -> None:
        self._frames += 1
        self._now = {}
        if observation.track is None:
            return
        t_ms = observation.frame.t_ms
        measured = self._smoothed.update(t_ms, measure(observation.track))
        level = self._neutral.level
        amounts = amounts_of(measured, level) if level is not None else {}
        activity = max(_activity(amounts), _unsmiling(amounts) if self._neutral.follows_rest else 0.0)
        self._neutral.update(t_ms, measured, activity, prompted=observation.prompt is not None)
        if amounts:
            self._measured += 1
            self._now = amounts
            self._times.append(t_ms)
            self._history.append(amounts)

    def amounts(self) -> Mapping[str, float]:
        return {action.value: amount for action, amount in self._now.items()}

    def reading(self) -> SignalReading:
        share = to_ppm(self._measured / self._frames) if self._frames else None
        if self._neutral.level is None:
            text = "The face was never at rest, so no gesture could be measured against it."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "gesture.no_neutral", text, share)
        if share is None or share < MIN_SHARE_PPM:
            text = "Gestures could be measured in too few frames."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "gesture.too_few_frames", text, share)
        text = "Gestures were measured against the face at rest."
        return SignalReading(self.name, Outcome.PASS, "gesture.measured", text, share)

    def marks(self) -> Marks:
        return Marks(traces=tuple(self._trace(action) for action in _TRACED))

    def _trace(self, action: Action) -> Trace:
        seen = [
            (t, amounts[action]) for t, amounts in zip(self._times, self._history, strict=True) if action in amounts
        ]
        return Trace(action.value, RULES[action].unit.value, [t for t, _ in seen], [amount for _, amount in seen])


def _activity(amounts: Mapping[Action, float]) -> float:
    """How near the face is to a gesture: the greatest amount as a share of its onset."""
    return max((amount / RULES[action].onset for action, amount in amounts.items()), default=0.0)


def _unsmiling(amounts: Mapping[Action, float]) -> float:
    """How much less of a smile than at rest there is, as a share of a smile's onset: rest that was taken from a smile is to be
    taken anew once the face is still."""
    return -amounts.get(Action.SMILE, 0.0) / RULES[Action.SMILE].onset


# One of each opposite pair: the other is its negative.
_TRACED = tuple(
    action
    for action in Action
    if RULES[action].unit is not Unit.TIMES
    and RULES[action].category not in {Category.BREAKER, Category.SPEECH}
    and action not in {Action.TURN_RIGHT, Action.LOOK_DOWN, Action.TILT_RIGHT, Action.FARTHER}
)
