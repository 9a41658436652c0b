"""What every store does: one behaviour suite over SQLite in memory, SQLite on disk and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace

import pytest
from sqlalchemy import delete, event, text

from medauth.errors import CeremonyError, KeyRetired, NotFound, StoreError
from medauth.evidence.merkle import MemoryTree, tree_root
from medauth.evidence.signing import KeyPurpose
from medauth.store import tables
from medauth.store.database import transaction
from medauth.store.interface import (
    MAIN_LOG,
    REHEARSAL_LOG,
    AttemptRow,
    BlobRow,
    ChainIdentityRow,
    CheckpointRow,
    CheckpointState,
    CheckRow,
    CheckState,
    EpochRow,
    LeafKind,
    NewRecord,
    RetiredKeyRow,
)
from medauth.store.register import SqlRegister
from medauth.store.register_interface import UNDECIDED, LabelRow, Wanted
from medauth.store.sql import PAGE, SqlStore
from tests.ports.stores import opened

SUBJECT, CLIENT = b"s" * 32, b"c" * 32


def check_row(check_id: str = "chk_1", log: str = MAIN_LOG) -> CheckRow:
    return CheckRow(check_id, log, SUBJECT, CLIENT, "login", "standard", b"k" * 32, 1_000, 181_000)


def record(
    record_id: str, check_id: str = "chk_1", *, log: str = MAIN_LOG, kind: LeafKind = LeafKind.VERDICT
) -> NewRecord:
    blobs = (BlobRow("frames", b"f" * 32, 5), BlobRow("traces", b"t" * 32, 2**40)) if kind is LeafKind.VERDICT else ()
    leaf = record_id.encode().ljust(32, b"\0")[:32]
    return NewRecord(record_id, log, kind, check_id, leaf, b"w" * 60, b"e" * 99, b"d" * 32, "live", 2**41, blobs)


def begin(store: SqlStore, check_id: str = "chk_1", log: str = MAIN_LOG) -> int:
    return store.begin_check(
        check_row(check_id, log), record(f"sta_{check_id}", check_id, log=log, kind=LeafKind.START)
    )


def at_once(count: int, do: Callable[[int], object]) -> list[object]:
    """Results or errors of `count` parallel calls."""

    def tried(number: int) -> object:
        try:
            return do(number)
        except (CeremonyError, StoreError) as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(tried, range(count)))


def holds_together(store: SqlStore, log: str = MAIN_LOG) -> int:
    """Records, leaves and tree agree and leave no gap; returns how many there are."""
    rows, leaves = list(store.records(log)), list(store.leaves(log))
    assert [row.leaf_index for row in rows] == [leaf.index for leaf in leaves] == list(range(len(leaves)))
    assert [(row.record_id, row.leaf, row.kind) for row in rows] == [(f.record_id, f.leaf, f.kind) for f in leaves]
    tree = MemoryTree(leaf.leaf for leaf in leaves)
    assert tree_root(len(leaves), lambda coordinates: store.nodes(log, coordinates)) == tree.root()
    assert store.leaf_count(log) == len(leaves)
    return len(leaves)


# Checks and records


def test_a_check_is_read_back_as_it_was_begun(store: SqlStore) -> None:
    assert begin(store) == 0
    assert store.check("chk_1") == check_row()


def test_a_record_is_read_back_as_it_was_committed(store: SqlStore) -> None:
    begin(store)
    assert store.conclude_check("chk_1", record("evd_1"), 5_000) == 1
    found = store.record("evd_1")
    assert (found.leaf_index, found.kind) == (1, LeafKind.VERDICT)
    assert asdict(found) == {**asdict(record("evd_1")), "leaf_index": 1}
    assert (store.check("chk_1").state, store.check("chk_1").closed_ms) == (CheckState.FINISHED, 5_000)
    assert holds_together(store) == 2


def test_what_was_never_there_is_not_found(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        store.check("chk_9")
    with pytest.raises(NotFound):
        store.record("evd_9")
    assert not list(store.records("nowhere"))
    assert not list(store.leaves("nowhere"))
    assert store.leaf_count("nowhere") == 0
    assert store.nodes("nowhere", []) == []


def test_a_check_is_concluded_once(store: SqlStore) -> None:
    begin(store)
    store.conclude_check("chk_1", record("evd_1"), 5_000)
    with pytest.raises(CeremonyError):
        store.conclude_check("chk_1", record("evd_2"), 5_000)
    with pytest.raises(NotFound):
        store.record("evd_2")
    assert holds_together(store) == 2


def test_an_unknown_check_cannot_be_concluded(store: SqlStore) -> None:
    with pytest.raises(CeremonyError):
        store.conclude_check("chk_1", record("evd_1"), 5_000)
    assert holds_together(store) == 0


@pytest.mark.parametrize("state", [CheckState.EXPIRED, CheckState.ABANDONED])
def test_a_check_that_was_closed_stays_closed(store: SqlStore, state: CheckState) -> None:
    begin(store)
    assert store.close_check("chk_1", state, 5_000)
    assert not store.close_check("chk_1", CheckState.ABANDONED, 6_000)
    assert store.check("chk_1").state is state
    with pytest.raises(CeremonyError):
        store.conclude_check("chk_1", record("evd_1"), 5_000)


def test_a_finished_check_cannot_be_closed_again(store: SqlStore) -> None:
    begin(store)
    store.conclude_check("chk_1", record("evd_1"), 5_000)
    assert not store.close_check("chk_1", CheckState.ABANDONED, 6_000)
    assert store.check("chk_1").state is CheckState.FINISHED


def test_a_start_that_cannot_be_recorded_leaves_no_check(store: SqlStore) -> None:
    begin(store)
    with pytest.raises(StoreError):
        store.begin_check(check_row("chk_2"), record("sta_chk_1", "chk_2", kind=LeafKind.START))
    with pytest.raises(NotFound):
        store.check("chk_2")
    assert holds_together(store) == 1


def test_a_verdict_that_cannot_be_recorded_leaves_the_check_open(store: SqlStore) -> None:
    begin(store)
    begin(store, "chk_2")
    store.conclude_check("chk_1", record("evd_1"), 5_000)
    with pytest.raises(StoreError):
        store.conclude_check("chk_2", record("evd_1", "chk_2"), 5_000)
    assert store.check("chk_2").state is CheckState.OPEN
    assert holds_together(store) == 3
    assert store.conclude_check("chk_2", record("evd_2", "chk_2"), 5_000) == 3


def test_a_missing_tree_node_stops_the_append_and_undoes_it(store: SqlStore) -> None:
    begin(store)
    with transaction(store._engine, writes=True) as connection:
        connection.execute(delete(tables.nodes))
    with pytest.raises(StoreError, match="missing"):
        store.conclude_check("chk_1", record("evd_1"), 5_000)
    assert store.check("chk_1").state is CheckState.OPEN
    assert store.leaf_count(MAIN_LOG) == 1


def test_logs_never_share_leaves(store: SqlStore) -> None:
    begin(store)
    assert begin(store, "chk_2", REHEARSAL_LOG) == 0
    assert begin(store, "chk_3") == 1
    assert list(store.logs()) == [MAIN_LOG, REHEARSAL_LOG]
    assert (holds_together(store), holds_together(store, REHEARSAL_LOG)) == (2, 1)


def test_a_plain_page_holds_what_a_page_holds(store: SqlStore) -> None:
    for number in range(5):
        begin(store, f"chk_{number}")
    begin(store, "chk_9", REHEARSAL_LOG)
    for first, end in ((0, 5), (2, 4), (4, 9)):
        page, plain = store.page(MAIN_LOG, first, end), store.plain_page(MAIN_LOG, first, end)
        assert [line[:4] for line in plain.lines] == [(f.index, f.leaf, f.kind.value, f.record_id) for f in page.leaves]
        assert [line[4:] for line in plain.lines] == [
            (f.record_id, f.leaf, f.kind.value, f.key_id, f.wrapped_key, f.sealed_envelope, f.sealed_envelope_sha256)
            for f in page.records
        ]
        assert plain.nodes == page.nodes
        assert {type(value) for line in plain.lines for value in line} == {int, str, bytes}


def test_what_the_driver_refuses_is_the_stores_own_error(store: SqlStore) -> None:
    """Plain rows go past SQLAlchemy, which would have said so."""
    begin(store)
    with transaction(store._engine, writes=True) as connection:
        connection.execute(text("DROP TABLE nodes"))
    with pytest.raises(StoreError):
        store.plain_page(MAIN_LOG, 0, 1)


def test_a_long_log_is_streamed_over_its_pages(store: SqlStore) -> None:
    begin(store)
    count = PAGE + 3
    with transaction(store._engine, writes=True) as connection:
        from medauth.store.sql import _append

        for number in range(1, count):
            _append(connection, record(f"evd_{number}"))
    assert holds_together(store) == count
    assert [leaf.index for leaf in store.leaves(MAIN_LOG, PAGE - 1)] == list(range(PAGE - 1, count))
    assert [row.leaf_index for row in store.records(MAIN_LOG, count - 1)] == [count - 1]
    assert [len(row.blobs) for row in store.records(MAIN_LOG, PAGE - 1)] == [2] * 4


def test_nodes_are_looked_up_and_never_scanned(store: SqlStore) -> None:
    """Otherwise an append costs as much as the log is long."""
    if store.engine.dialect.name != "sqlite":
        pytest.skip("plans of SQLite")
    begin(store)
    asked: list[tuple[str, object]] = []
    event.listen(store.engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    store.nodes(MAIN_LOG, [(0, 0)] * 3)
    with transaction(store.engine, writes=False) as connection:
        statement, values = next(call for call in asked if "FROM nodes" in call[0])
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()  # type: ignore[arg-type]
    steps = [row[3] for row in plan if "nodes" in row[3]]
    assert len(steps) == 3
    assert all("position=?" in step for step in steps)


# Keys


def announce(store: SqlStore, key_id: str, *, signed_by: str, record_id: str = "key_1") -> int:
    row = replace(record(record_id, kind=LeafKind.KEY), check_id=None, key_id=signed_by)
    retired = RetiredKeyRow(key_id, KeyPurpose.STATEMENTS, b"r" * 32, 0, "ed25519:new", record_id)
    return store.rotate_key(row, retired)


def test_a_key_is_retired_with_the_leaf_that_announces_its_successor(store: SqlStore) -> None:
    begin(store)
    assert store.retired_keys() == []
    assert announce(store, "ed25519:old", signed_by="ed25519:old") == 1
    (retired,) = store.retired_keys()
    assert (retired.key_id, retired.until, retired.successor) == ("ed25519:old", 2, "ed25519:new")
    found = store.record("key_1")
    assert (found.check_id, found.kind, found.key_id) == (None, LeafKind.KEY, "ed25519:old")
    assert holds_together(store) == 2


def test_nothing_signed_by_a_retired_key_is_taken(store: SqlStore) -> None:
    begin(store)
    announce(store, "ed25519:old", signed_by="ed25519:old")
    with pytest.raises(KeyRetired):
        store.conclude_check("chk_1", replace(record("evd_1"), key_id="ed25519:old"), 5_000)
    assert store.check("chk_1").state is CheckState.OPEN
    with pytest.raises(KeyRetired):
        announce(store, "ed25519:old", signed_by="ed25519:old", record_id="key_2")
    assert store.conclude_check("chk_1", replace(record("evd_1"), key_id="ed25519:new"), 5_000) == 2
    assert holds_together(store) == 3


def test_a_key_that_was_retired_is_not_retired_again_by_its_successor(store: SqlStore) -> None:
    """Who meant to retire it, and came second, may find the successor in use when it signs."""
    begin(store)
    announce(store, "ed25519:old", signed_by="ed25519:old")
    with pytest.raises(KeyRetired):
        announce(store, "ed25519:old", signed_by="ed25519:new", record_id="key_2")
    assert holds_together(store) == 2


def test_of_many_that_retire_one_key_one_does(store: SqlStore) -> None:
    begin(store)

    def retire(number: int) -> object:
        try:
            return announce(store, "ed25519:old", signed_by="ed25519:old", record_id=f"key_{number}")
        except KeyRetired as error:
            return error

    found = at_once(8, retire)
    assert [result for result in found if not isinstance(result, KeyRetired)] == [1]
    assert holds_together(store) == 2


# Failures


def test_failures_are_counted_for_a_subject_and_a_client_together(store: SqlStore) -> None:
    for failed_ms in (30, 10, 20, 10):
        store.record_failure(SUBJECT, CLIENT, failed_ms)
    store.record_failure(SUBJECT, b"x" * 32, 11)
    store.record_failure(b"y" * 32, CLIENT, 12)
    assert list(store.failures_since(SUBJECT, CLIENT, 0)) == [10, 10, 20, 30]
    assert list(store.failures_since(SUBJECT, CLIENT, 20)) == [20, 30]
    store.clear_failures(SUBJECT, CLIENT)
    assert list(store.failures_since(SUBJECT, CLIENT, 0)) == []
    assert list(store.failures_since(SUBJECT, b"x" * 32, 0)) == [11]


# Many at once


def test_of_fifty_that_conclude_one_check_one_does(store: SqlStore) -> None:
    """T7: one record, one leaf."""
    begin(store)
    found = at_once(50, lambda number: store.conclude_check("chk_1", record(f"evd_{number}"), 5_000))
    assert [result for result in found if not isinstance(result, CeremonyError)] == [1]
    assert holds_together(store) == 2


def test_of_many_that_close_one_check_one_does(store: SqlStore) -> None:
    begin(store)
    found = at_once(20, lambda _: store.close_check("chk_1", CheckState.ABANDONED, 5_000))
    assert sorted(map(str, found)) == ["False"] * 19 + ["True"]


def test_a_check_is_either_concluded_or_closed(store: SqlStore) -> None:
    for number in range(8):
        check_id = f"chk_{number}"
        begin(store, check_id)

        def either(which: int, check_id: str = check_id, number: int = number) -> object:
            if which % 2:
                return store.close_check(check_id, CheckState.ABANDONED, 5_000)
            return store.conclude_check(check_id, record(f"evd_{number}_{which}", check_id), 5_000)

        won = [r for r in at_once(4, either) if r is True or (isinstance(r, int) and r is not False)]
        assert len(won) == 1
    holds_together(store)


def test_parallel_writers_leave_no_gap_in_the_log(store: SqlStore) -> None:
    def whole(number: int) -> tuple[int, int]:
        check_id = f"chk_{number}"
        return begin(store, check_id), store.conclude_check(check_id, record(f"evd_{number}", check_id), 5_000)

    found = at_once(12, whole)
    indexes = sorted(index for pair in found if isinstance(pair, tuple) for index in pair)
    assert indexes == list(range(24))
    assert holds_together(store) == 24


WRITER = """
import sys
from tests.ports.test_store import begin, opened, record
url, name = sys.argv[1:]
store = opened(url)
for number in range(6):
    check_id = f"chk_{name}_{number}"
    begin(store, check_id)
    store.conclude_check(check_id, record(f"evd_{name}_{number}", check_id), 5000)
store.close()
"""


def test_several_processes_begin_with_an_empty_database_and_share_one_log(url: str) -> None:
    if not url:
        pytest.skip("a database in memory belongs to one process")
    started = [subprocess.Popen([sys.executable, "-c", WRITER, url, name]) for name in "abc"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    store = opened(url)
    assert holds_together(store) == 36
    store.close()


def test_threads_that_migrate_at_once_all_find_the_schema(url: str) -> None:
    if not url:
        pytest.skip("a database in memory belongs to one engine")

    def migrated(_: int) -> bool:
        store = opened(url)
        store.close()
        return True

    assert at_once(4, migrated) == [True] * 4


# What the chain writer remembers

IDENTITY = ChainIdentityRow(MAIN_LOG, 31_337, b"g" * 32, "0x" + "ab" * 20, b"h" * 32, b"l" * 32, 3)


def test_a_log_is_pinned_to_one_chain(store: SqlStore) -> None:
    assert store.chain_identity(MAIN_LOG) is None
    store.pin_chain_identity(IDENTITY)
    store.pin_chain_identity(IDENTITY)
    assert store.chain_identity(MAIN_LOG) == IDENTITY
    for changes in ({"chain_id": 1}, {"address": "0x" + "cd" * 20}, {"code_hash": b"x" * 32}, {"genesis": b"x" * 32}):
        with pytest.raises(StoreError, match="pinned"):
            store.pin_chain_identity(replace(IDENTITY, **changes))
    assert store.chain_identity(MAIN_LOG) == IDENTITY


def test_of_many_that_pin_a_log_all_agree_or_are_told(store: SqlStore) -> None:
    found = at_once(8, lambda n: store.pin_chain_identity(replace(IDENTITY, chain_id=1 + n % 2)))
    pinned = store.chain_identity(MAIN_LOG)
    assert pinned is not None
    assert sum(result is None for result in found) == 4


NEXT = replace(IDENTITY, address="0x" + "cd" * 20, log_id=b"n" * 32, code_hash=b"x" * 32, deployed_block=9)
LEFT = EpochRow(IDENTITY, 1, 8, b"r" * 32)


def test_a_log_leaves_its_contract_for_the_next_one(store: SqlStore) -> None:
    store.pin_chain_identity(IDENTITY)
    assert store.epochs(MAIN_LOG) == []
    for _ in range(2):  # the same again changes nothing
        store.begin_epoch(LEFT, NEXT)
        assert store.chain_identity(MAIN_LOG) == NEXT
        assert store.epochs(MAIN_LOG) == [LEFT]
    assert [store.contract_over(MAIN_LOG, size) for size in (1, 8, 9)] == [IDENTITY, IDENTITY, NEXT]
    assert store.contract_over("other", 1) is None
    third = replace(NEXT, address="0x" + "ef" * 20)
    store.begin_epoch(EpochRow(NEXT, 2, 20, b"s" * 32), third)
    assert [epoch.number for epoch in store.epochs(MAIN_LOG)] == [1, 2]
    assert [store.contract_over(MAIN_LOG, size) for size in (8, 20, 21)] == [IDENTITY, NEXT, third]


def test_no_log_leaves_a_contract_that_it_is_not_at(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="no contract"):
        store.begin_epoch(LEFT, NEXT)
    store.pin_chain_identity(replace(IDENTITY, address="0x" + "12" * 20))
    with pytest.raises(StoreError, match="pinned"):
        store.begin_epoch(LEFT, NEXT)
    assert store.epochs(MAIN_LOG) == []


def test_of_many_that_move_a_log_all_end_at_one_contract(store: SqlStore) -> None:
    store.pin_chain_identity(IDENTITY)
    found = at_once(6, lambda n: store.begin_epoch(LEFT, replace(NEXT, deployed_block=9 + n % 2)))
    assert len(store.epochs(MAIN_LOG)) == 1
    assert sum(result is None for result in found) == 3


def checkpoint(seq: int, state: CheckpointState = CheckpointState.PENDING, size: int = 0) -> CheckpointRow:
    return CheckpointRow(MAIN_LOG, seq, seq, size or seq + 1, bytes([seq]) * 32, state)


def attempt(seq: int, max_fee: int = 1) -> AttemptRow:
    return AttemptRow(MAIN_LOG, seq, bytes([seq]) * 31 + bytes([max_fee % 256]), seq, b"raw", max_fee, 2)


def test_checkpoints_are_read_back(store: SqlStore) -> None:
    states = [CheckpointState.FINAL, CheckpointState.FAILED, CheckpointState.ANCHORED]
    for seq, state in enumerate(states):
        store.add_checkpoint(checkpoint(seq, state), attempt(seq))
    assert [row.state for row in store.checkpoints(MAIN_LOG)] == states
    assert store.open_checkpoint(MAIN_LOG) == checkpoint(1, CheckpointState.FAILED)
    assert store.last_checkpoint(MAIN_LOG) == checkpoint(2, CheckpointState.ANCHORED)
    assert store.covering_checkpoint(MAIN_LOG, 0) == checkpoint(0, CheckpointState.FINAL)
    assert store.covering_checkpoint(MAIN_LOG, 1) == checkpoint(2, CheckpointState.ANCHORED)
    assert store.covering_checkpoint(MAIN_LOG, 3) is None


def test_a_log_without_checkpoints_has_none(store: SqlStore) -> None:
    assert store.open_checkpoint(MAIN_LOG) is store.last_checkpoint(MAIN_LOG) is None
    assert list(store.checkpoints(MAIN_LOG)) == []


def test_a_failed_checkpoint_stays_open_and_covers_until_it_is_tried_again(store: SqlStore) -> None:
    failed = replace(checkpoint(0, CheckpointState.FAILED), why="EnforcedPause()")
    store.add_checkpoint(checkpoint(0), attempt(0))
    store.update_checkpoint(failed)
    assert store.last_checkpoint(MAIN_LOG) is None
    assert store.open_checkpoint(MAIN_LOG) == store.covering_checkpoint(MAIN_LOG, 0) == failed


def test_what_is_final_is_not_open(store: SqlStore) -> None:
    store.add_checkpoint(checkpoint(0), attempt(0))
    store.update_checkpoint(checkpoint(0, CheckpointState.FINAL))
    assert store.open_checkpoint(MAIN_LOG) is None


def test_an_update_changes_where_a_checkpoint_stands_and_never_what_it_covers(store: SqlStore) -> None:
    store.add_checkpoint(checkpoint(0), attempt(0))
    moved = replace(
        checkpoint(0, CheckpointState.ANCHORED),
        new_size=99,
        root=b"x" * 32,
        why="seen",
        tx_hash=b"t" * 32,
        block=7,
        block_hash=b"b" * 32,
        anchored_ms=2**41,
    )
    store.update_checkpoint(moved)
    assert store.last_checkpoint(MAIN_LOG) == replace(moved, new_size=1, root=checkpoint(0).root)


def test_a_checkpoint_and_its_transaction_are_committed_together(store: SqlStore) -> None:
    store.add_checkpoint(checkpoint(0), attempt(0))
    with pytest.raises(StoreError):
        store.add_checkpoint(checkpoint(0), attempt(5))
    assert store.attempts(MAIN_LOG, 5) == []


def test_attempts_come_dearest_first_and_fees_may_pass_64_bits(store: SqlStore) -> None:
    store.add_checkpoint(checkpoint(0), attempt(0, 9))
    for fee in (10, 2**80, 2**80):
        store.add_attempt(attempt(0, fee))
    assert [found.max_fee for found in store.attempts(MAIN_LOG, 0)] == [2**80, 10, 9]
    assert store.attempts(MAIN_LOG, 1) == []


def test_a_lease_is_held_by_one_until_it_ends_or_is_given_back(store: SqlStore) -> None:
    assert store.take_lease("writer", "a", 1_000, 500)
    assert not store.take_lease("writer", "b", 1_499, 500)
    assert store.take_lease("other", "b", 1_000, 500)
    assert store.take_lease("writer", "a", 1_400, 500)
    assert not store.take_lease("writer", "b", 1_899, 500)
    assert store.take_lease("writer", "b", 1_900, 500)
    store.release_lease("writer", "a")
    assert not store.take_lease("writer", "a", 1_901, 500)
    store.release_lease("writer", "b")
    assert store.take_lease("writer", "a", 1_901, 500)


def test_of_many_that_want_a_lease_one_gets_it(store: SqlStore) -> None:
    found = at_once(16, lambda n: store.take_lease("writer", f"holder-{n}", 1_000, 500))
    assert found.count(True) == 1
    assert found.count(False) == 15


def test_an_error_inside_a_transaction_undoes_it(store: SqlStore) -> None:
    with suppress(ZeroDivisionError), transaction(store._engine, writes=True) as connection:
        connection.execute(tables.logs.insert().values(log="half", size=1))
        raise ZeroDivisionError
    assert "half" not in store.logs()


# Looking through checks


def registered(store: SqlStore) -> SqlRegister:
    """Three checks: live, without verdict, and one of the rehearsal log, begun in that order."""
    for number, log in enumerate((MAIN_LOG, MAIN_LOG, REHEARSAL_LOG)):
        row = replace(check_row(f"chk_{number}", log), started_ms=1_000 + number, subject_tag=bytes([number]) * 32)
        store.begin_check(row, record(f"sta_{number}", row.check_id, log=log, kind=LeafKind.START))
    store.conclude_check("chk_0", record("evd_0", "chk_0"), 5_000)
    return SqlRegister(store.engine)


def test_checks_are_found_newest_first_and_page_by_page(store: SqlStore) -> None:
    register = registered(store)
    first = register.found(Wanted(), 2)
    assert [(row.check_id, row.record_id, row.outcome) for row in first] == [
        ("chk_2", None, UNDECIDED),
        ("chk_1", None, UNDECIDED),
    ]
    rest = register.found(Wanted(), 2, (first[-1].started_ms, first[-1].check_id))
    assert [(row.check_id, row.record_id, row.outcome) for row in rest] == [("chk_0", "evd_0", "live")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(outcome="live"), ["chk_0"]),
        (Wanted(outcome=UNDECIDED), ["chk_2", "chk_1"]),
        (Wanted(log=REHEARSAL_LOG), ["chk_2"]),
        (Wanted(policy="strict"), []),
        (Wanted(subject_tag=b"\1" * 32), ["chk_1"]),
        (Wanted(since_ms=1_001, until_ms=1_002), ["chk_1"]),
        (Wanted(check_or_record="evd_0"), ["chk_0"]),
        (Wanted(check_or_record="chk_1"), ["chk_1"]),
        (Wanted(label="print"), ["chk_0"]),
        (Wanted(label="screen"), []),
        (Wanted(labelled=True), ["chk_0"]),
    ],
)
def test_every_wish_leaves_out_what_does_not_fit(store: SqlStore, wanted: Wanted, found: list[str]) -> None:
    register = registered(store)
    register.set_label(LabelRow("chk_0", "print", "acc_1", 9))
    assert [row.check_id for row in register.found(wanted, 10)] == found


def test_a_label_is_replaced_taken_away_and_goes_with_its_check(store: SqlStore) -> None:
    register = registered(store)
    register.set_label(LabelRow("chk_0", "print", "acc_1", 9))
    register.set_label(LabelRow("chk_0", "genuine", "acc_2", 10))
    assert register.label_of("chk_0") == LabelRow("chk_0", "genuine", "acc_2", 10)
    assert register.labelled() == [("genuine", "live", 1)]
    store.erase_check("chk_0", record("tmb_1", "chk_0", kind=LeafKind.TOMBSTONE))
    assert register.label_of("chk_0") is None
    register.set_label(LabelRow("chk_1", "screen", "acc_1", 9))
    register.set_label(LabelRow("chk_1", "", "acc_1", 9))
    assert register.labelled() == []
    with pytest.raises(NotFound):
        register.set_label(LabelRow("chk_9", "print", "acc_1", 9))
