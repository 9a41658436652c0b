"""A check closes with what the server remembers of earlier ones, and is remembered itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from medauth.errors import StoreError
from medauth.protocol.policy import REHEARSAL
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.verdict import Decision, Role
from medauth.service.recollection import Recollection
from medauth.signals.interface import Lead, Likeness, Offer, Place, Recalled
from medauth.store.keyring import FileKeyring
from tests.unit.checks import Check, Server, Stated, memory_server


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    found = memory_server(tmp_path, keyring)
    yield found
    found.close()


FILED = tuple(Place(code, code) for code in range(20))


@dataclass
class Shown(Stated):
    """A `replay` signal whose film is the test's word."""

    name: str = "replay"
    film: bytes = b"film"
    recalled: Recalled | None = None

    def offer(self) -> Offer:
        return Offer(self.film, FILED, FILED)

    def compared(self, leads: Sequence[Lead]) -> Sequence[Likeness | None]:
        return [
            Likeness(lead.record_id, 0, 40 if lead.stored == self.film else 0, lead.lag, lead.mirrored, 0)
            for lead in leads
        ]

    def recall(self, recalled: Recalled) -> None:
        self.recalled = recalled

    def reading(self) -> SignalReading:
        if self.recalled is None:
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.not_looked_up", "Nothing was looked up.")
        best = self.recalled.best
        if best is not None and best.stretches:
            return SignalReading(self.name, Outcome.FAIL, "replay.seen_before", str(best))
        return SignalReading(self.name, Outcome.PASS, "replay.not_seen", "Nothing like it.", 0)


def shown(server: Server, number: int, film: bytes = b"film", *, memory: bool = True) -> Check:
    signal = Shown(film=film)
    return server.check(f"chk_{number}", replay=signal, memory=remembering(server) if memory else None)


def remembering(server: Server) -> Recollection:
    return Recollection(server.store, server.keyring, now_ms=lambda: int(server.wall.ms), tenant="", days=30)


def test_film_of_an_earlier_check_is_refused_and_names_it(server: Server) -> None:
    first = shown(server, 1).until_done()
    assert first.session.finish().decision is Decision.LIVE
    second = shown(server, 2).until_done().session.finish()
    assert second.decision is Decision.NOT_LIVE
    assert [(reason.code, reason.role) for reason in second.reasons] == [("replay.seen_before", Role.DENY)]
    assert first.record_id in second.reasons[0].text


def test_other_film_is_not(server: Server) -> None:
    shown(server, 1).until_done().session.finish()
    assert shown(server, 2, b"another").until_done().session.finish().decision is Decision.LIVE


def test_a_check_that_was_refused_is_remembered_too(server: Server) -> None:
    shown(server, 1).until_done().session.finish()
    shown(server, 2).until_done().session.finish()
    assert shown(server, 3).until_done().session.finish().decision is Decision.NOT_LIVE


def test_without_a_memory_nobody_is_live(server: Server) -> None:
    verdict = shown(server, 1, memory=False).until_done().session.finish()
    assert (verdict.decision, verdict.reasons[0].code) == (Decision.INCONCLUSIVE, "replay.not_looked_up")


def test_a_memory_that_does_not_answer_leaves_the_check_open(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    check = shown(server, 1).until_done()

    def gone(*_: object) -> object:
        raise StoreError("the database does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(server.store, "marked", gone)
        with pytest.raises(StoreError):
            check.session.finish()
    assert check.session.finish().decision is Decision.LIVE
    assert len(server.store.records_of("chk_1")) == 2


def test_a_verdict_that_is_asked_for_twice_is_no_replay_of_itself(server: Server) -> None:
    check = shown(server, 1).until_done()
    assert check.session.finish() == check.session.finish()
    assert check.session.finish().decision is Decision.LIVE


def test_a_rehearsal_neither_remembers_nor_is_remembered() -> None:
    assert "replay" not in REHEARSAL.deny + REHEARSAL.confirm
