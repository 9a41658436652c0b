"""What every store of fingerprints does: kept with their verdict, found by marks, forgotten in time."""

from __future__ import annotations

from collections.abc import Sequence

from medauth.store.interface import LeafKind, NewPrint
from medauth.store.print_interface import Mark
from medauth.store.sql import SqlStore
from tests.ports.test_store import begin, record

LEAST, MOST = -(2**63), 2**63 - 1


def keep(store: SqlStore, number: int, marks: Sequence[Mark], until_ms: int = 9_000) -> None:
    """A check with what is remembered of it."""
    begin(store, f"chk_{number}")
    new = NewPrint(f"sealed {number}".encode(), marks, until_ms)
    store.conclude_check(f"chk_{number}", record(f"evd_{number}", f"chk_{number}"), 5_000, new)


def found(store: SqlStore, marks: Sequence[int], most: int = 1_000) -> list[tuple[int, int, int]]:
    return sorted((mark, print_id, at) for mark, print_id, at in store.marked(marks, most))


def test_marks_of_64_bits_are_found_with_whose_they_are_and_where(store: SqlStore) -> None:
    keep(store, 0, [Mark(LEAST, 8), Mark(MOST, 16), Mark(-1, 24)])
    keep(store, 1, [Mark(MOST, 40)])
    (first, second) = store.prints([1, 2], 0)
    assert [row.record_id for row in (first, second)] == ["evd_0", "evd_1"]
    one, two = first.print_id, second.print_id
    assert found(store, [LEAST, MOST]) == [(LEAST, one, 8), (MOST, one, 16), (MOST, two, 40)]
    assert found(store, [0, 1]) == []
    assert found(store, []) == []


def test_a_mark_of_two_places_stands_for_the_first(store: SqlStore) -> None:
    keep(store, 0, [Mark(7, 8), Mark(7, 88), Mark(5, 0)])
    assert [(mark, at) for mark, _, at in found(store, [5, 7])] == [(5, 0), (7, 8)]


def test_more_marks_than_one_query_takes_are_all_looked_for(store: SqlStore) -> None:
    keep(store, 0, [Mark(3 * mark, mark) for mark in range(1_200)])
    assert len(found(store, range(4_000), 9_999)) == 1_200
    assert len(store.marked(range(4_000), 700)) == 700


def test_a_fingerprint_comes_with_what_opens_it_until_its_time_is_over(store: SqlStore) -> None:
    keep(store, 0, [Mark(1, 0)], until_ms=8_000)
    keep(store, 1, [Mark(1, 0)], until_ms=9_000)
    (row,) = store.prints([1, 2, 99], 8_000)
    assert (row.record_id, row.sealed, row.wrapped_key) == ("evd_1", b"sealed 1", b"w" * 60)


def test_what_is_past_its_time_is_forgotten_with_its_marks(store: SqlStore) -> None:
    keep(store, 0, [Mark(1, 0), Mark(2, 0)], until_ms=8_000)
    keep(store, 1, [Mark(2, 4)], until_ms=9_000)
    assert (store.forget_prints(7_999), store.forget_prints(8_000), store.forget_prints(8_000)) == (0, 1, 0)
    assert [(mark, at) for mark, _, at in found(store, [1, 2])] == [(2, 4)]


def test_an_erased_check_is_not_remembered(store: SqlStore) -> None:
    keep(store, 0, [Mark(1, 0)])
    store.erase_check("chk_0", record("tmb_1", "chk_0", kind=LeafKind.TOMBSTONE))
    assert found(store, [1]) == []
    assert not store.prints([1], 0)


def test_a_verdict_without_anything_to_remember_leaves_nothing(store: SqlStore) -> None:
    begin(store)
    store.conclude_check("chk_1", record("evd_1"), 5_000)
    assert not store.prints([1], 0)
