"""`medauth audit`: does everything that was recorded still hold?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_steps, print_title, reporting, steps_json
from medauth.errors import InputError
from medauth.service.audit import Audit, Auditor
from medauth.service.standing import standing_of

_NAMED = 5
_PENDING_HINT = "Records that wait for a checkpoint are audited up to their leaf; `medauth anchor` anchors them."


def audit(
    record_id: Annotated[str, typer.Argument(help="The evidence id of one record, e.g. evd_…")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every record of every log, and the logs themselves.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the records; audit nothing.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the chain; its step is skipped.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Audit one record, or all: re-hash, signature, verdict, inclusion, checkpoint, chain, mirror.

    One line a step. The exit code names the kind of fault: 0 all holds, 10 stored bytes, 11 key, 12 signature,
    13 statement, 14 challenge, 15 verdict, 16 leaf, 17 inclusion, 18 checkpoint, 19 chain, 20 mirror, 21 files, 22 log,
    23 tombstone, 24 time stamp.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if listing:
            _print_list(auth, as_json=as_json)
            return
        if bool(record_id) is everything:
            raise InputError(
                "nothing to audit", expected="a record id, or --all", next_step="see `medauth audit --list`"
            )
        auditor = auth.auditor(ask_chain=not offline)
        code = (
            _audit_all(auth, auditor, as_json=as_json) if everything else _audit_one(auth, auditor, record_id, as_json)
        )
    raise typer.Exit(code)


def _audit_one(auth: Medauth, auditor: Auditor, record_id: str, as_json: bool) -> int:
    found = auditor.record(record_id)
    standing = standing_of(auth.store.record(record_id), auth.store)
    if as_json:
        print_json({**_audit_json(found), "standing": asdict(standing)})
    else:
        print_title(f"Audit of {record_id}")
        print_steps(found.steps)
        console.print(f"  On its way to the chain: {standing}")
    return found.exit_code


def _audit_all(auth: Medauth, auditor: Auditor, *, as_json: bool) -> int:
    """Streams every record; prints the first fault of each record that has one, and a line a log."""
    faults: list[Audit] = []
    totals: dict[str, Any] = {}
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for log in auth.store.logs():
            task = progress.add_task(log, total=auth.store.leaf_count(log))
            count = 0
            for found in _log_audits(auditor, log):
                progress.advance(task)
                count += 1
                if found.fault is not None:
                    faults.append(found)
            totals[log] = count - 1
    if as_json:
        print_json({"records": totals, "faults": [_audit_json(found) for found in faults]})
    _print_faults(faults)
    if not faults:
        console.print(f"  All holds: {sum(totals.values())} records in {len(totals)} logs. {_PENDING_HINT}")
    return faults[0].exit_code if faults else 0


def _print_faults(faults: list[Audit]) -> None:
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


def _log_audits(auditor: Auditor, log: str) -> Iterator[Audit]:
    """The log as a whole first: a record's own audit leans on it."""
    yield auditor.log(log)
    yield from auditor.records(log)


def _print_list(auth: Medauth, *, as_json: bool) -> None:
    rows = [
        {"record_id": row.record_id, "log": log, "kind": row.kind.value, "outcome": row.outcome, "leaf": row.leaf_index}
        for log in auth.store.logs()
        for row in auth.store.records(log)
    ]
    if as_json:
        print_json(rows)
    for row in rows:
        console.print(f"  {row['record_id']}  {row['log']:<10} {row['leaf']:>6}  {row['kind']:<8} {row['outcome']}")


def _audit_json(found: Audit) -> dict[str, Any]:
    fault = found.fault.name if found.fault else None
    return {"subject": found.subject, "fault": fault, "exit_code": found.exit_code, "steps": steps_json(found.steps)}
