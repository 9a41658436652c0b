"""T17: ten checks at once at 15 frames a second, on one server, without a wrong or a lost verdict.

How long a frame takes depends on what else the machine does; `python -m medauth.evaluation.web_load` measures it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.evaluation.web_load import FPS, book, film, measure, served
from medauth.serving import bookings_of
from medauth.store.booking_interface import BookingState
from medauth.store.interface import REHEARSAL_LOG, LeafKind

pytestmark = [pytest.mark.media, pytest.mark.long]
CHECKS = 10


def test_ten_checks_at_once_are_ten_verdicts(tmp_path: Path, clip: Path) -> None:
    folder = tmp_path / "data"
    with served(folder, CHECKS) as (url, worker):
        sessions = book(folder, url, CHECKS)
        level = measure(url, worker, sessions, film(clip, FPS))
    assert (level.checks, level.rehearsed) == (CHECKS, CHECKS)
    with open_medauth(Settings(data_dir=folder, rehearsal=True)) as auth:
        rows = [bookings_of(auth).attended(session).row for session in sessions]
        assert {(row.state, row.outcome) for row in rows} == {(BookingState.DONE, "rehearsed")}
        assert len({row.record_id for row in rows}) == CHECKS
        kinds = [leaf.kind for leaf in auth.store.leaves(REHEARSAL_LOG)]
    assert (kinds.count(LeafKind.START), kinds.count(LeafKind.VERDICT)) == (CHECKS, CHECKS)
