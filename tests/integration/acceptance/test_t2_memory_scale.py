"""What looking up costs where many checks are remembered: 1,000, 10,000 and 100,000 of them, in SQLite on disk.

The stored checks are made up, but for the one that is looked for, and as long as a check. Their marks are as many as real
takes give, and as often those that are asked for: stretches of real takes share codes 3.3 times as often as chance would
have it (nine takes of six people), so a mark is one that is asked for with that many times the probability that chance gives
it. The worst film is known by none, and its face is somewhat like that of every lead: none is done with at its own pace.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select

from medauth.evidence.commitment import RecordKeys
from medauth.evidence.sealing import seal
from medauth.service.recollection import FINGERPRINT, Recollection
from medauth.signals.interface import Recalled
from medauth.signals.print_codes import BITS, TABLES
from medauth.signals.replay import ReplaySignal, ReplayTuning
from medauth.store import tables
from medauth.store.database import migrate, open_engine, transaction
from medauth.store.keyring import FileKeyring
from medauth.store.prints import add_print
from medauth.store.sql import SqlStore
from tests.unit.signals.test_face_grid import face_film, signal

MARKS_EACH = 306
"""Of the picture, and of the face."""
LIKELIER = 3.3
SECONDS = 20.0
PAGE, ROWS = 5_000, 500_000
BUDGET_S = 0.5
TIMES = 5
WORST = ReplayTuning(maybe_face=-1.0, in_step=sys.maxsize)


@pytest.mark.long
@pytest.mark.parametrize("count", [1_000, 10_000, 100_000])
def test_a_verdict_waits_less_than_half_a_second_for_the_memory(
    count: int, tmp_path: Path, keyring: FileKeyring, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'mirror.sqlite'}")
    migrate(engine)
    store = SqlStore(engine)
    memory = Recollection(store, keyring, now_ms=lambda: 0, tenant="", days=30)
    ours = signal(face_film(1, seconds=SECONDS))
    asked = sorted({mark for _, mark in memory._tagged(ours.offer().asked)})
    fill(store, keyring, count, np.asarray(asked))
    began = time.perf_counter()
    remember(store, keyring, memory, ours)
    filed_s = time.perf_counter() - began
    looked = {kind: looked_up(memory, tuning) for kind, tuning in (("plain", None), ("worst", WORST))}
    with transaction(engine, writes=False) as connection:
        marks = connection.execute(select(func.count()).select_from(tables.print_marks)).scalar_one()
    size_mb = sum(path.stat().st_size for path in tmp_path.glob("mirror.sqlite*")) / 1e6
    with capsys.disabled():
        sys.stdout.write(
            f"\n{count:,} checks, {marks:,} marks, {size_mb:.0f} MB; filed in {1e3 * filed_s:.0f} ms\n"
            + "".join(f"  {kind} film: {found}\n" for kind, found in looked.items())
        )
    store.close()
    for found in looked.values():
        assert found.recalled.best is not None
        assert found.recalled.best.record_id == "evd_ours"
        assert np.median(found.spent_s) < BUDGET_S


@dataclass(frozen=True)
class LookedUp:
    """What some look-ups of one film took."""

    recalled: Recalled
    spent_s: Sequence[float]
    passed_s: Sequence[float]

    def __str__(self) -> str:
        return (
            f"looked up in {1e3 * np.median(self.spent_s):.0f} ms CPU "
            f"({1e3 * min(self.spent_s):.0f} to {1e3 * max(self.spent_s):.0f}; "
            f"{1e3 * np.median(self.passed_s):.0f} ms by the clock, at most {1e3 * max(self.passed_s):.0f}); "
            f"{self.recalled.compared} compared"
        )


def looked_up(memory: Recollection, tuning: ReplayTuning | None) -> LookedUp:
    again = signal([(t_ms + 11, picture, track) for t_ms, picture, track in face_film(1, seconds=SECONDS)], tuning)
    spent, passed = [], []
    for _ in range(TIMES):
        cpu, clock = time.process_time(), time.perf_counter()
        recalled = memory.look_up(again)
        spent.append(time.process_time() - cpu)
        passed.append(time.perf_counter() - clock)
    return LookedUp(recalled, spent, passed)


def fill(store: SqlStore, keyring: FileKeyring, count: int, asked: NDArray[np.int64]) -> None:
    keys = RecordKeys.generate()
    decoy = signal(face_film(5, seconds=SECONDS)).offer().fingerprint
    for first in range(0, count, PAGE):
        numbers = range(first, min(first + PAGE, count))
        with transaction(store.engine, writes=True) as connection:
            connection.execute(insert(tables.records), [record(keyring, f"evd_{n}", n, keys) for n in numbers])
            connection.execute(insert(tables.prints), [kept(f"evd_{n}", n + 1, keys, decoy) for n in numbers])
    with transaction(store.engine, writes=True) as connection:
        file(connection, made_up(count, asked))


def made_up(count: int, asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, 3): marks in order, whose they are and at which sample; one of a check twice is one."""
    random = np.random.default_rng(0)
    marks = random.integers(-(2**63), 2**63 - 1, count * MARKS_EACH)
    hit = random.random(marks.shape) < LIKELIER * len(asked) / (2 * TABLES << BITS)
    marks[hit] = random.choice(asked, int(hit.sum()))
    number, place = np.divmod(np.arange(len(marks)), MARKS_EACH)
    order = np.lexsort((number, marks))
    rows = np.stack([marks, number + 1, 8 * (place // 8)], axis=1)[order]
    return np.asarray(rows[np.r_[True, (np.diff(rows[:, :2], axis=0) != 0).any(axis=1)]])


def file(connection: Connection, rows: NDArray[np.int64]) -> None:
    """Into an empty table, its index made at the end: thirty million rows one by one take an hour."""
    indexes = tables.print_marks.indexes
    for index in indexes:
        index.drop(connection)
    for first in range(0, len(rows), ROWS):
        some = [tuple(row) for row in rows[first : first + ROWS].tolist()]
        connection.exec_driver_sql("INSERT INTO print_marks (mark, print_id, at) VALUES (?, ?, ?)", some)
    for index in indexes:
        index.create(connection)


def record(keyring: FileKeyring, record_id: str, index: int, keys: RecordKeys) -> dict[str, object]:
    blank = {"leaf": b"", "sealed_envelope": b"", "sealed_envelope_sha256": b"", "created_ms": 0, "key_id": ""}
    wrapped = keyring.wrap(record_id, keys)
    named = {"record_id": record_id, "log": "main", "kind": "verdict", "outcome": "live", "leaf_index": index}
    return {**blank, **named, "wrapped_key": wrapped}


def kept(record_id: str, print_id: int, keys: RecordKeys, decoy: bytes) -> dict[str, object]:
    sealed = seal(keys.seal, decoy, record_id=record_id, name=FINGERPRINT)
    return {"print_id": print_id, "record_id": record_id, "sealed": sealed, "until_ms": 2**40}


def remember(store: SqlStore, keyring: FileKeyring, memory: Recollection, ours: ReplaySignal) -> None:
    keys = RecordKeys.generate()

    class Ours:
        record_id = "evd_ours"

    ours_check = Ours()
    ours_check.keys = keys  # type: ignore[attr-defined]
    new = memory.remembered(ours_check, ours.offer())  # type: ignore[arg-type]
    assert new is not None
    with transaction(store.engine, writes=True) as connection:
        connection.execute(insert(tables.records), record(keyring, "evd_ours", secrets.randbelow(2**40) + 2**41, keys))
        add_print(connection, "evd_ours", new)
