"""The audit's report: the form that programs rely on, what people see, a quiet run, and an interrupted one."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medauth.cli import audit_all as command
from medauth.cli.main import app
from medauth.report.audit_page import html_page
from medauth.report.audit_report import AuditRun, write_report
from medauth.service.log_audit import LogAudit
from tests.recorded import World, copied, open_world

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit-report.md"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("world") / ".")
    world.record_check(0)
    world.record_check(1)
    world.anchor()
    return world


@pytest.fixture
def run(world: World) -> AuditRun:
    return AuditRun([world.report()], "full", True, 2, 0, 2.0, "0.1.0")


def documented(heading: str) -> list[str]:
    section = DOCUMENT.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_every_field_is_documented_and_in_the_documents_order(run: AuditRun) -> None:
    written = json.loads(json.dumps(run.to_json()))
    assert list(written) == documented("The whole run")
    assert list(written["logs"][0]) == documented("Each log")
    assert written["format"] == "medauth audit v1"
    assert written["logs"][0]["steps"][0].keys() == {"name", "state", "text"}
    assert written["command"] == "medauth audit --all --processes 2"
    assert (
        replace(run, depth="quick", chain_asked=False).command == "medauth audit --all --quick --offline --processes 2"
    )


def test_the_root_in_the_report_is_the_checkpoints(run: AuditRun, world: World) -> None:
    (checkpoint,) = world.store.checkpoints("main")
    assert run.logs[0].root == checkpoint.root
    assert checkpoint.root.hex() in html_page(run)


def test_a_report_takes_whatever_a_node_said(run: AuditRun, tmp_path: Path) -> None:
    """Half a character is valid in JSON, and in no file."""
    log = run.logs[0]
    said = replace(log.steps[-1], text="half of \ud800")
    files = write_report(replace(run, logs=[replace(log, steps=(*log.steps[:-1], said))]), tmp_path)
    assert json.loads(files[0].read_text())["logs"][0]["steps"][-1]["text"] == said.text
    assert "half of \\ud800" in files[1].read_text()


def test_the_page_of_a_whole_log_says_so_first(run: AuditRun) -> None:
    page = html_page(run)
    assert page.index("All holds") < page.index("Log main") < page.index("how to repeat it")
    assert "<h2>Faults" not in page
    assert run.command in page


def test_the_page_of_a_damaged_log_names_the_first_record_before_all_figures(world: World, tmp_path: Path) -> None:
    with copied(world, tmp_path / "copy") as copy:
        record = next(iter(copy.store.records("main"))).record_id
        with copy.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE records SET sealed_envelope=x'00' WHERE leaf_index=0")
        damaged = AuditRun([copy.report()], "full", False, 1, 0, 1.0, "0.1.0")
    page = html_page(damaged)
    assert damaged.first_divergent_record == record
    assert page.index("2 faults") < page.index(record) < page.index("<h2>Faults") < page.index("Log main")
    assert "The chain was not asked" in page
    assert f"medauth audit {record}" in page


@pytest.fixture
def recorded(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    here = open_world(tmp_path)
    here.record_check(0)
    here.anchor()
    return here


def audit(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", "--all", "--offline", *arguments])
    return done.exit_code, done.output


def test_a_quiet_audit_prints_only_faults(recorded: World) -> None:
    assert audit("--quiet") == (0, "")
    with recorded.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE records SET created_ms=0")
    code, output = audit("--quiet")
    assert code == 20
    assert "First divergent record" in output


def test_an_interrupted_audit_says_how_far_it_came(recorded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: LogAudit, log: str, on_progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LogAudit, "over", interrupted)
    code, output = audit()
    assert code == command.INTERRUPTED == 130
    assert "Interrupted after 0 of 2 records of log main" in output


@pytest.mark.parametrize("processes", [1, 2])
def test_a_terminal_sees_a_bar_with_rate_and_time_left_and_an_interrupt_ends_it(
    processes: int, recorded: World, tmp_path: Path
) -> None:
    """In a terminal of its own, over slow processes. The interrupt reaches all of them, as from a keyboard."""
    script = tmp_path / "slow.py"
    script.write_text(
        "import sys, time\n"
        "from medauth.service import log_audit, sweep\n"
        "log_audit.LEAVES = 1\n"
        "over = sweep.Sweep.over\n"
        "def slow(self, task):\n"
        "    time.sleep(0.7)\n"
        "    return over(self, task)\n"
        "sweep.Sweep.over = slow\n"
        "if __name__ == '__main__':\n"
        "    from medauth.cli.main import run\n"
        "    sys.argv = ['medauth', 'audit', '--all', '--offline', '--processes', sys.argv[1]]\n"
        "    run()\n"
    )
    for number in range(1, 20):
        recorded.begin_check(number)
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "160", "PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen(
        [sys.executable, str(script), str(processes)],
        stderr=follower,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    seen, deadline = "", time.monotonic() + 120
    while not re.search(r"[2-9] of 21 .*elapsed.*left.*0:00:", seen) and time.monotonic() < deadline:
        if select.select([leader], [], [], 1)[0]:
            seen += os.read(leader, 65_536).decode()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    with suppress(OSError):  # how Linux says that the other end is closed
        while more := os.read(leader, 65_536).decode():
            seen += more
    os.close(leader)
    assert process.returncode == command.INTERRUPTED, seen
    assert "Interrupted after" in seen
    assert "Traceback" not in seen
    assert output == b""
