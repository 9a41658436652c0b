"""A record's way to the chain is told as it is, also when it failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from medauth.evidence.verifier import StepState
from medauth.service.standing import WAITING, standing_of
from medauth.store.interface import MAIN_LOG, CheckpointState
from tests.recorded import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = open_world(tmp_path)
    yield found
    found.store.close()


def standing(world: World, record_id: str) -> str:
    return str(standing_of(world.store.record(record_id), world.store))


def test_a_record_without_a_checkpoint_waits(world: World) -> None:
    record_id = world.record_check(1).record_id
    assert standing(world, record_id).startswith(f"{WAITING}: no checkpoint")


def test_a_final_record_names_block_and_transaction(world: World) -> None:
    record_id = world.record_check(1).record_id
    world.anchor()
    (row,) = world.store.checkpoints(MAIN_LOG)
    assert row.tx_hash is not None
    expected = f"final: checkpoint 1 in block {row.block}, transaction 0x{row.tx_hash.hex()}"
    assert standing(world, record_id) == expected


@pytest.mark.parametrize(
    ("state", "why", "told"),
    [
        (CheckpointState.PENDING, "", "pending: checkpoint 1 is signed"),
        (CheckpointState.ANCHORED, "", "anchored: checkpoint 1 is in block"),
        (CheckpointState.REORGED, "block 4 is gone", "reorged: checkpoint 1 is sent again: block 4 is gone"),
        (CheckpointState.FAILED, "EnforcedPause()", "failed: EnforcedPause() (checkpoint 1"),
    ],
)
def test_every_state_on_the_way_is_told(world: World, state: CheckpointState, why: str, told: str) -> None:
    record_id = world.record_check(1).record_id
    world.anchor()
    (row,) = world.store.checkpoints(MAIN_LOG)
    world.store.update_checkpoint(replace(row, state=state, why=why))
    assert standing(world, record_id).startswith(told)


def test_under_a_failed_checkpoint_a_record_has_no_proof_and_no_fault(world: World) -> None:
    record_id = world.record_check(1).record_id
    world.anchor()
    (row,) = world.store.checkpoints(MAIN_LOG)
    world.store.update_checkpoint(replace(row, state=CheckpointState.FAILED, why="EnforcedPause()"))
    audit = world.auditor().record(record_id)
    states = {step.name: step.state for step in audit.steps}
    assert audit.fault is None
    assert {states["inclusion"], states["checkpoint"], states["chain"]} == {StepState.SKIPPED}
    assert world.auditor().bundle(record_id).proof is None
