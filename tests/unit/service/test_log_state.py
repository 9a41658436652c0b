"""What waits in a log, and since when."""

from __future__ import annotations

from pathlib import Path

from medauth.service.log_state import state_of_log
from medauth.store.interface import MAIN_LOG, AttemptRow, CheckpointRow, CheckpointState
from medauth.store.keyring import FileKeyring
from tests.unit.checks import Server, memory_server


def add(server: Server, seq: int, old: int, new: int, state: CheckpointState) -> None:
    row = CheckpointRow(MAIN_LOG, seq, old, new, bytes([seq]) * 32, state)
    server.store.add_checkpoint(row, AttemptRow(MAIN_LOG, seq, bytes([seq]) * 32, seq, b"raw", 2, 1))


def test_records_beyond_the_last_checkpoint_in_a_block_wait(tmp_path: Path, keyring: FileKeyring) -> None:
    server = memory_server(tmp_path, keyring)
    for number in range(3):
        server.check(f"chk_{number}")
        server.wall.ms += 1_000
    add(server, 1, 0, 1, CheckpointState.FINAL)
    add(server, 2, 1, 3, CheckpointState.PENDING)
    state = state_of_log(MAIN_LOG, server.store, server.store, max_merge_delay_s=60, most=1)
    assert (state.leaves, state.covered, state.pending) == (3, 1, 2)
    began = server.store.record(next(iter(server.store.records(MAIN_LOG, 1))).record_id).created_ms
    assert (state.waiting_since_ms, state.due_ms) == (began, began + 60_000)
    assert [row.seq for row in state.checkpoints] == [2]


def test_where_nothing_waits_there_is_no_lag(tmp_path: Path, keyring: FileKeyring) -> None:
    server = memory_server(tmp_path, keyring)
    server.check("chk_1")
    add(server, 1, 0, 1, CheckpointState.ANCHORED)
    state = state_of_log(MAIN_LOG, server.store, server.store, max_merge_delay_s=60)
    assert (state.pending, state.waiting_since_ms, state.due_ms) == (0, None, None)
