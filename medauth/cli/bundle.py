"""`medauth bundle` and `medauth trust`: what a stranger needs to check a record without asking the operator again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, reporting
from medauth.errors import StoreError
from medauth.evidence.trust import TrustFile
from medauth.service.disclosure import contract_of
from medauth.store.interface import CheckpointState


def bundle(
    record_id: Annotated[str, typer.Argument(help="The evidence id, e.g. evd_…")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; default: <record>.bundle.json.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write one record's evidence as a self-contained file: statement, signature, proof, anchor.

    It holds who was checked and every reading: hand it to those who may know. Images stay sealed on this server.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        path = out if out != Path() else Path(f"{record_id}.bundle.json")
        write_file(path, auth.bundle(record_id).to_bytes(), private=True)
        if as_json:
            print_json({"bundle": str(path)})
        console.print(f"  {path}\n  check it with: medauth verify {path} --trust trust.json")


def trust(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("trust.json"),
    as_json: JsonOption = False,
) -> None:
    """Write the file an auditor keeps: public keys, contracts, final checkpoints, authorities of time stamps.

    Whoever holds it needs nothing of this server any more: a bundle that names other keys or another contract fails.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        final = {
            row.root: row.new_size
            for log in auth.store.logs()
            for row in auth.store.checkpoints(log)
            if row.state is CheckpointState.FINAL
        }
        pinned = [identity for log in auth.store.logs() if (identity := auth.store.chain_identity(log)) is not None]
        contracts = {
            present.log: tuple(contract_of(i) for i in (*(e.identity for e in auth.store.epochs(present.log)), present))
            for present in pinned
        }
        keys = auth.keyring.trusted().values()
        file = TrustFile.of(keys, final, contracts, auth.time_stamp_certificates, auth.keyring.retired())
        write_file(out, file.to_bytes())
        if as_json:
            print_json({"trust": str(out), "checkpoints": len(final), "contracts": len(contracts)})
        console.print(f"  {out}: {len(keys)} keys, {len(contracts)} contracts, {len(final)} checkpoints")


def write_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Writes a file of the user's; `private` ones, which say who was checked, for their owner alone. Raises
    `StoreError`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if private:
            path.touch(mode=0o600)
            path.chmod(0o600)
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}", next_step="choose another place by --out"
        ) from error
