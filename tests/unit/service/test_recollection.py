"""What the memory finds, keeps from whom, and forgets: over a real store and keys, on films of codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from medauth.errors import StoreError
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.sealing import unseal
from medauth.service.erasure import Erasure
from medauth.service.recollection import COMPARED, FINGERPRINT, Recollection
from medauth.signals.interface import Lead, Likeness, Offer, Place, Recalled
from medauth.store import tables
from medauth.store.database import transaction
from medauth.store.interface import MAIN_LOG, CheckRow, LeafKind, NewPrint, NewRecord
from medauth.store.print_interface import Mark
from tests.recorded import World, open_world

pytestmark = pytest.mark.simulated

DAY_MS = 86_400_000


@dataclass
class Film:
    """A signal that offers the codes of a test, and takes fingerprints of the same bytes for the same film."""

    codes: tuple[int, ...]
    fingerprint: bytes = b"film"
    later: int = 0
    name: str = "replay"
    seen: list[tuple[str, int, bool]] = field(default_factory=list)

    def offer(self) -> Offer:
        filed = tuple(Place(code, 10 * at) for at, code in enumerate(self.codes))
        asked = tuple(Place(code, 10 * at + self.later) for at, code in enumerate(self.codes))
        return Offer(self.fingerprint, filed, (*asked, *(Place(-code, 0, mirrored=True) for code in self.codes)))

    def compared(self, leads: Sequence[Lead]) -> Sequence[Likeness | None]:
        return [self.looked_at(lead) for lead in leads]

    def looked_at(self, lead: Lead) -> Likeness | None:
        self.seen.append((lead.record_id, lead.lag, lead.mirrored))
        return Likeness(lead.record_id, 0, 30 if lead.stored == self.fingerprint else 0, lead.lag, lead.mirrored, 0)

    def recall(self, recalled: Recalled) -> None: ...


class Choosy(Film):
    """Reads what this version stored, and nothing else."""

    def looked_at(self, lead: Lead) -> Likeness | None:
        return super().looked_at(lead) if lead.stored == self.fingerprint else None


@dataclass(frozen=True)
class Named:
    record_id: str
    keys: RecordKeys


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = open_world(tmp_path)
    yield found
    found.store.close()


def memory(world: World, tenant: str = "", days: int = 30) -> Recollection:
    return Recollection(world.store, world.keyring, now_ms=lambda: world.now_ms, tenant=tenant, days=days)


def remember(world: World, number: int, film: Film, tenant: str = "") -> str:
    """A whole check whose film is remembered with its verdict; returns its record's id."""
    return world.record_check(
        number, remembered=lambda check: memory(world, tenant).remembered(check, film.offer())
    ).record_id


def short(world: World, number: int, film: Film) -> None:
    """No more of a check than the memory looks at."""
    check_id, record_id, keys = f"chk_{number}", f"evd_{number}", RecordKeys.generate()
    row = CheckRow(check_id, MAIN_LOG, b"s", b"c", "login", "standard", b"k" * 32, 0, 1)
    new = NewRecord(
        record_id, MAIN_LOG, LeafKind.VERDICT, check_id, bytes([number]), b"", b"", b"", "live", world.now_ms
    )
    world.store.begin_check(row, replace(new, record_id=f"sta_{number}", kind=LeafKind.START))
    kept = memory(world).remembered(Named(record_id, keys), film.offer())
    world.store.conclude_check(check_id, replace(new, wrapped_key=world.keyring.wrap(record_id, keys)), 0, kept)


def test_a_film_is_found_with_its_record_and_lag(world: World) -> None:
    record_id = remember(world, 1, Film((1, 2, 3)))
    remember(world, 2, Film((7, 8, 9), b"another"))
    ours = Film((1, 2, 3), later=42)
    recalled = memory(world).look_up(ours)
    assert (recalled.compared, recalled.unreadable) == (1, 0)
    assert recalled.best is not None
    assert (recalled.best.record_id, recalled.best.stretches) == (record_id, 30)
    assert all(abs(lag - 42) <= 4 and not flipped for _, lag, flipped in ours.seen)


def test_a_fingerprint_of_another_version_is_told_as_unreadable(world: World) -> None:
    remember(world, 1, Film((1, 2, 3), b"of another kind"))
    record_id = remember(world, 2, Film((1, 2, 3)))
    recalled = memory(world).look_up(Choosy((1, 2, 3)))
    assert (recalled.compared, recalled.unreadable) == (1, 1)
    assert recalled.best is not None
    assert recalled.best.record_id == record_id


def test_one_that_shares_no_code_is_not_even_opened(world: World) -> None:
    remember(world, 1, Film((1, 2, 3)))
    ours = Film((4, 5, 6))
    assert memory(world).look_up(ours) == Recalled(0, 0, None)
    assert ours.seen == []


def test_a_film_in_a_mirror_is_compared_in_a_mirror(world: World) -> None:
    remember(world, 1, Film((-1, -2, -3)))
    ours = Film((1, 2, 3))
    memory(world).look_up(ours)
    assert {flipped for _, _, flipped in ours.seen} == {True}


def test_of_many_leads_the_likeliest_are_followed(world: World) -> None:
    for number in range(COMPARED + 4):
        short(world, number, Film((1,), b"another"))
    record_id = remember(world, 99, Film((1, 2, 3)))
    ours = Film((1, 2, 3))
    recalled = memory(world).look_up(ours)
    assert recalled.best is not None
    assert recalled.best.record_id == record_id
    assert len(ours.seen) <= COMPARED


def test_a_tenant_learns_nothing_of_anothers_checks(world: World) -> None:
    remember(world, 1, Film((1, 2, 3)), tenant="clinic")
    assert memory(world, "clinic").look_up(Film((1, 2, 3))).compared == 1
    for other in ("", "shop", "clinic\x00"):
        assert memory(world, other).look_up(Film((1, 2, 3))) == Recalled(0, 0, None)


def test_after_its_time_a_film_is_not_known_and_then_gone(world: World) -> None:
    remember(world, 1, Film((1, 2, 3)))
    world.now_ms += 30 * DAY_MS - 20_000
    assert memory(world).look_up(Film((1, 2, 3))).compared == 1
    world.now_ms += 20_000
    assert memory(world).look_up(Film((1, 2, 3))).compared == 0
    remember(world, 2, Film((4, 5, 6)))
    assert rows(world) == (1, 3)


def test_erasure_takes_what_is_remembered_with_the_check(world: World) -> None:
    remember(world, 1, Film((1, 2, 3)))
    remember(world, 2, Film((1, 2, 4)))
    Erasure(world.store, world.blobs, world.keyring, world.tick).erase("chk_1")
    assert rows(world) == (1, 3)
    assert memory(world).look_up(Film((1, 2, 3))).compared == 1


def test_a_stolen_database_shows_neither_codes_nor_film(world: World) -> None:
    film = Film(tuple(range(1_000, 1_040)), b"what moved, and how" * 20)
    record_id = remember(world, 1, film)
    with transaction(world.store.engine, writes=False) as connection:
        (sealed,) = connection.execute(select(tables.prints.c.sealed)).scalars()
        marks = set(connection.execute(select(tables.print_marks.c.mark)).scalars())
    assert film.fingerprint not in sealed
    assert not marks & set(film.codes)
    row = world.store.record(record_id)
    keys = world.keyring.unwrap(record_id, row.wrapped_key)
    assert unseal(keys.seal, sealed, record_id=record_id, name=FINGERPRINT) == film.fingerprint


def test_what_was_altered_is_counted_and_compared_with_nothing(world: World) -> None:
    remember(world, 1, Film((1, 2, 3)))
    with transaction(world.store.engine, writes=True) as connection:
        connection.execute(update(tables.prints).values(sealed=b"MAS1" + bytes(60)))
    ours = Film((1, 2, 3))
    assert memory(world).look_up(ours) == Recalled(0, 1, None)
    assert ours.seen == []


def test_a_film_that_gives_nothing_to_go_by_is_not_kept(world: World) -> None:
    assert memory(world).remembered(Named("evd_1", RecordKeys.generate()), Offer(b"", (), ())) is None
    assert memory(world).look_up(Film(())) == Recalled(0, 0, None)


def test_who_cannot_look_has_no_verdict(world: World) -> None:
    """The store that does not answer now is the one that the verdict would be committed to."""

    class Gone:
        def marked(self, marks: object, most: int) -> object:
            raise StoreError("the database does not answer")

    forgetful = Recollection(Gone(), world.keyring, now_ms=world.tick, tenant="", days=30)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        forgetful.look_up(Film((1,)))


def test_rows_that_are_read_are_bounded(world: World) -> None:
    many = [Mark(mark, 0) for mark in range(40)]
    for number in range(3):
        world.record_check(number, remembered=lambda _: NewPrint(b"", many, 2 * world.now_ms))
    assert len(world.store.marked(range(40), 1_000)) == 120
    assert len(world.store.marked(range(40), 50)) == 50


def rows(world: World) -> tuple[int, int]:
    with transaction(world.store.engine, writes=False) as connection:
        kept = connection.execute(select(tables.prints.c.print_id)).all()
        return len(kept), len(connection.execute(select(tables.print_marks.c.mark)).all())
