"""`medauth audit --all`: whole logs with a bar of progress, totals, and the first divergent record by name."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from medauth.auditing import log_audit
from medauth.bootstrap import Medauth, Sources, software_versions
from medauth.cli.console import console, print_json, print_steps, print_title
from medauth.report.audit_report import AuditRun, write_report
from medauth.service.audit import Audit
from medauth.service.log_audit import LogReport
from medauth.service.sweep import Depth

_NAMED = 5
_WORTH_A_PROCESS = 4_000
"""Records below which opening another process takes longer than it saves."""
_PENDING_HINT = "Records that wait for a checkpoint are audited up to their leaf; `medauth anchor` anchors them."


def audit_all(
    auth: Medauth, *, ask_chain: bool, depth: Depth, processes: int, report: Path | None, as_json: bool
) -> int:
    """Audits every log; returns the exit code."""
    run = _run(auth, ask_chain, depth, processes)
    if report is not None:
        write_report(run, report)
    if as_json:
        print_json(run.to_json())
        return run.exit_code
    _print_faults(run.faults, run.fault_count)
    if not run.fault_count:
        console.print(f"  All holds: {run.leaves:,} records in {len(run.logs)} logs. {_PENDING_HINT}")
    for log in run.logs:
        _print_totals(log)
    rate = run.leaves / run.seconds if run.seconds else 0
    how = f"{run.depth}, {run.processes} {'process' if run.processes == 1 else 'processes'}"
    console.print(f"  {run.leaves:,} records in {run.seconds:,.1f} s: {rate:,.0f} a second ({how}).")
    if report is not None:
        console.print(f"  Report: {report / 'audit.html'}")
    return run.exit_code


def _run(auth: Medauth, ask_chain: bool, depth: Depth, processes: int) -> AuditRun:
    sizes = {log: auth.store.leaf_count(log) for log in auth.store.known_logs()}
    used = _processes(processes, max(sizes.values(), default=0))
    began_ms, began, found = Sources().now_ms(), time.monotonic(), []
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        audit = log_audit(auth, ask_chain=ask_chain, depth=depth, processes=used)
        for log, size in sizes.items():
            task = progress.add_task(log, total=size)
            found.append(audit.over(log, partial(progress.advance, task)))
    seconds = time.monotonic() - began
    return AuditRun(found, depth.value, ask_chain, used, began_ms, seconds, software_versions()["medauth"])


def _processes(wanted: int, records: int) -> int:
    """As many as were asked for; by default as many as the machine has cores and the log has work for."""
    if wanted:
        return wanted
    return max(1, min(len(os.sched_getaffinity(0)), records // _WORTH_A_PROCESS))


def _print_totals(log: LogReport) -> None:
    """Numbers alone: whom a dropped check was about stays where it is."""
    tally = log.tally
    console.print(
        f"  {log.log}: {log.dropped:,} started checks without verdict ({tally.overdue:,} still open past their time); "
        f"{tally.subjects:,} subjects and {tally.clients:,} clients, of which one dropped at most "
        f"{tally.most_dropped_by_a_subject:,} and {tally.most_dropped_by_a_client:,}."
    )


def _print_faults(faults: list[Audit], count: int) -> None:
    """In full the first record of each kind of fault, by name the others: one broken chain is one fault, not thousands."""
    alike: dict[tuple[str, str], list[Audit]] = {}
    for found in faults:
        assert found.fault is not None
        alike.setdefault((found.fault.name, found.fault.text), []).append(found)
    for first, *others in alike.values():
        print_title(f"Fault in {first.subject}")
        print_steps(first.steps)
        if others:
            named = ", ".join(found.subject for found in others[:_NAMED])
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            console.print(f"  The same in {named}{more}.")
    if count > len(faults):
        console.print(f"  {count - len(faults):,} more faults were counted.")
    records = [found.subject for found in faults if not found.subject.startswith("log ")]
    if records:
        console.print(f"\n  First divergent record: {records[0]}. Its own audit: `medauth audit {records[0]}`.")
