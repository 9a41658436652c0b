"""T14: what was erased is gone from every file, every other proof still holds, and a signed tombstone says why."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

import medauth
from medauth.bootstrap import Sources
from medauth.errors import CeremonyError, StoreError
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.signing import PayloadType
from medauth.evidence.statement import CheckIdentity
from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.policy import STANDARD
from medauth.service.erasure import Erasure, ErasureReason
from medauth.service.records import new_id, sealed_record
from medauth.service.sweep import Depth
from medauth.store import database
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, CheckState, LeafKind
from tests.recorded import START_MS, STEPS, World, open_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = open_world(tmp_path)
    for number in range(3):
        world.record_check(number)
    world.anchor()
    return world


def erasure(world: World) -> Erasure:
    return Erasure(world.store, world.blobs, world.keyring, world.tick)


def secrets_of(world: World, check_id: str) -> list[bytes]:
    """Byte strings that must not be found anywhere afterwards."""
    found: list[bytes] = []
    for row in world.store.records_of(check_id):
        found += [row.wrapped_key, row.sealed_envelope[20:80], row.sealed_envelope_sha256]
        found += [world.blobs.read(row.record_id, blob.name)[:60] for blob in row.blobs]
        found += [blob.sha256 for blob in row.blobs]
    return [*found, world.store.check(check_id).subject_tag, world.store.check(check_id).commitment]


def everything_on_disk(world: World) -> bytes:
    return b"\n".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())


def test_nothing_readable_of_an_erased_check_is_left_in_any_file(world: World) -> None:
    secrets = secrets_of(world, "chk_1")
    before = everything_on_disk(world)
    assert all(secret in before for secret in secrets)
    erasure(world).erase("chk_1")
    after = everything_on_disk(world)
    assert [secret for secret in secrets if secret in after] == []


def test_every_other_proof_still_holds_and_the_erased_records_name_their_tombstone(world: World) -> None:
    stone = erasure(world).erase("chk_1")
    world.anchor()
    assert world.report().faults == ()
    audits = world.audits()
    assert [found.fault for found in audits] == [None] * 7
    erased = [found for found in audits if found.subject in stone.erased]
    assert len(erased) == 2
    assert all([step.name for step in found.steps] == ["tombstone", "inclusion", "head"] for found in erased)


def test_a_record_that_vanished_without_a_tombstone_is_a_fault(world: World) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE records SET outcome='erased', wrapped_key=X'', sealed_envelope=X'' WHERE check_id='chk_1'"
        )
    assert {found.exit_code for found in world.audits()} == {0, 23}
    assert {found.exit_code for found in world.report().faults} == {23}


def test_a_tombstone_excuses_no_other_record(world: World) -> None:
    erasure(world).erase("chk_1")
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE records SET outcome='erased', wrapped_key=X'', sealed_envelope=X'', check_id='chk_1'"
            " WHERE check_id='chk_2'"
        )
    assert 23 in {found.exit_code for found in world.audits()}
    assert 23 in {found.exit_code for found in world.report().faults}


LEFT = {
    "digest": "UPDATE records SET sealed_envelope_sha256=X'00' WHERE check_id='chk_1' AND kind='verdict'",
    "name": "UPDATE checks SET subject_tag=X'01' WHERE check_id='chk_1'",
    "purpose": "UPDATE checks SET purpose='login' WHERE check_id='chk_1'",
    "commitment": "UPDATE checks SET commitment=X'01' WHERE check_id='chk_1'",
}


@pytest.mark.parametrize("left", LEFT)
def test_what_is_left_in_the_mirror_of_an_erased_record_is_a_fault(left: str, world: World) -> None:
    erasure(world).erase("chk_1")
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        assert connection.execute(LEFT[left]).rowcount == 1
    assert {found.exit_code for found in world.audits()} == {0, 23}
    assert {found.exit_code for found in world.report().faults} == {23}


@pytest.mark.parametrize("depth", Depth)
def test_a_file_that_an_erasure_left_is_a_fault_until_it_is_erased_again(depth: Depth, world: World) -> None:
    stone = erasure(world).erase("chk_1")
    blobs = world.blobs.writer(stone.erased[-1])
    blobs.replace("traces", b"what was there before")
    blobs.publish()
    assert {found.exit_code for found in world.audits()} == {0, 23}
    assert {found.exit_code for found in world.report(depth=depth).faults} == {23}
    erasure(world).erase("chk_1")
    assert world.report(depth=depth).faults == ()


def test_a_tombstone_in_another_log_excuses_nothing(world: World) -> None:
    rows = [row for row in world.store.records_of("chk_1") if row.kind is not LeafKind.TOMBSTONE]
    keys, now = RecordKeys.generate(), world.tick()
    statement: dict[str, Json] = {
        "version": 1,
        "record_id": new_id("tmb"),
        "check": {"id": "chk_1"},
        "erased": [[row.record_id, row.leaf_index, row.leaf.hex()] for row in rows],
        "reason": "request",
        "erased_ms": now,
    }
    signed = sealed_record(
        statement,
        PayloadType.TOMBSTONE,
        LeafKind.TOMBSTONE,
        keyring=world.keyring,
        keys=keys,
        log=REHEARSAL_LOG,
        outcome="tombstone",
        created_ms=now,
    )
    world.store.erase_check("chk_1", signed)
    for row in rows:
        world.blobs.delete(row.record_id)
    assert {found.exit_code for found in world.audits()} == {0, 23}
    assert {found.exit_code for found in world.report().faults} == {23}


def test_erasing_again_finishes_what_a_crash_left_and_makes_no_second_tombstone(world: World) -> None:
    first = erasure(world).erase("chk_1")
    second = erasure(world).erase("chk_1")
    assert first == second
    kinds = [row.kind for row in world.store.records(MAIN_LOG)]
    assert kinds.count(LeafKind.TOMBSTONE) == 1


def test_an_open_check_cannot_be_erased(world: World) -> None:
    challenge = Challenge("chk_open", STEPS, bytes(32))
    world.verification().begin(CheckIdentity("chk_open", "user", "login", ""), STANDARD, challenge, "")
    with pytest.raises(CeremonyError, match="still open"):
        erasure(world).erase("chk_open")


def test_a_check_that_a_dead_process_left_open_can_be_erased_once_its_time_is_over(world: World) -> None:
    world.begin_check(7)
    world.now_ms += 181_000
    stone = erasure(world).erase("chk_7")
    assert len(stone.erased) == 1
    assert world.store.check("chk_7").state is CheckState.EXPIRED
    assert world.report().faults == ()


def test_retention_reaches_checks_that_nobody_ended(world: World) -> None:
    world.begin_check(7)
    world.now_ms += 40 * 86_400_000
    assert len(list(erasure(world).erase_older(30))) == 4
    assert world.report().faults == ()


@pytest.mark.chain
def test_every_anchoring_enforces_the_retention(tmp_path: Path) -> None:
    clock = [START_MS]
    settings, sources = medauth.Settings(data_dir=tmp_path, retention_days=30), Sources(now_ms=lambda: clock[0])
    with medauth.open(settings, sources=sources) as auth:
        auth.start(subject="somebody").close()
        for days, outcomes in ((29, ["started"]), (2, ["erased", "tombstone"])):
            clock[0] += days * 86_400_000
            auth.anchor()
            assert [row.outcome for row in auth.store.records(MAIN_LOG)] == outcomes


@pytest.mark.chain
def test_a_reader_keeps_no_anchoring_and_the_next_run_wipes_what_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup, or the audit of a large log, holds its view of the database, and with it the write-ahead log."""
    monkeypatch.setattr(database, "_WIPE_S", 0.3)
    clock = [START_MS]
    settings, sources = medauth.Settings(data_dir=tmp_path, retention_days=30), Sources(now_ms=lambda: clock[0])
    log_file = tmp_path / "mirror.sqlite-wal"
    with (
        medauth.open(settings, sources=sources) as auth,
        closing(sqlite3.connect(tmp_path / "mirror.sqlite", isolation_level=None)) as reader,
    ):
        auth.start(subject="somebody").close()
        sealed = next(iter(auth.store.records(MAIN_LOG))).sealed_envelope
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM records").fetchone() == (1,)
        clock[0] += 31 * 86_400_000
        began = time.monotonic()
        report = auth.anchor()
        assert time.monotonic() - began < 20
        assert (report.leaves, report.final_leaves) == (2, 2)
        assert [row.outcome for row in auth.store.records(MAIN_LOG)] == ["erased", "tombstone"]
        assert "the write-ahead log is in use" in caplog.text
        assert sealed in log_file.read_bytes()
        with pytest.raises(StoreError, match="in use"):
            list(auth.erasure().erase_older(30))
        reader.execute("COMMIT")
        caplog.clear()
        assert auth.anchor().final_leaves == 2
        assert caplog.text == ""
        assert sealed not in log_file.read_bytes()
        assert sealed not in (tmp_path / "mirror.sqlite").read_bytes()


def test_failures_are_forgotten_when_they_count_no_longer(world: World) -> None:
    """They name a person by a keyed tag, and must not outlive the erasure of all else."""
    tag = world.keyring.tag("subject", "user-1")
    world.store.record_failure(tag, b"c" * 32, world.now_ms)
    world.store.record_failure(b"s" * 32, b"c" * 32, world.now_ms)
    world.now_ms += 86_401_000
    erasure(world).erase("chk_1")
    assert tag not in everything_on_disk(world)
    assert world.store.failures_since(b"s" * 32, b"c" * 32, 0) == []


def test_retention_erases_what_is_older_and_nothing_else(world: World) -> None:
    world.now_ms += 40 * 86_400_000
    world.record_check(9)
    stones = list(erasure(world).erase_older(30))
    assert len(stones) == 3
    assert list(erasure(world).erase_older(30)) == []
    reasons = {step.text.split(": ")[-1] for found in world.audits() for step in found.steps[:1]}
    assert ErasureReason.RETENTION.value in reasons
    assert world.store.check("chk_9").purpose == "login"
