"""`medauth access`: which apps may ask for checks over the network."""

from __future__ import annotations

from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, reporting
from medauth.errors import NotFound
from medauth.protocol.policy import POLICIES
from medauth.service.access import Scope
from medauth.serving import accesses_of

access = typer.Typer(no_args_is_help=True, help="Which apps may ask for checks over the network.")


@access.command()
def grant(
    name: Annotated[str, typer.Argument(help="The app, in your own words.")],
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do: subject, operator, auditor; may be repeated.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option(help="A policy it may ask for; may be repeated. Default: all but rehearsal.")
    ] = None,
    callback_host: Annotated[
        list[str] | None,
        typer.Option(help="A host that may be told how a check ended, such as app.example; may be repeated."),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="A key for the app's own tests: outcomes by script, nothing real.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an API key and show it once: only a keyed hash is kept."""
    policies = policy or [named for named, rules in POLICIES.items() if not rules.rehearsal]
    with reporting(as_json=as_json), open_medauth() as auth:
        hosts = callback_host or []
        accesses, scopes = accesses_of(auth), scope or [Scope.SUBJECT]
        granted, key = accesses.grant(name, scopes, policies, callback_hosts=hosts, sandbox=sandbox)
        if as_json:
            print_json({"access_id": granted.access_id, "key": key})
        console.print(f"  {granted.access_id}  {granted.name}", style="dim")
        console.print(f"  {key}")
        console.print("  Keep it now: it is not shown again.", style="dim")


@access.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List them, revoked ones too."""
    with reporting(as_json=as_json), open_medauth() as auth:
        rows = accesses_of(auth).listed()
        if as_json:
            print_json(
                [
                    {
                        "access_id": row.access_id,
                        "name": row.name,
                        "scopes": row.scopes.split(),
                        "policies": row.policies.split(),
                        "callback_hosts": row.callback_hosts.split(),
                        "sandbox": row.sandbox,
                        "created_ms": row.created_ms,
                        "revoked_ms": row.revoked_ms,
                    }
                    for row in rows
                ]
            )
        shown = [
            (
                r.access_id,
                "revoked" if r.revoked_ms else "sandbox" if r.sandbox else "granted",
                r.scopes,
                r.policies,
                r.name,
            )
            for r in rows
        ]
        print_table(("access", "state", "scopes", "policies", "name"), shown)


@access.command()
def revoke(
    access_id: Annotated[str, typer.Argument(help="As `medauth access list` shows it.")], as_json: JsonOption = False
) -> None:
    """Close the door: from now on the key opens nothing."""
    with reporting(as_json=as_json), open_medauth() as auth:
        if not accesses_of(auth).revoke(access_id):
            raise NotFound("no access under that id that still stands", next_step="see `medauth access list`")
        if as_json:
            print_json({"revoked": access_id})
        console.print(f"  {access_id} revoked")
