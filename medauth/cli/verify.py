"""`medauth verify`: checks a bundle as a stranger would, with nothing of the operator's but the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from medauth.auditing import own_contracts
from medauth.bootstrap import open as open_medauth
from medauth.cli.bundle import read_file
from medauth.cli.console import (
    JsonOption,
    console,
    print_json,
    print_steps,
    print_title,
    printable,
    reporting,
    steps_json,
)
from medauth.config import Settings
from medauth.errors import InputError
from medauth.evidence.bundle import Bundle
from medauth.evidence.trust import TrustFile
from medauth.evidence.verifier import CheckedStep, Examination, StepState, Trust
from medauth.service.audit import EXIT_CODES


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle file, as `medauth bundle` writes it.")],
    trust: Annotated[
        Path | None,
        typer.Option(help="The trust file you keep; default: keys and contracts of this server's own data directory."),
    ] = None,
    rpc: Annotated[
        str, typer.Option(help="JSON-RPC address of the chain; without it, the chain step is skipped.")
    ] = "",
    final: Annotated[
        bool, typer.Option("--final", help="Refuse what is signed but not yet, or no longer, under a checkpoint.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle offline, step by step; with --rpc, against the chain too. Exit codes as in `medauth audit`.

    A bundle without its proof is only signed: nothing shows that the log holds it, or that it was not revoked. --final
    refuses it.
    """
    with reporting(as_json=as_json):
        evidence = Bundle.from_bytes(read_file(bundle, "a bundle, as `medauth bundle` writes it"))
        trusted = _trust(trust, evidence, rpc)
        examination = Examination(evidence, trusted)
        steps = list(examination.steps())
        fault = next((step for step in steps if _counts_against(step, final=final, asked=bool(rpc))), None)
        if as_json:
            found = {"record_id": evidence.record_id, "holds": fault is None, "steps": steps_json(steps)}
            print_json({**found, "files": {} if fault else dict(examination.files)})
        else:
            print_title(f"Bundle of {evidence.record_id}")
            print_steps(steps)
            for name, digest in () if fault else sorted(examination.files.items()):
                console.print(
                    printable(f"  Sealed with the operator: {name}, SHA-256 {digest}"), style="dim", markup=False
                )
            if trust is None:
                console.print(
                    "  Keys and contracts came from this machine's own data directory; a stranger passes --trust."
                )
    raise typer.Exit(EXIT_CODES[fault.name] if fault else 0)


def _counts_against(step: CheckedStep, *, final: bool, asked: bool) -> bool:
    """Failed; or, where only what is final counts, skipped for want of a proof (or of the chain that was asked)."""
    wanted = {"inclusion", "checkpoint", *(("chain",) if asked else ())} if final else set()
    return step.state is StepState.FAILS or (step.state is StepState.SKIPPED and step.name in wanted)


def _trust(path: Path | None, evidence: Bundle, rpc: str) -> Trust:
    if path is None:
        _require_own_keys()
        with open_medauth() as auth:
            keys, contracts = auth.keyring, own_contracts(auth) or None
            return _asking(Trust(keys.trusted(), contracts=contracts, retired=keys.retired()), evidence, rpc)
    file = TrustFile.from_bytes(read_file(path, "a trust file, as `medauth trust` writes it"))
    return _asking(Trust.of(file, stamped_ms=_reading_stamps(file.authorities)), evidence, rpc)


def _reading_stamps(authorities: Sequence[str]) -> Callable[[bytes, bytes], int] | None:
    if not authorities:
        return None
    from medauth.ledger.timestamp import TrustedAuthorities

    return TrustedAuthorities(authorities).stamped_ms


def _asking(trust: Trust, evidence: Bundle, rpc: str) -> Trust:
    """With the chain at hand, where one was named: which root it holds, and what was revoked there since."""
    known = (trust.contracts or {}).get(evidence.log, ())
    contract = evidence.anchor.contract if evidence.anchor else next(reversed(known), None)
    if not rpc or contract is None:
        return trust
    from medauth.chains import chain_reader, revocation_reader

    # Asked about revocations also where the bundle names no contract: its holder may have left that out.
    asking = replace(trust, revoked=revocation_reader(rpc, contract.epochs(known)))
    return replace(asking, size_on_chain=chain_reader(rpc, contract)) if evidence.anchor else asking


def _require_own_keys() -> None:
    """Without a trust file, only where this machine made the evidence: a stranger's has no keys, and shall get none."""
    if not (Settings.from_env().data_dir / "keys").is_dir():
        raise InputError(
            "no trust file, and this machine has no keys of its own",
            expected="--trust FILE, from an operator whom you trust",
            next_step="ask for the file that `medauth trust` writes",
        )
