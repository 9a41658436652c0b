"""Runs go on where they stopped, and with nothing but rows of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from medauth.errors import InputError
from medauth.evaluation.row_file import RowFile, rows_so_far, run_all


@dataclass(frozen=True)
class Counted:
    key: str


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file, jobs, played = RowFile(tmp_path / "rows.jsonl", "plan"), [Counted(name) for name in "abc"], list[str]()

    def play(job: Counted) -> dict[str, object]:
        if job.key == "b" and len(played) == 1:
            raise KeyboardInterrupt
        played.append(job.key)
        return {"was": job.key}

    with pytest.raises(KeyboardInterrupt):
        run_all(jobs, play, file)
    with (tmp_path / "rows.jsonl").open("a") as cut_off:
        cut_off.write('{"key": "c"')
    assert [row["key"] for row in rows_so_far(jobs, file)] == ["a"]
    played.append("again")
    assert [row["was"] for row in run_all(jobs, play, file)] == ["a", "b", "c"]
    assert played == ["a", "again", "b", "c"]
    with pytest.raises(InputError, match="another plan"):
        RowFile(tmp_path / "rows.jsonl", "other").read()


@pytest.mark.parametrize(
    "left", [b'{"plan": "plan"}\n7\n', b'{"plan": "plan"}\n{"no key": 1}\n', b"[]\n", b"\xff\xfe\n"]
)
def test_what_is_no_row_is_not_gone_on_with(left: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(left)
    with pytest.raises(InputError, match="no rows"):
        RowFile(path, "plan").read()
    assert path.read_bytes() == left


@pytest.fixture
def deep_recursion() -> Iterator[None]:
    """As importing web3 leaves it: the interpreter would then run out of stack in place of raising."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("deep_recursion")
def test_a_row_that_is_nested_deeply_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([json.dumps({"plan": "plan"}), "[" * 200_000, json.dumps({"key": "a"}), ""]))
    assert RowFile(path, "plan").read() == [{"key": "a"}]
