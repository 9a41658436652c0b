"""A driver that performs any prompted step: when to begin, how far to go, how long to stay, when to let go.

It knows what a person at the camera is told, the prompt and its target, and nothing else. What it drives is a mesh over a
real face (`mesh_warp`): an attack, which presentation and deepfake cues must find; to the protocol alone it is a diligent
actor, and is used as one and named so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from medauth.evaluation.attacks.look import Look
from medauth.protocol.challenge import Action, Step
from medauth.protocol.observation import Prompt

Random = np.random.Generator
REACTION_MS = (420.0, 950.0)
"""From prompt to onset; simple choice reactions to a written word take about that long (Luce 1986)."""
STRENGTH: Mapping[Action, float] = {Action.SMILE: 2.2, Action.RAISE_BROWS: 1.45, Action.OPEN_MOUTH: 1.45}
"""Of a clear expression: what comes out of smoothing and of the mesh's own idea of faces must still be clear, and a smile
must look like one to a network as well."""
_LIPS: Mapping[Action, float] = {Action.SMILE: 0.3, Action.RAISE_BROWS: 0.8}
"""How far the mouth opens along with them: a laugh, and surprise, are what expression networks were taught."""
_TURN_MS, _TURN_STAY_MS = 480.0, 750.0
_MOST_TURN_DEG = 62.0
"""One photograph holds nothing of a face seen from further aside."""
_HAND_MS = 1_500.0
_RISE_MS, _FALL_MS = 260.0, 260.0
_BRIEF_MS, _HELD_MS = 650.0, 2_700.0
_LIDS_MS = (80.0, 100.0, 130.0)
"""Closing, shut, opening: a slow blink among natural ones, so that a camera of 15 frames a second sees it shut."""
_LIDS_GAP_MS = 380.0
_HEAD: Mapping[Action, tuple[str, float]] = {
    Action.TURN_LEFT: ("yaw", 1.0),
    Action.TURN_RIGHT: ("yaw", -1.0),
    Action.LOOK_UP: ("pitch", 1.0),
    Action.LOOK_DOWN: ("pitch", -1.0),
    Action.TILT_LEFT: ("roll", 1.0),
    Action.TILT_RIGHT: ("roll", -1.0),
    Action.PROFILE_LEFT: ("yaw", 1.0),
    Action.PROFILE_RIGHT: ("yaw", -1.0),
}
_FACE: Mapping[Action, str] = {Action.SMILE: "smile", Action.RAISE_BROWS: "brows", Action.OPEN_MOUTH: "mouth"}

Gains = Mapping[tuple[Action, int], float]
"""By action and the least amount that passes: how much more than asked this face must be moved until the product's mesh
sees what was asked; 1 where not known. See `tuning`."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One step in time: `look(since)` by milliseconds since its onset, for `length_ms`."""

    length_ms: float
    look: Callable[[float], Look]


def performance(step: Step, gains: Gains | None = None) -> Performance:
    """How a diligent person answers a step."""
    gain = (gains or {}).get((step.action, step.low), 1.0)
    if step.action is Action.HAND_ACROSS:
        return Performance(_HAND_MS, lambda since: Look(hand=2 * since / _HAND_MS - 1))
    if step.action is Action.BLINK:
        return _blinks(step.low)
    if step.action in _FACE:
        stay = _HELD_MS if step.hold_min_ms > 1_000 else _BRIEF_MS  # noqa: PLR2004
        name, amount, lips = _FACE[step.action], STRENGTH[step.action] * gain, _LIPS.get(step.action)
        face = _ONE[name] if lips is None else lambda value: replace(_ONE[name](value), mouth=lips * value / amount)
        return _there_and_back(_RISE_MS, stay, _FALL_MS, lambda share: face(amount * share))
    if step.action in _HEAD:
        name, way = _HEAD[step.action]
        amount = way * min(step.target * gain, _MOST_TURN_DEG)
        return _there_and_back(_TURN_MS, _TURN_STAY_MS, _TURN_MS, lambda share: _ONE[name](amount * share))
    grown = (1 + gain * step.target / 100) if step.action is Action.CLOSER else (1 - gain * step.target / 100)
    return _there_and_back(_TURN_MS, _TURN_STAY_MS, _TURN_MS, lambda share: Look(size=1 + (grown - 1) * share))


@dataclass(slots=True)
class Driver:
    """Follows the prompts of one check. `look_at` is asked in the order of time."""

    random: Random
    gains: Gains = field(default_factory=dict)
    delay_ms: float = 0.0
    """Of the chain from prompt to picture, beside the person's own reaction."""
    _index: int = -1
    _onset_ms: float = 0.0
    _now: Performance | None = None
    _phases: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self._phases = tuple(self.random.uniform(0, 2 * np.pi, 4))

    def look_at(self, t_ms: float, prompt: Prompt | None) -> Look:
        """What the face shows at `t_ms`, given the prompt on show."""
        if prompt is not None and prompt.index != self._index:
            self._index = prompt.index
            self._onset_ms = t_ms + self.delay_ms + float(self.random.uniform(*REACTION_MS))
            self._now = performance(prompt.step, self.gains)
        look = Look()
        if self._now is not None and self._onset_ms <= t_ms <= self._onset_ms + self._now.length_ms:
            look = self._now.look(t_ms - self._onset_ms)
        return look.with_sway(*self._sway(t_ms / 1_000))

    @property
    def steps_seen(self) -> int:
        """How many prompts came so far."""
        return self._index + 1

    def _sway(self, t_s: float) -> tuple[float, float, tuple[float, float]]:
        """Nobody is quite still: half a degree, a few hundredths of the face, each at its own pace."""
        a, b, c, d = self._phases
        shift = (0.012 * np.sin(0.9 * t_s + c), 0.01 * np.sin(1.3 * t_s + d))
        return 0.5 * np.sin(1.1 * t_s + a), 0.4 * np.sin(0.7 * t_s + b), shift


def _there_and_back(rise: float, stay: float, fall: float, look: Callable[[float], Look]) -> Performance:
    def at(since: float) -> Look:
        if since < rise:
            return look(_smooth(since / rise))
        return look(_smooth(1 - (since - rise - stay) / fall) if since > rise + stay else 1.0)

    return Performance(rise + stay + fall, at)


def _blinks(count: int) -> Performance:
    shut, closed, opened = _LIDS_MS
    one = shut + closed + opened
    every = one + _LIDS_GAP_MS

    def at(since: float) -> Look:
        into = since % every
        if into < shut:
            return Look(lids=_smooth(into / shut))
        return Look(lids=1.0 if into < shut + closed else _smooth(1 - (into - shut - closed) / opened))

    return Performance(count * every - _LIDS_GAP_MS, at)


_ONE: Mapping[str, Callable[[float], Look]] = {
    "yaw": lambda value: Look(yaw=value),
    "pitch": lambda value: Look(pitch=value),
    "roll": lambda value: Look(roll=value),
    "smile": lambda value: Look(smile=value),
    "brows": lambda value: Look(brows=value),
    "mouth": lambda value: Look(mouth=value),
}


def _smooth(share: float) -> float:
    """0 to 1 without a jerk at either end."""
    inside = min(1.0, max(0.0, share))
    return inside * inside * (3 - 2 * inside)
