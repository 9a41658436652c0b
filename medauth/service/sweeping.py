"""Shares the stretches of a log among processes, and hands back what they found in the log's own order."""

from __future__ import annotations

import multiprocessing
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

_sweeps: list[Sweep] = []
"""In a process of the pool: its own view of mirror and keys."""


def in_this_process(sweep: Sweep) -> SweepAll:
    """One after the other."""
    return lambda tasks: map(sweep.over, tasks)


def in_processes(count: int, open_sweep: Callable[[], Sweep]) -> SweepAll:
    """In `count` fresh processes, each of which opens mirror and keys for itself; `open_sweep` must pickle."""

    def sweep_all(tasks: Iterable[Task]) -> Iterator[Swept]:
        # Spawned, not forked: a fork would share open database files and locks held by other threads.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(open_sweep,))
        try:
            yield from _in_order(pool, tasks, count * _AHEAD)
        except BrokenProcessPool as error:
            raise StoreError(
                "a process of the audit ended before its time",
                expected="enough memory for each of them",
                next_step="run it again with --processes 1",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)

    return sweep_all


def _in_order(pool: ProcessPoolExecutor, tasks: Iterable[Task], ahead: int) -> Iterator[Swept]:
    waiting: deque[Future[Swept]] = deque()
    for task in tasks:
        waiting.append(pool.submit(_over, task))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _begin(open_sweep: Callable[[], Sweep]) -> None:
    _sweeps.append(open_sweep())


def _over(task: Task) -> Swept:
    return _sweeps[-1].over(task)
