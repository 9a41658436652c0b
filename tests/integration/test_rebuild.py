"""T11: the mirror built again from bundles and chain is identical; what one of the three lacks or says otherwise shows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from medauth.evidence.bundle import Bundle
from medauth.evidence.signing import KeyPurpose
from medauth.service.audit import Audit
from medauth.service.erasure import Erasure, is_erased
from medauth.service.rebuild import Rebuilding
from medauth.service.rotation import KeyRotation
from medauth.store.interface import MAIN_LOG
from tests.recorded import World, copied, open_world

Bundles = list[Bundle]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Verdicts, a dropped check, a rotation, an erasure with its tombstone; two checkpoints, one check that waits."""
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    for number in range(3):
        world.record_check(number)
    world.anchor()
    world.verification().abandon(world.begin_check(3))
    KeyRotation(world.store, world.keyring, world.tick).rotate(KeyPurpose.STATEMENTS)
    Erasure(world.store, world.blobs, world.keyring, world.tick).erase("chk_1")
    world.record_check(4)
    world.anchor()
    world.record_check(5)
    return world


def bundles_of(world: World) -> Bundles:
    """All that can be opened, but the starts of checks that have a verdict."""
    rows = [row for row in world.store.records(MAIN_LOG) if not is_erased(row)]
    ended = {row.check_id for row in rows if row.kind == "verdict"}
    return [world.auditor().bundle(row.record_id) for row in rows if row.kind != "start" or row.check_id not in ended]


def rebuilt(world: World, bundles: Bundles) -> Audit:
    rebuilding = Rebuilding(MAIN_LOG, world.store, world.store, world.store, world.keyring)
    return rebuilding.over(bundles, world.events(MAIN_LOG))


def test_the_mirror_built_again_is_identical(world: World) -> None:
    found = rebuilt(world, bundles_of(world))
    assert found.fault is None, found.fault
    assert [step.name for step in found.steps] == ["statement", "log", "chain", "mirror"]
    assert "identical: 11 leaves and records" in found.steps[-1].text
    assert "1 wait" in found.steps[0].text


def without(number: int) -> Callable[[Bundles], Bundles]:
    return lambda bundles: bundles[:number] + bundles[number + 1 :]


def moved(bundles: Bundles) -> Bundles:
    assert bundles[0].proof is not None
    return [replace(bundles[0], proof=replace(bundles[0].proof, leaf_index=3)), *bundles[1:]]


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        (without(0), "log", "leaf 0 stands in no bundle"),
        (without(3), "log", "leaf 7 stands in no bundle"),
        (lambda bundles: [], "log", "leaf 0 stands in no bundle"),
        (moved, "statement", "inclusion"),
    ],
    ids=["a verdict left out", "a rotation left out", "nothing", "a verdict moved"],
)
def test_bundles_that_lack_something_show(
    change: Callable[[Bundles], Bundles], step: str, words: str, world: World
) -> None:
    fault = rebuilt(world, change(bundles_of(world))).fault
    assert fault is not None
    assert (fault.name, words in fault.text) == (step, True), fault.text


def test_two_records_do_not_share_a_leaf(world: World, tmp_path: Path) -> None:
    """Bundles of another log with the same keys."""
    other = open_world(tmp_path)
    other.keyring = world.keyring
    other.record_check(9)
    other.anchor()
    fault = rebuilt(world, bundles_of(world) + bundles_of(other)).fault
    assert fault is not None
    assert "two records claim leaf 1" in fault.text


CHANGES = {
    "a leaf": 'UPDATE leaves SET leaf=zeroblob(32) WHERE "index"=4',
    "whose leaf": "UPDATE leaves SET record_id='evd_x' WHERE \"index\"=4",
    "what kind of leaf": "UPDATE leaves SET kind='start' WHERE \"index\"=1",
    "a record's outcome": "UPDATE records SET outcome='not_live' WHERE leaf_index=1",
    "a record's time": "UPDATE records SET created_ms=created_ms+1 WHERE leaf_index=4",
    "a record's key": "UPDATE records SET key_id='ed25519:0' WHERE leaf_index=4",
    "a record left out": "DELETE FROM records WHERE leaf_index=6",
    "a node": "UPDATE nodes SET hash=zeroblob(32) WHERE level=2 AND position=1",
    "a checkpoint's root": "UPDATE checkpoints SET root=zeroblob(32) WHERE seq=1",
    "a checkpoint's block": "UPDATE checkpoints SET block=block+1 WHERE seq=2",
    "a checkpoint left out": "DELETE FROM checkpoints WHERE seq=2",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_mirror_that_says_something_else_shows(change: str, world: World, tmp_path: Path) -> None:
    bundles = bundles_of(world)
    with copied(world, tmp_path / "copy") as copy:
        with closing(sqlite3.connect(copy.folder / "mirror.sqlite")) as connection, connection:
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.execute(CHANGES[change])
        fault = rebuilt(copy, bundles).fault
        assert fault is not None
        assert fault.name == "mirror"
        assert fault.text


def test_a_chain_that_holds_another_head_shows(world: World) -> None:
    events = [replace(event, root=bytes(32)) for event in world.events(MAIN_LOG)]
    rebuilding = Rebuilding(MAIN_LOG, world.store, world.store, world.store, world.keyring)
    found = rebuilding.over(bundles_of(world), events)
    assert found.exit_code == 19
