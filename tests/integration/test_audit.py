"""Everything holds in an untouched world, and whatever is changed is found at the step that names it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from medauth.evidence.verifier import StepState
from medauth.protocol.reading import Outcome, SignalReading
from medauth.service.audit import Audit
from tests.recorded import OTHER_READINGS, World, copied, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    for number in range(3):
        world.record_check(number)
    world.anchor()
    world.record_check(3)
    return world


def faults(world: World) -> list[Audit]:
    """What the audit of the whole log finds."""
    return list(world.report().faults)


def fault_names(world: World) -> set[str]:
    return {found.fault.name for found in faults(world) if found.fault}


def sql(world: World, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute(statement, values)


def exchange(world: World, one: int, other: int) -> None:
    for old, new in ((one, -1), (other, one), (-1, other)):
        sql(world, "UPDATE records SET leaf_index=? WHERE leaf_index=?", new, old)


def verdict_of(world: World, check_id: str = "chk_1") -> str:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection:
        row = connection.execute("SELECT record_id FROM records WHERE check_id=? AND kind='verdict'", (check_id,))
        return str(row.fetchone()[0])


def test_an_untouched_world_holds(world: World) -> None:
    assert faults(world) == []


def test_a_final_record_passes_every_step_and_a_waiting_one_says_what_it_waits_for(world: World) -> None:
    final = world.auditor().record(verdict_of(world, "chk_1"))
    waiting = world.auditor().record(verdict_of(world, "chk_3"))
    assert {step.state for step in final.steps} == {StepState.HOLDS}
    assert final.exit_code == 0
    skipped = [step.name for step in waiting.steps if step.state is StepState.SKIPPED]
    assert skipped == ["leaf", "inclusion", "start", "checkpoint", "chain"]


def test_a_verdict_that_its_readings_do_not_give_is_found_though_properly_signed(tmp_path: Path) -> None:
    """The operator's own key signs a lie: the readings still speak."""
    world = open_world(tmp_path)
    failing = SignalReading("identity", Outcome.FAIL, "identity.changed", "Another person.", 900_000)
    readings = tuple(failing if r.signal == "identity" else r for r in OTHER_READINGS)
    recorded = world.record_check(0, readings)
    found = world.auditor().record(recorded.record_id)
    assert found.exit_code == 0  # stated as not live, which follows
    assert "not_live" in next(step.text for step in found.steps if step.name == "verdict")


CHANGES: dict[str, tuple[str, Callable[[World], object]]] = {
    "a sealed envelope of another record": (
        "stored bytes",
        lambda w: sql(
            w, "UPDATE records SET sealed_envelope = (SELECT sealed_envelope FROM records WHERE leaf_index=0)"
        ),
    ),
    "a word that no program of ours writes": ("mirror", lambda w: sql(w, "UPDATE records SET kind='verdikt'")),
    "a wrapped key of another record": (
        "key",
        lambda w: sql(
            w,
            "UPDATE records SET wrapped_key = (SELECT wrapped_key FROM records WHERE leaf_index=0) WHERE leaf_index=3",
        ),
    ),
    "the outcome in the mirror": (
        "mirror",
        lambda w: sql(w, "UPDATE records SET outcome='not_live' WHERE kind='verdict'"),
    ),
    "the time in the mirror": ("mirror", lambda w: sql(w, "UPDATE records SET created_ms=created_ms+1")),
    "when a check began": ("mirror", lambda w: sql(w, "UPDATE checks SET started_ms=started_ms-1")),
    "how long a check may take": ("mirror", lambda w: sql(w, "UPDATE checks SET expires_ms=expires_ms+1")),
    "when a check ended": ("mirror", lambda w: sql(w, "UPDATE checks SET closed_ms=closed_ms+1")),
    "whether a check ended": ("mirror", lambda w: sql(w, "UPDATE checks SET closed_ms=NULL")),
    "which client a check came from": ("mirror", lambda w: sql(w, "UPDATE checks SET client_tag=zeroblob(32)")),
    "the policy in the mirror": ("mirror", lambda w: sql(w, "UPDATE checks SET policy='strict'")),
    "the purpose in the mirror": ("mirror", lambda w: sql(w, "UPDATE checks SET purpose='payment'")),
    "whom a check was about": ("mirror", lambda w: sql(w, "UPDATE checks SET subject_tag=zeroblob(32)")),
    "the commitment in the mirror": ("mirror", lambda w: sql(w, "UPDATE checks SET commitment=zeroblob(32)")),
    "a leaf of the log": ("log", lambda w: sql(w, 'UPDATE leaves SET leaf=zeroblob(32) WHERE "index"=1')),
    "a leaf left out": ("log", lambda w: sql(w, 'DELETE FROM leaves WHERE "index"=1')),
    "a record left out": ("log", lambda w: sql(w, "DELETE FROM records WHERE leaf_index=1")),
    "two records exchanged": ("log", lambda w: exchange(w, 1, 3)),
    "a tree node": ("inclusion", lambda w: sql(w, "UPDATE nodes SET hash=zeroblob(32) WHERE level=1")),
    "a tree node left out": ("inclusion", lambda w: sql(w, "DELETE FROM nodes WHERE level=1")),
    "a checkpoint's root": ("log", lambda w: sql(w, "UPDATE checkpoints SET root=zeroblob(32)")),
    "a checkpoint left out, its anchors forgotten": (
        "log",
        lambda w: sql(w, "UPDATE checkpoints SET new_size = new_size + 100"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_at_the_step_that_names_it(change: str, world: World, tmp_path: Path) -> None:
    expected, damage = CHANGES[change]
    with copied(world, tmp_path / "copy") as copy:
        damage(copy)
        assert expected in fault_names(copy)


@pytest.mark.parametrize("name", ["frames", "traces"])
def test_a_changed_or_missing_file_is_found(name: str, world: World, tmp_path: Path) -> None:
    damages: tuple[Callable[[Path], object], ...] = (
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x00"),
        lambda path: path.unlink(),
    )
    for damage in damages:
        with copied(world, tmp_path / "copy") as copy:
            damage(next((copy.folder / "evidence").rglob(name)))
            assert fault_names(copy) == {"files"}


def test_a_root_that_the_contract_does_not_hold_is_found(world: World) -> None:
    auditor = world.auditor()
    auditor._size_on_chain = lambda log, root: None  # the contract was never told
    assert auditor.record(verdict_of(world)).exit_code == 19


def test_a_dropped_check_ends_with_its_time(world: World, tmp_path: Path) -> None:
    """Nobody signs when a person walked away, so the mirror does not claim to know."""
    with copied(world, tmp_path / "copy") as copy:
        check = copy.begin_check(9)
        copy.verification().abandon(check)
        assert copy.store.check("chk_9").closed_ms == copy.store.check("chk_9").expires_ms
        assert faults(copy) == []
        sql(copy, "UPDATE checks SET closed_ms=closed_ms-1 WHERE check_id='chk_9'")
        assert fault_names(copy) == {"mirror"}


def test_an_open_check_has_no_end(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        copy.begin_check(9)
        assert faults(copy) == []
        sql(copy, "UPDATE checks SET closed_ms=1 WHERE check_id='chk_9'")
        assert fault_names(copy) == {"mirror"}


def test_a_verdict_whose_start_is_gone_fails_at_the_start(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        record_id = verdict_of(copy)
        sql(copy, "DELETE FROM records WHERE check_id='chk_1' AND kind='start'")
        assert copy.auditor().record(record_id).exit_code == 27
