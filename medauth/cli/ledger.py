"""`medauth ledger`: the contracts that hold the checkpoints, and what they say of single records."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_title, reporting
from medauth.errors import InputError, LedgerError
from medauth.ledger.interface import LOCAL_CHAIN_ID, RevocationReason
from medauth.service.standing import standing_of
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, ChainIdentityRow

ledger = typer.Typer(
    no_args_is_help=True, help="The contracts that hold the checkpoints: deploy one, show them, revoke a record."
)
_LOGS = (MAIN_LOG, REHEARSAL_LOG)
Reason = StrEnum("Reason", {reason.name: reason.word for reason in RevocationReason})  # type: ignore[misc]
RecordArgument = Annotated[str, typer.Argument(help="The record's id, e.g. evd_…; `medauth audit --list` lists them.")]


@ledger.command("deploy")
def deploy(
    log: Annotated[str, typer.Option(help="Which log: main or rehearsal.")] = MAIN_LOG,
    after: Annotated[
        str, typer.Option(help="Leave the contract at this address for a new one that goes on where it ends.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Deploy a log's contract and pin the log to it; where it is pinned already, show which one.

    `medauth anchor` does it too, on first use. Deploy beforehand to see what it costs, or to grant roles. With --after the
    log's present contract is paused, and the new one's log id commits to its last head.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if log not in _LOGS:
            raise InputError(f"a log called {log[:40]!r}", expected=" or ".join(_LOGS))
        done = auth.chains.deploy_after(log, after) if after else auth.chains.deploy(log)
        identity = done.identity
        facts: dict[str, Any] = {
            "log": log,
            "address": identity.address,
            "chain": identity.chain_id,
            "log_id": identity.log_id.hex(),
            "block": identity.deployed_block,
            "gas": done.receipt.gas_used if done.receipt else None,
            "transaction": done.receipt.tx_hash.hex() if done.receipt else None,
            "size": done.head.size,
            "local_chain": done.is_local,
        }
        if as_json:
            print_json(facts)
        print_title(f"Contract of log {log}: {'deployed and pinned' if done.receipt else 'was pinned already'}")
        _print_facts(facts)
        if done.is_local:
            console.print("  A local chain proves nothing to outsiders.", style="dim")


@ledger.command("show")
def show(
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the chain.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the contract that each log is pinned to, and how many leaves it holds."""
    with reporting(as_json=as_json), open_medauth() as auth:
        found = []
        for log in _LOGS:
            pinned = auth.store.chain_identity(log)
            if pinned is None:
                continue
            facts = _facts(pinned)
            facts["before"] = [epoch.identity.address for epoch in auth.store.epochs(log)] or None
            if not offline:
                try:
                    head = auth.chains.head(log)
                    facts["size"] = head.size if head else None
                except LedgerError as error:
                    facts["trouble"] = str(error)
            found.append(facts)
            print_title(f"Contract of log {log}")
            _print_facts(facts)
        if as_json:
            print_json(found)
        if not found:
            console.print("  No log has a contract yet: `medauth ledger deploy`, or `medauth anchor`.")


@ledger.command("revoke")
def revoke(
    record_id: RecordArgument,
    reason: Annotated[Reason, typer.Option(help="Why it no longer stands.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke an anchored record on chain, for good, with the proof that it is in the log.

    The record stays in the log and every proof still verifies. The world sees which leaf it is, when and why; not whose.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        receipt = auth.chains.revoke(auth.store.record(record_id), RevocationReason[reason.name])
        facts = {
            "record": record_id,
            "reason": reason.value,
            "transaction": receipt.tx_hash.hex(),
            "block": receipt.block,
            "gas": receipt.gas_used,
        }
        if as_json:
            print_json(facts)
        print_title("Revoked")
        _print_facts(facts)


@ledger.command("standing")
def standing(record_id: RecordArgument, as_json: JsonOption = False) -> None:
    """Show how far a record has come on its way to the chain, and whether the chain says that it was revoked."""
    with reporting(as_json=as_json), open_medauth() as auth:
        record = auth.store.record(record_id)
        where, on_chain = standing_of(record, auth.store), auth.chains.leaf_on_chain(record)
        revocation = on_chain.revocation
        facts: dict[str, Any] = {
            "record": record_id,
            "state": where.state,
            "text": where.text or None,
            "anchored_alone": _utc(on_chain.anchored_alone_s) if on_chain.anchored_alone_s else None,
            "revoked": _utc(revocation.revoked_at_s) if revocation else None,
            "reason": revocation.reason.word if revocation else None,
        }
        if as_json:
            print_json(facts)
        print_title(f"Standing of {record_id}")
        _print_facts(facts)
        pinned = auth.store.chain_identity(record.log)
        if pinned is not None and pinned.chain_id == LOCAL_CHAIN_ID:
            console.print("  A local chain proves nothing to outsiders.", style="dim")


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _facts(pinned: ChainIdentityRow) -> dict[str, Any]:
    return {
        "log": pinned.log,
        "address": pinned.address,
        "chain": pinned.chain_id,
        "log_id": pinned.log_id.hex(),
        "block": pinned.deployed_block,
        "genesis": pinned.genesis.hex(),
        "code_hash": pinned.code_hash.hex(),
    }


def _print_facts(facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        if value is not None:
            console.print(
                f"  {name.replace('_', ' '):<15}{value:,}"
                if name == "gas"
                else f"  {name.replace('_', ' '):<15}{value}"
            )
