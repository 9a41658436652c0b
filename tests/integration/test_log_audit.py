"""T11: what is deleted, inserted or moved shows, in the mirror or on chain; and the mirror can be built again from both."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from medauth.errors import StoreError
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import MemoryTree
from medauth.evidence.signing import KeyPurpose
from medauth.evidence.verifier import StepState
from medauth.ledger.interface import AnchoredCheckpoint, UrgentLeaf
from medauth.report.audit_page import html_page
from medauth.report.audit_report import AuditRun
from medauth.service import log_audit
from medauth.service.head_audit import HeadAudit
from medauth.service.log_audit import LogAudit, LogReport
from medauth.service.note_audit import NoteAudit
from medauth.service.retired_audit import RetiredKeyAudit
from medauth.service.rotation import KeyRotation
from medauth.service.sweep import Depth, Sweep, Task
from medauth.service.sweeping import in_processes
from medauth.store.interface import MAIN_LOG, CheckState, LeafKind
from tests.ports.ledger_world import put
from tests.recorded import World, copied, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Five checks: leaves 0 to 5 under one checkpoint, 6 and 7 under the next, 8 and 9 waiting."""
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    for number in range(3):
        world.record_check(number)
    world.anchor()
    world.record_check(3)
    world.anchor()
    world.record_check(4)
    return world


@pytest.fixture(params=[2, 1_024], ids=["stretches of two", "one stretch"], autouse=True)
def _stretches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one stretch ends and another begins makes no difference."""
    monkeypatch.setattr(log_audit, "LEAVES", request.param)


def run_sql(world: World, *statements: str) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def names(report: LogReport) -> set[str]:
    return {found.fault.name for found in report.faults if found.fault}


def test_an_untouched_log_holds_at_both_depths(world: World) -> None:
    for depth in Depth:
        report = world.report(depth)
        assert report.faults == ()
        assert (report.size, report.covered, report.checkpoints) == (10, 8, 2)
        assert report.kinds[LeafKind.START] == report.kinds[LeafKind.VERDICT] == 5
        assert {step.state for step in report.steps} == {StepState.HOLDS}


DELETE_LEAF_3 = (
    "DELETE FROM records WHERE leaf_index=3",
    'DELETE FROM leaves WHERE "index"=3',
)
CLOSE_THE_GAP = (
    *(f'UPDATE leaves SET "index"={i - 1} WHERE "index"={i}' for i in range(4, 10)),
    *(f"UPDATE records SET leaf_index={i - 1} WHERE leaf_index={i}" for i in range(4, 10)),
)
CHANGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "a record and its leaf deleted": ("log", DELETE_LEAF_3),
    "a record deleted, the others moved up": ("log", (*DELETE_LEAF_3, *CLOSE_THE_GAP)),
    "a whole check deleted, its start too": (
        "log",
        (
            "DELETE FROM blobs WHERE record_id IN (SELECT record_id FROM records WHERE check_id='chk_1')",
            "DELETE FROM leaves WHERE record_id IN (SELECT record_id FROM records WHERE check_id='chk_1')",
            "DELETE FROM records WHERE check_id='chk_1'",
            "DELETE FROM checks WHERE check_id='chk_1'",
        ),
    ),
    "a started check deleted, its verdict kept": (
        "log",
        ("DELETE FROM records WHERE leaf_index=2", 'DELETE FROM leaves WHERE "index"=2'),
    ),
    "the last anchored check deleted with all that came after": (
        "log",
        ("DELETE FROM records WHERE leaf_index>=6", 'DELETE FROM leaves WHERE "index">=6'),
    ),
    "two leaves exchanged with their records": (
        "log",
        (
            *(f'UPDATE leaves SET "index"={new} WHERE "index"={old}' for old, new in ((1, -1), (3, 1), (-1, 3))),
            *(f"UPDATE records SET leaf_index={new} WHERE leaf_index={old}" for old, new in ((1, -1), (3, 1), (-1, 3))),
        ),
    ),
    "a record inserted outside the log": ("log", ("UPDATE records SET leaf_index=99 WHERE leaf_index=9",)),
    "a check inserted that never started": (
        "log",
        (
            "CREATE TEMP TABLE another AS SELECT * FROM checks WHERE check_id='chk_0'",
            "UPDATE another SET check_id='chk_x'",
            "INSERT INTO checks SELECT * FROM another",
        ),
    ),
    "a finished check made to look open": ("mirror", ("UPDATE checks SET state='open' WHERE check_id='chk_2'",)),
    "a checkpoint forgotten": ("log", ("DELETE FROM notes", "DELETE FROM checkpoints WHERE seq=1")),
    "the newest checkpoint forgotten": ("chain", ("DELETE FROM notes", "DELETE FROM checkpoints WHERE seq=2")),
    "a checkpoint said to be in another block": ("chain", ("UPDATE checkpoints SET block=block+1 WHERE seq=1",)),
    "the log taken off the list of logs": ("", ("DELETE FROM logs",)),
    "a word that is no text": ("mirror", ("UPDATE records SET outcome=CAST(x'ff' AS TEXT) WHERE leaf_index=3",)),
    "a size of billions": ("log", ("UPDATE logs SET size=9000000000000",)),
    "the last leaf moved billions on": (
        "log",
        (
            'UPDATE leaves SET "index"=8999999999999 WHERE "index"=9',
            "UPDATE records SET leaf_index=8999999999999 WHERE leaf_index=9",
            "UPDATE logs SET size=9000000000000",
        ),
    ),
    "a contract that the log never left": (
        "head",
        (
            (
                "INSERT INTO epochs SELECT log, 1, chain_id, genesis, address, code_hash, log_id, deployed_block, 2, x'00' "
                "FROM chain_identities"
            ),
        ),
    ),
    "the last leaf not counted": ("log", ("UPDATE logs SET size=size-1",)),
    "the signed notes deleted": ("checkpoint", ("DELETE FROM notes",)),
    "the first signed note deleted": ("checkpoint", ("DELETE FROM notes WHERE seq=1",)),
    "a final checkpoint made to wait again": ("checkpoint", ("UPDATE checkpoints SET state='pending' WHERE seq=2",)),
    "one below the last made to wait again": ("chain", ("UPDATE checkpoints SET state='anchored' WHERE seq=1",)),
    "a checkpoint in a state that is none": ("log", ("UPDATE checkpoints SET state='fihal' WHERE seq=1",)),
    "a check in a state that is none": ("mirror", ("UPDATE checks SET state='fihished' WHERE check_id='chk_1'",)),
    "a note about another head": ("checkpoint", ("UPDATE notes SET text=(SELECT text FROM notes WHERE seq=2)",)),
    "a tree node above the stretches": ("inclusion", ("UPDATE nodes SET hash=zeroblob(32) WHERE level=3",)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_deleted_inserted_or_moved_shows(change: str, world: World, tmp_path: Path) -> None:
    expected, statements = CHANGES[change]
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, "PRAGMA foreign_keys=OFF", *statements)
        assert MAIN_LOG in copy.store.known_logs()
        assert names(copy.report()) >= ({expected} if expected else set())
        if expected == "log":
            assert "log" in names(copy.report(Depth.QUICK))


def test_a_state_that_is_none_is_named_and_the_audit_goes_on(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(
            copy,
            "UPDATE checkpoints SET state='fihal' WHERE seq=1",
            "UPDATE checks SET state='fihished' WHERE check_id='chk_1'",
        )
        found = copy.report()
        said = [audit.fault.text for audit in found.faults if audit.fault]
        assert "checkpoint 1 is 'fihal'" in said[0]
        assert len([text for text in said if "check chk_1 is gone" in text]) == 2
        assert (found.size, found.covered, sum(found.tally.states.values())) == (10, 0, 4)
        assert found.root is not None
        run_sql(copy, "UPDATE checkpoints SET state='final'")
        assert "check chk_1 is 'fihished'" in names_and_texts(copy.report())["log"]


def names_and_texts(report: LogReport) -> dict[str, str]:
    return {found.fault.name: found.fault.text for found in report.faults if found.fault}


RETIRED = {
    "forgotten": "DELETE FROM retired_keys",
    "with another end": "UPDATE retired_keys SET until=until+1",
    "with another successor": "UPDATE retired_keys SET successor=key_id",
    "for another purpose": "UPDATE retired_keys SET purpose='webhooks'",
    "for no purpose": "UPDATE retired_keys SET purpose='wishes'",
    "announced elsewhere": "UPDATE retired_keys SET record_id=(SELECT record_id FROM records WHERE leaf_index=0)",
    "another key": "UPDATE retired_keys SET raw=zeroblob(32)",
    "by another name": "UPDATE retired_keys SET key_id='ed25519:none'",
}


@pytest.mark.parametrize("change", RETIRED)
def test_a_retired_key_that_was_changed_in_the_mirror_shows(change: str, world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        KeyRotation(copy.store, copy.keyring, copy.tick).rotate(KeyPurpose.TOKENS)
        assert copy.report().faults == ()
        run_sql(copy, RETIRED[change])
        assert names(copy.report()) == {"key"}


def test_the_first_divergent_record_is_named(world: World, tmp_path: Path) -> None:
    wanted = [row.record_id for row in world.store.records(MAIN_LOG)][5]
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, 'UPDATE leaves SET leaf=zeroblob(32) WHERE "index">=5')
        records = [found.subject for found in copy.report().faults if not found.subject.startswith("log ")]
        assert records[0] == wanted


def test_a_ruined_mirror_is_counted_and_named_in_bounded_memory(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_audit, "NAMED_FAULTS", 3)
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, "UPDATE records SET created_ms=0")
        report = copy.report()
        assert (len(report.faults), report.fault_count) == (3, 10)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE logs SET size='many'", "the size of log main is 'many'"),
        ("UPDATE checkpoints SET new_size='many' WHERE seq=1", "checkpoint 1 of log main is malformed"),
        ("UPDATE checkpoints SET root='none' WHERE seq=1", "checkpoint 1 of log main is malformed"),
    ],
)
def test_words_in_place_of_numbers_are_named(change: str, named: str, world: World, tmp_path: Path) -> None:
    """SQLite keeps them in any column."""
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, change)
        with pytest.raises(StoreError, match=named) as caught:
            copy.report()
        assert "restore it from a backup" in caught.value.next_step


def test_a_mirror_that_does_not_answer_is_trouble_and_no_fault(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        sweep = Sweep(copy.store, copy.blobs, copy.keyring)
        run_sql(copy, "DROP TABLE leaves")
        with pytest.raises(StoreError):
            sweep.over(Task(MAIN_LOG, 0, 2))


class HidingChain:
    """A chain that holds more, or less, than it should."""

    def __init__(self, world: World, change: Callable[[list[AnchoredCheckpoint]], list[AnchoredCheckpoint]]) -> None:
        self._world = world
        self._change = change

    def size_on_chain(self, log: str, root: bytes) -> int | None:
        return self._world.size_on_chain(log, root)

    def events(self, log: str) -> Iterator[AnchoredCheckpoint]:
        return iter(self._change(list(self._world.events(log))))

    def urgent_leaves(self, log: str) -> Iterator[bytes]:
        return self._world.urgent_leaves(log)


@pytest.mark.parametrize(
    "change",
    [
        lambda events: [],
        lambda events: events[1:],
        lambda events: events[::-1],
        lambda events: [*events, AnchoredCheckpoint(3, 8, 12, b"\x05" * 32, "0x", b"\x01" * 32, 9, b"\x02" * 32)],
    ],
    ids=["no event", "one event less", "another order", "one event more"],
)
def test_chain_and_mirror_are_compared_in_both_directions(
    change: Callable[[list[AnchoredCheckpoint]], list[AnchoredCheckpoint]], world: World
) -> None:
    assert names(world.report(chain=HidingChain(world, change))) == {"chain"}


def test_a_leaf_anchored_by_itself_that_the_log_does_not_hold_shows(tmp_path: Path) -> None:
    """Whoever anchored a record at once cannot leave it out of the log afterwards."""
    own = open_world(tmp_path)
    own.record_check(0)
    own.anchor()
    ledger = own.chain.open(own.identity())
    put(ledger, UrgentLeaf(next(iter(own.store.leaves(MAIN_LOG))).leaf))
    held = own.report()
    assert names(held) == set()
    assert "1 leaves anchored by themselves" in {step.name: step.text for step in held.steps}["chain"]
    put(ledger, UrgentLeaf(b"\x0f" * 32))
    assert names(own.report()) == {"chain"}
    own.store.close()


def test_a_tree_built_again_from_evidence_and_chain_is_identical(world: World) -> None:
    """Bundles give the leaves, leaves the tree, the chain's events the checkpoints."""
    bundles = [world.auditor().bundle(row.record_id) for row in world.store.records(MAIN_LOG)]
    tree = MemoryTree(leaf_commitment(bundle.leaf_key, bundle.envelope.payload) for bundle in bundles)
    events = list(world.events(MAIN_LOG))
    assert [tree.root(event.new_size) for event in events] == [event.root for event in events]
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection:
        nodes = {
            (level, position): digest
            for level, position, digest in connection.execute("SELECT level, position, hash FROM nodes")
        }
    assert nodes == tree.nodes()
    assert [(leaf.record_id, leaf.index) for leaf in world.store.leaves(MAIN_LOG)] == [
        (bundle.record_id, index) for index, bundle in enumerate(bundles)
    ]
    for bundle in bundles:
        assert bundle.proof is None or bundle.proof.size in {event.new_size for event in events}
    mirrored = [
        (c.seq, c.old_size, c.new_size, c.root, c.tx_hash, c.block, c.block_hash)
        for c in world.store.checkpoints(MAIN_LOG)
    ]
    assert mirrored == [(e.seq, e.old_size, e.new_size, e.root, e.tx_hash, e.block, e.block_hash) for e in events]


def test_dropped_checks_are_counted_and_nobody_is_named(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        for number in range(3):
            copy.begin_check(10 + number)
        run_sql(
            copy, "UPDATE checks SET state='abandoned', closed_ms=expires_ms WHERE check_id IN ('chk_10', 'chk_11')"
        )
        report = copy.report()
        assert (report.dropped, report.tally.states[CheckState.ABANDONED]) == (3, 2)
        assert (report.tally.subjects, report.tally.clients) == (8, 1)
        assert (report.tally.most_dropped_by_a_subject, report.tally.most_dropped_by_a_client) == (1, 2)
        assert report.faults == ()


def _open_sweep(folder: Path, depth: Depth) -> Sweep:
    there = open_world(folder)
    return Sweep(there.store, there.blobs, there.keyring, depth)


def test_processes_find_what_one_process_finds(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, "UPDATE records SET outcome='live' WHERE leaf_index=0", 'DELETE FROM leaves WHERE "index"=8')
        alone = copy.report()
        here = Sweep(copy.store, copy.blobs, copy.keyring)
        sweep_all = in_processes(2, partial(_open_sweep, copy.folder, Depth.FULL), here)
        heads = HeadAudit(copy.heads, copy.store, copy.store, copy.keyring, copy.own_head)
        notes = NoteAudit(copy.store, copy.store, copy.keyring, heads=heads)
        retired = RetiredKeyAudit(copy.store, copy.keyring)
        shared = LogAudit(copy.store, copy.store, sweep_all, notes, copy, lambda: copy.now_ms, retired).over(MAIN_LOG)
        assert shared == alone
        assert {"mirror", "log"} <= names(shared)


def test_the_page_escapes_what_it_shows_and_asks_nobody(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        run_sql(copy, "UPDATE records SET record_id='<script>alert(1)</script>' WHERE leaf_index=9")
        run = AuditRun([copy.report()], "full", True, 1, 0, 1.0, "<b>0.1</b>")
    page = html_page(run)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;" in page
    assert not any(word in page for word in ("src=", "href=", "url(", "@import"))
    assert run.to_json()["exit_code"] == run.exit_code != 0
