"""Was the prompted action done as asked? One meter for each way an action can be measured.

A meter is fed from the onset on and answers once: a `Measured` with the amount and whether it fits the step. Meters know
nothing of prompts and windows; those are the ceremony's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from medauth.protocol.challenge import RULES, Step, Unit, is_breaker, is_spoken, movement_of
from medauth.protocol.observation import Posture

SETTLE_MS = 350.0
"""A movement that keeps still this long has reached where the person meant to go."""
STILL_RANGE = 5.0
"""Greatest spread of the amount, in its unit, that counts as keeping still: about the tremor of a held head."""
RETURN_SHARE = 0.6
"""A movement that fell below this share of its peak is on its way back; the peak was the apex."""
BACK_SHARE = 0.4
"""Who was asked to come back has done so below this share of the peak."""
RELEASE_SHARE = 0.5
"""An expression below this share of the asked strength has been let go."""
GAP_MS = 200.0
"""A dip of an expression shorter than this is a flicker of the measurement, not a release."""
LONG_HOLD_MS = 1_500
"""A step that asks for at least this much is fulfilled when the time is up; a brief one only by letting go in time."""
LAST_BLINK_MS = 900.0
"""Without another blink for this long, the person has finished counting."""
PROFILE_SEEN = 45.0
"""A mesh that still follows a face in profile reads at least this many degrees: of 2,500 press photographs (LFW) eight
read as much or more, and show one eye or one and a half. One that lost the face on its way out need not."""


SILENCE_MS = 1_200.0
"""Who has not gone on speaking for this long has said all. Pauses between two digits read out are shorter."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was done: the amount in the action's unit, how long it was held, and whether both fit the step."""

    amount: int
    held_ms: int
    fits: bool


class Meter(Protocol):
    """Measures one performance from its onset on."""

    def update(self, t_ms: float, posture: Posture) -> Measured | None:
        """None until the performance can be judged."""

    def lost(self) -> None:
        """The face is out of sight in this frame."""

    def unfinished(self) -> Measured:
        """The best that was seen when time ran out; never fits."""


class _Blind:
    """A meter to which a lost face says nothing."""

    def lost(self) -> None:
        pass


class CountMeter(_Blind):
    """Counts blinks; exactly `step.low` of them are asked for."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._count = 0
        self._last_ms = 0.0

    def update(self, t_ms: float, posture: Posture) -> Measured | None:
        for blink in posture.blinks:
            self._count += 1
            self._last_ms = blink.reopened_ms
        if self._count > self._step.high:
            return Measured(self._count, 0, fits=False)
        if self._count >= self._step.low and t_ms - self._last_ms >= LAST_BLINK_MS:
            return Measured(self._count, 0, fits=True)
        return None

    def unfinished(self) -> Measured:
        return Measured(self._count, 0, fits=False)


class ApexMeter(_Blind):
    """Takes the amount at which a movement settles or turns back, so that passing through the asked band on the way to
    somewhere else does not count as having gone there."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._recent: deque[tuple[float, float]] = deque()
        self._peak = 0.0

    def update(self, t_ms: float, posture: Posture) -> Measured | None:
        amount = posture.amounts.get(self._step.action)
        if amount is None:
            return None
        self._peak = max(self._peak, amount)
        self._recent.append((t_ms, amount))
        while t_ms - self._recent[0][0] > SETTLE_MS:
            self._recent.popleft()
        settled = self._settled(t_ms)
        if settled is not None and settled >= self._step.low:
            return self._measured(settled)
        if self._peak >= self._step.low and amount < RETURN_SHARE * self._peak:
            return self._measured(self._peak)
        return None

    def unfinished(self) -> Measured:
        return Measured(round(self._peak), 0, fits=False)

    def _settled(self, t_ms: float) -> float | None:
        amounts = [amount for _, amount in self._recent]
        long_enough = t_ms - self._recent[0][0] >= 0.7 * SETTLE_MS and len(amounts) >= 3  # noqa: PLR2004
        if not long_enough or max(amounts) - min(amounts) > STILL_RANGE:
            return None
        return sum(amounts) / len(amounts)

    def _measured(self, amount: float) -> Measured:
        return Measured(round(amount), 0, fits=self._step.low <= amount <= self._step.high)


class HoldMeter(_Blind):
    """Times for how long an expression is kept, from reaching the asked strength to letting go."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._reached_ms: float | None = None
        self._kept_ms = 0.0
        self._peak = 0.0

    def update(self, t_ms: float, posture: Posture) -> Measured | None:
        amount = posture.amounts.get(self._step.action)
        if amount is None:
            return None
        self._peak = max(self._peak, amount)
        if self._reached_ms is None:
            if amount < self._step.low:
                return None
            self._reached_ms = self._kept_ms = t_ms
        if amount >= RELEASE_SHARE * self._step.low:
            self._kept_ms = t_ms
        return self._judge(t_ms)

    def unfinished(self) -> Measured:
        return self._measured(fits=False)

    def _judge(self, t_ms: float) -> Measured | None:
        held = self._held_ms()
        if self._step.hold_min_ms >= LONG_HOLD_MS and held >= self._step.hold_min_ms:
            return self._measured(fits=True)
        if held > self._step.hold_max_ms:
            return self._measured(fits=False)
        if t_ms - self._kept_ms >= GAP_MS:
            return self._measured(fits=self._step.hold_min_ms <= held <= self._step.hold_max_ms)
        return None

    def _held_ms(self) -> float:
        return 0.0 if self._reached_ms is None else self._kept_ms - self._reached_ms

    def _measured(self, *, fits: bool) -> Measured:
        return Measured(round(self._peak), round(self._held_ms()), fits=fits)


class ThereAndBackMeter:
    """Waits for a movement to go far and to come back. A face lost when it was far is out as far as was asked."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._action = movement_of(step.action)
        self._enough = PROFILE_SEEN if self._action is not step.action else float(step.low)
        self._peak = self._last = 0.0
        self._lost = False

    def update(self, _: float, posture: Posture) -> Measured | None:
        amount = posture.amounts.get(self._action)
        if amount is None:
            return None
        self._last = amount
        self._peak = max(self._peak, amount)
        far = self._peak >= self._enough or (self._lost and self._peak >= self._step.low)
        if not far or amount >= BACK_SHARE * self._peak:
            return None
        return Measured(round(self._peak), 0, fits=self._step.low <= self._peak <= self._step.high)

    def lost(self) -> None:
        self._lost = self._lost or self._last >= self._step.low

    def unfinished(self) -> Measured:
        return Measured(round(self._peak), 0, fits=False)


class VoiceMeter(_Blind):
    """Waits for a voice to end, and times it; what it said is for those who have the sound."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._onset = RULES[step.action].onset
        self._began_ms: float | None = None
        self._last_ms = 0.0
        self._peak = 0.0

    def update(self, t_ms: float, posture: Posture) -> Measured | None:
        amount = posture.amounts.get(self._step.action)
        if amount is None:
            return None
        if amount >= self._onset:
            self._began_ms = t_ms if self._began_ms is None else self._began_ms
            self._last_ms, self._peak = t_ms, max(self._peak, amount)
        over = self._began_ms is not None and t_ms - self._last_ms >= SILENCE_MS
        held = self._held_ms()
        if over or held > self._step.hold_max_ms:
            fits = self._peak >= self._step.low and self._step.hold_min_ms <= held <= self._step.hold_max_ms
            return Measured(round(self._peak), held, fits=fits)
        return None

    def unfinished(self) -> Measured:
        return Measured(round(self._peak), self._held_ms(), fits=False)

    def _held_ms(self) -> int:
        return 0 if self._began_ms is None else round(self._last_ms - self._began_ms)


_BY_UNIT: Mapping[Unit, Callable[[Step], Meter]] = {
    Unit.TIMES: CountMeter,
    Unit.DEGREES: ApexMeter,
    Unit.PERCENT: ApexMeter,
    Unit.DECIBELS: VoiceMeter,
}


def meter_for(step: Step) -> Meter:
    """The meter that measures this step."""
    if is_breaker(step.action):
        return ThereAndBackMeter(step)
    if step.hold_max_ms and not is_spoken(step.action):
        return HoldMeter(step)
    return _BY_UNIT[RULES[step.action].unit](step)
