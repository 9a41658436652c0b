"""Runs a plan: in this process or spread over several, every job's rows on disk before the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from medauth.evaluation.attacks.plan import Job, Plan, jobs
from medauth.evaluation.row_file import OnDone, Row, RowFile

ROWS = "sessions.jsonl"
_worker: Any = None


def run(plan: Plan, folder: Path, *, processes: int = 1, on_done: OnDone = lambda _, __: None) -> list[Row]:
    """All rows of a plan, those of an earlier, stopped run first.

    Raises `InputError` where `folder` holds the rows of another plan, or of other models or rules.
    """
    file = _file(plan, folder)
    rows = file.read()
    done = {row["job"] for row in rows}
    todo = [job for job in jobs(plan) if job.key not in done]
    count, total = len(done), len(done) + len(todo)
    on_done(count, total)
    with file.appending() as write:
        for job, found in _played(plan, todo, processes):
            # A job without rows is on record too: it is not tried again.
            for row in found or [{"key": job.key, "part": "unusable", "species": job.species}]:
                rows.append(row | {"job": job.key})
                write(rows[-1])
            count += 1
            on_done(count, total)
    return rows


def rows_so_far(plan: Plan, folder: Path) -> list[Row]:
    """What a run that was stopped left. Raises `InputError` as `run` does."""
    return _file(plan, folder).read()


def _played(plan: Plan, todo: Sequence[Job], processes: int) -> Iterator[tuple[Job, list[Row]]]:
    if processes == 1:
        from medauth.evaluation.attacks.worker import Worker

        worker = Worker(plan)
        try:
            for job in todo:
                yield job, worker.play(job)
        finally:
            worker.close()
        return
    # Spawned, not forked: a face mesh in a child that was forked after its parent used one crashes.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (plan,)) as pool:
        waiting = iter(todo)
        flying: dict[Future[list[Row]], Job] = {pool.submit(_play, job): job for job in islice(waiting, 2 * processes)}
        while flying:
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                yield flying.pop(future), future.result()
                for job in islice(waiting, 1):
                    flying[pool.submit(_play, job)] = job


def _begin(plan: Plan) -> None:
    global _worker  # noqa: PLW0603 - one worker a process is what a pool's initialiser is for
    from medauth.evaluation.attacks.worker import Worker

    _worker = Worker(plan)


def _play(job: Job) -> list[Row]:
    found: list[Row] = _worker.play(job)
    return found


def _file(plan: Plan, folder: Path) -> RowFile:
    return RowFile(folder / ROWS, plan.digest(), ("key", "job", "part"), plan.judged_by)
