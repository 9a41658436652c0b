"""What anchoring costs on a development node: gas, and records a second, one by one and by checkpoints.

Two rates for a checkpoint, since two things are asked. *Log and chain*: leaves appended to a tree in memory, one
transaction with its consistency proof, and the inclusion proof of every leaf: what the algorithm and the node can do. *Mirror
and chain*: the writer over leaves that wait in SQLite on disk, from the first look to final: what a server does.
"""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from medauth.errors import LedgerError
from medauth.evidence.merkle import MemoryTree, Stretch, consistency_proof, inclusion_path
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import Ledger, LedgerCall, NewCheckpoint, TransactionReceipt, UrgentLeaf
from medauth.ledger.keys import LocalSigner
from medauth.ledger.rpc import JsonRpc
from medauth.service.anchoring import AnchorOptions, AnchorWriter
from medauth.service.pinning import open_ledger
from medauth.store import tables
from medauth.store.database import migrate, open_engine, transaction
from medauth.store.interface import MAIN_LOG, CheckpointState, LeafKind
from medauth.store.sql import SqlStore

SIZES = (100, 1_000, 10_000)
_SINGLE = 50
_ROUNDS = 5
_MIRROR_ROUNDS = 3
_LEAF_BYTES = 32
_MOST_POLLS = 2_000


@dataclass(frozen=True, slots=True)
class AnchoringCost:
    """One way of anchoring on one node."""

    node: str
    records: int
    """In one transaction."""
    gas: int
    """Of the transaction; the median of the rounds."""
    log_per_s: float
    """Records a second, tree in memory; the median of the rounds."""
    log_cpu_us: float
    """CPU time of this process a record, beside the node's: what contention for the machine leaves alone."""
    mirror_per_s: float = 0.0
    """Records a second, from the mirror; 0 where it was not measured."""
    mirror_cpu_us: float = 0.0
    """CPU time of this process a record, from the mirror."""


def anchoring_costs(node: str, url: str, sizes: Sequence[int] = SIZES) -> Iterator[AnchoringCost]:
    """Single anchors first, then checkpoints of each size, on a node that was started for it."""
    chain = Web3Chain(JsonRpc(url), LocalSigner(secrets.token_bytes(32), local_only=True))
    ledger = chain.open(chain.deploy(secrets.token_bytes(32)))
    gas: list[int] = []
    spent = _timed(
        lambda: gas.extend(_put(ledger, UrgentLeaf(os.urandom(_LEAF_BYTES))).gas_used for _ in range(_SINGLE))
    )
    yield AnchoringCost(node, 1, int(statistics.median(gas)), _SINGLE / spent.wall_s, 1e6 * spent.cpu_s / _SINGLE)
    tree = MemoryTree()
    for size in sizes:
        gas.clear()
        log = [_timed(lambda: gas.append(_checkpoint(ledger, tree, size))) for _ in range(_ROUNDS)]  # noqa: B023 - run at once
        mirror = [_from_mirror(url, size) for _ in range(_MIRROR_ROUNDS)]
        yield AnchoringCost(
            node,
            size,
            int(statistics.median(gas)),
            size / statistics.median(spent.wall_s for spent in log),
            1e6 * statistics.median(spent.cpu_s for spent in log) / size,
            size / statistics.median(spent.wall_s for spent in mirror),
            1e6 * statistics.median(spent.cpu_s for spent in mirror) / size,
        )


@dataclass(frozen=True, slots=True)
class _Spent:
    wall_s: float
    cpu_s: float


def _timed(do: Callable[[], object]) -> _Spent:
    began, used = time.perf_counter(), time.process_time()
    do()
    return _Spent(time.perf_counter() - began, time.process_time() - used)


def _checkpoint(ledger: Ledger, tree: MemoryTree, count: int) -> int:
    """Gas of one checkpoint over `count` new leaves, the proof of each made too."""
    old = tree.size
    for _ in range(count):
        tree.append(os.urandom(_LEAF_BYTES))
    size = tree.size
    proof = tuple(consistency_proof(old, size, tree.read))
    receipt = _put(ledger, NewCheckpoint(old, size, tree.root(), proof))
    for index in range(old, size):
        inclusion_path(index, size, tree.read)
    return receipt.gas_used


def _put(ledger: Ledger, call: LedgerCall) -> TransactionReceipt:
    signed = ledger.sign(call, nonce=ledger.next_nonce(), fees=ledger.suggest_fees())
    ledger.send(signed.raw)
    for _ in range(_MOST_POLLS):
        receipt = ledger.receipt(signed.tx_hash)
        if receipt is not None and receipt.succeeded:
            return receipt
        time.sleep(0.001)
    raise LedgerError("the node took no transaction", expected="a development node that mines at once")


def _from_mirror(url: str, count: int) -> _Spent:
    """Time of a writer over a mirror on disk in which `count` leaves wait; its contract is there."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'mirror.sqlite'}")
        migrate(engine)
        store = SqlStore(engine)
        fill_log(store, count)
        chain = Web3Chain(JsonRpc(url), LocalSigner(secrets.token_bytes(32), local_only=True))
        ledger = open_ledger(MAIN_LOG, store, chain, secrets.token_bytes(32))
        writer = AnchorWriter(MAIN_LOG, store, ledger, holder="bench", options=AnchorOptions(confirmations=1))
        spent = _timed(writer.run)
        last = store.last_checkpoint(MAIN_LOG)
        store.close()
    if last is None or (last.new_size, last.state) != (count, CheckpointState.FINAL):
        raise LedgerError(f"of {count} leaves not all are final", expected="one final checkpoint over all")
    return spent


def fill_log(store: SqlStore, count: int) -> None:
    """Leaves and tree of an empty log, written in bulk; no records stand behind them."""
    leaves = [os.urandom(_LEAF_BYTES) for _ in range(count)]
    rows = [
        {"log": MAIN_LOG, "index": i, "leaf": leaf, "kind": LeafKind.START.value, "record_id": f"bench{i}"}
        for i, leaf in enumerate(leaves)
    ]
    nodes = [
        {"log": MAIN_LOG, "level": level, "position": position, "hash": digest}
        for level, hashes in enumerate(Stretch(leaves).levels)
        for position, digest in enumerate(hashes)
    ]
    with transaction(store.engine, writes=True) as connection:
        connection.execute(insert(tables.logs).values(log=MAIN_LOG, size=count))
        connection.execute(insert(tables.leaves), rows)
        connection.execute(insert(tables.nodes), nodes)
