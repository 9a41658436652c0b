"""Shares the stretches of a log among processes, and hands back what they found in the log's own order."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from medauth.errors import StoreError
from medauth.service.sweep import Sweep, Swept, Task

SweepAll = Callable[[Iterable[Task]], Iterator[Swept]]
"""Sweeps tasks and yields what they came to, in order."""

_AHEAD = 3
"""Stretches a process may be ahead of what was asked for: enough to keep it busy, and no more memory than that."""
_KEPT = 256
"""Stretches that may wait for one before them. What they came to is small."""

_sweeps: list[Sweep] = []
"""In a process of the pool: its own view of mirror and keys."""


def in_this_process(sweep: Sweep) -> SweepAll:
    """One after the other."""
    return lambda tasks: map(sweep.over, tasks)


def in_processes(count: int, open_sweep: Callable[[], Sweep], here: Sweep) -> SweepAll:
    """In `count` processes. This one is the first of them and sweeps with `here` from the start, while the others are
    made and open mirror and keys for themselves; `open_sweep` must pickle.
    """

    def sweep_all(tasks: Iterable[Task]) -> Iterator[Swept]:
        # Spawned, not forked: a fork would share open database files and locks held by other threads.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count - 1, mp_context=context, initializer=_begin, initargs=(open_sweep,))
        try:
            yield from _in_order(pool, tasks, (count - 1) * _AHEAD, here)
        except BrokenProcessPool as error:
            raise StoreError(
                "a process of the audit ended before its time",
                expected="enough memory for each of them",
                next_step="run it again with --processes 1",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)

    return sweep_all


def _in_order(pool: ProcessPoolExecutor, tasks: Iterable[Task], ahead: int, here: Sweep) -> Iterator[Swept]:
    """The others are kept supplied; what is left over is swept here, so that nobody waits until the end."""
    waiting: deque[Future[Swept]] = deque()
    for task in tasks:
        busy = sum(not future.done() for future in waiting)
        waiting.append(_done(here.over(task)) if busy >= ahead else pool.submit(_over, task))
        while waiting and (waiting[0].done() or len(waiting) > _KEPT):
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _done(swept: Swept) -> Future[Swept]:
    future: Future[Swept] = Future()
    future.set_result(swept)
    return future


def _begin(open_sweep: Callable[[], Sweep]) -> None:
    # The terminal sends an interrupt to all processes; the first one ends the others, without their complaints.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _sweeps.append(open_sweep())


def _over(task: Task) -> Swept:
    return _sweeps[-1].over(task)
