"""What counts as the same reading, and what is said when a verdict cannot be judged again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from medauth.capture.interface import CapturedFrame
from medauth.errors import EvidenceError
from medauth.evidence.statement import statement_digest
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Frame
from medauth.protocol.policy import Policy
from medauth.protocol.reading import Outcome, SignalReading
from medauth.service.audit import Audit
from medauth.service.observing import Observer
from medauth.service.replay import STEP, Replayer, _drift, _missing, _require_models
from medauth.signals.interface import Marks, ModelUse, models_of
from tests.recorded import FRAMES, World, open_world
from tests.unit.checks import IMAGE, Face, Stated

READING = SignalReading("blink", Outcome.PASS, "blink.natural", "Two.", 900_000, {"count": 2, "rate": [20_000, None]})


def like(**changes: Any) -> SignalReading:
    return SignalReading.from_json(READING.to_json() | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"score_ppm": 900_100},
        {"score_ppm": 899_900},
        {"reason": "Zwei."},
        {"details": {"count": 3, "rate": [20_002, None]}},
    ],
)
def test_readings_within_the_tolerance_are_the_same(changes: dict[str, Any]) -> None:
    assert _drift(like(**changes), READING) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"score_ppm": 900_101}, "score 0.900101"),
        ({"score_ppm": None}, "score none"),
        ({"outcome": "fail"}, "fail, blink.natural"),
        ({"code": "blink.none_seen"}, "pass, blink.none_seen"),
        ({"details": {"count": 4, "rate": [20_000, None]}}, "count 4"),
        ({"details": {"count": 2, "rate": [20_003, None]}}, "rate [20003, None]"),
        ({"details": {"count": 2, "rate": [20_000, 0]}}, "rate [20000, 0]"),
        ({"details": {"count": 2}}, "rate None"),
        ({"signal": "emotion"}, "emotion"),
    ],
)
def test_what_drifts_is_named(changes: dict[str, Any], named: str) -> None:
    drift = _drift(like(**changes), READING)
    assert drift is not None
    assert drift[0] == named


@pytest.mark.parametrize("pair", [(None, READING), (READING, None)])
def test_a_reading_too_many_or_too_few_is_a_drift(pair: tuple[SignalReading | None, SignalReading | None]) -> None:
    assert _drift(*pair) is not None


@pytest.mark.parametrize(
    ("count", "kept", "words"),
    [
        (3, [0, 1, 2], ""),
        (5, [0, 3], "3 of 5 frames (1-2, 4)"),
        (9, [1, 3, 5, 7], "5 of 9 frames (0, 2, 4 …)"),
    ],
)
def test_missing_frames_are_counted_and_named(count: int, kept: list[int], words: str) -> None:
    assert _missing({"count": count, "kept": [[index, 0, ""] for index in kept]}) == words


@pytest.mark.parametrize("found", [{}, {"a": "1"}, {"a": "0", "b": "0"}])
def test_other_models_judge_nothing_again(found: Mapping[str, str]) -> None:
    _require_models({"a": "0"}, {"a": "0"})
    with pytest.raises(EvidenceError, match="model"):
        _require_models(found, {"a": "0"})


def test_settings_are_compared_where_the_statement_holds_them() -> None:
    now = models_of([Marks(models=(ModelUse("a", "0", "5"),))])
    assert now == {"a": "0", "a settings": "5"}
    _require_models(now, now)
    _require_models(now, {"a": "0"})  # signed before settings were stated
    with pytest.raises(EvidenceError, match="model a settings"):
        _require_models(now, {"a": "0", "a settings": "6"})


def test_a_replay_that_fails_has_an_exit_code_of_its_own() -> None:
    assert Audit("evd_1", (CheckedStep(STEP, StepState.FAILS, "emotion: score"),)).exit_code == 25


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = open_world(tmp_path)
    yield found
    found.store.close()


def replayed(world: World, record_id: str) -> CheckedStep:
    """By doubles that say something else than was signed."""

    def observer(challenge: Challenge, _policy: Policy) -> Observer:
        return Observer(Face(), (Stated("identity", Outcome.FAIL),), challenge)

    def read(captured: CapturedFrame, index: int, t_ms: float) -> Frame:
        assert captured.jpeg is not None
        return Frame(index, t_ms, captured.jpeg, statement_digest(captured.jpeg), IMAGE)

    replayer = Replayer(
        world.store, world.blobs, world.keyring, observer_for=observer, read_frame=read, software={"medauth": "9"}
    )
    return replayer.replay(record_id)


def test_other_models_are_named_before_readings_are_compared(world: World) -> None:
    step = replayed(world, world.record_check(1, kept=FRAMES).record_id)
    assert (step.name, step.state) == (STEP, StepState.FAILS)
    assert step.text.startswith("model model here is missing")


def test_a_start_has_nothing_to_judge_again(world: World) -> None:
    world.record_check(1)
    start = next(row for row in world.store.records("main") if row.kind == "start")
    assert replayed(world, start.record_id).state is StepState.SKIPPED


def test_a_frame_that_was_changed_is_found(world: World) -> None:
    record_id = world.record_check(1, kept=FRAMES).record_id
    path = next((world.folder / "evidence").rglob(f"{record_id}/frames"))
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    step = replayed(world, record_id)
    assert step.state is StepState.FAILS
    assert "does not open" in step.text
