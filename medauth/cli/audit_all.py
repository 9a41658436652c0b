"""`medauth audit --all`: whole logs with a bar of progress, totals, and the first divergent record by name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from medauth.auditing import log_audit
from medauth.bootstrap import Medauth, Sources
from medauth.cli.console import console, print_json, print_steps, print_title
from medauth.report.audit_report import AuditRun, write_report
from medauth.sensing import software_versions
from medauth.service.audit import Audit
from medauth.service.log_audit import LogReport
from medauth.service.sweep import Depth

_NAMED = 5
_WORTH_A_PROCESS = 4_000
"""Records below which opening another process takes longer than it saves."""
_PENDING_HINT = "Records that wait for a checkpoint are audited up to their leaf; `medauth anchor` anchors them."
INTERRUPTED = 130
"""As shells have it: 128 and the number of the signal."""


@dataclass(frozen=True, slots=True)
class AllOptions:
    """What `--all` takes beside itself."""

    ask_chain: bool = True
    depth: Depth = Depth.FULL
    processes: int = 0
    report: Path | None = None
    as_json: bool = False
    quiet: bool = False


def audit_all(auth: Medauth, options: AllOptions) -> int:
    """Audits every log; returns the exit code."""
    run = _run(auth, options)
    if options.report is not None:
        write_report(run, options.report)
    if options.as_json:
        print_json(run.to_json())
    elif run.fault_count or not options.quiet:
        _print(run, options.report)
    return run.exit_code


def _print(run: AuditRun, report: Path | None) -> None:
    _print_faults(run)
    if not run.fault_count:
        console.print(f"  All holds: {run.leaves:,} records in {len(run.logs)} logs. {_PENDING_HINT}")
    for log in run.logs:
        _print_totals(log)
    how = f"{run.depth}, {run.processes} {'process' if run.processes == 1 else 'processes'}"
    console.print(f"  {run.leaves:,} records in {run.seconds:,.1f} s: {run.records_per_s:,} a second ({how}).")
    if report is not None:
        console.print(f"  Report: {report / 'audit.html'}")


def _run(auth: Medauth, options: AllOptions) -> AuditRun:
    # A log that vanished from the mirror is still remembered beside the keys.
    sizes = {log: auth.store.leaf_count(log) for log in sorted({*auth.store.known_logs(), *auth.heads.heads()})}
    used = _processes(options.processes, max(sizes.values(), default=0))
    began_ms, began, found = Sources().now_ms(), time.monotonic(), []
    audit = log_audit(auth, ask_chain=options.ask_chain, depth=options.depth, processes=used)
    with _bar(shown=not options.quiet) as progress:
        for log, size in sizes.items():
            task = progress.add_task(log, total=size)
            try:
                found.append(audit.over(log, partial(progress.advance, task)))
            except KeyboardInterrupt:
                done = int(progress.tasks[task].completed)
                progress.stop()
                _say_interrupted(log, done, size, sum(report.fault_count for report in found))
                raise typer.Exit(INTERRUPTED) from None
    seconds, version = time.monotonic() - began, software_versions()["medauth"]
    return AuditRun(found, options.depth.value, options.ask_chain, used, began_ms, seconds, version)


def _bar(*, shown: bool) -> Progress:
    """On standard error, so that what is printed can go to a file; nowhere but on a terminal."""
    errors = Console(stderr=True)
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        _Rate(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not (shown and errors.is_terminal),
    )


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Records a second, of late."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", "dim")


def _say_interrupted(log: str, done: int, size: int, faults: int) -> None:
    Console(stderr=True, highlight=False).print(
        f"  Interrupted after {done:,} of {size:,} records of log {log}; {faults:,} faults in the logs before it. "
        "Nothing was changed, and nothing is said about the rest: run it again."
    )


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


def _print_faults(run: AuditRun) -> None:
    """In full the first record of each kind of fault, by name the others: one broken chain is one fault, not thousands."""
    alike: dict[tuple[str, str], list[Audit]] = {}
    for found in run.faults:
        assert found.fault is not None
        alike.setdefault((found.fault.name, found.fault.text), []).append(found)
    for first, *others in alike.values():
        print_title(f"Fault in {first.subject}")
        print_steps(first.steps)
        if others:
            named = ", ".join(found.subject for found in others[:_NAMED])
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            console.print(f"  The same in {named}{more}.")
    if run.fault_count > len(run.faults):
        console.print(f"  {run.fault_count - len(run.faults):,} more faults were counted.")
    record = run.first_divergent_record
    if record:
        named = "" if " " in record else f" Its own audit: `medauth audit {record}`."
        console.print(f"\n  First divergent record: {record}.{named}")
