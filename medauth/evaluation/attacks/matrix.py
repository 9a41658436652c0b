"""Runs a plan: in this process or spread over several, every job's rows on disk before the next begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from medauth.errors import InputError
from medauth.evaluation.attacks.plan import Job, Plan, jobs
from medauth.evaluation.row_file import parsed_rows, read_rows_text

Row = dict[str, Any]
OnDone = Callable[[int, int], None]
"""(done, all)."""
ROWS = "sessions.jsonl"
_worker: Any = None


def run(plan: Plan, folder: Path, *, processes: int = 1, on_done: OnDone = lambda _, __: None) -> list[Row]:
    """All rows of a plan, those of an earlier, stopped run first.

    Raises `InputError` where `folder` holds the rows of another plan.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"no rows can be kept: {error.strerror}", expected=f"a folder at {folder}") from error
    path = folder / ROWS
    rows = _known(path, plan)
    done = {key for row in rows for key in (row.get("job"),) if key}
    todo = [job for job in jobs(plan) if job.key not in done]
    count, total = len(done), len(done) + len(todo)
    on_done(count, total)
    with path.open("a", encoding="utf-8") as lines:
        if not rows:
            _write(lines, {"plan": plan.digest()})
        for job, found in _played(plan, todo, processes):
            # A job without rows is on record too: it is not tried again.
            for row in found or [{"key": job.key, "part": "unusable", "species": job.species}]:
                _write(lines, row | {"job": job.key})
                rows.append(row | {"job": job.key})
            lines.flush()
            count += 1
            on_done(count, total)
    return [row for row in rows if row.get("part")]


def rows_so_far(plan: Plan, folder: Path) -> list[Row]:
    """What a run that was stopped left. Raises `InputError` as `run` does."""
    return [row for row in _known(folder / ROWS, plan) if row.get("part")]


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


def _known(path: Path, plan: Plan) -> list[Row]:
    """Rows on disk; a last line that was cut off by the end of its run is left out."""
    if not path.is_file():
        return []
    text = read_rows_text(path)
    rows = list(parsed_rows(text, path))
    if rows and rows[0].get("plan") != plan.digest():
        raise InputError(
            f"{path} holds sessions of another plan",
            expected="the same options as when it was begun",
            next_step="choose another --report folder, or remove the file",
        )
    if text and not text.endswith("\n"):
        with path.open("a", encoding="utf-8") as lines:
            lines.write("\n")
    return rows


def _write(lines: Any, row: Row) -> None:
    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
