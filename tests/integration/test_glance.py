"""A glance takes for whole only what the careful look finds whole: one change in each column, rows moved, lost, added."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Table

from medauth.evidence.signing import Envelope, KeyPurpose
from medauth.service import glance as glancing
from medauth.service.audit import Audit
from medauth.service.erasure import Erasure
from medauth.service.glance import Glance
from medauth.service.sweep import Depth, Sweep, Task
from medauth.store import tables
from medauth.store.interface import MAIN_LOG, LeafKind
from tests.recorded import World, copied, open_world

LEAVES = 8
UNSEEN_AT_A_GLANCE = {"records.check_id", "records.outcome", "records.created_ms"}
"""Columns that only a full audit compares with the statement."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    for number in range(LEAVES // 2):
        world.record_check(number)
    world.anchor()
    return world


def glance(world: World) -> Glance:
    return Glance(world.store, world.keyring)


def careful_faults(world: World, depth: Depth) -> tuple[Audit, ...]:
    sweep = Sweep(world.store, world.blobs, world.keyring, depth)
    return sweep._looked_over(Task(MAIN_LOG, 0, LEAVES)).faults


def run_sql(world: World, *statements: str) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for statement in statements:
            connection.execute(statement)


def test_a_whole_stretch_is_seen_at_a_glance_and_comes_to_what_the_careful_look_comes_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = glance(world).over(MAIN_LOG, 0, LEAVES)
    assert seen is not None
    assert seen.kinds[LeafKind.START] == seen.kinds[LeafKind.VERDICT] == LEAVES // 2
    sweep, task = Sweep(world.store, world.blobs, world.keyring, Depth.QUICK), Task(MAIN_LOG, 0, LEAVES, (6, 8))
    assert sweep.over(task) == sweep._looked_over(task)
    monkeypatch.setattr(sweep, "_looked_over", None)
    assert sweep.over(task).fault_count == 0


def test_a_stretch_that_is_not_full_is_seen_at_a_glance_too(world: World) -> None:
    for end in range(1, LEAVES):
        assert glance(world).over(MAIN_LOG, 0, end) is not None
    assert glance(world).over(MAIN_LOG, 6, LEAVES) is not None


COLUMNS = [
    pytest.param(table, column.name, id=f"{table.name}.{column.name}")
    for table in (tables.records, tables.leaves, tables.nodes)
    for column in table.c
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_change_in_any_column_is_found(table: Table, column: str, world: World, tmp_path: Path) -> None:
    where = {"records": "leaf_index=3", "leaves": '"index"=3', "nodes": "level=1 AND position=2"}[table.name]
    with copied(world, tmp_path / "copy") as copy:
        alter(copy, table, column, where)
        assert careful_faults(copy, Depth.FULL)
        if f"{table.name}.{column}" not in UNSEEN_AT_A_GLANCE:
            assert glance(copy).over(MAIN_LOG, 0, LEAVES) is None
            assert careful_faults(copy, Depth.QUICK)


def alter(world: World, table: Table, column: str, where: str) -> None:
    """One bit of bytes, one more of a number, one letter of a text."""
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        (old,) = connection.execute(f'SELECT "{column}" FROM {table.name} WHERE {where}').fetchone()
        new: object = old + 1_000 if isinstance(old, int) else flipped(old)
        connection.execute(f'UPDATE {table.name} SET "{column}"=? WHERE {where}', (new,))


def flipped(old: str | bytes) -> str | bytes:
    if isinstance(old, str):
        return old[:-1] + chr(ord(old[-1]) ^ 1)
    return old[:-1] + bytes([old[-1] ^ 1])


MOVES = {
    "two leaves exchanged": (
        *(f'UPDATE leaves SET "index"={new} WHERE "index"={old}' for old, new in ((1, -1), (3, 1), (-1, 3))),
    ),
    "two records exchanged": (
        *(f"UPDATE records SET leaf_index={new} WHERE leaf_index={old}" for old, new in ((1, -1), (3, 1), (-1, 3))),
    ),
    "two leaves exchanged with their records": (
        *(f'UPDATE leaves SET "index"={new} WHERE "index"={old}' for old, new in ((1, -1), (3, 1), (-1, 3))),
        *(f"UPDATE records SET leaf_index={new} WHERE leaf_index={old}" for old, new in ((1, -1), (3, 1), (-1, 3))),
    ),
    "a leaf lost": ('DELETE FROM leaves WHERE "index"=3',),
    "a record lost": ("DELETE FROM records WHERE leaf_index=3",),
    "a leaf and its record lost": ('DELETE FROM leaves WHERE "index"=3', "DELETE FROM records WHERE leaf_index=3"),
    "a node lost": ("DELETE FROM nodes WHERE level=2 AND position=0",),
    "a node added in another's place": ("UPDATE nodes SET position=9 WHERE level=2 AND position=0",),
    "a record moved to another log": ("UPDATE records SET log='rehearsal' WHERE leaf_index=3",),
    "a record said to be erased, its keys gone": (
        "UPDATE records SET outcome='erased', wrapped_key=x'', sealed_envelope=x'' WHERE leaf_index=3",
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_what_moved_is_lost_or_came_from_elsewhere_is_no_glance_at_a_whole_stretch(
    move: str, world: World, tmp_path: Path
) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, *MOVES[move])
        seen = glance(copy).over(MAIN_LOG, 0, LEAVES)
        assert seen is None or seen.set_aside
        found = Sweep(copy.store, copy.blobs, copy.keyring, Depth.QUICK).over(Task(MAIN_LOG, 0, LEAVES))
        assert found.faults == careful_faults(copy, Depth.QUICK) != ()


def test_an_extra_row_in_a_leafs_place_shows_though_the_schema_was_opened_for_it(world: World, tmp_path: Path) -> None:
    """The unique index that forbids it lies in the hands of whoever can write the mirror."""
    with copied(world, tmp_path / "copy") as copy:
        run_sql(
            copy,
            "CREATE TABLE others AS SELECT * FROM records",
            "INSERT INTO others SELECT * FROM records WHERE leaf_index=3",
            "DROP TABLE records",
            "ALTER TABLE others RENAME TO records",
        )
        assert glance(copy).over(MAIN_LOG, 0, LEAVES) is None


def other_letters(data: bytes) -> bytes:
    """The signature's 64 bytes leave four bits of its last letter unused."""
    at = data.rindex(b'=="') - 1
    return data[:at] + bytes([data[at] + 1]) + data[at + 1 :]


ENVELOPES: dict[str, Callable[[bytes], bytes]] = {
    "a space": lambda data: data.replace(b'","payloadType', b'", "payloadType'),
    "another order": lambda data: data.replace(b'{"payload"', b'{"a":"","payload"'),
    "another type": lambda data: data.replace(b"medauth.start", b"medauth.verdict"),
    "another key id": lambda data: data.replace(b"ed25519:", b"ed25518:"),
    "cut off": lambda data: data[:-1],
    "longer": lambda data: data + b" ",
    "nothing": lambda data: b"",
    "base64 of the same bytes in other letters": other_letters,
    "a line break in base64": lambda data: data.replace(b'"payload":"', b'"payload":"\n'),
    "another signature": lambda data: Envelope(
        Envelope.from_bytes(data).payload,
        Envelope.from_bytes(data).payload_type,
        Envelope.from_bytes(data).key_id,
        bytes(64),
    ).to_bytes(),
}


@pytest.mark.parametrize("change", ENVELOPES)
def test_an_envelope_has_one_form_only(change: str, world: World) -> None:
    """What a key of the record sealed by itself: seals and digests fit, only the form or the signature does not."""
    key = world.keyring.signing_key(KeyPurpose.STATEMENTS)
    envelope = key.sign(b'{"a":1}', glancing.TYPES[LeafKind.START])
    form = glance(world)._forms[MAIN_LOG, LeafKind.START.value, envelope.key_id]
    assert form.signed(envelope.to_bytes()) == b'{"a":1}'
    with suppress(*glancing._UNUSUAL):
        assert form.signed(ENVELOPES[change](envelope.to_bytes())) is None


def test_a_retired_key_is_believed_up_to_its_last_leaf(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key_id = world.keyring.signing_key(KeyPurpose.STATEMENTS).verify_key.key_id
    for until, holds in ((LEAVES, True), (LEAVES - 1, False)):
        monkeypatch.setattr(world.keyring, "retired", lambda until=until: {key_id: until})
        assert (glance(world).over(MAIN_LOG, 0, LEAVES) is not None) is holds
        assert (careful_faults(world, Depth.QUICK) == ()) is holds


@pytest.fixture
def erased(world: World, tmp_path: Path) -> Iterator[World]:
    """One check of four erased: leaves 2 and 3; the tombstone is leaf 8."""
    with copied(world, tmp_path / "copy") as copy:
        Erasure(copy.store, copy.blobs, copy.keyring, copy.tick).erase("chk_1")
        yield copy


def test_erased_records_are_set_aside_and_the_rest_is_seen_at_a_glance(
    erased: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = glance(erased).over(MAIN_LOG, 0, LEAVES + 1)
    assert seen is not None
    assert seen.set_aside == {2, 3}
    sweep, task = Sweep(erased.store, erased.blobs, erased.keyring, Depth.QUICK), Task(MAIN_LOG, 0, LEAVES + 1)
    assert sweep.over(task) == sweep._looked_over(task)
    monkeypatch.setattr(sweep, "_looked_over", None)
    assert (sweep.over(task).erased, sweep.over(task).fault_count) == (2, 0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE records SET outcome='live' WHERE leaf_index=3",
        "UPDATE records SET leaf=zeroblob(32) WHERE leaf_index=3",
        "UPDATE records SET kind='start' WHERE leaf_index=3",
        "UPDATE records SET check_id='chk_2' WHERE leaf_index=3",
        "UPDATE records SET outcome='erased', wrapped_key=x'', sealed_envelope=x'' WHERE leaf_index=1",
        "UPDATE records SET wrapped_key=x'01' WHERE leaf_index=3",
        "UPDATE records SET sealed_envelope=x'01' WHERE leaf_index=8",
        'UPDATE leaves SET leaf=zeroblob(32) WHERE "index"=3',
    ],
)
def test_a_record_that_only_says_it_was_erased_is_found(change: str, erased: World) -> None:
    run_sql(erased, change)
    sweep = Sweep(erased.store, erased.blobs, erased.keyring, Depth.QUICK)
    found = sweep.over(Task(MAIN_LOG, 0, LEAVES + 1))
    assert found.fault_count
    assert found == sweep._looked_over(found.task)
