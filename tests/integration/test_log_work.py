"""What the log costs in SQL as it grows: the database's own steps are counted, not milliseconds."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import event

from medauth.evaluation.anchoring_cost import fill_log
from medauth.evidence.merkle import consistency_proof, inclusion_path, tree_root
from medauth.store.interface import MAIN_LOG
from medauth.store.memory import memory_store
from medauth.store.sql import SqlStore
from tests.ports.ledger_world import add_leaves

SIZES = (2**8 - 1, 2**12 - 1, 2**16 - 1)
"""All ones: the last leaf completes the most subtrees, and the right end of the tree is the most ragged."""


class Work:
    """Virtual machine steps of SQLite, and node hashes read, while something is done."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.steps, self.asked = store, 0, 0

    def of(self, do: Callable[[], object]) -> tuple[int, int]:
        self.steps = self.asked = 0
        with self.store.engine.connect() as connection:
            database = connection.connection.driver_connection
        assert isinstance(database, sqlite3.Connection)
        database.set_progress_handler(self._step, 1)
        event.listen(self.store.engine, "before_cursor_execute", self._statement)
        try:
            do()
        finally:
            event.remove(self.store.engine, "before_cursor_execute", self._statement)
            database.set_progress_handler(None, 1)
        return self.steps, self.asked

    def _step(self) -> int:
        self.steps += 1
        return 0

    def _statement(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.asked += statement.count("nodes.position = ")


def operations(store: SqlStore, size: int) -> dict[str, Callable[[], object]]:
    def read(wanted: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        return store.nodes(MAIN_LOG, list(wanted))

    return {
        "inclusion": lambda: inclusion_path(size // 3, size, read),
        "consistency": lambda: consistency_proof(size // 3, size, read),
        "root": lambda: tree_root(size, read),
        "append": lambda: add_leaves(store, MAIN_LOG, [os.urandom(32)]),
    }


@pytest.fixture(scope="module")
def work() -> dict[str, list[tuple[int, int]]]:
    """By operation: steps and nodes at each size."""
    found: dict[str, list[tuple[int, int]]] = {"append": [], "inclusion": [], "consistency": [], "root": []}
    for size in SIZES:
        store = memory_store()
        fill_log(store, size)
        counter = Work(store)

        for name, do in operations(store, size).items():
            found[name].append(counter.of(do))
        store.close()
    return found


@pytest.mark.parametrize("operation", ["append", "inclusion", "consistency", "root"])
def test_nodes_read_grow_with_the_logarithm(work: dict[str, list[tuple[int, int]]], operation: str) -> None:
    for size, (_, nodes) in zip(SIZES, work[operation], strict=True):
        assert 0 < nodes <= 2 * size.bit_length()


@pytest.mark.parametrize("operation", ["append", "inclusion", "consistency", "root"])
def test_the_database_does_no_more_than_that(work: dict[str, list[tuple[int, int]]], operation: str) -> None:
    """256 times as many leaves, twice the depth: at most three times the steps, where a scan would take 256 times."""
    small, middle, large = (steps for steps, _ in work[operation])
    assert small < 10_000
    assert middle <= 2.2 * small
    assert large <= 3 * small
