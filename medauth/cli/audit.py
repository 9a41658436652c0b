"""`medauth audit`: does everything that was recorded still hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from medauth.auditing import rebuilding, receipt_audit
from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.audit_all import AllOptions, audit_all
from medauth.cli.bundle import read_bundles, read_file
from medauth.cli.console import JsonOption, console, print_json, print_steps, print_suspicions, print_title, reporting
from medauth.errors import InputError
from medauth.evidence.verifier import StepState
from medauth.protocol.attack_family import Suspicion, suspicions
from medauth.protocol.policy import Policy
from medauth.protocol.reading import SignalReading
from medauth.replaying import replayed
from medauth.report.audit_report import audit_json
from medauth.service.audit import Auditor
from medauth.service.pictures import statement_of
from medauth.service.standing import standing_of
from medauth.service.sweep import Depth
from medauth.store.interface import LeafKind, RecordRow


def audit(
    record_id: Annotated[str, typer.Argument(help="The evidence id of one record, e.g. evd_…")] = "",
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every record of every log, and the logs themselves.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the records; audit nothing.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the chain; its step is skipped.")] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="With --all: bytes, key, signature and place in the log; verdicts, columns and files not."
        ),
    ] = False,
    processes: Annotated[
        int, typer.Option(help="With --all: how many processes share the work; default: one for each core.", min=0)
    ] = 0,
    report: Annotated[
        Path | None, typer.Option(help="With --all: write audit.json and audit.html into this folder.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="With --all: no bar, and nothing printed while all holds; for cron.")
    ] = False,
    receipt: Annotated[
        Path | None, typer.Option(help="Hold this start receipt to the log: is its leaf there, in its place, on chain?")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="With a record: judge it again from its sealed frames, by the same models.")
    ] = False,
    rebuild: Annotated[
        Path | None,
        typer.Option(
            help="Build every log again from the bundles in this folder (`medauth bundle --all`) and the chain, and compare."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Audit one record, all, or the receipt of a start: re-hash, signature, verdict, inclusion, checkpoint, chain, mirror.

    One line a step. The exit code names the kind of fault: 0 all holds, 10 stored bytes, 11 key, 12 signature,
    13 statement, 14 challenge, 15 verdict, 16 leaf, 17 inclusion, 18 checkpoint, 19 chain, 20 mirror, 21 files, 22 log,
    23 tombstone, 24 time stamp, 25 replay, 26 receipt, 27 start, 28 head; 130 interrupted.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if listing:
            _print_list(auth, as_json=as_json)
            return
        if sum((bool(record_id), everything, receipt is not None, rebuild is not None)) != 1:
            raise InputError(
                "nothing to audit, or more than one thing",
                expected="a record id, --all, --receipt FILE or --rebuild FOLDER",
                next_step="see `medauth audit --list`",
            )
        if receipt is not None:
            code = _audit_receipt(auth, receipt, ask_chain=not offline, as_json=as_json)
        elif rebuild is not None:
            code = _rebuild(auth, rebuild, as_json=as_json)
        elif everything:
            depth = Depth.QUICK if quick else Depth.FULL
            code = audit_all(auth, AllOptions(not offline, depth, processes, report, as_json, quiet))
        else:
            code = _audit_one(auth, auth.auditor(ask_chain=not offline), record_id, as_json, replay=replay)
    raise typer.Exit(code)


def _audit_one(auth: Medauth, auditor: Auditor, record_id: str, as_json: bool, *, replay: bool) -> int:
    found = auditor.record(record_id)
    if replay and found.fault is None:
        found = replayed(auth, found)
    record = auth.store.record(record_id)
    standing = standing_of(record, auth.store)
    asked = any((step.name, step.state) == ("chain", StepState.HOLDS) for step in found.steps)
    revoked = auth.chains.leaf_on_chain(record).revocation if asked else None
    suspected = _suspected(auth, record) if found.fault is None else ()
    if as_json:
        more = {"standing": asdict(standing), "revoked": revoked and str(revoked)}
        print_json({**audit_json(found), **more, "suspected": [suspicion.to_json() for suspicion in suspected]})
    else:
        print_title(f"Audit of {record_id}")
        print_steps(found.steps)
        print_suspicions(suspected)
        console.print(f"  On its way to the chain: {standing}")
        if revoked is not None:
            console.print(f"  Revoked {revoked}. The evidence is intact; the record stands no more.", style="yellow")
    return found.exit_code


def _suspected(auth: Medauth, record: RecordRow) -> Sequence[Suspicion]:
    """What an intact verdict that is not erased says of attacks."""
    if record.kind is not LeafKind.VERDICT or not record.wrapped_key:
        return ()
    statement = statement_of(record.record_id, auth.store, auth.keyring)
    readings = [SignalReading.from_json(reading) for reading in statement["readings"]]
    return suspicions(Policy.from_json(statement["policy"]["rules"]), readings)


def _audit_receipt(auth: Medauth, path: Path, *, ask_chain: bool, as_json: bool) -> int:
    found = receipt_audit(auth, ask_chain=ask_chain).over(read_file(path, "a receipt of a start"))
    if as_json:
        print_json(audit_json(found))
    else:
        print_title(f"Receipt {path.name}")
        print_steps(found.steps)
    return found.exit_code


def _rebuild(auth: Medauth, folder: Path, *, as_json: bool) -> int:
    """Log by log; the first that differs decides the exit code."""
    bundles = read_bundles(folder)
    logs = sorted({*auth.store.known_logs(), *(bundle.log for bundle in bundles)})
    found = [rebuilding(auth, log).over(bundles, auth.chains.events(log)) for log in logs]
    if as_json:
        print_json([audit_json(one) for one in found])
    else:
        for one in found:
            print_title(f"Rebuilt: {one.subject}")
            print_steps(one.steps)
    return next((one.exit_code for one in found if one.exit_code), 0)


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
