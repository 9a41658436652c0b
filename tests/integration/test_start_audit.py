"""A verdict under other rules than its check began with: the record's audit, its bundle and the audit of the log name it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from medauth.evidence.verifier import CheckedStep, Examination, StepState, Trust
from medauth.protocol.policy import STANDARD
from medauth.service import log_audit
from medauth.service.sweep import Depth
from medauth.store.interface import MAIN_LOG
from tests.recorded import World, copied, open_world

OURS = replace(STANDARD, name="of-the-house", version=1)
LAXER = replace(OURS, min_fps=OURS.min_fps - 1)
"""Other rules and another digest under the same name, version and time to live: the mirror's columns agree with both."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two checks kept to their rules, and between them one by somebody who holds the signing key."""
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    world.record_check(0)
    world.record_check(1, begun_under=OURS, policy=LAXER)
    world.record_check(2, begun_under=OURS)
    world.anchor()
    return world


@pytest.fixture(params=[1, 2, 1_024], autouse=True)
def stretch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start in another stretch than its verdict, and in the same."""
    monkeypatch.setattr(log_audit, "LEAVES", request.param)


def forged(world: World) -> str:
    return next(r.record_id for r in world.store.records(MAIN_LOG) if r.check_id == "chk_1" and r.kind == "verdict")


def failing(steps: Sequence[CheckedStep]) -> list[str]:
    return [step.name for step in steps if step.state is StepState.FAILS]


def faults(world: World, depth: Depth = Depth.FULL) -> list[tuple[str, str]]:
    return [(found.subject, found.fault.name) for found in world.report(depth).faults if found.fault]


def test_rules_that_changed_between_start_and_verdict_are_named_by_all_three(world: World) -> None:
    record_id = forged(world)
    bundle = world.auditor().bundle(record_id)
    assert failing(world.auditor().record(record_id).steps) == ["start"]
    assert failing(list(Examination(bundle, Trust(world.keyring.trusted())).steps())) == ["start"]
    assert faults(world) == [(record_id, "start")]
    assert "another policy" in world.report().faults[0].fault.text  # type: ignore[union-attr]


def test_a_quick_audit_says_nothing_of_rules(world: World) -> None:
    assert faults(world, Depth.QUICK) == []


def test_a_start_that_does_not_open_is_named_with_its_verdict(world: World, tmp_path: Path) -> None:
    start, verdict = (r.record_id for r in world.store.records(MAIN_LOG) if r.check_id == "chk_2")
    with copied(world, tmp_path / "copy") as copy:
        with closing(sqlite3.connect(copy.folder / "mirror.sqlite")) as connection, connection:
            connection.execute("UPDATE records SET wrapped_key=zeroblob(92) WHERE record_id=?", (start,))
        assert faults(copy)[1:] == [(start, "key"), (verdict, "start")]
