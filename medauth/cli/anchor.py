"""`medauth anchor`: puts what waits under a checkpoint on chain."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_title, reporting
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, CheckpointRow


def anchor(
    log: Annotated[str, typer.Option(help="Which log: main or rehearsal; default: every log with records.")] = "",
    urgent: Annotated[
        str,
        typer.Option(
            metavar="RECORD",
            help="Put one record's leaf on chain at once, ahead of its checkpoint. It shows the world when that record "
            "was made; off unless MEDAUTH_URGENT_ANCHOR=1.",
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Anchor every waiting record: one checkpoint covers them all, whatever their number.

    Run it from cron, or after each check. Safe to run again, to interrupt, and to run twice at once.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if urgent:
            _anchor_urgently(auth, urgent, as_json=as_json)
            return
        # A log by any other name is no log of ours, and an audit says so; it keeps the others from nothing.
        logs = [log] if log else [known for known in auth.store.logs() if known in (MAIN_LOG, REHEARSAL_LOG)]
        reports = [anchor_log(auth, name) for name in logs]
        if as_json:
            print_json(reports)
        if not logs:
            console.print("  Nothing to anchor: no check was started yet.")


def _anchor_urgently(auth: Medauth, record_id: str, *, as_json: bool) -> None:
    receipt = auth.chains.anchor_urgently(auth.store.record(record_id))
    if as_json:
        print_json({"record": record_id, "transaction": receipt.tx_hash.hex(), "block": receipt.block})
    print_title(f"Urgent anchor of {record_id}")
    console.print(f"  transaction 0x{receipt.tx_hash.hex()}, block {receipt.block}")
    console.print("  The block's time now shows the world when this one record was made.", style="yellow")
    console.print("  It still needs its checkpoint, which proves its place in the log: `medauth anchor`.")


def anchor_log(auth: Medauth, log: str) -> dict[str, Any]:
    """Anchors one log and prints what came of it."""
    with console.status(f"  anchoring log {log} …"):
        report = auth.anchor(log)
    print_title(f"Anchoring of log {log}")
    console.print(f"  {report.final_leaves:,} of {report.leaves:,} records are final on chain")
    for done in report.checkpoints:
        console.print(f"  checkpoint  {done.seq}, {done.new_size:,} records, root {done.root.hex()}")
        console.print(f"  transaction 0x{_hex(done)}, block {done.block}")
    if report.standby:
        console.print("  Another writer is at work; this one stood by.", style="yellow")
    if report.local_chain:
        console.print(
            "  A local chain: whoever runs it can rewrite it, so it proves nothing to outsiders.", style="dim"
        )
    return {
        "log": log,
        "records": report.leaves,
        "final": report.final_leaves,
        "local_chain": report.local_chain,
        "checkpoints": [
            {"seq": c.seq, "size": c.new_size, "root": c.root.hex(), "transaction": _hex(c), "block": c.block}
            for c in report.checkpoints
        ],
    }


def _hex(checkpoint: CheckpointRow) -> str:
    return (checkpoint.tx_hash or b"").hex()
