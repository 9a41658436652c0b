"""Rows of a long run, one JSON line each, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from medauth.errors import InputError
from medauth.evaluation.judged_by import changed
from medauth.protocol.canonical import require_flat

Row = dict[str, Any]
OnDone = Callable[[int, int], None]
"""(done, all)."""


class Job(Protocol):
    """One thing to play; its key says all it does."""

    @property
    def key(self) -> str:
        """Its name in the record."""


J = TypeVar("J", bound=Job)


class RowFile:
    """The rows of one plan. `plan` names all that they depend on but how many are wanted; `texts` stand in every row.

    `judged_by` says by which models and rules (see `judged_by`): part of what the plan's digest covers, and written beside
    it, so that a run that goes on under others can be told which."""

    def __init__(
        self, path: Path, plan: str, texts: Sequence[str] = ("key",), judged_by: Mapping[str, str] | None = None
    ) -> None:
        self._path = path
        self._plan = plan
        self._texts = texts
        self._judged_by = dict(judged_by or {})

    def read(self) -> list[Row]:
        """What an earlier run left; a last line that was cut off by its end is left out.

        Raises `InputError` where the file holds the rows of another plan, or what nobody wrote as rows.
        """
        if not self._path.is_file():
            return []
        text = self._text()
        rows = list(self._parsed(text))
        if not all(isinstance(row.get(name), str) for row in rows[1:] for name in self._texts):
            raise self._no_rows()
        if rows:
            self._require_own(rows[0])
        if text and not text.endswith("\n"):
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write("\n")
        return rows[1:]

    def _require_own(self, head: Row) -> None:
        before = head.get("judged_by")
        if isinstance(before, dict) and (names := changed(before, self._judged_by)):
            raise InputError(
                f"{self._path} holds rows that were judged by another {' and another '.join(names)}",
                expected="the models and the policy it was begun with: what two of them said is not put into one table",
                next_step="choose another --report folder, or remove the file",
            )
        if head.get("plan") != self._plan:
            raise InputError(
                f"{self._path} holds the rows of another plan",
                expected="the same options as when it was begun",
                next_step="choose another --report folder, or remove the file",
            )

    @contextmanager
    def appending(self) -> Iterator[Callable[[Row], None]]:
        """Writes rows; each is on disk before the next begins. Raises `InputError` where it cannot."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            begun = self._path.is_file() and self._path.stat().st_size > 0
            lines = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(f"no rows can be kept: {error.strerror}", expected=f"a folder at {self._path}") from error
        with lines:

            def write(row: Row) -> None:
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                lines.flush()

            if not begun:
                write({"plan": self._plan, "judged_by": self._judged_by})
            yield write

    def _text(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{self._path} cannot be read: {error.strerror}", expected="rows of an earlier run"
            ) from error
        except UnicodeDecodeError:
            raise self._no_rows() from None

    def _parsed(self, text: str) -> Iterator[Row]:
        """Its rows, without a last one that was cut off."""
        for line in text.splitlines():
            try:
                require_flat(line.encode())
                row = json.loads(line)
            except (InputError, ValueError):
                continue
            if not isinstance(row, dict):
                raise self._no_rows()
            yield row

    def _no_rows(self) -> InputError:
        return InputError(
            f"{self._path} holds no rows of such a run",
            expected="what an earlier run left",
            next_step="choose another --report folder, or remove the file",
        )


def digest_of(plan: Mapping[str, Any]) -> str:
    """Names a plan."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]


def run_all(
    jobs: Sequence[J], play: Callable[[J], Row], file: RowFile, on_done: OnDone = lambda _, __: None
) -> list[Row]:
    """Plays what is not on record yet; the rows of `jobs`, old and new. A stopped run leaves the rows it had."""
    kept = {row["key"]: row for row in file.read()}
    todo = [job for job in jobs if job.key not in kept]
    done = len(jobs) - len(todo)
    on_done(done, len(jobs))
    with file.appending() as write:
        for job in todo:
            kept[job.key] = play(job) | {"key": job.key}
            write(kept[job.key])
            done += 1
            on_done(done, len(jobs))
    return [kept[job.key] for job in jobs]


def rows_so_far(jobs: Sequence[J], file: RowFile) -> list[Row]:
    """What a run that was stopped left of `jobs`."""
    kept = {row["key"]: row for row in file.read()}
    return [kept[job.key] for job in jobs if job.key in kept]
