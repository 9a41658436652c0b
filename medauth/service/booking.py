"""Checks that apps ask for over the network: fixed when they are asked for, attended once by whoever holds the session.

The session is a capability, not a name: the booking's id with a keyed hash of it, so that the server keeps no secret of
any person's and can hand out the same one again when an app repeats its request.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from medauth.errors import CeremonyError, InputError, NotFound
from medauth.evidence.sealing import seal, unseal
from medauth.protocol.canonical import canonical, parse_object
from medauth.protocol.policy import POLICIES, policy_named
from medauth.service.passkeys import MAX_STEP, passkeys_in
from medauth.service.records import new_id
from medauth.service.verification import new_identity
from medauth.service.webhooks import webhook_for
from medauth.store.booking_interface import (
    BookingEnd,
    BookingRow,
    BookingState,
    BookingStore,
    PasskeyAnswer,
    PasskeyState,
)
from medauth.store.interface import Keyring
from medauth.store.webhook_interface import WebhookRow, WebhookStore

WAITING_MS = 15 * 60_000
"""For so long a booked check may be begun."""
PASSKEY_MS = 120_000
"""For so long a person may look for a passkey once the verdict is live."""
_LATE_MS = 60_000
"""After the longest check, before its process counts as dead."""
MAX_KEY = 255
MAX_URL = 2_048
ORIGIN_PATTERN = r"^[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+$"
"""As browsers state a site (RFC 6454, 6.2): scheme, host and port, in small letters. `null`, which any framed page can have
stated for it, is none, and no page could attend a check for a site with a path behind it."""
_ORIGIN = re.compile(ORIGIN_PATTERN)
_SEALED_AS = "booking"
_MAC_BYTES = 24


@dataclass(frozen=True, slots=True)
class Request:
    """What an app asks for. Fixed from then on: nothing that the person's browser sends can change it."""

    subject: str
    purpose: str
    policy: str
    origin: str
    """The site on which the check may run, such as `https://app.example`."""
    address: str = ""
    """The only network address from which it may be attended; empty: any."""
    client: str = ""
    """What tells one client from another, such as a device's id; failures are counted for it and the subject together.
    Empty: the address it is attended from."""
    without_colours: str = ""
    """The policy in whose place a person may choose whom changing colours trouble, such as `no-flash`; empty: none."""
    callback: str = ""
    """Where the app is told that the check ended; empty: nowhere."""
    sandbox: str = ""
    """The script of a sandbox check (`sandbox.py`); empty: a check."""
    webauthn: str = ""
    """Which passkeys may confirm a live verdict (`passkeys.py`), as JSON; empty: none is asked for."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A booked check with what was asked for."""

    row: BookingRow
    request: Request


class Bookings:
    """Books checks, and finds them again by their session. Over ports."""

    def __init__(
        self, store: BookingStore, webhooks: WebhookStore, keyring: Keyring, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._keyring = keyring
        self._now_ms = now_ms

    def book(self, access_id: str, request: Request, idempotency_key: str = "") -> tuple[Booking, bool]:
        """Books a check; False beside it where the same request was booked before under this key.

        Raises `InputError` for a request that cannot be met, `CeremonyError` for a key used for another request and for
        passkeys that could never be used.
        """
        new_identity(request.subject, request.purpose, request.origin)
        policy_named(request.policy)
        if request.without_colours and policy_named(request.without_colours).light is not None:
            raise InputError("a policy with colours in place of one without", expected="one such as no-flash")
        if passkeys_in(request.webauthn, request.origin) is not None and request.sandbox:
            raise CeremonyError("a sandbox check with a passkey", expected="one or the other")
        if len(idempotency_key) > MAX_KEY:
            raise InputError("an idempotency key that is too long", expected=f"at most {MAX_KEY} characters")
        is_sandbox = bool(request.sandbox)
        booking_id, now, asked = new_id("sbx" if is_sandbox else "bkg"), self._now_ms(), canonical(asdict(request))
        row = BookingRow(
            booking_id=booking_id,
            access_id=access_id,
            idempotency_tag=self._keyring.tag("idempotency", idempotency_key) if idempotency_key else None,
            request_digest=self._keyring.tag("request", asked.decode()),
            sealed=seal(self._key, asked, record_id=booking_id, name=_SEALED_AS),
            policy=request.policy,
            created_ms=now,
            expires_ms=now + WAITING_MS,
            sandbox=is_sandbox,
        )
        kept = self._store.book(row)
        if not hmac.compare_digest(kept.request_digest, row.request_digest):
            raise CeremonyError(
                "this idempotency key came with another request before",
                expected="the same request, or a new key",
                next_step="use a fresh key for each check",
            )
        return Booking(kept, request), kept.booking_id == booking_id

    def booking(self, booking_id: str) -> Booking:
        """Raises `NotFound`. An erased booking's request is blank."""
        return self._opened(self._store.booking(booking_id))

    def session(self, booking_id: str) -> str:
        """What the person's browser shows to attend this check."""
        return f"{booking_id}.{self._mac(booking_id)}"

    def attended(self, session: str) -> Booking:
        """The booking that a session is for. Raises `NotFound` for one that this server did not hand out."""
        booking_id, _, mac = session.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(booking_id).encode()):
            raise NotFound("no such session", expected="the session of a check that was created here")
        return self.booking(booking_id)

    def begin(self, booking: Booking) -> bool:
        """Takes a waiting booking; of parallel calls exactly one succeeds."""
        return self._store.begin_booking(booking.row.booking_id, self._now_ms())

    def name_check(self, booking: Booking, check_id: str) -> None:
        """Which check was begun for it."""
        self._store.name_check(booking.row.booking_id, check_id)

    def done(self, booking_id: str, outcome: str, record_id: str, passkey: PasskeyAnswer | None = None) -> bool:
        """It has a verdict, and the answer of a passkey where one was asked for."""
        ended = BookingEnd(BookingState.DONE, self._now_ms(), record_id=record_id, outcome=outcome, passkey=passkey)
        return self._end(booking_id, ended)

    def confirmed(self, credential: str, sign_count: int, *, user_verified: bool) -> PasskeyAnswer:
        """That a credential (its id in base64url) confirmed, as a booking keeps it: the id as a keyed hash."""
        tag = self._keyring.tag("credential", credential)
        return PasskeyAnswer(PasskeyState.VERIFIED, tag, sign_count, user_verified, self._now_ms())

    def played(self, booking_id: str, outcome: str) -> bool:
        """A sandbox check has the outcome of its script, and no record."""
        return self._end(booking_id, BookingEnd(BookingState.DONE, self._now_ms(), outcome=outcome))

    def failed(self, booking_id: str, code: str) -> bool:
        """It ended without a verdict."""
        return self._end(booking_id, BookingEnd(BookingState.FAILED, self._now_ms(), code=code))

    def lapse(self) -> int:
        """Ends those that nobody came to in time, and those whose process died; how many.

        Their apps are told like of any other end. Safe in several processes at once.
        """
        count, longest_ms = 0, max(policy.timing.session_max_ms for policy in POLICIES.values())
        for row in self._store.overdue_bookings(self._now_ms()):
            waits = row.state is BookingState.WAITING
            if waits or self._now_ms() > row.expires_ms + longest_ms + PASSKEY_MS + _LATE_MS:
                count += self.failed(row.booking_id, "expired" if waits else "connection_lost")
        return count

    def forget(self, booking: Booking) -> bool:
        """Forgets what was asked for, of one that ended and never became a check; False for others."""
        return self._store.blank_booking(booking.row.booking_id)

    def webhook(self, booking_id: str) -> WebhookRow | None:
        """What its app is told of its end, and how that went; None where nothing is to be told, or not yet."""
        return self._webhooks.webhook_of(booking_id)

    def _end(self, booking_id: str, end: BookingEnd) -> bool:
        booking = self.booking(booking_id)
        callback = booking.request.callback
        told = webhook_for(booking.row, end, callback, self._keyring) if callback else None
        return self._store.end_booking(booking_id, end, told)

    @property
    def _key(self) -> bytes:
        return self._keyring.secret("bookings")

    def _mac(self, booking_id: str) -> str:
        # Half a character, as hostile JSON can hold, must not raise.
        named = booking_id.encode("utf-8", "surrogatepass")
        mac = hmac.digest(self._keyring.secret("sessions"), named, "sha256")[:_MAC_BYTES]
        return base64.urlsafe_b64encode(mac).decode()

    def _opened(self, row: BookingRow) -> Booking:
        if not row.sealed:
            return Booking(row, Request("", "", row.policy, ""))
        asked = unseal(self._key, row.sealed, record_id=row.booking_id, name=_SEALED_AS)
        return Booking(row, request_of(parse_object(asked)))


def require_origin(origin: str) -> None:
    """Raises `InputError` for what no browser would state as the site of a page."""
    if not _ORIGIN.fullmatch(origin):
        raise InputError("an origin that is no site", expected="such as https://app.example, without a path")


def request_of(value: Mapping[str, Any]) -> Request:
    """A request from its JSON form. Raises `InputError` that names what is wrong with it."""
    known = {field.name for field in fields(Request)}
    strange = sorted(set(value) - known)
    if strange:
        raise InputError(f"an unknown field {strange[0][:80]!r}", expected=", ".join(sorted(known)))
    for name, given in value.items():
        most = MAX_STEP if name == "webauthn" else MAX_URL
        if not isinstance(given, str) or len(given) > most:
            raise InputError(f"{name} is no text, or too long", expected=f"text of at most {most} characters")
    missing = sorted({"subject", "purpose", "policy", "origin"} - set(value))
    if missing:
        raise InputError(f"{missing[0]} is missing", expected="subject, purpose, policy and origin")
    return Request(**value)
