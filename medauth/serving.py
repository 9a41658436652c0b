"""What a server needs for those who ask over the network, wired: apps, the checks they ask for, how one is begun.

With `bootstrap.py` and its neighbours the only modules that know concrete classes.
"""

from __future__ import annotations

from medauth.bootstrap import Medauth
from medauth.delivery.addresses import networks_of
from medauth.delivery.https import HttpsCourier
from medauth.errors import MissingTool
from medauth.evaluation.rehearsal import FRANCK
from medauth.protocol.policy import POLICIES, policy_named
from medauth.service.access import Accesses
from medauth.service.booking import Booking, Bookings
from medauth.service.tokens import Tokens, TokenVerifier
from medauth.service.webhooks import OnTry, Webhooks
from medauth.session import AuthenticationSession
from medauth.signals.digit_recogniser import load_sphinx
from medauth.store.bookings import SqlBookings
from medauth.store.register import SqlRegister
from medauth.store.webhooks import SqlWebhooks


def bookings_of(auth: Medauth) -> Bookings:
    """Checks that apps ask for."""
    engine = auth.store.engine
    return Bookings(SqlBookings(engine), SqlWebhooks(engine), auth.keyring, auth.sources.now_ms)


def policies_here() -> tuple[str, ...]:
    """The policies that a server on this machine can decide checks by: those that listen need the extra `speech`."""
    try:
        load_sphinx()
    except MissingTool:
        return tuple(name for name, rules in POLICIES.items() if not rules.spoken)
    return tuple(POLICIES)


def accesses_of(auth: Medauth) -> Accesses:
    """Apps that may ask."""
    return Accesses(SqlBookings(auth.store.engine), auth.keyring, auth.sources.now_ms)


def register_of(auth: Medauth) -> SqlRegister:
    """Checks, for those who look through them."""
    return SqlRegister(auth.store.engine)


def tokens_of(auth: Medauth, issuer: str) -> Tokens:
    """Verdict tokens, as issued by the server at this address."""
    return Tokens(auth.store, auth.keyring, issuer)


def webhooks_of(auth: Medauth, on_try: OnTry = lambda _: None) -> Webhooks:
    """What apps are to be told, on its way. A server for this machine alone may tell this machine, without https."""
    settings, sources = auth.settings, auth.sources
    networks, loopback = networks_of(settings.webhook_networks), settings.web_is_local
    return Webhooks(
        outbox_of(auth),
        auth.keyring,
        HttpsCourier(networks=networks, loopback=loopback),
        now_ms=sources.now_ms,
        randbelow=sources.randbelow,
        on_try=on_try,
    )


def outbox_of(auth: Medauth) -> SqlWebhooks:
    """What apps are to be told, as it is kept."""
    return SqlWebhooks(auth.store.engine)


def token_verifier(auth: Medauth, *, issuer: str, audience: str) -> TokenVerifier:
    """For an app beside this server: the same keys, and one memory of what was used. `audience` is the app's access id."""
    store = SqlBookings(auth.store.engine)
    return TokenVerifier(auth.keyring.trusted(), store, issuer=issuer, audience=audience, now_ms=auth.sources.now_ms)


def begin(auth: Medauth, booking: Booking, policy: str, client: str) -> AuthenticationSession:
    """A booked check, running. A rehearsal runs by the script of its clip. Raises `TooManyFailures`."""
    asked = booking.request
    if policy_named(policy).rehearsal:
        return auth.rehearse(FRANCK.steps, subject=asked.subject)
    return auth.start(subject=asked.subject, purpose=asked.purpose, policy=policy, origin=asked.origin, client=client)
