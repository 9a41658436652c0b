"""How long someone who keeps failing must wait. Counted for a subject and the client they come from, so that nobody can
lock a stranger out of their own account from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

FREE_FAILURES = 5
FIRST_DELAY_MS = 30_000
DAILY_FAILURES = 20
DAY_MS = 86_400_000


def wait_ms(failures: Sequence[int], now_ms: int) -> int:
    """Milliseconds until the next check may start; 0 when it may start now.

    `failures` are the times of failed checks in the last day, ascending. The fifth brings 30 s, each further one twice
    as long; after the twentieth nothing goes until the oldest is a day old.
    """
    recent = [failed for failed in failures if now_ms - failed < DAY_MS]
    if len(recent) < FREE_FAILURES:
        return 0
    if len(recent) >= DAILY_FAILURES:
        return recent[-DAILY_FAILURES] + DAY_MS - now_ms
    delay = FIRST_DELAY_MS << (len(recent) - FREE_FAILURES)
    return max(0, recent[-1] + delay - now_ms)
