"""A film of sixteen gestures against many checks, gestures alone: the real ceremony over what the real mesh saw, once.

Thousands of checks need no picture twice: the film's faces and blinks are measured in one pass over two rounds of the
loop, and played to fresh ceremonies on a simulated clock. What depends on the check (the face at rest, prompts, windows,
meters) is the product's own, anew each time.
"""

from __future__ import annotations

import random as plain_random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from medauth.capture.encoding import encode_jpeg, read_frame
from medauth.capture.interface import CapturedFrame
from medauth.evaluation.attacks.camera import Camera, draw_camera
from medauth.evaluation.attacks.driver import Gains
from medauth.evaluation.attacks.loop_film import FPS, length_ms, loop_film, passages
from medauth.evaluation.attacks.mesh_warp import FaceSheet
from medauth.evaluation.injected import grainy
from medauth.evaluation.jpeg import decoded
from medauth.protocol.ceremony import Ceremony, Phase, StepOutcome
from medauth.protocol.challenge import Action, Challenge
from medauth.protocol.observation import Blink, CaptureProblem, FaceTrack, Observation, Posture, Prompt
from medauth.protocol.policy import Policy
from medauth.protocol.random_steps import draw_steps
from medauth.protocol.reading import Outcome
from medauth.protocol.response import challenge_reading
from medauth.sensing import EYE_STATE_MODEL
from medauth.signals.blink import BlinkSignal
from medauth.signals.eye_state import EyeStateModel
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.gesture import GestureSignal
from medauth.signals.injection import InjectionSignal
from medauth.signals.models import ModelLibrary

_EVERY_MS = 1_000 / FPS
_MOST_MS = 120_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What was seen of one frame of the loop: the face, or why none, and blinks that were over, by the loop's time."""

    track: FaceTrack | None
    problem: CaptureProblem | None
    blinks: tuple[Blink, ...]
    jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredLoop:
    """One round of the loop, a moment for each frame, and where each gesture begins."""

    moments: Sequence[Moment]
    starts: dict[tuple[Action, int, int], float]


def measured(sheet: FaceSheet, gains: Gains, models: ModelLibrary, seed: int = 0) -> MeasuredLoop:
    """Renders the film, films it, and looks at it with the product's mesh and blink signal; the second round is kept."""
    film, random = loop_film(sheet, gains), np.random.default_rng(seed)
    camera, tracker = Camera(draw_camera(random), random), FaceMeshTracker()
    blink = BlinkSignal(EyeStateModel(models.load(EYE_STATE_MODEL)))
    blink.start(None)
    moments: list[Moment] = []
    first_ms = 0.0
    try:
        for index, picture in enumerate([*film, *film]):
            t_ms = index * _EVERY_MS
            frame = read_frame(CapturedFrame(camera.take(picture, t_ms)), index, t_ms)
            observation = Observation(frame, *tracker.track(frame), None)
            blink.update(observation)
            if index == len(film):
                first_ms = t_ms
            if index >= len(film):
                shifted = tuple(_later(b, -first_ms) for b in blink.completed())
                moments.append(Moment(observation.track, observation.problem, shifted, frame.jpeg))
    finally:
        tracker.close()
    course = passages(gains)
    assert length_ms(course) > 0
    return MeasuredLoop(moments, {_key_of(p.step.action, p.step.low, p.step.hold_max_ms): p.start_ms for p in course})


@dataclass(frozen=True, slots=True)
class LoopCheck:
    """What came of one check: the reading's code, steps answered, and whether the challenge was passed."""

    code: str
    answered: int
    passed: bool
    outcomes: tuple[str, ...]
    injection: str = ""
    """What the injection signal said of the film, where it was asked."""
    refused: bool = False
    """By that signal."""


def play(
    loop: MeasuredLoop, policy: Policy, seed: int, *, cut: bool = False, faded: int = 0, dark: int = 0
) -> LoopCheck:
    """One random check against the loop, begun anywhere in it; `cut`: the player jumps to the asked gesture instead, and
    cross-fades over `faded` frames, or shows `dark` ones at each jump. Film of a player that cuts is shown to the injection
    signal as well."""
    draws = plain_random.Random(seed)
    steps = draw_steps(policy.actions, policy.steps, frozenset(policy.required), draws.randrange)
    ceremony = Ceremony(Challenge(f"loop-{seed}", steps, bytes(32)), policy.timing)
    gesture = GestureSignal()
    gesture.start(Challenge(f"loop-{seed}", steps, bytes(32)))
    shown = _Shown(faded, draws) if cut else None
    if shown is not None:
        shown.signal.start(Challenge(f"loop-{seed}", steps, bytes(32)))
    count, at, jump_ms, known = len(loop.moments), 0 if cut else draws.randrange(len(loop.moments)), -1.0, -1
    t_ms, goes_on, blank = 0.0, 0, 0
    while t_ms < _MOST_MS and ceremony.phase not in {Phase.DONE, Phase.EXPIRED}:
        prompt = ceremony.prompt
        if cut:
            if prompt is not None and prompt.index != known:
                known, jump_ms = prompt.index, t_ms + draws.uniform(300, 700)
            if jump_ms >= 0 and t_ms >= jump_ms and prompt is not None:
                key = _key_of(prompt.step.action, prompt.step.low, prompt.step.hold_max_ms)
                at, jump_ms = round(loop.starts.get(key, 0.0) / _EVERY_MS), -1.0
            elif prompt is None:
                at = at if at < 30 else 0  # noqa: PLR2004 - the rest at the film's beginning, again and again
        blank = dark if at != goes_on else max(0, blank - 1)
        moment = _dark(loop) if blank else loop.moments[at % count]
        frame = replace(_EMPTY, index=0, t_ms=t_ms)
        gesture.update(Observation(frame, moment.track, moment.problem, prompt))
        if shown is not None:
            shown.show(at % count, moment, t_ms, prompt)
        ceremony.advance(t_ms, _posture(gesture, moment, t_ms - (at % count) * _EVERY_MS))
        t_ms += _EVERY_MS
        # What is dark lies before the film that it leads to.
        at += 0 if blank else 1
        goes_on = at
    results = ceremony.results
    reading = challenge_reading(results, len(steps), expired=ceremony.phase is Phase.EXPIRED)
    answered = sum(result.outcome is StepOutcome.ANSWERED for result in results)
    outcomes = tuple(f"{r.step.action.value}:{r.outcome.value}" for r in results)
    passed = reading.code == "challenge.answered"
    if shown is None:
        return LoopCheck(reading.code, answered, passed, outcomes)
    said = shown.signal.reading()
    return LoopCheck(reading.code, answered, passed, outcomes, said.code, said.outcome is Outcome.FAIL)


@lru_cache(maxsize=4)
def _dark(loop: MeasuredLoop) -> Moment:
    """Nothing, of the film's size."""
    black = np.zeros_like(decoded(loop.moments[0].jpeg))
    return Moment(None, CaptureProblem.NO_FACE, (), encode_jpeg(black))


class _Shown:
    """The player's film as the server gets it: with a network's jitter, cuts faded if the player does that, and grain that
    hides what comes again."""

    def __init__(self, faded: int, draws: plain_random.Random) -> None:
        self.signal = InjectionSignal()
        self._faded, self._draws = faded, plain_random.Random(draws.random())
        self._grain = np.random.default_rng(self._draws.getrandbits(32))
        self._at, self._left, self._index = -1, 0, 0
        self._from = np.zeros((0, 0, 3), np.uint8)

    def show(self, at: int, moment: Moment, t_ms: float, prompt: Prompt | None) -> None:
        """One frame: number `at` of the loop."""
        if self._at >= 0 and at not in (self._at, self._at + 1):
            self._left = self._faded
        came_ms = t_ms + abs(self._draws.gauss(0.0, 3.0))
        picture = decoded(moment.jpeg)
        if self._left:
            share = self._left / (self._faded + 1)
            picture = np.asarray(cv2.addWeighted(self._from, share, picture, 1 - share, 0.0), np.uint8)
            self._left -= 1
        else:
            self._from = picture
        frame = read_frame(CapturedFrame(grainy(picture, self._grain)), self._index, came_ms)
        self.signal.update(Observation(frame, moment.track, moment.problem, prompt))
        self._at, self._index = at, self._index + 1


def _posture(gesture: GestureSignal, moment: Moment, shift_ms: float) -> Posture | None:
    if moment.track is None:
        return None
    amounts = {Action(name): amount for name, amount in gesture.amounts().items() if np.isfinite(amount)}
    return Posture(amounts, tuple(_later(b, shift_ms) for b in moment.blinks))


def _later(blink: Blink, by_ms: float) -> Blink:
    return Blink(blink.onset_ms + by_ms, blink.closed_ms + by_ms, blink.reopened_ms + by_ms)


def _key_of(action: Action, low: int, hold_max_ms: int) -> tuple[Action, int, int]:
    return action, low, hold_max_ms


_EMPTY = read_frame(CapturedFrame(np.zeros((64, 64, 3), np.uint8)), 0, 0.0)
