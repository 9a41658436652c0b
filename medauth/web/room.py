"""Who is being checked now: lets in whoever may attend, keeps a place while a connection is lost, ends what is overdue."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from medauth.errors import MedauthError, NotFound, TooManyFailures
from medauth.protocol.policy import policy_named
from medauth.protocol.verdict import Verdict
from medauth.service.booking import Booking, Bookings
from medauth.service.passkeys import passkeys_in
from medauth.session import AuthenticationSession
from medauth.store.booking_interface import BookingState, PasskeyAnswer, PasskeyState
from medauth.web.attendance import Attendance, FailureCode

GRACE_MS = 15_000
"""For so long a lost connection may be taken up again."""
_OVERDUE_MS = 5_000
SWEEP_S = 1.0

OpenSession = Callable[[Booking, str, str], AuthenticationSession]
"""(booking, policy, client) to a running check. Raises `TooManyFailures`, `StoreError`."""


class Refused(Exception):
    """Nobody is let in; the person learns no more than `code`, the operator's log `why`."""

    def __init__(self, why: str, code: FailureCode = FailureCode.REFUSED) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a connection says of itself before its first frame."""

    session: str
    origin: str
    address: str
    resume: str = ""


OnEnd = Callable[[str, Attendance], None]
"""(how it ended, attendance): called once for each check."""


class Room:
    """All attended checks of one process. Thread-safe."""

    def __init__(
        self,
        bookings: Bookings,
        open_session: OpenSession,
        *,
        most: int,
        clock_ms: Callable[[], float],
        on_end: OnEnd = lambda _end, _attendance: None,
    ) -> None:
        self.bookings = bookings
        self._open_session = open_session
        self._most = most
        self._clock_ms = clock_ms
        self._on_end = on_end
        self._present: dict[str, Attendance] = {}
        self._entering = 0
        self._lock = threading.RLock()

    def receive(self, arrival: Arrival) -> Booking | Attendance:
        """Who comes for a check that waits, or takes a lost one up again. Raises `Refused`."""
        try:
            booking = self.bookings.attended(arrival.session)
        except NotFound as error:
            raise Refused("unknown session") from error
        request = booking.request
        if request.origin != arrival.origin:
            raise Refused("another origin")
        if request.address and request.address != arrival.address:
            raise Refused("another address")
        if booking.row.state is BookingState.RUNNING:
            return self._taken_up(booking.row.booking_id, arrival.resume)
        return booking

    def begin(self, booking: Booking, arrival: Arrival, *, colours: bool = True) -> Attendance:
        """Begins a check, once. Raises `Refused`, `StoreError`."""
        policy = booking.request.policy if colours else booking.request.without_colours
        if not policy:
            raise Refused("no policy without colours")
        with self._lock:
            if len(self._present) + self._entering >= self._most:
                raise Refused("the room is full", FailureCode.BUSY)
            self._entering += 1
        try:
            return self._begun(booking, policy, arrival)
        finally:
            with self._lock:
                self._entering -= 1

    def is_current(self, attendance: Attendance, connection: int) -> bool:
        """False once a newer connection has taken the check up."""
        return attendance.connection == connection

    def leave(self, attendance: Attendance, connection: int) -> None:
        """A connection was lost: the place is kept for a while."""
        with self._lock:
            if attendance.connection == connection:
                attendance.lost_ms = self._clock_ms()

    def conclude(self, attendance: Attendance) -> Verdict:
        """Decides and records; the booking ends too, unless a passkey is to confirm it. Raises `StoreError`, after which
        it may be called again."""
        verdict = attendance.conclude()
        if not attendance.awaits_passkey:
            self.settle(attendance)
        return verdict

    def settle(self, attendance: Attendance, passkey: PasskeyAnswer | None = None) -> bool:
        """Ends the booking of a check that has its verdict; False where it ended before. Raises `StoreError`."""
        verdict = attendance.conclude()
        ended = self.bookings.done(attendance.booking_id, verdict.decision.value, verdict.evidence_id, passkey)
        if ended:
            self._on_end(verdict.decision.value, attendance)
        self._remove(attendance)
        return ended

    def fail(self, attendance: Attendance, code: FailureCode) -> None:
        """Ends a check without a verdict, its start stays on record; or one with a verdict without a passkey."""
        self._remove(attendance)
        if attendance.awaits_passkey:
            self.settle(attendance, PasskeyAnswer(PasskeyState.MISSING))
            return
        try:
            attendance.session.close()
        finally:
            if self.bookings.failed(attendance.booking_id, code.value):
                self._on_end(code.value, attendance)

    def sweep(self) -> None:
        """Ends what nobody came back to, or whose time is over."""
        now = self._clock_ms()
        with self._lock:
            lost = [a for a in self._present.values() if a.lost_ms is not None and now - a.lost_ms > GRACE_MS]
        for attendance in lost:
            try:
                self.fail(attendance, FailureCode.CONNECTION_LOST)
            except MedauthError as error:
                structlog.get_logger().error("a lost check could not be closed", code=error.code)

    def sweep_until(self, stopped: threading.Event) -> None:
        """Sweeps now and then; for a thread of its own."""
        while not stopped.wait(SWEEP_S):
            self.sweep()

    def close(self) -> None:
        """Ends all checks: the server stops."""
        with self._lock:
            present = list(self._present.values())
        for attendance in present:
            self.fail(attendance, FailureCode.CONNECTION_LOST)

    def count(self) -> int:
        """How many are present."""
        return len(self._present)

    def _begun(self, booking: Booking, policy: str, arrival: Arrival) -> Attendance:
        if not self.bookings.begin(booking):
            raise Refused("used or expired")
        session = self._opened(booking, policy, arrival)
        attendance = Attendance(
            booking.row.booking_id,
            session,
            rehearsal=policy_named(policy).rehearsal,
            clock_ms=self._clock_ms,
            origin=booking.request.origin,
            passkeys=passkeys_in(booking.request.webauthn, booking.request.origin),
        )
        attendance.connection = 1
        self.bookings.name_check(booking, session.check_id)
        with self._lock:
            self._present[attendance.booking_id] = attendance
        return attendance

    def _opened(self, booking: Booking, policy: str, arrival: Arrival) -> AuthenticationSession:
        client = booking.request.client or arrival.address
        try:
            return self._open_session(booking, policy, client)
        except TooManyFailures as error:
            self.bookings.failed(booking.row.booking_id, "attempts")
            raise Refused("too many failures") from error
        except MedauthError:
            self.bookings.failed(booking.row.booking_id, FailureCode.UNAVAILABLE.value)
            raise

    def _taken_up(self, booking_id: str, resume: str) -> Attendance:
        with self._lock:
            attendance = self._present.get(booking_id)
            if attendance is None or not hmac.compare_digest(attendance.resume_key.encode(), resume.encode()):
                raise Refused("in use elsewhere")
            if attendance.awaits_passkey:
                raise Refused("its passkey is asked for")
            if not attendance.take_up():
                raise Refused("it is being decided")
            return attendance

    def _remove(self, attendance: Attendance) -> None:
        with self._lock:
            self._present.pop(attendance.booking_id, None)
