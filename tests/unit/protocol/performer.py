"""A person made of numbers: performs gestures on a clock of its own, for tests of the ceremony."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from medauth.protocol.ceremony import Ceremony, Phase
from medauth.protocol.challenge import RULES, Action, Challenge, Step, Unit, movement_of, scripted_step
from medauth.protocol.observation import Blink, Posture, Prompt
from medauth.protocol.policy import Timing

FRAME_MS = 1_000 / 30
LONGEST_MS = 400_000
REST: dict[Action, float] = {
    action: 0.0 for action in Action if action is not Action.BLINK and movement_of(action) is action
}


@dataclass(frozen=True)
class Gesture:
    """One movement: rises at once, keeps its amount, falls back to rest. Blinks are `blinks` of 100 ms each."""

    action: Action
    onset_ms: float
    amount: float = 0.0
    for_ms: float = 800.0
    blinks: int = 0


def gesture_for(step: Step, onset_ms: float) -> Gesture:
    """The movement that answers a step."""
    if RULES[step.action].unit is Unit.TIMES:
        return Gesture(step.action, onset_ms, blinks=step.target)
    held = step.hold_min_ms + 300 if step.hold_min_ms < 1_500 else step.hold_min_ms + 400
    action = movement_of(step.action)
    return Gesture(action, onset_ms, amount=float(step.target), for_ms=held if step.hold_max_ms else 800.0)


@dataclass
class Person:
    """Gives the posture of each moment, from the gestures planned so far."""

    planned: list[Gesture] = field(default_factory=list)
    _seen_ms: float = -1.0

    def plan(self, *gestures: Gesture) -> None:
        self.planned.extend(gestures)

    def posture(self, t_ms: float) -> Posture:
        amounts = dict(REST)
        for gesture in self.planned:
            if not gesture.blinks and gesture.onset_ms <= t_ms < gesture.onset_ms + gesture.for_ms:
                amounts[gesture.action] = max(amounts[gesture.action], gesture.amount)
        blinks = tuple(b for b in self._blinks() if self._seen_ms < b.reopened_ms <= t_ms)
        self._seen_ms = t_ms
        return Posture(amounts, blinks)

    def _blinks(self) -> Iterator[Blink]:
        for gesture in self.planned:
            for number in range(gesture.blinks):
                onset = gesture.onset_ms + 300.0 * number
                yield Blink(onset, onset + 50, onset + 100)


Reply = Callable[[Person, Prompt], None]
"""Called once when a prompt appears; plans what the person does."""


def answer(person: Person, prompt: Prompt) -> None:
    """Does what is asked, half a second after the prompt."""
    person.plan(gesture_for(prompt.step, prompt.shown_ms + 500))


@dataclass
class Run:
    """A ceremony with a person in front of it."""

    ceremony: Ceremony
    person: Person = field(default_factory=Person)
    t_ms: float = 0.0

    def until(
        self,
        over: Callable[[Ceremony], bool],
        reply: Reply = answer,
        *,
        unseen: Callable[[float], bool] = lambda _: False,
        frame_ms: float = FRAME_MS,
    ) -> Run:
        while not over(self.ceremony):
            self.t_ms += frame_ms
            assert self.t_ms < LONGEST_MS, "the ceremony came to no end"
            before = self.ceremony.prompt
            posture = self.person.posture(self.t_ms)
            self.ceremony.advance(self.t_ms, None if unseen(self.t_ms) else posture)
            prompt = self.ceremony.prompt
            if prompt is not None and (before is None or prompt.index != before.index):
                reply(self.person, prompt)
        return self


def run_of(*steps: Step, timing: Timing | None = None) -> Run:
    return Run(Ceremony(Challenge("chk_test", steps, bytes(32)), timing or Timing()))


def step_of(action: Action, outcome: int = 0) -> Step:
    return scripted_step(action, outcome, pause_ms=700)


def over(ceremony: Ceremony) -> bool:
    return ceremony.phase in {Phase.DONE, Phase.EXPIRED}
