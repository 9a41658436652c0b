"""A log whose end was cut off in the mirror, with every trace of it there: what lies outside the mirror tells."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from medauth.errors import KeyringError, LedgerUnreachable
from medauth.evidence.note import signed_note
from medauth.evidence.signing import KeyPurpose
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.service.head_audit import HeadAudit, OwnHead
from medauth.store.interface import MAIN_LOG
from tests.recorded import World, copied, open_world

FORGET = [f"DELETE FROM {table}" for table in ("stamps", "notes", "attempts", "checkpoints", "chain_identities")]
"""Pin, checkpoints, attempts and notes: all that the mirror knows of a chain."""
CUT = [
    "DELETE FROM blobs WHERE record_id IN (SELECT record_id FROM records WHERE leaf_index >= 2)",
    "DELETE FROM records WHERE leaf_index >= 2",
    'DELETE FROM leaves WHERE "index" >= 2',
    "DELETE FROM nodes WHERE (position + 1) << level > 2",
    "DELETE FROM checks WHERE check_id NOT IN (SELECT check_id FROM records)",
    "UPDATE logs SET size = 2",
]
EVERYTHING = [f"DELETE FROM {table}" for table in ("blobs", "records", "leaves", "nodes", "checks", "logs")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four leaves under a final checkpoint, two that wait."""
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    world.record_check(0)
    world.record_check(1)
    world.anchor()
    world.record_check(2)
    return world


def run_sql(world: World, statements: list[str]) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        for statement in ["PRAGMA foreign_keys=OFF", *statements]:
            connection.execute(statement)


def forget_heads(world: World) -> None:
    (world.folder / "keys" / "heads.json").unlink()


def head_of(world: World, own_head: OwnHead | None = None) -> CheckedStep:
    return HeadAudit(world.heads, world.store, world.store, world.keyring, own_head).step(MAIN_LOG)


def faults(world: World) -> set[str]:
    return {found.fault.name for found in world.report().faults if found.fault}


def test_an_untouched_log_holds_with_and_without_a_chain(world: World) -> None:
    assert faults(world) == set()
    assert head_of(world).state is StepState.HOLDS
    assert "begins with the 4 leaves" in head_of(world).text


@pytest.mark.parametrize("statements", [FORGET, FORGET + CUT, FORGET + EVERYTHING], ids=["pins", "end", "everything"])
def test_what_the_mirror_forgot_is_remembered_beside_the_keys(
    statements: list[str], world: World, tmp_path: Path
) -> None:
    """Found offline: no chain is asked."""
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, statements)
        found = head_of(copy)
        assert found.state is StepState.FAILS
        assert "head" in faults(copy)
        assert MAIN_LOG in copy.heads.heads()


@pytest.mark.parametrize("statements", [FORGET, FORGET + CUT], ids=["pins", "end"])
def test_what_mirror_and_keys_forgot_the_chain_knows(statements: list[str], world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, statements)
        forget_heads(copy)
        found = head_of(copy, copy.own_head)
        assert found.state is StepState.FAILS
        assert "the 4 leaves that its account anchored" in found.text
        assert faults(copy) == {"head"}


def test_without_a_chain_a_log_that_nothing_pins_is_said_to_be_so(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, FORGET)
        forget_heads(copy)
        report = copy.report()
        assert report.faults[0].exit_code == 28
        assert "is pinned by nothing" in head_of(copy).text


def test_a_log_that_was_never_anchored_is_no_fault_where_the_chain_says_so(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    world.record_check(0)
    assert "never anchored" in head_of(world, world.own_head).text
    assert world.report().faults == ()
    assert head_of(world).state is StepState.FAILS


def test_a_log_from_before_heads_were_remembered_goes_by_its_checkpoints(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        forget_heads(copy)
        assert head_of(copy).state is StepState.HOLDS
        copy.record_check(7)
        copy.anchor()
        assert copy.heads.heads()[MAIN_LOG].note.size == 8


def test_a_chain_that_does_not_answer_is_no_chain_that_says_so(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    world.record_check(0)

    def down(_: str) -> int | None:
        raise LedgerUnreachable("no node answers")

    assert head_of(world, down).state is StepState.FAILS


CHANGES = {
    "a log rewritten below the head": ["UPDATE nodes SET hash = zeroblob(32) WHERE level = 2"],
    "a checkpoint left out": ["DELETE FROM notes", "DELETE FROM attempts", "DELETE FROM checkpoints"],
    "another contract": ["UPDATE chain_identities SET address = '0x' || substr(hex(zeroblob(20)), 1, 40)"],
    "another log id": ["UPDATE chain_identities SET log_id = zeroblob(32)"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_is_held_to_its_remembered_head(change: str, world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, CHANGES[change])
        assert head_of(copy).state is StepState.FAILS


def test_a_head_that_somebody_else_wrote_down_is_no_head(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        head = copy.heads.heads()[MAIN_LOG]
        stranger = open_world_keys(tmp_path / "stranger").keyring.signing_key(KeyPurpose.CHECKPOINTS)
        forget_heads(copy)
        forged = signed_note(stranger, head.contract.log_id, 2, copy.store.nodes(MAIN_LOG, [(1, 0)])[0])
        copy.heads.remember(MAIN_LOG, replace(head, note=forged))
        assert head_of(copy).state is StepState.FAILS
        path = copy.folder / "keys" / "heads.json"
        path.write_bytes(path.read_bytes().replace(b"medauth heads v1", b"medauth heads v2"))
        with pytest.raises(KeyringError):
            copy.heads.heads()
        assert head_of(copy).state is StepState.FAILS


def open_world_keys(folder: Path) -> World:
    folder.mkdir()
    return open_world(folder)


def test_only_a_larger_head_replaces_one(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        head = copy.heads.heads()[MAIN_LOG]
        key = copy.keyring.signing_key(KeyPurpose.CHECKPOINTS)
        for size, kept in ((3, 4), (5, 5)):
            copy.heads.remember(MAIN_LOG, replace(head, note=signed_note(key, head.contract.log_id, size, bytes(32))))
            assert copy.heads.heads()[MAIN_LOG].note.size == kept


def test_the_audit_of_one_record_says_that_its_checkpoint_vanished(world: World, tmp_path: Path) -> None:
    covered, *_, waiting = [row.record_id for row in world.store.records(MAIN_LOG)]
    assert world.auditor().record(covered).steps[-1].name == "head"
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, FORGET)
        assert copy.auditor().record(covered).exit_code == 28
        assert copy.auditor().record(waiting).exit_code == 0
