"""A key gives way to its successor: announced by a leaf, safe to stop anywhere, and never trusted past its end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from medauth.errors import EvidenceError, KeyRetired, StoreError
from medauth.evidence.rotation import require_endorsed, rotation_statement
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType, SigningKey
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.service.disclosure import bundle_of, opened
from medauth.service.rotation import KeyRotation
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, LeafKind, NewRecord, RetiredKeyRow
from medauth.store.keyring import FileKeyring
from tests.recorded import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = open_world(tmp_path)
    yield found
    found.store.close()


class Stop(BaseException):
    """A power cut."""


class StoppingKeyring(FileKeyring):
    """Stops before, or right after, the keys are brought in line."""

    def __init__(self, folder: Path, *, after: bool) -> None:
        super().__init__(folder)
        self._after = after

    def retire(self, retired: RetiredKeyRow) -> bool:
        if self._after:
            from medauth.store.key_files import keep_retired

            keep_retired(self._folder / "retired", retired)
        raise Stop


def rotation(world: World, keyring: FileKeyring | None = None) -> KeyRotation:
    return KeyRotation(world.store, keyring or world.keyring, world.tick)


def key_id(world: World, purpose: KeyPurpose = KeyPurpose.STATEMENTS) -> str:
    return world.keyring.signing_key(purpose).verify_key.key_id


def restarted(world: World) -> World:
    """The same server in a new process."""
    world.keyring = FileKeyring(world.folder / "keys")
    return world


def faults(world: World) -> list[str]:
    audits = [world.auditor().record(row.record_id) for row in world.store.records(MAIN_LOG)]
    return [f"{audit.subject} {audit.fault.name}: {audit.fault.text}" for audit in audits if audit.fault]


@pytest.mark.parametrize(
    "forged",
    [
        {"key_id": "ed25519:" + "ab" * 32, "raw": bytes(32)},
        {"until": 999},
        {"successor": "ed25519:" + "cd" * 32},
    ],
    ids=["another key", "a later end", "another successor"],
)
def test_who_can_write_the_mirror_cannot_have_a_key_of_his_own_believed(
    world: World, forged: dict[str, object]
) -> None:
    """A retired key is believed up to its end, so the row alone is not: the announcement has to say the same."""
    with pytest.raises(Stop):
        rotation(world, StoppingKeyring(world.folder / "keys", after=False)).rotate(KeyPurpose.STATEMENTS)
    columns = ", ".join(f"{name}=?" for name in forged)
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute(f"UPDATE retired_keys SET {columns}", tuple(forged.values()))
    with pytest.raises(StoreError, match="the mirror was altered"):
        rotation(restarted(world)).finish()
    assert world.keyring.retired() == {}


@pytest.mark.parametrize("purpose", KeyPurpose)
def test_every_purpose_has_its_key_and_gets_a_new_one(world: World, purpose: KeyPurpose) -> None:
    old = {each: key_id(world, each) for each in KeyPurpose}
    done = rotation(world).rotate(purpose)
    assert len(set(old.values())) == len(KeyPurpose)
    assert (done.old, done.new) == (old[purpose], key_id(world, purpose))
    assert done.log == (REHEARSAL_LOG if purpose is KeyPurpose.REHEARSALS else MAIN_LOG)
    assert {each: key_id(world, each) for each in KeyPurpose} == {**old, purpose: done.new}
    assert key_id(restarted(world), purpose) == done.new
    assert world.keyring.retired() == {done.old: 1}
    assert set(world.keyring.trusted()) == {*old.values(), done.new}


def test_the_announcement_is_a_leaf_signed_by_the_old_key_and_endorsed_by_both(world: World) -> None:
    world.record_check(1)
    done = rotation(world).rotate(KeyPurpose.STATEMENTS)
    row = world.store.record(done.record_id)
    assert (row.kind, row.leaf_index, row.check_id, row.key_id) == (LeafKind.KEY, 2, None, done.old)
    _, envelope = opened(row, world.keyring)
    statement = json.loads(envelope.verified(world.keyring.trusted(), PayloadType.KEY, KeyPurpose.STATEMENTS))
    succession = require_endorsed(statement)
    assert (succession.old.key_id, succession.new.key_id) == (done.old, done.new)


def test_records_before_and_after_hold_and_so_does_the_announcement(world: World) -> None:
    for number in range(2):
        world.record_check(number)
    world.anchor()
    done = [rotation(world).rotate(purpose) for purpose in (KeyPurpose.STATEMENTS, *KeyPurpose)]
    for number in range(2, 4):
        world.record_check(number)
    assert faults(world) == []
    world.anchor()
    assert faults(world) == []
    assert len(done) == len({rotated.new for rotated in done}) == 6


def test_the_old_private_key_is_gone(world: World) -> None:
    folder = world.folder / "keys"
    world.keyring.trusted()
    old = (folder / "statements.pem").read_bytes()
    keep = (folder / "statements.pem").open("rb")
    rotation(world).rotate(KeyPurpose.STATEMENTS)
    assert not any(old in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert keep.read() == bytes(len(old))
    keep.close()
    assert not (folder / "statements.next.pem").exists()


def test_what_a_retired_key_signs_afterwards_is_not_taken(world: World) -> None:
    thief = world.keyring.signing_key(KeyPurpose.STATEMENTS)
    rotation(world).rotate(KeyPurpose.STATEMENTS)
    world.record_check(1)
    stolen = forged(world, thief, world.store.record(verdict(world)))
    with pytest.raises(KeyRetired, match="retired"):
        world.store.rotate_key(replace(stolen, record_id="evd_stolen"), retired_row(thief, "evd_stolen"))
    assert world.store.leaf_count(MAIN_LOG) == 3


def test_what_a_retired_key_signed_afterwards_is_found_by_audit_and_stranger(world: World) -> None:
    """Somebody who has the old key and the database writes past the store."""
    thief = world.keyring.signing_key(KeyPurpose.STATEMENTS)
    done = rotation(world).rotate(KeyPurpose.STATEMENTS)
    world.record_check(1)
    record_id = verdict(world)
    row = world.store.record(record_id)
    stolen = forged(world, thief, row)
    with world.store._engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE records SET sealed_envelope=?, sealed_envelope_sha256=?, key_id=? WHERE record_id=?",
            (stolen.sealed_envelope, stolen.sealed_envelope_sha256, stolen.key_id, record_id),
        )
    assert [fault.split(":")[0] for fault in faults(world)] == [f"{record_id} inclusion"]
    world.anchor()
    (found,) = faults(world)
    assert "retired key" in found
    bundle = bundle_of(world.store.record(record_id), world.store, world.keyring, world.store)
    trust = Trust(world.keyring.trusted(), {bundle.proof.root: 3} if bundle.proof else {}, retired={done.old: 1})
    *_, last = Examination(bundle, trust).steps()
    assert (last.name, last.state) == ("inclusion", StepState.FAILS)


def test_a_retired_key_is_not_believed_where_nobody_vouches_for_the_log(world: World) -> None:
    """Who has the old key can make a log of its own, in which a new record stands first."""
    recorded = world.record_check(1)
    world.anchor()
    done = rotation(world).rotate(KeyPurpose.STATEMENTS)
    bundle = replace(world.auditor().bundle(recorded.record_id), checkpoint=None)
    assert bundle.proof is not None
    vouched = Trust(world.keyring.trusted(), {bundle.proof.root: bundle.proof.size}, retired={done.old: 3})
    believed = Trust(world.keyring.trusted(), retired={done.old: 3})
    assert all(step.state is not StepState.FAILS for step in Examination(bundle, vouched).steps())
    *_, last = Examination(bundle, believed).steps()
    assert (last.name, last.state) == ("checkpoint", StepState.FAILS)
    assert "nobody vouches" in last.text


@pytest.mark.parametrize("after", [False, True])
def test_a_rotation_that_was_interrupted_is_finished_by_the_next_writer(world: World, after: bool) -> None:
    world.record_check(1)
    old = key_id(world)
    with pytest.raises(Stop):
        rotation(world, StoppingKeyring(world.folder / "keys", after=after)).rotate(KeyPurpose.STATEMENTS)
    assert key_id(restarted(world)) == old
    recorded = world.record_check(2)
    assert world.store.record(recorded.record_id).key_id == key_id(world) != old
    assert world.keyring.retired() == {old: 3}
    world.anchor()
    assert faults(world) == []


def test_a_rotation_that_stopped_before_its_leaf_goes_on_with_the_same_successor(world: World) -> None:
    made = world.keyring.next_key(KeyPurpose.TOKENS).verify_key.key_id
    old = key_id(world, KeyPurpose.TOKENS)
    assert key_id(restarted(world), KeyPurpose.TOKENS) == old
    assert rotation(world).rotate(KeyPurpose.TOKENS).new == made


def test_a_server_that_runs_meanwhile_takes_up_the_new_key(world: World) -> None:
    other = FileKeyring(world.folder / "keys")
    other.trusted()
    done = rotation(world).rotate(KeyPurpose.STATEMENTS)
    assert other.signing_key(KeyPurpose.STATEMENTS).verify_key.key_id == done.new
    assert other.retired() == {done.old: 1}


def test_of_many_that_rotate_at_once_each_key_follows_on_the_one_before(world: World) -> None:
    world.keyring.trusted()

    def rotate(_: int) -> str:
        try:
            return rotation(world, FileKeyring(world.folder / "keys")).rotate(KeyPurpose.STATEMENTS).new
        except KeyRetired:
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = [new for new in pool.map(rotate, range(6)) if new]
    retired = world.store.retired_keys()
    assert len(retired) == len(made) >= 1
    assert [row.successor for row in retired[:-1]] == [row.key_id for row in retired[1:]]
    assert key_id(restarted(world)) == retired[-1].successor
    world.record_check(1)
    assert faults(world) == []


def test_without_the_successor_nothing_is_signed(world: World) -> None:
    """The keys were restored from a backup of before the rotation, the mirror was not."""
    backup = {path: path.read_bytes() for path in used(world)}
    rotation(world).rotate(KeyPurpose.STATEMENTS)
    for path, data in backup.items():
        path.write_bytes(data)
    with pytest.raises(KeyRetired) as caught:
        restarted(world).record_check(1)
    assert "keys" in caught.value.next_step


def test_an_announcement_that_was_altered_is_not_endorsed() -> None:
    old, new = SigningKey.generate(KeyPurpose.TOKENS), SigningKey.generate(KeyPurpose.TOKENS)
    statement = rotation_statement(old, new, record_id="key_1", rotated_ms=5)
    assert require_endorsed(statement).new == new.verify_key
    other = rotation_statement(old, SigningKey.generate(KeyPurpose.TOKENS), record_id="key_1", rotated_ms=5)
    for changes in (
        {"rotated_ms": 6},
        {"record_id": "key_2"},
        {"purpose": "webhooks"},
        {"new": other["new"]},
        {"new": statement["old"]},
        {"endorsements": other["endorsements"]},
        {"old": {**statement["old"], "key_id": "ed25519:00"}},  # type: ignore[dict-item]
    ):
        with pytest.raises(EvidenceError):
            require_endorsed({**statement, **changes})


def verdict(world: World) -> str:
    return next(row.record_id for row in world.store.records(MAIN_LOG) if row.kind is LeafKind.VERDICT)


def used(world: World) -> list[Path]:
    world.keyring.trusted()
    return list((world.folder / "keys").glob("*.pem"))


def retired_row(key: SigningKey, record_id: str) -> RetiredKeyRow:
    return RetiredKeyRow(key.verify_key.key_id, KeyPurpose.STATEMENTS, key.verify_key.raw, 0, "", record_id)


def forged(world: World, thief: SigningKey, row: NewRecord) -> NewRecord:
    """The record with its statement signed by another key."""
    from medauth.evidence.sealing import seal
    from medauth.evidence.statement import statement_digest

    keys = world.keyring.unwrap(row.record_id, row.wrapped_key)
    data = unseal(keys.seal, row.sealed_envelope, record_id=row.record_id, name="envelope")
    envelope = Envelope.from_bytes(data)
    signed = thief.sign(envelope.payload, PayloadType(envelope.payload_type))
    sealed = seal(keys.seal, signed.to_bytes(), record_id=row.record_id, name="envelope")
    fields = {name: getattr(row, name) for name in NewRecord.__dataclass_fields__}
    return NewRecord(
        **{
            **fields,
            "sealed_envelope": sealed,
            "sealed_envelope_sha256": statement_digest(sealed),
            "key_id": signed.key_id,
        }
    )
