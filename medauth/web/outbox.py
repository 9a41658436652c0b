"""The server's own threads that tell apps how their checks ended. Other deployments run `medauth webhooks deliver`."""

from __future__ import annotations

import threading

import structlog

from medauth.errors import MedauthError
from medauth.evidence.signing import KeyPurpose
from medauth.evidence.token import key_set
from medauth.evidence.webhook import public_form
from medauth.protocol.canonical import Json
from medauth.service.booking import Bookings
from medauth.service.webhooks import Webhooks
from medauth.store.interface import Keyring

THREADS = 4
"""An app that answers slowly keeps one of them waiting."""
PAUSE_S = 1.0


class Outbox:
    """Looks for what is due, again and again."""

    def __init__(self, webhooks: Webhooks, bookings: Bookings) -> None:
        self._webhooks = webhooks
        self._bookings = bookings

    def start(self, stopped: threading.Event) -> None:
        """From now on until the event is set."""
        for number in range(THREADS):
            name, first = f"medauth-outbox-{number}", number == 0
            threading.Thread(target=self._work_until, args=(stopped, first), name=name, daemon=True).start()

    def look(self, *, first: bool) -> None:
        """Tries what is due. One of the threads also ends the bookings whose time is over, which is what is told of."""
        if first:
            self._bookings.lapse()
        while self._webhooks.deliver_next():
            if first:  # also while an app that answers slowly has many to be told
                self._bookings.lapse()

    def _work_until(self, stopped: threading.Event, first: bool) -> None:
        while not stopped.wait(PAUSE_S):
            try:
                self.look(first=first)
            except MedauthError as error:
                structlog.get_logger().error("webhooks wait", code=error.code, got=error.got)
            except Exception:  # noqa: BLE001 - a thread that died would let webhooks wait for the next start
                structlog.get_logger().exception("webhooks wait")


def webhook_keys(keyring: Keyring) -> dict[str, Json]:
    """The key that signs webhooks now, as a JWK set, and as libraries for Standard Webhooks take it.

    One that was replaced is in it no more: each try is signed anew.
    """
    key = keyring.signing_key(KeyPurpose.WEBHOOKS).verify_key
    return key_set({key.key_id: key}, KeyPurpose.WEBHOOKS) | {"standard_webhooks": [public_form(key)]}
