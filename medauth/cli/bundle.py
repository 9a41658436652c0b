"""`medauth bundle` and `medauth trust`: what a stranger needs to check a record without asking the operator again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medauth.auditing import trust_file
from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, reporting
from medauth.errors import InputError, MedauthError, StoreError
from medauth.evidence.bundle import Bundle
from medauth.protocol.canonical import MAX_BYTES
from medauth.service.disclosure import linked
from medauth.service.erasure import is_erased
from medauth.store.interface import LeafKind

_SUFFIX = ".bundle.json"


def bundle(
    record_id: Annotated[str, typer.Argument(help="The evidence id, e.g. evd_…")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; default: RECORD.bundle.json.")] = Path(),
    since: Annotated[
        int,
        typer.Option(
            help="Leaves of a checkpoint that the auditor pinned: adds the proof that the log was only added to since.",
            min=0,
        ),
    ] = 0,
    everything: Annotated[
        bool, typer.Option("--all", help="Every record that can be opened, into the folder --out; default: bundles.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write one record's evidence as a self-contained file: statement and start, signatures, proofs, anchor.

    It holds who was checked and every reading: hand it to those who may know. Images stay sealed on this server.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if bool(record_id) is everything:
            raise InputError("nothing to write, or everything and one record", expected="an evidence id, or --all")
        if everything:
            folder = out if out != Path() else Path("bundles")
            count = _write_all(auth, folder)
            if as_json:
                print_json({"folder": str(folder), "bundles": count})
            console.print(f"  {count} bundles in {folder}")
            return
        path = out if out != Path() else Path(f"{record_id}{_SUFFIX}")
        found = auth.bundle(record_id)
        write_file(path, (linked(found, since, auth.store) if since else found).to_bytes(), private=True)
        if as_json:
            print_json({"bundle": str(path)})
        console.print(f"  {path}\n  check it with: medauth verify {path} --trust trust.json")


def _write_all(auth: Medauth, folder: Path) -> int:
    """A start that has a verdict stands in the verdict's bundle; what was erased cannot be opened. Raises `StoreError` at the
    end where others could not be either.
    """
    count, closed = 0, []
    for log in auth.store.logs():
        for row in auth.store.records(log):
            ended = row.kind is LeafKind.START and any(
                other.kind is LeafKind.VERDICT for other in auth.store.siblings(row.check_id or "")
            )
            if ended or is_erased(row):
                continue
            try:
                found = auth.bundle(row.record_id)
            except MedauthError as error:
                closed.append(f"{row.record_id}: {error.got}")
                continue
            write_file(folder / f"{row.record_id}{_SUFFIX}", found.to_bytes(), private=True)
            count += 1
    if closed:
        raise StoreError(
            f"{len(closed)} records have no bundle, first {closed[0]}",
            expected=f"one for every record; {count} were written to {folder}",
            next_step="run `medauth audit --all`",
        )
    return count


def read_bundles(folder: Path) -> list[Bundle]:
    """Every bundle in a folder. Raises `InputError`, naming the file that is none."""
    paths = sorted(folder.glob(f"*{_SUFFIX}"))
    if not paths:
        raise InputError(
            f"no bundles in {folder}", expected=f"files called *{_SUFFIX}", next_step="medauth bundle --all"
        )
    return [Bundle.from_bytes(read_file(path, "a bundle")) for path in paths]


def read_file(path: Path, expected: str) -> bytes:
    """A file of somebody else's, no further than anybody parses it: one without end is refused and not read. Raises
    `InputError`.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", expected=expected) from error


def trust(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("trust.json"),
    as_json: JsonOption = False,
) -> None:
    """Write the file an auditor keeps: public keys, contracts, final checkpoints, authorities of time stamps.

    Whoever holds it needs nothing of this server any more: a bundle that names other keys or another contract fails.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        file = trust_file(auth)
        write_file(out, file.to_bytes())
        if as_json:
            print_json({"trust": str(out), "checkpoints": len(file.checkpoints), "contracts": len(file.contracts)})
        console.print(
            f"  {out}: {len(file.keys)} keys, {len(file.contracts)} contracts, {len(file.checkpoints)} checkpoints"
        )


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
