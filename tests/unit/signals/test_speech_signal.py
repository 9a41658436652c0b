"""Digits, sound and lips as one reading: what passes, what refuses, and what nobody can say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.advice import advice
from medauth.protocol.attack_family import AttackFamily, family_of
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.observation import FaceQuality, FaceTrack, Frame, Observation, Pose, Prompt
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.sound import RATE_HZ, Sound
from medauth.protocol.verdict import Decision, Reason, Role
from medauth.signals import speech
from medauth.signals.digit_recogniser import Hearing, Word
from medauth.signals.interface import Hears, ModelUse, Postures
from medauth.signals.lip_sync import expected_opening
from medauth.signals.speech import CLEARLY, SpeechSignal
from tests.unit.signals.test_lip_sync import phones

STEPS = tuple(scripted_step(Action.SAY_DIGITS, number, pause_ms=800) for number in (3_210, 6_543))
DIGITS = [step.digits for step in STEPS]
SHOWN_MS = (1_000.0, 9_000.0)
FRAME = Frame(0, 0.0, b"", bytes(32), np.zeros((2, 2, 3), np.uint8))
PIECE_MS = 50


@dataclass
class Recogniser:
    """Hears what the test says."""

    heard: list[str]
    behind: float = 1.0
    """By how much those asked fit worse."""
    said: list[Any] = field(default_factory=list)
    rested: int = 0

    def rest(self) -> None:
        self.rested += 1

    def hear(self, _: NDArray[Any]) -> Hearing:
        digits = self.heard[len(self.said) % len(self.heard)]
        self.said.append(digits)
        return Hearing(tuple(Word(digit, 0, 1) for digit in digits), -0.1 if digits else -math.inf)

    def hear_asked(self, _: NDArray[Any], digits: str) -> Hearing:
        return Hearing(tuple(Word(digit, 0, 1) for digit in digits), -0.1 - self.behind)

    def sounds(self, _: NDArray[Any], digits: str) -> tuple[Any, ...]:
        return tuple(phones(DIGITS.index(digits)))


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "recogniser_use", lambda: ModelUse("recogniser", "00" * 32))


def track(opening: float) -> FaceTrack:
    """A face whose mouth is open so far, in eye distances; `expression_shape` is read from it."""
    marks = np.random.default_rng(7).normal(0, 1, (478, 3)).astype(np.float32)
    return FaceTrack(marks + np.float32(opening), Pose(0, 0, 0), FaceQuality(90, 100, 120))


def listened(
    monkeypatch: pytest.MonkeyPatch,
    recogniser: Recogniser,
    *,
    mouth: str = "own",
    sound: float = 400,
    room: float = 20,
    fps: float = 20,
    steps: int = 2,
    lost: int = 0,
) -> tuple[SpeechSignal, SignalReading]:
    openings: dict[int, float] = {}
    monkeypatch.setattr(speech, "expression_shape", lambda seen: np.array([0, 0, openings[id(seen)]]))
    signal = SpeechSignal(recogniser)  # type: ignore[arg-type]
    signal.start(Challenge("chk_1", STEPS, bytes(32)))
    random, kept = np.random.default_rng(3), []
    for index in range(steps):
        prompt, shown = Prompt(index, STEPS[index], SHOWN_MS[index]), SHOWN_MS[index]
        said = phones(index)
        lasts = said[-1].end_ms
        frame_ms, piece = shown, 0
        while frame_ms < shown + lasts:
            seen = track(0)
            kept.append(seen)
            width = 0.002 if mouth == "still" else 0.15
            wide = float(expected_opening(said, np.array([frame_ms - shown]))[0])
            openings[id(seen)] = width * (1 - wide if mouth == "other" else wide)
            signal.update(Observation(Frame(0, frame_ms, b"", bytes(32), FRAME.image), seen, None, prompt))
            while sound and shown + PIECE_MS * (piece + 1) <= frame_ms:
                loud = sound if 700 <= PIECE_MS * piece <= lasts - 900 else room
                samples = random.normal(0, loud, PIECE_MS * RATE_HZ // 1_000).astype(np.int16)
                if not 20 <= piece < 20 + lost:
                    signal.hear(Sound(piece, frame_ms, shown, samples.tobytes(), bytes(32), samples))
                piece += 1
            frame_ms += 1_000 / fps
    return signal, signal.reading()


def test_it_listens_and_measures() -> None:
    signal = SpeechSignal(Recogniser(DIGITS))  # type: ignore[arg-type]
    assert isinstance(signal, Hears)
    assert isinstance(signal, Postures)
    assert signal.amounts() == {}


def test_digits_by_the_lips_in_view_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    signal, reading = listened(monkeypatch, Recogniser(DIGITS))
    assert (reading.outcome, reading.code) == (Outcome.PASS, "speech.said"), reading
    assert reading.details["heard"] == reading.details["asked"] == DIGITS
    assert signal.marks().traces[0].name == "mouth opening"


def test_other_digits_refuse_where_they_fit_clearly_better(monkeypatch: pytest.MonkeyPatch) -> None:
    _, reading = listened(monkeypatch, Recogniser([DIGITS[0], "0101"]))
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "speech.other_digits")
    assert family_of(reading.code) is AttackFamily.SCRIPTED


def test_lips_of_another_take_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    _, reading = listened(monkeypatch, Recogniser(DIGITS), mouth="other")
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "speech.lips_elsewhere"), reading
    assert family_of(reading.code) is AttackFamily.DUBBED


UNCLEAR: dict[str, tuple[Recogniser, dict[str, Any]]] = {
    "no_sound": (Recogniser(DIGITS), {"sound": 0}),
    "gap": (Recogniser(DIGITS), {"lost": 20}),
    "not_understood": (Recogniser(["", ""]), {}),
    "noise": (Recogniser(["", ""]), {"sound": 25}),
    "unclear": (Recogniser(["0101", "0101"], behind=CLEARLY / 2), {}),
    "hardly_moved": (Recogniser(DIGITS), {"mouth": "still"}),
    "too_few_frames": (Recogniser(DIGITS), {"fps": 7}),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_cannot_be_judged_refuses_nobody_and_says_what_to_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser, more = UNCLEAR[name]
    _, reading = listened(monkeypatch, recogniser, **more)
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, f"speech.{name}"), reading
    assert family_of(reading.code) is None
    hint = advice(Decision.INCONCLUSIVE, [Reason(reading.code, "speech", Role.CONFIRM, reading.reason)])
    assert hint != advice(Decision.INCONCLUSIVE, [])


def test_a_step_that_was_never_reached_has_no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    _, reading = listened(monkeypatch, Recogniser(DIGITS), steps=1)
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "speech.no_sound")


def test_reading_it_again_asks_the_recogniser_nothing_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser = Recogniser(DIGITS)
    signal, reading = listened(monkeypatch, recogniser)
    asked = len(recogniser.said)
    assert signal.reading() == reading
    assert (len(recogniser.said), recogniser.rested) == (asked, 1)


def test_in_an_analysis_nothing_is_asked() -> None:
    signal = SpeechSignal(Recogniser(DIGITS))  # type: ignore[arg-type]
    signal.start(None)
    assert signal.reading().code == "speech.not_asked"
