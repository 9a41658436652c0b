"""What the tests of ledger and writer share: leaves in a store, checkpoints over them, and a chain that can be harmed."""

from __future__ import annotations

import functools
import hashlib
import itertools
import random
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from medauth.errors import LedgerUnreachable
from medauth.evidence.merkle import MemoryTree, consistency_proof
from medauth.ledger.interface import Chain, Ledger, LedgerCall, NewCheckpoint
from medauth.service.anchoring import AnchorOptions, AnchorWriter, Progress
from medauth.service.pinning import open_ledger
from medauth.store.database import open_engine
from medauth.store.interface import CheckpointState, CheckRow, LeafKind, NewRecord
from medauth.store.memory import memory_store
from medauth.store.sql import SqlStore

_ids = itertools.count()


@functools.cache
def _migrated() -> SqlStore:
    return memory_store()


def fresh_store() -> SqlStore:
    """An empty store in memory, copied from one that was migrated: a hundred times as fast as migrating."""
    engine = open_engine("sqlite://")
    with _migrated()._engine.connect() as template, engine.connect() as copy:
        source, target = template.connection.driver_connection, copy.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        assert isinstance(target, sqlite3.Connection)
        source.backup(target)
    return SqlStore(engine)


def leaves_of(count: int, seed: str = "leaf") -> list[bytes]:
    return [hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(count)]


def add_leaves(store: SqlStore, log: str, leaves: Iterable[bytes]) -> None:
    """Each as a started check, the shortest way to a leaf that the product has."""
    for leaf in leaves:
        number = next(_ids)
        check = CheckRow(f"chk{number}", log, b"s", b"c", "test", "standard", b"", 0, 0)
        record = NewRecord(
            record_id=f"rec{number}",
            log=log,
            kind=LeafKind.START,
            check_id=check.check_id,
            leaf=leaf,
            wrapped_key=b"",
            sealed_envelope=b"",
            sealed_envelope_sha256=b"",
            outcome="",
            created_ms=0,
        )
        store.begin_check(check, record)


def checkpoint_over(tree: MemoryTree, old_size: int, new_size: int) -> NewCheckpoint:
    proof = consistency_proof(old_size, new_size, tree.read)
    return NewCheckpoint(old_size, new_size, tree.root(new_size), tuple(proof))


def put(ledger: Ledger, call: LedgerCall) -> bytes:
    """Signs and sends a call, mines it, and returns the transaction's hash."""
    signed = ledger.sign(call, nonce=ledger.next_nonce(), fees=ledger.suggest_fees())
    ledger.send(signed.raw)
    mine_until(ledger, signed.tx_hash)
    return signed.tx_hash


def mine_until(ledger: Ledger, tx_hash: bytes) -> None:
    for _ in range(50):
        if ledger.receipt(tx_hash):
            return
        ledger.mine(1)
    raise AssertionError("never mined")


class Crash(BaseException):
    """Not an Exception: nothing in the product may catch it and go on, as nothing survives a power cut."""


class Harm(Protocol):
    """What the chaos test does to a chain, by hand of the node's own test methods."""

    def reorganise(self, depth: int) -> None: ...
    def automine(self, on: bool) -> None: ...
    def mine(self) -> None: ...
    def disconnect(self, chance: float) -> None:
        """From now on that share of requests, or of answers, is lost."""


class AnvilHarm:
    """`Harm` on anvil, and the connection to it that the writer gets."""

    def __init__(self, url: str, seed: int = 0) -> None:
        from medauth.ledger.rpc import JsonRpc  # not for tests that need no chain

        self.rpc, self.lossy = JsonRpc(url), JsonRpc(url)
        self.chance, self.random, whole = 0.0, random.Random(seed), self.lossy.call

        def call(method: str, *params: Any) -> Any:
            if self.random.random() < self.chance / 2:
                raise LedgerUnreachable("the request was lost")
            answer = whole(method, *params)
            if self.random.random() < self.chance / 2:
                raise LedgerUnreachable("the answer was lost")
            return answer

        self.lossy.call = call  # type: ignore[method-assign]
        self.rpc.call("evm_setAutomine", True)

    def reorganise(self, depth: int) -> None:
        self.rpc.call("anvil_reorg", depth, [])

    def automine(self, on: bool) -> None:
        self.rpc.call("evm_setAutomine", on)

    def mine(self) -> None:
        self.rpc.call("evm_mine")

    def disconnect(self, chance: float) -> None:
        self.chance = chance


@dataclass
class Tally:
    crashes: dict[str, int] = field(default_factory=dict)
    reorgs: int = 0
    outages: int = 0
    checkpoints: int = 0


class Chaos:
    """Records arrive while writers crash at random named points, blocks are reorganised, transactions get stuck, and the
    node does not answer, or answers nobody who hears it.

    At the end every record is on chain once, in order, and every checkpoint is final.
    """

    def __init__(self, seed: int, store: SqlStore, chain: Chain, harm: Harm, tally: Tally) -> None:
        self.random = random.Random(seed)
        self.log = "main"
        self.store, self.chain, self.harm, self.tally = store, chain, harm, tally
        self.clock = itertools.count(step=7)
        self.leaves = [self.random.randbytes(32) for _ in range(self.random.randint(5, 40))]
        self.waiting = list(self.leaves)

    def survive(self, steps: int = 2_000) -> None:
        writer: AnchorWriter | None = self.new_writer(self.maybe_crash)
        self.harm.disconnect(0.03)
        for _ in range(steps):
            self.maybe_add_leaves()
            try:
                writer = writer or self.new_writer(self.maybe_crash)
                progress = writer.step()
            except Crash:
                writer = None
                continue
            except LedgerUnreachable:
                self.tally.outages += 1
                continue
            self.do_harm()
            if not self.waiting and progress is Progress.IDLE:
                break
        else:
            raise AssertionError("the writer never came to rest")
        self.harm.disconnect(0)
        self.harm.automine(True)
        assert self.new_writer(str).run().final_leaves == len(self.leaves)
        assert_nothing_lost(self.store, self.chain, self.log, self.leaves)
        self.tally.checkpoints += len(list(self.store.checkpoints(self.log)))

    def maybe_add_leaves(self) -> None:
        if self.waiting and self.random.random() < 0.4:
            count = self.random.randint(1, 9)
            add_leaves(self.store, self.log, self.waiting[:count])
            del self.waiting[:count]

    def maybe_crash(self, point: str) -> None:
        if self.random.random() < 0.12:
            self.tally.crashes[point] = self.tally.crashes.get(point, 0) + 1
            raise Crash(point)

    def do_harm(self) -> None:
        if self.random.random() < 0.3:
            self.harm.mine()
        if self.random.random() < 0.1:
            self.harm.reorganise(self.random.randint(1, 3))
            self.tally.reorgs += 1
        if self.random.random() < 0.05:
            self.harm.automine(self.random.random() < 0.5)

    def new_writer(self, at_point: Callable[[str], object]) -> AnchorWriter:
        return AnchorWriter(
            self.log,
            self.store,
            open_ledger(self.log, self.store, self.chain, bytes([7]) * 32),
            holder=f"writer {self.random.random()}",
            options=AnchorOptions(confirmations=3, bump_after_s=20, lease_ttl_s=0.001),
            now_ms=lambda: next(self.clock),
            monotonic_s=lambda: float(next(self.clock)),
            sleep=lambda _: None,
            at_point=at_point,
        )


def assert_nothing_lost(store: SqlStore, chain: Chain, log: str, leaves: list[bytes]) -> None:
    """Mirror and chain hold exactly these leaves, in this order, under checkpoints that agree."""
    ledger, tree = open_ledger(log, store, chain, bytes(32)), MemoryTree(leaves)
    assert [row.leaf for row in store.leaves(log)] == leaves
    rows = list(store.checkpoints(log))
    assert {row.state for row in rows} <= {CheckpointState.FINAL}
    assert [(row.seq, row.old_size, row.new_size, row.root) for row in rows] == [
        (event.seq, event.old_size, event.new_size, event.root) for event in ledger.checkpoints()
    ]
    assert [(row.tx_hash, row.block, row.block_hash) for row in rows] == [
        (event.tx_hash, event.block, event.block_hash) for event in ledger.checkpoints()
    ]
    head = ledger.head()
    assert (head.size, head.root, head.count) == (len(leaves), tree.root(), len(rows))
    ledger.check_identity()
