"""T4: every way in which a virtual camera's times betray it has a code of its own; a constant interval alone decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import FaceQuality, FaceTrack, Frame, Observation, Pose, Prompt
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.injection import InjectionSignal
from tests.unit.checks import STEPS

COUNT = 300
Times = Sequence[float]
CHALLENGE = Challenge("chk_1", STEPS, bytes(32))
TRACK = FaceTrack(np.full((478, 3), 100, np.float32), Pose(0, 0, 0), FaceQuality(90, 100, 120))


def camera(seed: int = 0) -> list[float]:
    """A camera's own times, in milliseconds of its client's clock."""
    return list(7e8 + np.cumsum(33.3 + np.random.default_rng(seed).normal(0, 0.7, COUNT)))


def network(taken: Times, seed: int = 0) -> list[float]:
    random = np.random.default_rng(seed)
    return list(np.maximum.accumulate(np.asarray(taken) - taken[0] + np.abs(random.normal(5, 4, len(taken)))))


def read(
    came: Times, declared: Sequence[float | None] | None = None, *, pictures: Callable[[int], int] = int
) -> SignalReading:
    """What the injection signal says of moving noise that comes at these times."""
    signal = InjectionSignal()
    signal.start(CHALLENGE)
    prompt = Prompt(0, STEPS[0], 0.0)
    for index, t_ms in enumerate(came):
        number = pictures(index)
        digest = number.to_bytes(32, "little")
        image = np.random.default_rng(number).integers(60, 180, (48, 64, 3)).astype(np.uint8)
        claim = None if declared is None else declared[index]
        signal.update(Observation(Frame(index, t_ms, b"", digest, image, claim), TRACK, None, prompt))
    return signal.reading()


TAKEN = camera()
CAME = network(TAKEN)
SERVER_CLOCK: dict[str, tuple[Times, Outcome, str]] = {
    "1 us steps": ([index / 1_000 for index in range(COUNT)], Outcome.FAIL, "clock_too_fast"),
    "reversed": (list(reversed(CAME)), Outcome.FAIL, "clock_backwards"),
    "standing still": ([0.0] * COUNT, Outcome.FAIL, "clock_stands_still"),
    "constant 33.333 ms": ([33.333 * index for index in range(COUNT)], Outcome.INCONCLUSIVE, "clock_constant"),
}
CLIENT_CLOCK: dict[str, tuple[Times, Outcome, str]] = {
    "1 us steps": ([7e8 + index / 1_000 for index in range(COUNT)], Outcome.FAIL, "declared_too_fast"),
    "reversed": (list(reversed(TAKEN)), Outcome.FAIL, "declared_backwards"),
    "future": ([*TAKEN[:150], *(t + 6e4 for t in TAKEN[150:])], Outcome.FAIL, "declared_future"),
    "more frames than wall time": ([7e8 + 100.0 * index for index in range(COUNT)], Outcome.FAIL, "declared_outruns"),
    "gaps": ([*TAKEN[:150], *(t + 1_500 for t in TAKEN[150:])], Outcome.INCONCLUSIVE, "declared_gap"),
    "set back": ([*TAKEN[:150], *(t - 900 for t in TAKEN[150:])], Outcome.INCONCLUSIVE, "declared_set_back"),
    "standing still": ([7e8] * COUNT, Outcome.INCONCLUSIVE, "declared_stands_still"),
    "constant 33.333 ms": ([7e8 + 33.333 * i for i in range(COUNT)], Outcome.INCONCLUSIVE, "declared_constant"),
}
PICTURES: dict[str, tuple[Callable[[int], int], Outcome, str]] = {
    "frozen": (lambda index: min(index, 60), Outcome.FAIL, "frozen"),
    "looped": (lambda index: index % 75, Outcome.FAIL, "looped"),
    "stalled": (lambda index: index if index < 60 else max(60, index - 70), Outcome.INCONCLUSIVE, "stalled"),
}


def test_a_camera_behind_a_network_has_no_code_at_all() -> None:
    for declared in (None, TAKEN, [round(t, 1) for t in TAKEN]):
        reading = read(CAME, declared)
        assert (reading.outcome, reading.code) == (Outcome.PASS, "injection.none_seen")


@pytest.mark.parametrize("name", SERVER_CLOCK)
def test_this_sides_clock(name: str) -> None:
    came, outcome, code = SERVER_CLOCK[name]
    reading = read(came)
    assert (reading.outcome, reading.code) == (outcome, f"injection.{code}")


@pytest.mark.parametrize("name", CLIENT_CLOCK)
def test_the_clients_clock(name: str) -> None:
    declared, outcome, code = CLIENT_CLOCK[name]
    reading = read(CAME, declared)
    assert (reading.outcome, reading.code) == (outcome, f"injection.{code}")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_that_come_again(name: str) -> None:
    pictures, outcome, code = PICTURES[name]
    reading = read(CAME, TAKEN, pictures=pictures)
    assert (reading.outcome, reading.code) == (outcome, f"injection.{code}")


def test_each_has_a_code_of_its_own() -> None:
    codes = [code for table in (SERVER_CLOCK, CLIENT_CLOCK) for _, _, code in table.values()]
    codes += [code for _, _, code in PICTURES.values()]
    assert len(set(codes)) == len(codes)


def test_a_recordings_clock_is_nobodys_claim() -> None:
    signal = InjectionSignal()
    signal.start(None)
    assert signal.reading().details["clock_judged"] is False
