"""Final checkpoints are signed and stamped, later if not now; nothing is signed that the chain does not hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from medauth.errors import LedgerUnreachable, MissingTool
from medauth.evidence.note import CheckpointNote, origin_of
from medauth.evidence.signing import KeyPurpose
from medauth.ledger.interface import TimeStampAuthority
from medauth.store.interface import MAIN_LOG
from tests.recorded import World, open_world


class Stamper:
    """Stamps with its own name; out of order for the first `down` requests."""

    def __init__(self, name: str = "stamper", down: int = 0) -> None:
        self.name = name
        self.down = down
        self.asked = 0

    def __call__(self) -> TimeStampAuthority:
        return self

    def stamp(self, text: bytes) -> bytes:
        self.asked += 1
        if self.asked <= self.down:
            raise LedgerUnreachable(f"{self.name} is down")
        return b"%s over %s" % (self.name.encode(), text)


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = open_world(tmp_path)
    found.record_check(0)
    found.anchor()
    return found


def test_a_final_checkpoint_is_signed_once_and_travels_in_bundles(world: World) -> None:
    [checkpoint] = world.store.checkpoints(MAIN_LOG)
    row = world.store.note(MAIN_LOG, checkpoint.seq)
    assert row is not None
    note = CheckpointNote.from_text(row.text)
    assert (note.origin, note.size, note.root) == (origin_of(b"\x07" * 32), checkpoint.new_size, checkpoint.root)
    assert note.verified(world.keyring.trusted().values()).purpose is KeyPurpose.CHECKPOINTS
    for record in world.store.records(MAIN_LOG):
        assert world.auditor().bundle(record.record_id).checkpoint == note
    assert world.notary().notarise(MAIN_LOG).signed == 0


def test_a_waiting_record_has_no_signed_checkpoint(world: World) -> None:
    waiting = world.record_check(1)
    assert world.notary().notarise(MAIN_LOG).signed == 0
    assert world.auditor().bundle(waiting.record_id).checkpoint is None


def test_what_could_not_be_stamped_is_stamped_next_time(world: World) -> None:
    stamper = Stamper(down=1)
    first = world.notary(stamper).notarise(MAIN_LOG)
    assert (first.stamped, first.trouble) == (0, "stamper is down")
    assert world.notary(stamper).notarise(MAIN_LOG).stamped == 1
    assert world.notary(stamper).notarise(MAIN_LOG).stamped == 0
    assert stamper.asked == 2


def test_every_authority_stamps_and_all_stamps_travel(world: World) -> None:
    for name in ("b", "a"):
        world.notary(Stamper(name)).notarise(MAIN_LOG)
    record = next(iter(world.store.records(MAIN_LOG)))
    bundle = world.auditor().bundle(record.record_id)
    assert bundle.checkpoint is not None
    text = bundle.checkpoint.to_text().encode()
    assert bundle.stamps == (b"a over " + text, b"b over " + text)


def test_an_authority_that_cannot_be_opened_blocks_nothing(world: World) -> None:
    def missing() -> TimeStampAuthority:
        raise MissingTool("no library")

    world.record_check(1)
    world.anchor()
    assert world.notary(missing).notarise(MAIN_LOG).trouble == "no library"
    assert world.store.unsigned_checkpoints(MAIN_LOG) == []


def test_nothing_is_signed_that_the_chain_does_not_hold(world: World) -> None:
    """Whoever can write the mirror but has no key must not get the key to speak for another log."""
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute("DELETE FROM notes")
        connection.execute("UPDATE checkpoints SET root=zeroblob(32)")
    found = world.notary().notarise(MAIN_LOG)
    assert found.signed == 0
    assert "not on chain" in found.trouble
    assert world.store.note(MAIN_LOG, 1) is None
