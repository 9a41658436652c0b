"""The state machine of one check: one prompt at a time, each in its window, the first gesture must be the right one.

Pure: time comes in with every posture, and nothing here reads a clock or a picture. A step that failed closes as an
answered one does, a moment after its gesture, and the check goes on to its end: the pace tells nobody what was wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from medauth.errors import CeremonyError
from medauth.protocol.challenge import RULES, Action, Challenge, Step, is_breaker, is_spoken, movement_of, scripted_step
from medauth.protocol.light import ColourShown
from medauth.protocol.lighting import Lighting
from medauth.protocol.observation import Posture, Prompt
from medauth.protocol.performance import SETTLE_MS, Measured, Meter, meter_for
from medauth.protocol.policy import Timing
from medauth.protocol.step_result import StepOutcome as StepOutcome  # noqa: PLC0414 - how a ceremony ends is found here
from medauth.protocol.step_result import StepResult as StepResult  # noqa: PLC0414

NEUTRAL_SHARE = 0.9
"""A face is neutral while every amount is below this share of its onset."""
NEUTRAL_MS = 150.0
"""For this long the face must be neutral before a prompt is shown."""
EXPRESSIVE_MS = 4_000.0
"""For so long a model's word keeps the first prompt back: it may be wrong of a face that looks merry at rest."""
BEGUN_MS = 70.0
"""An amount above its onset for this long is a gesture; a single outlier of the face mesh is not."""
NOTICE_MS = 400.0
"""An onset is known only after the fact: a gesture when it lasted, a blink when it is over."""
UNSEEN_SHARE = 0.4
"""A step in which the face was lost for more than this share of the time was not observed."""
BRIEFLY_MS = 2_000.0
"""For so long in all a face may be out of sight while it looks to profile or a hand passes before it."""
GAP_MS = 400.0
"""Time between two frames beyond which nobody can say what happened meanwhile: it counts as unseen."""


class Phase(StrEnum):
    """Where a check stands."""

    PAUSE = "pause"
    LIGHT = "light"
    """The screen shows colours; nothing is asked meanwhile."""
    SHOWN = "shown"
    PERFORMING = "performing"
    DONE = "done"
    EXPIRED = "expired"


@dataclass(slots=True)
class _Current:
    """What is known of the step that is on."""

    shown_ms: float
    meter: Meter
    unseen_ms: float = 0.0
    excused_ms: float = 0.0
    onset_ms: float | None = None
    gesture: Action | None = None
    fault: StepOutcome | None = None
    pace: Meter | None = None
    let_go_ms: float | None = None
    above_since: dict[Action, float] = field(default_factory=dict)


class Ceremony:
    """Drives one challenge from the first frame to the last step. Raises `CeremonyError` when time goes backwards."""

    def __init__(self, challenge: Challenge, timing: Timing) -> None:
        self._challenge = challenge
        self._timing = timing
        self._lighting = Lighting(challenge.light)
        self._results: list[StepResult] = []
        self._current: _Current | None = None
        self._now_ms = 0.0
        self._closed_ms = 0.0
        self._neutral_since: float | None = None
        self._expressive_since: float | None = None
        self._expired = False

    @property
    def phase(self) -> Phase:
        """Where the check stands."""
        if self._expired:
            return Phase.EXPIRED
        if len(self._results) == len(self._challenge.steps):
            return Phase.DONE
        if self._current is None:
            return Phase.PAUSE if self.light is None else Phase.LIGHT
        return Phase.SHOWN if self._current.onset_ms is None else Phase.PERFORMING

    @property
    def prompt(self) -> Prompt | None:
        """The prompt on show; later ones exist for nobody yet."""
        if self._current is None or self._expired:
            return None
        return Prompt(len(self._results), self._step, self._current.shown_ms)

    @property
    def light(self) -> ColourShown | None:
        """The colour that the screen is to show now; None: it looks as usual."""
        return None if self._expired else self._lighting.now

    @property
    def colours(self) -> tuple[ColourShown, ...]:
        """Colours that have left the server so far."""
        return self._lighting.shown

    @property
    def results(self) -> tuple[StepResult, ...]:
        """Steps closed so far."""
        return tuple(self._results)

    @property
    def prompted(self) -> bool:
        """True once a prompt was shown: from then on the person knows part of the challenge."""
        stepped = self._current is not None or any(result.shown_ms is not None for result in self._results)
        return stepped or bool(self.colours)

    @property
    def waits_for_neutral(self) -> bool:
        """True while the next prompt is due and the face is not at rest: the person may be asked to relax."""
        due = self.phase is Phase.PAUSE and not self._lighting.is_due(len(self._results))
        return due and self._neutral_since is None and self._pause_left() <= 0

    def advance(self, t_ms: float, posture: Posture | None, round_trip_ms: float = 0.0) -> None:
        """Takes in one frame: `posture` is None when the face could not be judged. `round_trip_ms` to the screen, as the
        transport measured it last, is stated with a colour that is shown now."""
        if not self._now_ms <= t_ms < math.inf:
            raise CeremonyError(
                f"a frame at {t_ms:.0f} ms after one at {self._now_ms:.0f} ms",
                expected="times that never go back",
                next_step="feed frames in the order they were taken",
            )
        elapsed_ms, self._now_ms = t_ms - self._now_ms, t_ms
        self.expire(t_ms)
        phase = self.phase
        if phase in {Phase.PAUSE, Phase.LIGHT} and self._lighting.is_due(len(self._results)):
            self._lighting.advance(t_ms, round_trip_ms, seen=posture is not None)
        elif phase is Phase.PAUSE:
            self._wait(posture)
        elif self._current is not None and phase is not Phase.EXPIRED:
            self._follow(self._current, posture, elapsed_ms)

    def expire(self, t_ms: float) -> None:
        """Ends a check that outlived its time, whether or not a frame came."""
        if t_ms > self._timing.session_max_ms:
            self._expired = True

    @property
    def _step(self) -> Step:
        return self._challenge.steps[len(self._results)]

    def _pause_left(self) -> float:
        return max(self._closed_ms, self._lighting.ended_ms) + self._step.pause_ms - self._now_ms

    def _wait(self, posture: Posture | None) -> None:
        """Before a prompt: the pause must be over and the face at rest.

        For the first step a person may take all the time the check has: they are still finding their place.
        """
        if posture is None or not _is_neutral(posture) or self._is_held_back(posture):
            self._neutral_since = None
        elif self._neutral_since is None:
            self._neutral_since = self._now_ms
        rested = self._neutral_since is not None and self._now_ms - self._neutral_since >= NEUTRAL_MS
        if self._pause_left() > 0:
            return
        if rested:
            self._current = _Current(self._now_ms, meter_for(self._step))
        elif self._results and -self._pause_left() > self._timing.relax_max_ms:
            outcome = StepOutcome.UNSEEN if posture is None else StepOutcome.NOT_RELAXED
            self._close(StepResult(len(self._results), self._step, outcome, round(self._now_ms)))

    def _is_held_back(self, posture: Posture) -> bool:
        """Whoever smiles from the first frame on has that smile for their rest in geometry: only a model sees it. Of the
        first prompt alone: later, waiting would tell what is asked next, or hold up who smiles all along."""
        if self.prompted or not posture.expressive:
            return False
        self._expressive_since = self._now_ms if self._expressive_since is None else self._expressive_since
        return self._now_ms - self._expressive_since < EXPRESSIVE_MS

    def _follow(self, current: _Current, posture: Posture | None, elapsed_ms: float) -> None:
        """While a prompt is on show."""
        unheard = is_spoken(self._step.action) and (posture is None or self._step.action not in posture.amounts)
        if posture is None or unheard or elapsed_ms > GAP_MS:
            self._lose_sight(current, elapsed_ms)
        if posture is not None:
            posture = self._after_prompt(current, posture)
            if current.onset_ms is None or current.fault is None:
                self._notice(current, posture)
        if current.onset_ms is None:
            self._close_late(current, self._timing.onset_max_ms + NOTICE_MS, current.shown_ms)
        elif current.fault is not None:
            self._close_at_its_pace(current, current.fault, posture)
        else:
            self._measure(current, posture)

    def _lose_sight(self, current: _Current, elapsed_ms: float) -> None:
        """Counts what was not seen. A step that takes the face out of sight is granted a moment of it, yet no gap
        between frames."""
        allowed = is_breaker(self._step.action) and elapsed_ms <= GAP_MS and current.excused_ms < BRIEFLY_MS
        if allowed:
            current.excused_ms += elapsed_ms
            current.meter.lost()
        else:
            current.unseen_ms += elapsed_ms

    def _close_at_its_pace(self, current: _Current, fault: StepOutcome, posture: Posture | None) -> None:
        """Closes a faulty step when the gesture that came is over, as if it had been the one asked for: when a step
        closes says nothing of whether it was right.
        """
        if current.pace is None:
            assert current.gesture is not None
            asked = current.gesture is self._step.action
            current.pace = current.meter if asked else meter_for(scripted_step(current.gesture, 0, pause_ms=0))
        over = posture is not None and (
            current.pace.update(self._now_ms, posture) is not None or self._let_go(current, posture)
        )
        if over or self._now_ms - (current.onset_ms or 0.0) > self._timing.perform_ms:
            self._close_current(current, fault, current.meter.unfinished())

    def _let_go(self, current: _Current, posture: Posture) -> bool:
        """A gesture too small for its meter is over once it has been below its onset for a moment; speech has pauses."""
        assert current.gesture is not None
        if is_spoken(current.gesture):
            return False
        amount = posture.amounts.get(movement_of(current.gesture))
        if amount is None or amount >= RULES[current.gesture].onset:
            current.let_go_ms = None
        elif current.let_go_ms is None:
            current.let_go_ms = self._now_ms
        return current.let_go_ms is not None and self._now_ms - current.let_go_ms >= SETTLE_MS

    def _after_prompt(self, current: _Current, posture: Posture) -> Posture:
        """Leaves out blinks that began before anyone could have answered the prompt: they are spontaneous."""
        answers = tuple(b for b in posture.blinks if b.onset_ms - current.shown_ms >= self._timing.onset_min_ms)
        return Posture(posture.amounts, answers)

    def _notice(self, current: _Current, posture: Posture) -> None:
        """Takes note of gestures that begin; the first that counts decides whether the step was answered."""
        for action, onset_ms in self._begun(current, posture):
            if action is movement_of(self._step.action):
                if current.onset_ms is None:
                    current.onset_ms, current.gesture = onset_ms, self._step.action
                    current.fault = self._untimely(onset_ms - current.shown_ms)
            elif self._is_wrong(current, action, posture):
                current.onset_ms, current.gesture = onset_ms, action
                current.fault = StepOutcome.WRONG_GESTURE
                return

    def _is_wrong(self, current: _Current, action: Action, posture: Posture) -> bool:
        """Blinks come by themselves, whoever speaks moves the face, and what the mesh makes of a face under a hand is no
        gesture. A companion is wrong when it was carried through before the asked action began: else one recording of a few
        gestures in a row would answer many different steps.
        """
        if action is Action.BLINK or self._step.action in {Action.HAND_ACROSS, Action.SAY_DIGITS}:
            return False
        if action not in RULES[self._step.action].companions:
            return True
        least = min(outcome.low for outcome in RULES[action].outcomes)
        return current.onset_ms is None and posture.amounts[action] >= least

    def _untimely(self, delay_ms: float) -> StepOutcome | None:
        """The fault of a right gesture that began outside its window."""
        if delay_ms < self._timing.onset_min_ms:
            return StepOutcome.TOO_EARLY
        return StepOutcome.NO_RESPONSE if delay_ms > self._timing.onset_max_ms else None

    def _begun(self, current: _Current, posture: Posture) -> list[tuple[Action, float]]:
        """Actions that have been above their onset long enough, with the time they began, earliest first."""
        begun = []
        for action, amount in posture.amounts.items():
            if amount < RULES[action].onset:
                current.above_since.pop(action, None)
                continue
            since = current.above_since.setdefault(action, self._now_ms)
            if self._now_ms - since >= BEGUN_MS:
                begun.append((action, since))
        if posture.blinks:
            begun.append((Action.BLINK, posture.blinks[0].onset_ms))
        return sorted(begun, key=lambda item: item[1])

    def _measure(self, current: _Current, posture: Posture | None) -> None:
        measured = current.meter.update(self._now_ms, posture) if posture else None
        if measured is not None:
            answer = StepOutcome.UNSEEN if self._missed(current) else StepOutcome.ANSWERED
            self._close_current(current, answer if measured.fits else StepOutcome.WRONG_AMOUNT, measured)
        elif current.onset_ms is not None:
            self._close_late(current, self._timing.perform_ms, current.onset_ms)

    def _close_late(self, current: _Current, limit_ms: float, since_ms: float) -> None:
        """Closes a step whose time ran out."""
        if self._now_ms - since_ms <= limit_ms:
            return
        outcome = StepOutcome.NO_RESPONSE if current.onset_ms is None else StepOutcome.WRONG_AMOUNT
        outcome = StepOutcome.UNSEEN if self._missed(current) else outcome
        self._close_current(current, outcome, current.meter.unfinished())

    def _missed(self, current: _Current) -> bool:
        """Too little of the step was seen to say what was done, right or wrong."""
        return current.unseen_ms > UNSEEN_SHARE * (self._now_ms - current.shown_ms)

    def _close_current(self, current: _Current, outcome: StepOutcome, measured: Measured) -> None:
        self._close(
            StepResult(
                index=len(self._results),
                step=self._step,
                outcome=outcome,
                closed_ms=round(self._now_ms),
                shown_ms=round(current.shown_ms),
                onset_ms=None if current.onset_ms is None else round(current.onset_ms),
                gesture=current.gesture,
                measured=measured,
            )
        )

    def _close(self, result: StepResult) -> None:
        self._results.append(result)
        self._current = None
        self._neutral_since = None
        self._closed_ms = self._now_ms


def _is_neutral(posture: Posture) -> bool:
    """A face of which nothing is measured yet is not known to be at rest; nor is one that smiles less than at rest, whose
    rest was taken from a smile."""
    known = (
        bool(posture.amounts) and posture.amounts.get(Action.SMILE, 0.0) > -NEUTRAL_SHARE * RULES[Action.SMILE].onset
    )
    return known and all(_below_onset(action, posture.amounts) for action in posture.amounts)


def _below_onset(action: Action, amounts: Mapping[Action, float]) -> bool:
    return amounts[action] < NEUTRAL_SHARE * RULES[action].onset
