"""An audit as two files: JSON for programs (`docs/audit-report.md`), and one HTML page (`audit_page.py`) for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medauth.errors import InputError
from medauth.evidence.verifier import CheckedStep
from medauth.service.audit import Audit
from medauth.service.log_audit import LogReport

FORMAT = "medauth audit v1"
"""Fields may be added under it; none is renamed, removed or given another meaning."""


@dataclass(frozen=True, slots=True)
class AuditRun:
    """One run of an audit over all logs."""

    logs: Sequence[LogReport]
    depth: str
    chain_asked: bool
    processes: int
    began_ms: int
    seconds: float
    version: str

    @property
    def faults(self) -> list[Audit]:
        """Kept in full: the logs' own faults before those of their records."""
        return [fault for log in self.logs for fault in log.faults]

    @property
    def fault_count(self) -> int:
        """All of them, also those that were only counted."""
        return sum(log.fault_count for log in self.logs)

    @property
    def exit_code(self) -> int:
        """0, or the code of the first fault."""
        return self.faults[0].exit_code if self.faults else 0

    @property
    def first_divergent_record(self) -> str | None:
        """In leaf order, of the first log that has one; None where only logs as a whole are at fault, or nothing is."""
        return next((found.subject for found in self.faults if not found.subject.startswith("log ")), None)

    @property
    def leaves(self) -> int:
        """Records audited."""
        return sum(log.size for log in self.logs)

    @property
    def records_per_s(self) -> int:
        """From the first question to the last answer, the making of processes included."""
        return round(self.leaves / self.seconds) if self.seconds else 0

    @property
    def command(self) -> str:
        """What does the same audit again."""
        options = {"--quick": self.depth == "quick", "--offline": not self.chain_asked}
        return " ".join(["medauth audit --all", *(o for o in options if options[o]), f"--processes {self.processes}"])

    def to_json(self) -> dict[str, Any]:
        """For programs. `records` are totals by log, `faults` the first of each log in full."""
        return {
            "format": FORMAT,
            "holds": not self.fault_count,
            "exit_code": self.exit_code,
            "began_ms": self.began_ms,
            "seconds": round(self.seconds, 3),
            "records_per_s": self.records_per_s,
            "depth": self.depth,
            "chain_asked": self.chain_asked,
            "processes": self.processes,
            "medauth": self.version,
            "command": self.command,
            "records": {log.log: log.size for log in self.logs},
            "logs": [_log_json(log) for log in self.logs],
            "fault_count": self.fault_count,
            "first_divergent_record": self.first_divergent_record,
            "faults": [audit_json(fault) for fault in self.faults],
        }


def audit_json(found: Audit) -> dict[str, Any]:
    """One audit for programs."""
    fault = found.fault.name if found.fault else None
    return {"subject": found.subject, "fault": fault, "exit_code": found.exit_code, "steps": _steps_json(found.steps)}


def write_report(run: AuditRun, folder: Path) -> list[Path]:
    """Writes `audit.json` and `audit.html`; makes the folder. Raises `InputError` where it cannot."""
    from medauth.report.audit_page import html_page

    texts = {
        "audit.json": json.dumps(run.to_json(), indent=2, ensure_ascii=False) + "\n",
        "audit.html": html_page(run),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            # A node's own words may hold half a character, which no encoding takes.
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(f"the report cannot be written: {error.strerror}", expected=f"a folder at {folder}") from error
    return [folder / name for name in texts]


def _log_json(log: LogReport) -> dict[str, Any]:
    tally = log.tally
    return {
        "log": log.log,
        "leaves": log.size,
        "root": log.root.hex() if log.root else None,
        "kinds": {kind.value: number for kind, number in log.kinds.items()},
        "erased": log.erased,
        "checkpoints": log.checkpoints,
        "covered": log.covered,
        "dropped": log.dropped,
        "checks": {state.value: number for state, number in tally.states.items()},
        "overdue": tally.overdue,
        "subjects": tally.subjects,
        "clients": tally.clients,
        "most_dropped_by_a_subject": tally.most_dropped_by_a_subject,
        "most_dropped_by_a_client": tally.most_dropped_by_a_client,
        "fault_count": log.fault_count,
        "steps": _steps_json(log.steps),
    }


def _steps_json(steps: Sequence[CheckedStep]) -> list[dict[str, str]]:
    return [{"name": step.name, "state": step.state.value, "text": step.text} for step in steps]
