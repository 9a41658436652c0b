"""Whoever holds the receipt of a start can tell later whether it was left out, moved, or not anchored in time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from medauth.errors import InputError
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType, SigningKey
from medauth.evidence.verifier import StepState
from medauth.service.audit import Audit
from medauth.service.receipts import ReceiptAudit
from tests.recorded import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = open_world(tmp_path)
    world.record_check(0)
    return world


def run_sql(world: World, statement: str) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute(statement)


def audit(world: World, receipt: Envelope) -> Audit:
    return world.receipts().over(receipt.to_bytes() + b"\n")


def wait(world: World) -> None:
    """Until the merge delay is over."""
    world.now_ms += 3_601_000


def test_a_receipt_waits_until_it_is_due_and_is_kept_once_it_is_on_chain(world: World) -> None:
    receipt = world.begin_check(1).receipt
    waiting = audit(world, receipt)
    assert waiting.exit_code == 0
    assert waiting.steps[-1].state is StepState.SKIPPED
    world.anchor()
    wait(world)
    kept = audit(world, receipt)
    assert [step.name for step in kept.steps] == ["signature", "statement", "receipt", "receipt", "receipt"]
    assert {step.state for step in kept.steps} == {StepState.HOLDS}
    assert "it has no verdict" in kept.steps[2].text


def test_a_leaf_that_is_not_anchored_in_time_breaks_the_promise(world: World) -> None:
    receipt = world.begin_check(1).receipt
    wait(world)
    found = audit(world, receipt)
    assert found.exit_code == 26
    assert "no checkpoint covers the leaf" in str(found.fault)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ('DELETE FROM leaves WHERE "index"=2', "is missing"),
        ('UPDATE leaves SET leaf=zeroblob(32) WHERE "index"=2', "is another one"),
        ("UPDATE leaves SET kind='verdict' WHERE \"index\"=2", "is another one"),
        ("UPDATE nodes SET hash=zeroblob(32) WHERE level=0 AND position=3", "does not lie under"),
        ("UPDATE checkpoints SET root=zeroblob(32)", "does not lie under"),
        ("UPDATE checkpoints SET state='pending'", "its checkpoint is pending"),
    ],
)
def test_a_start_that_was_left_out_or_moved_shows(damage: str, words: str, world: World) -> None:
    check = world.begin_check(1)
    world.begin_check(2)
    world.anchor()
    wait(world)
    run_sql(world, damage)
    found = audit(world, check.receipt)
    assert found.exit_code == 26
    assert words in str(found.fault)


def test_a_log_begun_anew_without_the_start_shows(world: World, tmp_path: Path) -> None:
    """Before a checkpoint nothing on chain speaks for a leaf: the receipt does."""
    receipt = world.begin_check(1).receipt
    run_sql(world, 'DELETE FROM leaves WHERE "index"=2')
    run_sql(world, "DELETE FROM records WHERE leaf_index=2")
    run_sql(world, "DELETE FROM nodes WHERE position = 2 >> level AND (position + 1) << level >= 3")
    run_sql(world, "UPDATE logs SET size=2")
    run_sql(world, "DELETE FROM checks WHERE check_id='chk_1'")
    assert world.report().faults == ()  # a whole log, as far as the log itself can say
    assert audit(world, receipt).exit_code == 26
    world.begin_check(5)
    assert "is another one" in str(audit(world, receipt).fault)


def test_a_checkpoint_that_the_contract_does_not_hold_breaks_the_promise(world: World) -> None:
    receipt = world.begin_check(1).receipt
    world.anchor()
    lying = ReceiptAudit(world.store, world.store, world.keyring, lambda log, root: None, lambda: world.now_ms)
    assert lying.over(receipt.to_bytes()).exit_code == 26
    offline = ReceiptAudit(world.store, world.store, world.keyring, None, lambda: world.now_ms)
    assert offline.over(receipt.to_bytes()).steps[-1].state is StepState.SKIPPED


def test_a_receipt_that_nobody_signed_is_no_receipt(world: World) -> None:
    receipt = world.begin_check(1).receipt
    forged = SigningKey.generate(KeyPurpose.STATEMENTS).sign(receipt.payload, PayloadType.RECEIPT)
    assert audit(world, forged).exit_code == 12
    assert audit(world, Envelope(receipt.payload + b" ", *_rest(receipt))).exit_code == 12
    statement = world.keyring.signing_key(KeyPurpose.STATEMENTS).sign(receipt.payload, PayloadType.START)
    assert audit(world, statement).exit_code == 12
    odd = world.keyring.signing_key(KeyPurpose.STATEMENTS).sign(b'{"log":"main"}', PayloadType.RECEIPT)
    assert audit(world, odd).exit_code == 13
    with pytest.raises(InputError):
        world.receipts().over(b"no receipt")


def _rest(receipt: Envelope) -> tuple[str, str, bytes]:
    return receipt.payload_type, receipt.key_id, receipt.signature
