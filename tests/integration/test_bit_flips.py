"""T10: random bits flipped in everything an auditor reads; each is found, and the fault names the broken link.

Two places: the bundle in a stranger's hands, flipped in the meaning of a field rather than in its spelling, and the mirror
with its sealed files. For each region the steps that may name the fault are listed, so that a flip found by accident at
another step fails the test too.
"""

from __future__ import annotations

import base64
import json
import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medauth.errors import InputError
from medauth.evidence.bundle import Bundle
from medauth.evidence.signing import KeyPurpose
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.protocol.canonical import canonical
from medauth.service.disclosure import linked
from medauth.service.rotation import KeyRotation
from medauth.store.interface import MAIN_LOG
from tests.recorded import World, copied, open_world
from tests.stamping import TestAuthority

FEW, MANY = 40, 1_000
REFUSED = "refused"
"""The flipped file is no bundle any more: nothing was checked, and the command exits with 2."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    for number in range(2):
        world.record_check(number)
    world.anchor()
    world.record_check(2)
    world.anchor()
    authority = TestAuthority()
    world.stamped_ms = authority.stamped_ms
    world.notary(lambda: authority).notarise(MAIN_LOG)
    KeyRotation(world.store, world.keyring, world.tick).rotate(KeyPurpose.TOKENS)
    world.record_check(3)
    return world


def flipped(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def flipped_text(text: str, draw: random.Random) -> str:
    """Another text: a flip that UTF-8 has no character for counts as the replacement character."""
    while (found := flipped(text.encode(), draw).decode("utf-8", "replace").replace("\0", "!")) == text:
        pass
    return found


# In a bundle


def at(value: Any, path: str) -> tuple[Any, str]:
    """The object that holds the last name of a path, and that name."""
    *above, last = path.split("/")
    for name in above:
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value, last


def changed(value: Any, draw: random.Random) -> Any:
    """One bit of what a value means: of a digest's bytes, of a number, of a text."""
    if isinstance(value, int):
        return not value if isinstance(value, bool) else value ^ 1 << draw.randrange(8)
    if isinstance(value, str) and value:
        is_hex = len(value) % 2 == 0 and set(value) <= set("0123456789abcdef")
        return flipped(bytes.fromhex(value), draw).hex() if is_hex else flipped_text(value, draw)
    if isinstance(value, list) and value:
        where = draw.randrange(len(value))
        return [*value[:where], changed(value[where], draw), *value[where + 1 :]]
    if isinstance(value, dict) and value:
        key = draw.choice(sorted(value))
        return value | {key: changed(value[key], draw)}
    return draw.randrange(1, 256)


STATED = {
    "frames' digests": ("frames/chain", "frames/kept"),
    "readings": ("readings",),
    "heat maps": ("blobs",),
    "model hashes": ("models",),
    "policy": ("policy",),
    "challenge": ("challenge",),
    "steps": ("steps",),
    "verdict": ("verdict",),
    "times": ("started_ms", "finished_ms"),
    "who": ("check",),
}
"""Parts of the statement: whatever they say, the signature speaks for other bytes."""
AROUND: Mapping[str, tuple[str, set[str]]] = {
    "signature": ("envelope/signatures/0/sig", {"signature"}),
    "key id": ("envelope/signatures/0/keyid", {"signature"}),
    "payload type": ("envelope/payloadType", {"signature"}),
    "leaf key": ("leaf_key", {"inclusion"}),
    "proof": ("proof/path", {"inclusion"}),
    "place": ("proof/leaf_index", {"inclusion", REFUSED}),
    "size": ("proof/size", {"inclusion", "checkpoint", "start", REFUSED}),
    "root": ("proof/root", {"inclusion"}),
    "start's signature": ("start/envelope/signatures/0/sig", {"start"}),
    "start's statement": ("start/envelope/payload", {"start"}),
    "start's leaf key": ("start/leaf_key", {"start"}),
    "start's proof": ("start/path", {"start"}),
    "start's place": ("start/leaf_index", {"start", REFUSED}),
    "consistency proof": ("consistency/path", {"checkpoint"}),
    "pinned head": ("consistency/root", {"checkpoint"}),
    "checkpoint": ("checkpoint", {"checkpoint", REFUSED}),
    "contract": ("anchor/address", {"chain", REFUSED}),
    "log": ("anchor/log_id", {"checkpoint"}),
}
BASE64 = {"sig", "payload"}


@dataclass(frozen=True)
class Flip:
    """What was flipped where, and which steps may say so."""

    where: str
    steps: set[str]
    found: set[str]

    @property
    def named(self) -> bool:
        return bool(self.found) and self.found <= self.steps


def flip_bundle(world: World, draw: random.Random) -> Flip:
    rows = [row for row in world.store.records(MAIN_LOG) if row.kind == "verdict" and row.leaf_index < 6]
    bundle = linked(world.auditor().bundle(draw.choice(rows).record_id), 3, world.store)
    file = json.loads(bundle.to_bytes())
    if draw.random() < 0.5:
        where = draw.choice(sorted(STATED))
        statement = json.loads(base64.b64decode(file["envelope"]["payload"]))
        holder, name = at(statement, draw.choice(STATED[where]))
        holder[name] = changed(holder[name], draw)
        file["envelope"]["payload"] = base64.b64encode(canonical(statement)).decode()
        steps = {"signature"}
    else:
        where = draw.choice(sorted(AROUND))
        path, steps = AROUND[where]
        holder, name = at(file, path)
        if name in BASE64:
            holder[name] = base64.b64encode(flipped(base64.b64decode(holder[name]), draw)).decode()
        elif where == "contract":
            holder[name] = "0x" + changed(holder[name][2:].lower(), draw)
        else:
            holder[name] = changed(holder[name], draw)
    return Flip(f"bundle: {where}", steps, verified(json.dumps(file).encode(), world))


def verified(data: bytes, world: World) -> set[str]:
    """The step at which a stranger stops, who pinned the heads of three and of all anchored leaves, and the contract."""
    try:
        bundle = Bundle.from_bytes(data)
    except InputError:
        return {REFUSED}
    steps = Examination(bundle, stranger(world)).steps()
    return {step.name for step in steps if step.state is StepState.FAILS}


def stranger(world: World) -> Trust:
    from medauth.service.disclosure import contract_of

    good = linked(world.auditor().bundle(next(iter(world.store.records(MAIN_LOG))).record_id), 3, world.store)
    assert good.consistency is not None
    identity = world.store.chain_identity(MAIN_LOG)
    assert identity is not None
    pins = {row.root: row.new_size for row in world.store.checkpoints(MAIN_LOG)} | {good.consistency.root: 3}
    return Trust(world.keyring.trusted(), pins, None, {MAIN_LOG: (contract_of(identity),)})


# In the mirror

ROWS: Mapping[str, Mapping[str, set[str]]] = {
    "records": {
        "record_id": {"log", "mirror", "key"},
        "log": {"log", "mirror"},
        "kind": {"log", "mirror"},
        "check_id": {"mirror", "log"},
        "leaf_index": {"log", "mirror"},
        "leaf": {"leaf", "mirror"},
        "wrapped_key": {"key"},
        "sealed_envelope": {"stored bytes"},
        "sealed_envelope_sha256": {"stored bytes"},
        "outcome": {"mirror"},
        "created_ms": {"mirror"},
        "key_id": {"mirror"},
    },
    "blobs": {"name": {"files"}, "sha256": {"files"}, "length": {"files"}},
    "leaves": {
        "leaf": {"log", "leaf", "inclusion"},
        "record_id": {"log", "leaf"},
        "kind": {"mirror", "log"},
        '"index"': {"log", "leaf"},
    },
    "nodes": {"hash": {"inclusion", "head"}, "level": {"inclusion", "head"}, "position": {"inclusion", "head"}},
    "checks": {
        "check_id": {"log", "mirror"},
        "log": {"log", "mirror"},
        "purpose": {"mirror"},
        "policy": {"mirror"},
        "commitment": {"mirror"},
        "subject_tag": {"mirror"},
        "client_tag": {"mirror"},
        "started_ms": {"mirror"},
        "expires_ms": {"mirror"},
        "closed_ms": {"mirror"},
        "state": {"mirror", "log"},
    },
    "checkpoints": {
        "root": {"log", "chain", "checkpoint", "head"},
        "old_size": {"log", "chain"},
        "new_size": {"log", "chain", "checkpoint"},
        "tx_hash": {"chain"},
        "block": {"chain"},
        "block_hash": {"chain"},
        "state": {"log", "checkpoint", "chain", "head"},
    },
    "notes": {"text": {"checkpoint"}, "seq": {"checkpoint"}, "log": {"checkpoint"}},
    "stamps": {
        "token": {"time stamp"},
        "seq": {"time stamp"},
        "log": {"time stamp"},
        "authority": {"time stamp"},
    },
    "retired_keys": {
        "key_id": {"key"},
        "purpose": {"key"},
        "raw": {"key"},
        "until": {"key"},
        "successor": {"key"},
        "record_id": {"key"},
    },
    "chain_identities": {
        "chain_id": {"head", "chain", "checkpoint"},
        "genesis": {"head", "chain", "checkpoint"},
        "address": {"head", "chain", "checkpoint"},
        "log_id": {"head", "chain", "checkpoint"},
    },
}
"""By table and column, the steps that may name the fault. What is not here says nothing about anybody: why a checkpoint is
sent again, when the writer saw it or a time stamp came, its attempts, leases, failed logins, the size that appends count
from."""


def flip_mirror(world: World, folder: Path, draw: random.Random) -> Flip:
    with copied(world, folder) as copy:
        where, steps = flip_file(copy, draw) if draw.random() < 0.25 else flip_row(copy, draw)
        return Flip(f"mirror: {where}", steps, audited(copy))


def audited(world: World) -> set[str]:
    """What the audit of the whole log names. Nothing in a mirror that answers may stop it."""
    return {fault.fault.name for fault in world.report().faults if fault.fault}


def flip_file(world: World, draw: random.Random) -> tuple[str, set[str]]:
    path = draw.choice(sorted(path for path in (world.folder / "evidence").rglob("*") if path.is_file()))
    path.write_bytes(flipped(path.read_bytes(), draw))
    return f"file {path.name}", {"files"}


def flip_row(world: World, draw: random.Random) -> tuple[str, set[str]]:
    table = draw.choice(sorted(ROWS))
    column = draw.choice(sorted(ROWS[table]))
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        keys, rows = primary_key(connection, table), connection.execute(f"SELECT * FROM {table}").fetchall()
        names = [one[1] for one in connection.execute(f"PRAGMA table_info({table})")]
        row = dict(zip(names, draw.choice(rows), strict=True))
        while True:  # until the row collides with no other
            value = changed_column(row[column.strip('"')], draw)
            condition = " AND ".join(f'"{key}" IS ?' for key in keys)
            try:
                connection.execute(
                    f"UPDATE {table} SET {column}=? WHERE {condition}", (value, *(row[key] for key in keys))
                )
            except sqlite3.IntegrityError:
                continue
            # A verdict whose start does not open is named beside it.
            more = {"start"} if table == "records" and row["kind"] == "start" else set()
            return f"{table}.{column}", ROWS[table][column] | more


def primary_key(connection: sqlite3.Connection, table: str) -> list[str]:
    return [one[1] for one in connection.execute(f"PRAGMA table_info({table})") if one[5]]


def changed_column(value: object, draw: random.Random) -> object:
    if isinstance(value, bytes):
        return flipped(value, draw)
    if isinstance(value, int):
        return value ^ 1 << draw.randrange(12)
    if value is None:
        return draw.randrange(1 << 12)
    return flipped_text(str(value), draw)


# Both


def flip(world: World, folder: Path, draw: random.Random) -> Flip:
    return flip_bundle(world, draw) if draw.random() < 0.5 else flip_mirror(world, folder, draw)


def missed(world: World, folder: Path, seeds: range) -> list[Flip]:
    flips = [flip(world, folder / "copy", random.Random(seed)) for seed in seeds]
    return [one for one in flips if not one.named]


def test_an_untouched_world_holds(world: World) -> None:
    assert audited(world) == set()
    for row in world.store.records(MAIN_LOG):
        if row.kind == "verdict" and row.leaf_index < 6:
            assert verified(linked(world.auditor().bundle(row.record_id), 3, world.store).to_bytes(), world) == set()


def test_a_flipped_bit_is_found_and_the_broken_link_named(world: World, tmp_path: Path) -> None:
    """`make test-long` flips a thousand."""
    assert missed(world, tmp_path, range(FEW)) == []


@pytest.mark.long
def test_of_a_thousand_flipped_bits_none_is_missed(world: World, tmp_path: Path) -> None:
    assert missed(world, tmp_path, range(1_000, 1_000 + MANY)) == []
