"""T6: a check lives 180 s, give or take one; who keeps failing waits, twice as long each time, and locks nobody else out.

Second device, other origin and the person's codes are the web layer's: `tests/unit/web`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from medauth.errors import CheckExpired, TooManyFailures
from medauth.protocol.attempts import DAILY_FAILURES, DAY_MS, FREE_FAILURES
from medauth.protocol.ceremony import Phase
from medauth.protocol.policy import POLICIES
from medauth.protocol.verdict import Decision
from medauth.store.keyring import FileKeyring
from tests.unit.checks import Server, memory_server

LIFE_MS = 180_000


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    found = memory_server(tmp_path, keyring)
    yield found
    found.close()


@pytest.mark.parametrize("policy", [policy for policy in POLICIES.values() if not policy.rehearsal])
def test_no_policy_lets_a_check_live_longer(policy) -> None:
    assert policy.timing.session_max_ms == LIFE_MS


@pytest.mark.parametrize(("later_ms", "lives"), [(LIFE_MS - 1_000, True), (LIFE_MS + 1_000, False)])
def test_a_check_takes_frames_for_180_s(server: Server, later_ms: float, lives: bool) -> None:
    check = server.check().until_prompt()
    server.clock.ms = 5_000.0 + later_ms  # the clock of a check starts at 5 s
    check.session.push(b"\xff\xd8 a picture")
    if lives:
        check.session.push(b"\xff\xd8 another")
    else:
        with pytest.raises(CheckExpired):
            check.session.push(b"\xff\xd8 another")
        assert check.session.finish().decision is not Decision.LIVE


def test_who_answers_all_and_finishes_late_is_not_live(server: Server) -> None:
    check = server.check().until_done()
    assert check.progress is not None
    assert check.progress.phase is Phase.DONE
    server.clock.ms = 5_000.0 + LIFE_MS + 1_000
    assert check.session.finish().decision is Decision.INCONCLUSIVE


def fail(server: Server, number: int, client: str = "client-1", subject: str = "user-42") -> None:
    """A check whose person does nothing once prompted."""
    check = server.check(f"chk_{client}_{subject}_{number}", client=client, subject=subject).until_prompt()
    check.session.close()


def refused_for(server: Server, client: str = "client-1", subject: str = "user-42") -> int:
    """Seconds of the pause that is asked for; 0 where a check may start."""
    try:
        server.check(f"chk_try_{client}_{subject}_{server.wall.ms}", client=client, subject=subject).session.close()
    except TooManyFailures as error:
        return int(str(error).split("a pause of ")[1].split(" s")[0])
    return 0


def test_the_fifth_failure_brings_30_s_and_each_further_one_doubles_it(server: Server) -> None:
    for number in range(FREE_FAILURES - 1):
        fail(server, number)
    assert refused_for(server) == 0
    waits = []
    for number in range(FREE_FAILURES, FREE_FAILURES + 6):
        fail(server, number)
        waits.append(refused_for(server))
        server.wall.ms += 1_000 * waits[-1] - 1_000
        assert refused_for(server) == 1
        server.wall.ms += 1_000
    assert waits == [30, 60, 120, 240, 480, 960]


def test_after_twenty_failures_nothing_goes_until_the_oldest_is_a_day_old_and_nobody_else_is_locked_out(
    server: Server,
) -> None:
    fail(server, 0)
    tags = server.store.check("chk_client-1_user-42_0")
    began = int(server.wall.ms)
    for number in range(1, DAILY_FAILURES):
        server.store.record_failure(tags.subject_tag, tags.client_tag, began + 60_000 * number)
    server.wall.ms = began + 60_000 * DAILY_FAILURES
    wait_s = refused_for(server)
    # The oldest is forgotten then; the pauses that those after it bring may last a little longer.
    assert 0 <= wait_s - (DAY_MS - 60_000 * DAILY_FAILURES) // 1_000 <= 600
    assert refused_for(server, client="client-2") == 0
    assert refused_for(server, subject="user-43") == 0
    server.wall.ms += 1_000 * wait_s - 1_000
    assert refused_for(server) == 1
    server.wall.ms += 1_000
    assert refused_for(server) == 0
