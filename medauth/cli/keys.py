"""`medauth keys`: which signing keys are trusted, and a new one in the place of an old one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medauth.bootstrap import Medauth, Sources
from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, reporting
from medauth.evidence.signing import KeyPurpose
from medauth.service.rotation import KeyRotation, KeyState

keys = typer.Typer(no_args_is_help=True, help="Signing keys: one for each purpose. List them, replace one.")


@keys.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """List every key that this server trusts: those in use, and retired ones with the size until which they count."""
    with reporting(as_json=as_json), open_medauth() as auth:
        states = _rotation(auth).keys()
        if as_json:
            print_json([_json(state) for state in states])
        rows = [(s.key.purpose.value, _standing(s), s.key.key_id) for s in states]
        print_table(("purpose", "state", "key id"), rows)


@keys.command("rotate")
def rotate_key(
    purpose: Annotated[KeyPurpose, typer.Argument(help="Whose key is replaced.")], as_json: JsonOption = False
) -> None:
    """Replace the key of one purpose. A leaf of the log announces the new key; the old private key is destroyed.

    What the old key signed before still verifies; hand auditors a new `medauth trust` file. Safe to interrupt: run it
    again, and it goes on.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        done = _rotation(auth).rotate(purpose)
        if as_json:
            print_json(
                {
                    "purpose": done.purpose.value,
                    "old": done.old,
                    "new": done.new,
                    "log": done.log,
                    "record_id": done.record_id,
                    "leaf": done.leaf_index,
                }
            )
        console.print(f"  {done.purpose.value}: {done.new} in place of {done.old}")
        console.print(f"  announced by {done.record_id}, leaf {done.leaf_index} of log {done.log}")
        console.print("  give auditors a new trust file: medauth trust", style="dim")


def _rotation(auth: Medauth) -> KeyRotation:
    return KeyRotation(auth.store, auth.keyring, Sources().now_ms)


def _standing(state: KeyState) -> str:
    return "in use" if state.until is None else f"retired, first {state.until:,} of log {state.log}"


def _json(state: KeyState) -> dict[str, Any]:
    return {
        "purpose": state.key.purpose.value,
        "key_id": state.key.key_id,
        "ed25519": state.key.raw.hex(),
        "log": state.log,
        "until": state.until,
    }
