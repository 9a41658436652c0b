"""`medauth ledger`: the contracts that hold the checkpoints."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_title, reporting
from medauth.errors import InputError, LedgerError
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, ChainIdentityRow

ledger = typer.Typer(no_args_is_help=True, help="The contracts that hold the checkpoints: deploy one, show them.")
_LOGS = (MAIN_LOG, REHEARSAL_LOG)


@ledger.command("deploy")
def deploy(
    log: Annotated[str, typer.Option(help="Which log: main or rehearsal.")] = MAIN_LOG, as_json: JsonOption = False
) -> None:
    """Deploy a log's contract and pin the log to it; where it is pinned already, show which one.

    `medauth anchor` does it too, on first use. Deploy beforehand to see what it costs, or to grant roles.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if log not in _LOGS:
            raise InputError(f"a log called {log[:40]!r}", expected=" or ".join(_LOGS))
        done = auth.chains.deploy(log)
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
                f"  {name.replace('_', ' '):<12}{value:,}"
                if name == "gas"
                else f"  {name.replace('_', ' '):<12}{value}"
            )
