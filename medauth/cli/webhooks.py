"""`medauth webhooks`: what apps are told of their checks, and how that goes."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, reporting
from medauth.errors import NotFound
from medauth.serving import bookings_of, outbox_of, webhooks_of
from medauth.store.webhook_interface import WebhookState

webhooks = typer.Typer(no_args_is_help=True, help="What apps are told of their checks, and how that goes.")
_PAUSE_S = 1.0


@webhooks.command("list")
def list_(
    state: Annotated[WebhookState, typer.Option(help="pending, delivered or given_up.")] = WebhookState.GIVEN_UP,
    most: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 100,
    as_json: JsonOption = False,
) -> None:
    """List webhooks in a state. Addresses and bodies are sealed and not shown."""
    with reporting(as_json=as_json), open_medauth() as auth:
        rows = outbox_of(auth).webhooks(state, most)
        if as_json:
            print_json(
                [
                    {
                        "webhook": row.webhook_id,
                        "check": row.booking_id,
                        "access": row.access_id,
                        "state": row.state.value,
                        "attempts": row.attempts,
                        "due_ms": row.due_ms,
                        "why": row.why,
                    }
                    for row in rows
                ]
            )
        shown = [(r.webhook_id, r.state.value, str(r.attempts), r.why, r.booking_id) for r in rows]
        print_table(("webhook", "state", "tries", "why", "check"), shown)


@webhooks.command()
def deliver(
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl+C.")] = False, as_json: JsonOption = False
) -> None:
    """Try all that is due now, and end bookings whose time is over. `medauth serve` does the same by itself.

    Safe beside it and beside others of its kind: each webhook is tried by one at a time.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        bookings, outgoing, count = bookings_of(auth), webhooks_of(auth), 0
        while True:
            bookings.lapse()
            count += outgoing.deliver_due()
            if not watch:
                break
            time.sleep(_PAUSE_S)
        left = outgoing.counts()
        if as_json:
            print_json({"tries": count} | {state.value: number for state, number in left.items()})
        console.print(f"  {count} tries; {left[WebhookState.PENDING]} wait, {left[WebhookState.GIVEN_UP]} given up")


@webhooks.command()
def retry(
    webhook: Annotated[str, typer.Argument(help="As `medauth webhooks list` shows it.")], as_json: JsonOption = False
) -> None:
    """Take one that was given up on its way again, with all its tries."""
    with reporting(as_json=as_json), open_medauth() as auth:
        if not outbox_of(auth).retry_webhook(webhook, auth.sources.now_ms()):
            raise NotFound(
                "no webhook under that id that was given up and still has its body",
                next_step="see `medauth webhooks list`",
            )
        if as_json:
            print_json({"retried": webhook})
        console.print(f"  {webhook} waits for its next try")
