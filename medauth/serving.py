"""What a server needs for those who ask over the network, wired: apps, the checks they ask for, how one is begun.

With `bootstrap.py` and its neighbours the only modules that know concrete classes.
"""

from __future__ import annotations

from medauth.bootstrap import Medauth
from medauth.evaluation.rehearsal import FRANCK
from medauth.protocol.policy import policy_named
from medauth.service.access import Accesses
from medauth.service.booking import Booking, Bookings
from medauth.service.tokens import Tokens, TokenVerifier
from medauth.session import AuthenticationSession
from medauth.store.bookings import SqlBookings
from medauth.store.register import SqlRegister


def bookings_of(auth: Medauth) -> Bookings:
    """Checks that apps ask for."""
    return Bookings(SqlBookings(auth.store.engine), auth.keyring, auth.sources.now_ms)


def accesses_of(auth: Medauth) -> Accesses:
    """Apps that may ask."""
    return Accesses(SqlBookings(auth.store.engine), auth.keyring, auth.sources.now_ms)


def register_of(auth: Medauth) -> SqlRegister:
    """Checks, for those who look through them."""
    return SqlRegister(auth.store.engine)


def tokens_of(auth: Medauth, issuer: str) -> Tokens:
    """Verdict tokens, as issued by the server at this address."""
    return Tokens(auth.store, auth.keyring, issuer)


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
