"""An audit as two files: JSON for programs, and one HTML page that needs nothing beside it and runs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from medauth.errors import InputError
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.service.audit import Audit
from medauth.service.log_audit import LogReport

FORMAT = "medauth audit v1"


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
    def leaves(self) -> int:
        """Records audited."""
        return sum(log.size for log in self.logs)

    def to_json(self) -> dict[str, Any]:
        """For programs. `records` are totals by log, `faults` the first of each log in full."""
        return {
            "format": FORMAT,
            "holds": not self.fault_count,
            "exit_code": self.exit_code,
            "began_ms": self.began_ms,
            "seconds": round(self.seconds, 3),
            "records_per_s": round(self.leaves / self.seconds) if self.seconds else 0,
            "depth": self.depth,
            "chain_asked": self.chain_asked,
            "processes": self.processes,
            "medauth": self.version,
            "records": {log.log: log.size for log in self.logs},
            "logs": [_log_json(log) for log in self.logs],
            "fault_count": self.fault_count,
            "faults": [audit_json(fault) for fault in self.faults],
        }


def audit_json(found: Audit) -> dict[str, Any]:
    """One audit for programs."""
    fault = found.fault.name if found.fault else None
    return {"subject": found.subject, "fault": fault, "exit_code": found.exit_code, "steps": _steps_json(found.steps)}


def write_report(run: AuditRun, folder: Path) -> list[Path]:
    """Writes `audit.json` and `audit.html`; makes the folder. Raises `InputError` where it cannot."""
    texts = {
        "audit.json": json.dumps(run.to_json(), indent=2, ensure_ascii=False) + "\n",
        "audit.html": html_page(run),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"the report cannot be written: {error.strerror}", expected=f"a folder at {folder}") from error
    return [folder / name for name in texts]


def html_page(run: AuditRun) -> str:
    """The report as a page. Every text in it is escaped; a policy in the page itself forbids scripts and requests."""
    began = datetime.fromtimestamp(run.began_ms / 1_000, UTC)
    verdict = "All holds" if not run.fault_count else f"{run.fault_count} faults"
    facts = {
        "records": f"{run.leaves:,} in {len(run.logs)} logs",
        "when": f"{began:%Y-%m-%d %H:%M:%S} UTC, {run.seconds:,.1f} s",
        "depth": run.depth,
        "chain": "asked" if run.chain_asked else "not asked",
        "exit code": str(run.exit_code),
        "medauth": run.version,
    }
    body = [
        f'<h1 class="{"fails" if run.fault_count else "holds"}">{escape(verdict)}</h1>',
        _facts(facts),
        *(_log_section(log) for log in run.logs),
        _fault_section(run),
    ]
    return _PAGE.format(title=escape(f"medauth audit: {verdict}"), body="\n".join(body))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --quiet: #6e7781; --line: #8884; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.8rem; }} h2 {{ font-size: 1.2rem; margin-top: 2.5rem; }}
.holds {{ color: var(--good); }} .fails {{ color: var(--bad); }} .skipped {{ color: var(--quiet); }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; }}
dt {{ color: var(--quiet); }} dd {{ margin: 0; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-top: 1px solid var(--line); }}
th {{ color: var(--quiet); font-weight: normal; }} td {{ overflow-wrap: anywhere; }} td:first-child {{ white-space: nowrap; }}
code {{ font: .9em ui-monospace, monospace; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def _log_section(log: LogReport) -> str:
    tally, states = log.tally, log.tally.states
    facts = {
        "leaves": f"{log.size:,}, {log.covered:,} of them under {log.checkpoints:,} checkpoints",
        "records": ", ".join(f"{number:,} {kind.value}" for kind, number in log.kinds.items() if number) or "none",
        "erased": f"{log.erased:,}",
        "started without verdict": f"{log.dropped:,}, {tally.overdue:,} of them still open past their time",
        "checks": ", ".join(f"{number:,} {state.value}" for state, number in states.items()) or "none",
        "people and clients": f"{tally.subjects:,} subjects, {tally.clients:,} clients; at most "
        f"{tally.most_dropped_by_a_subject:,} dropped by one subject, {tally.most_dropped_by_a_client:,} by one client",
    }
    return f"<h2>Log {escape(log.log)}</h2>\n{_facts(facts)}\n{_steps(log.steps)}"


def _fault_section(run: AuditRun) -> str:
    if not run.fault_count:
        return ""
    rows = [
        f"<tr><td><code>{escape(found.subject)}</code></td><td>{found.exit_code} {escape(fault.name)}</td>"
        f"<td>{escape(fault.text)}</td></tr>"
        for found in run.faults
        if (fault := found.fault) is not None
    ]
    left = run.fault_count - len(rows)
    more = f"<p>{left:,} more were counted.</p>" if left else ""
    head = "<tr><th>where</th><th>code</th><th>what</th></tr>"
    return f"<h2>Faults</h2>\n<table>{head}{''.join(rows)}</table>\n{more}"


def _facts(facts: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def _steps(steps: Sequence[CheckedStep]) -> str:
    marks = {StepState.HOLDS: "✓ holds", StepState.FAILS: "✗ fails", StepState.SKIPPED: "– skipped"}
    rows = (
        f'<tr><td>{escape(s.name)}</td><td class="{s.state.value}">{marks[s.state]}</td><td>{escape(s.text)}</td></tr>'
        for s in steps
    )
    return f"<table><tr><th>step</th><th>state</th><th>says</th></tr>{''.join(rows)}</table>"


def _log_json(log: LogReport) -> dict[str, Any]:
    tally = log.tally
    return {
        "log": log.log,
        "leaves": log.size,
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
