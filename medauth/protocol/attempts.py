"""How long someone who keeps failing must wait. Counted for a subject and the client they come from, so that nobody can
lock a stranger out of their own account from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

FREE_FAILURES = 5
FIRST_DELAY_MS = 30_000
DAILY_FAILURES = 20
MOST_OPEN = FREE_FAILURES
"""Checks that one subject may have open from one client: many at once would be many free tries."""
DAY_MS = 86_400_000


def wait_ms(failures: Sequence[int], now_ms: int) -> int:
    """Milliseconds until the next check may start; 0 when it may start now.

    `failures` are the times of failed checks in the last day, ascending. The fifth brings 30 s, each further one twice
    as long; after the twentieth nothing goes until the oldest is a day old. A failure that grows a day old meanwhile no
    longer counts, so no wait is longer than a day.
    """
    # A clock that was set back must not make failures of the future: they count as of now.
    recent = [min(failed, now_ms) for failed in failures if now_ms - failed < DAY_MS]
    from_ms = now_ms
    while recent:
        start_ms, forgotten_ms = max(from_ms, _free_ms(recent)), recent[0] + DAY_MS
        if start_ms < forgotten_ms:
            return start_ms - now_ms
        from_ms, recent = forgotten_ms, recent[1:]
    return from_ms - now_ms


def _free_ms(recent: Sequence[int]) -> int:
    """When the delay that `recent` failures brought is over, if none of them is forgotten before."""
    if len(recent) < FREE_FAILURES:
        return 0
    delay = FIRST_DELAY_MS << (len(recent) - FREE_FAILURES)
    return recent[-1] + (delay if len(recent) < DAILY_FAILURES else DAY_MS)
