"""`medauth erase`: destroys the keys of a check, and with them all that could be read of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, reporting
from medauth.errors import InputError
from medauth.service.erasure import Tombstone


def erase(
    record_id: Annotated[str, typer.Argument(help="An evidence id or check id; the whole check is erased.")] = "",
    expired: Annotated[bool, typer.Option("--expired", help="Every check older than MEDAUTH_RETENTION_DAYS.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a check: its statement, its pictures, whom it was about. A signed tombstone stays; other proofs still hold.

    What was handed out before (bundles, receipts) is out of reach and still matches its leaf.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if bool(record_id) is expired:
            raise InputError("nothing to erase", expected="an evidence id, or --expired")
        if expired and not auth.settings.retention_days:
            raise InputError("no retention is set", expected="MEDAUTH_RETENTION_DAYS", next_step="see docs/settings.md")
        erasure = auth.erasure()
        if expired:
            stones = list(erasure.erase_older(auth.settings.retention_days))
        else:
            check_id = record_id if record_id.startswith("chk_") else auth.store.record(record_id).check_id
            if check_id is None:
                raise InputError(
                    "a record about a key", expected="a record of a check", next_step="nobody is named in it"
                )
            stones = [erasure.erase(check_id)]
        if as_json:
            print_json([_json(stone) for stone in stones])
        for stone in stones:
            console.print(f"  erased {', '.join(stone.erased)}\n  tombstone {stone.record_id}, leaf {stone.leaf_index}")
        if not stones:
            console.print("  Nothing is older than the retention.")


def _json(stone: Tombstone) -> dict[str, Any]:
    return {"tombstone": stone.record_id, "leaf": stone.leaf_index, "erased": list(stone.erased)}
