"""The live check over a WebSocket: JPEG frames up, prompts down, all judgement here.

The page says `{"type": "hello", "session": ..., "resume": ...}`. `welcome` says whether colours will be shown and whether
the check may be done without; the page answers `{"type": "begin", "colours": ...}`. `ready` (at once where a lost connection
is taken up again) is followed by binary messages, each a frame (`attendance.py`), each answered by the state to show;
where `welcome` said `microphone` (of a check without colours: `microphone_without`), and while a prompt holds digits, also
pieces of sound, which nothing answers. Where the app asked for a passkey, a live verdict is followed by `webauthn`, to which
the page answers `assertion` or `no_assertion`. The last message is `end` with the outcome, or `failed` with a code.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from flask import Blueprint, Response, request

from medauth.errors import CeremonyError, InputError, MedauthError
from medauth.protocol.base64url import encoded
from medauth.protocol.canonical import parse_object
from medauth.protocol.policy import policy_named
from medauth.service.booking import Booking
from medauth.service.passkeys import PasskeyStep
from medauth.store.booking_interface import PasskeyAnswer, PasskeyState
from medauth.web.attendance import MAX_FRAME_BYTES, SOUND_MARK, Attendance, FailureCode, end_of, end_with_passkey
from medauth.web.limits import Limit, Places
from medauth.web.metrics import Metrics
from medauth.web.passkeys import ask, heard, judged
from medauth.web.problems import Problem
from medauth.web.room import Arrival, Refused, Room
from medauth.web.sandbox import play
from medauth.web.socket import AfterSocket, Disconnected, WebSocket

HELLO_S = 10.0
CONSIDER_S = 120.0
"""For so long a person may think about colours."""
SILENCE_S = 20.0
"""A connection without a frame for so long is lost."""
REFUSAL_MS = 400
"""Every refusal takes this long, whatever it was for."""
FRAMES_PER_S, FRAMES_AT_ONCE = 40.0, 80
PIECES_PER_S, PIECES_AT_ONCE = 25.0, 300
"""Of sound, down to 40 ms each. Nothing holds them back as frames are: what a line kept for ten seconds comes all at once."""
WAITING_AT_ONCE = 8
"""Connections of one address that have not begun a check yet: each holds a thread."""
PLAYING_AT_ONCE = 4
"""Sandbox checks of one app at the camera: they are in no room, and hold a thread each."""
_MAX_TEXT = 4_096


class LiveChecks:
    """Drives connections. One call of `serve` is one connection, on its own thread."""

    def __init__(
        self,
        room: Room,
        metrics: Metrics,
        clock_ms: Callable[[], float],
        wait_ms: Callable[[float], None] = lambda ms: time.sleep(max(0.0, ms) / 1_000),
        *,
        digest_of: Callable[[str], bytes],
    ) -> None:
        """`digest_of` gives the digest of the statement of a record, which a passkey confirms."""
        self._room = room
        self._digest_of = digest_of
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._wait_ms = wait_ms
        self._frames = Limit(burst=FRAMES_AT_ONCE, per_s=FRAMES_PER_S, clock_ms=clock_ms)
        self._pieces = Limit(burst=PIECES_AT_ONCE, per_s=PIECES_PER_S, clock_ms=clock_ms)
        self._waiting = Places(WAITING_AT_ONCE)
        self._playing = Places(PLAYING_AT_ONCE)
        self._lines: dict[str, WebSocket] = {}
        """By booking, the connection of now."""
        self._lock = threading.Lock()

    def serve(self, line: WebSocket, origin: str, address: str) -> None:
        """From hello to goodbye."""
        began = self._clock_ms()
        try:
            attendance = self._awaited(line, origin, address)
        except (Refused, MedauthError) as error:
            self._refuse(line, error, began)
            return
        if isinstance(attendance, Booking):
            with suppress(Disconnected):
                self._play(line, attendance)
            return
        connection = attendance.connection
        self._succeed(line, attendance)
        self._metrics.running.set(self._room.count())
        try:
            line.send(json.dumps(attendance.greeting()))
            self._follow(line, attendance, connection)
        except Disconnected:
            pass
        finally:
            # Whatever broke it off: a check that is not at its end waits for a while, and holds its place no longer.
            self._room.leave(attendance, connection)
            self._metrics.running.set(self._room.count())
            line.close()
            with self._lock:
                if self._lines.get(attendance.booking_id) is line:
                    del self._lines[attendance.booking_id]

    def _succeed(self, line: WebSocket, attendance: Attendance) -> None:
        """Hangs an earlier connection of the same check up: silent, it would hold its thread for as long as it likes."""
        with self._lock:
            earlier = self._lines.get(attendance.booking_id)
            self._lines[attendance.booking_id] = line
        if earlier is not None:
            earlier.hang_up()

    def _play(self, line: WebSocket, booking: Booking) -> None:
        if not self._playing.take(booking.row.access_id):
            line.send(json.dumps({"type": "failed", "code": FailureCode.BUSY.value, "sandbox": True}))
            line.close()
            return
        try:
            play(line, self._room.bookings, booking)
        finally:
            self._playing.give_back(booking.row.access_id)

    def _awaited(self, line: WebSocket, origin: str, address: str) -> Attendance | Booking:
        if not self._waiting.take(address):
            raise Refused("too many from one address")
        try:
            return self._admitted(line, origin, address)
        finally:
            self._waiting.give_back(address)

    def _admitted(self, line: WebSocket, origin: str, address: str) -> Attendance | Booking:
        """From hello to a running check, or a sandbox's to be played. Raises `Refused`, `Disconnected`, `InputError`."""
        said = _said(line.receive(HELLO_S), "hello", {"session": str, "resume": str})
        arrival = Arrival(said.get("session", ""), origin, address, said.get("resume", ""))
        found = self._room.receive(arrival)
        if isinstance(found, Attendance):
            return found
        welcome = _welcome(found)
        line.send(json.dumps(welcome))
        answer = _said(line.receive(CONSIDER_S), "begin", {"colours": bool})
        if found.row.sandbox:
            return found
        return self._room.begin(found, arrival, colours=answer.get("colours", True) or not welcome["colours"])

    def _follow(self, line: WebSocket, attendance: Attendance, connection: int) -> None:
        """Takes frames until the check is done, a message is none, or another connection took over."""
        done = False
        while not done:
            message = line.receive(SILENCE_S)
            if not self._room.is_current(attendance, connection):
                return
            self._measure(line, attendance)
            try:
                if isinstance(message, bytes) and message.startswith(SOUND_MARK):
                    self._heard(attendance, message)
                    done = attendance.done
                    continue
                state, done = self._taken(attendance, message)
            except (InputError, CeremonyError) as error:
                structlog.get_logger().info("not a frame", code=error.code)
                self._end(line, attendance, FailureCode.REFUSED)
                return
            except MedauthError as error:
                structlog.get_logger().error("a frame or sound could not be kept", code=error.code, got=error.got)
                self._end(line, attendance, FailureCode.UNAVAILABLE)
                return
            line.send(json.dumps(state))
        # Another one took the check up while the last frame was looked at: that one has it decided, and hears the end.
        if self._room.is_current(attendance, connection):
            self._answer(line, attendance)

    def _measure(self, line: WebSocket, attendance: Attendance) -> None:
        """Tells the check how long a message takes there and back, by pings of this side."""
        if line.round_trip_ms is not None:
            attendance.session.set_round_trip(line.round_trip_ms)
        line.ping()

    def _taken(self, attendance: Attendance, message: str | bytes) -> tuple[dict[str, Any], bool]:
        if isinstance(message, str):
            raise InputError("a message that is no frame", expected="binary messages alone")
        if self._frames.wait_ms(attendance.booking_id):
            raise InputError("more frames than a camera takes", expected=f"at most {FRAMES_PER_S:.0f} a second")
        with self._metrics.frame_s.time():
            return attendance.take(message)

    def _heard(self, attendance: Attendance, message: bytes) -> None:
        if self._pieces.wait_ms(attendance.booking_id):
            raise InputError("more pieces of sound than time", expected=f"at most {PIECES_PER_S:.0f} a second")
        attendance.hear(message)

    def _answer(self, line: WebSocket, attendance: Attendance) -> None:
        """Decides at once, and tells when it is time."""
        try:
            verdict = self._room.conclude(attendance)
        except MedauthError as error:
            structlog.get_logger().error("a verdict could not be recorded", code=error.code, got=error.got)
            self._end(line, attendance, FailureCode.UNAVAILABLE)
            return
        self._wait_ms(attendance.wait_before_answer_ms())
        if attendance.expired:
            line.send(json.dumps({"type": "failed", "code": FailureCode.EXPIRED.value}))
        elif attendance.passkeys is not None and attendance.awaits_passkey:
            self._confirm(line, attendance, attendance.passkeys, verdict.evidence_id)
        else:
            line.send(json.dumps(end_of(verdict)))

    def _confirm(self, line: WebSocket, attendance: Attendance, step: PasskeyStep, record_id: str) -> None:
        """Asks for a passkey. Whoever goes away, and whatever comes instead of one, the check ends here, and once."""
        answer = PasskeyAnswer(PasskeyState.MISSING)
        try:
            try:
                challenge = self._digest_of(record_id)
                ask(line, step, challenge)
                answer = self._answered(line, attendance, step, challenge)
            finally:
                ended = self._room.settle(attendance, answer)
        except MedauthError as error:
            structlog.get_logger().error("a passkey could not be asked for", code=error.code, got=error.got)
            self._end(line, attendance, FailureCode.UNAVAILABLE)
            return
        confirmed = ended and answer.passkey_state is PasskeyState.VERIFIED
        line.send(json.dumps(end_with_passkey(confirmed=confirmed)))

    def _answered(self, line: WebSocket, attendance: Attendance, step: PasskeyStep, challenge: bytes) -> PasskeyAnswer:
        try:
            said = heard(line, self._clock_ms)
        except InputError:
            return PasskeyAnswer(PasskeyState.FAILED)
        if said is None:
            return PasskeyAnswer(PasskeyState.MISSING)
        held = judged(said, step, challenge, attendance.origin)
        if held is None:
            return PasskeyAnswer(PasskeyState.FAILED)
        named = encoded(held.credential_id)
        return self._room.bookings.confirmed(named, held.sign_count, user_verified=held.user_verified)

    def _end(self, line: WebSocket, attendance: Attendance, code: FailureCode) -> None:
        self._room.fail(attendance, code)
        line.send(json.dumps({"type": "failed", "code": code.value}))

    def _refuse(self, line: WebSocket, error: Exception, began: float) -> None:
        """The same words after the same time, whatever it was."""
        code = error.code if isinstance(error, Refused) else FailureCode.REFUSED
        if isinstance(error, MedauthError) and not isinstance(error, InputError):
            code = FailureCode.UNAVAILABLE
            structlog.get_logger().error(
                "a check could not begin", code=error.code, got=error.got, next_step=error.next_step
            )
        why = error.why if isinstance(error, Refused) else str(code)
        self._metrics.refusals.labels(why).inc()
        structlog.get_logger().info("refused", why=why)
        self._wait_ms(REFUSAL_MS - (self._clock_ms() - began))
        try:
            line.send(json.dumps({"type": "failed", "code": code.value}))
        except Disconnected:
            return
        line.close()


def live_blueprint(live: LiveChecks, connections: Limit) -> Blueprint:
    """The one address of live checks."""
    blueprint = Blueprint("live", __name__)

    @blueprint.get("/api/v1/live", websocket=True)
    def _live() -> Response:
        address = request.remote_addr or ""
        wait_ms = connections.wait_ms(address)
        if wait_ms:
            raise Problem(429, "rate", "too many connections", "wait a moment", retry_after_ms=wait_ms)
        try:
            line = WebSocket(request.environ, max_message=MAX_FRAME_BYTES)
            live.serve(line, request.headers.get("Origin", ""), address)
        except Disconnected:
            pass
        return AfterSocket()

    return blueprint


def _welcome(found: Booking) -> dict[str, Any]:
    """What a page needs to know before it begins. A microphone is asked for on the way alone that listens."""
    rules, around = policy_named(found.request.policy), found.request.without_colours
    light = rules.light is not None
    without = light and bool(around)
    further = {
        "microphone": rules.spoken,
        "microphone_without": without and policy_named(around).spoken,
        "sandbox": bool(found.row.sandbox),
    }
    told = {name: True for name, so in further.items() if so}
    return {"type": "welcome", "colours": light, "without": without} | told


def _said(message: str | bytes, kind: str, known: Mapping[str, type]) -> dict[str, Any]:
    """A text message of that kind, with known fields of known types alone. Raises `InputError`."""
    if not isinstance(message, str) or len(message) > _MAX_TEXT:
        raise InputError(f"a message that is no {kind}")
    said = parse_object(message.encode("utf-8", "surrogatepass"))
    fields = {name: value for name, value in said.items() if name != "type"}
    if said.get("type") != kind or any(type(value) is not known.get(name) for name, value in fields.items()):
        raise InputError(f"a message that is no {kind}")
    return fields
