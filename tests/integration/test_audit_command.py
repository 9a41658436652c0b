"""`medauth audit --all` and `--receipt` on a recorded mirror: what they print, write and exit with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from medauth.cli.main import app
from tests.recorded import World, open_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    world = open_world(tmp_path)
    world.record_check(0)
    world.anchor()
    return world


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments, "--offline"])


@pytest.mark.parametrize("depth", [(), ("--quick",)])
def test_a_report_is_written_in_both_forms(depth: tuple[str, ...], world: World, tmp_path: Path) -> None:
    done = audit("--all", *depth, "--report", str(tmp_path / "report"))
    assert done.exit_code == 0, done.output
    assert "All holds: 2 records in 1 logs" in done.output
    assert "0 started checks without verdict" in done.output
    written = json.loads((tmp_path / "report" / "audit.json").read_text())
    assert (written["holds"], written["records"]) == (True, {"main": 2})
    assert "user-0" not in json.dumps(written)
    assert "All holds" in (tmp_path / "report" / "audit.html").read_text()


def test_a_log_that_nothing_pins_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    open_world(tmp_path).record_check(0)
    done = audit("--all")
    assert done.exit_code == 28
    assert "pinned by nothing" in done.output


def test_a_log_that_vanished_from_the_mirror_is_remembered(world: World, tmp_path: Path) -> None:
    world.store.close()
    for path in tmp_path.glob("mirror.sqlite*"):
        path.unlink()
    done = audit("--all")
    assert done.exit_code == 28
    assert "log main has 0 leaves" in done.output


def test_a_report_that_cannot_be_written_is_trouble(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert audit("--all", "--report", str(tmp_path / "file")).exit_code == 2


def test_a_receipt_is_held_to_the_log(world: World, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_bytes(world.begin_check(1).receipt.to_bytes() + b"\n")
    late = audit("--receipt", str(file), "--json")
    assert late.exit_code == 26  # the recorded world's clock stands years back: its promise is long overdue
    steps = json.loads(late.output)["steps"]
    assert [step["state"] for step in steps] == ["holds", "holds", "holds", "fails"]


def test_one_thing_is_audited_at_a_time(world: World, tmp_path: Path) -> None:
    for arguments in ((), ("--all", "evd_x"), ("--all", "--receipt", "x"), ("--receipt", str(tmp_path / "none"))):
        assert audit(*arguments).exit_code == 2, arguments
