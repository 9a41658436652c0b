"""A page of numbers at the other end of a live check: it sends frames and answers every prompt that it is shown."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from medauth.protocol.challenge import Step
from medauth.protocol.policy import STANDARD
from medauth.service.booking import Booking, Bookings, Request
from medauth.service.tokens import Tokens
from medauth.session import AuthenticationSession
from medauth.store.bookings import SqlBookings
from medauth.store.webhooks import SqlWebhooks
from medauth.web.attendance import Attendance
from medauth.web.live import LiveChecks
from medauth.web.metrics import Metrics
from medauth.web.room import Room
from medauth.web.socket import Disconnected
from tests.unit.checks import FRAME_MS, STEPS, Check, Server
from tests.unit.protocol.performer import answer

SITE = "https://app.example"
FRAME = struct.pack(">d", 1_700_000_000_000.0) + b"\xff\xd8 a picture"
ASKED = Request(subject="user-42", purpose="login", policy="standard", origin=SITE)


@dataclass
class Page:
    """What the browser does: `script` says what comes before its frames, `spoil` what replaces a frame."""

    server: Server
    script: list[str | bytes]
    answers: bool = True
    check: Callable[[], Check | None] = lambda: None
    spoil: dict[int, str | bytes | None] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    round_trip_ms: float | None = 40.0
    closed: bool = False
    hung_up: bool = False
    frames: int = 0

    def receive(self, timeout_s: float) -> str | bytes:
        if self.script:
            return self.script.pop(0)
        self.server.clock.ms += FRAME_MS
        self.server.wall.ms += FRAME_MS
        self.frames += 1
        if self.frames in self.spoil:
            spoilt = self.spoil[self.frames]
            if spoilt is None:
                raise Disconnected("gone")
            return spoilt
        return FRAME

    def send(self, text: str) -> None:
        self.told.append(json.loads(text))
        check = self.check()
        if self.answers and check is not None and check.session.prompt is not None:
            answer(check.person, check.session.prompt) if self._is_new() else None

    def ping(self) -> None: ...

    def hang_up(self) -> None:
        self.hung_up = True

    def close(self, code: int = 1000) -> None:
        self.closed = True

    def _is_new(self) -> bool:
        *_, before, now = (None, *(told.get("prompt") for told in self.told[-2:]))
        return now is not None and before != now


@dataclass
class Host:
    """A room over a server of numbers."""

    server: Server
    most: int = 4
    steps: tuple[Step, ...] = STEPS
    check: Check | None = None
    ends: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        engine = self.server.store.engine
        now_ms = lambda: int(self.server.wall.ms)  # noqa: E731 - read when it is asked
        self.bookings = Bookings(SqlBookings(engine), SqlWebhooks(engine), self.server.keyring, now_ms)
        self.room = Room(self.bookings, self.open, most=self.most, clock_ms=self.server.clock, on_end=self._ended)
        digest_of = Tokens(self.server.store, self.server.keyring, "").evidence_digest
        self.live = LiveChecks(self.room, Metrics(), self.server.clock, self._wait, digest_of=digest_of)

    def open(self, booking: Booking, policy: str, client: str) -> AuthenticationSession:
        self.opened = (booking.request, policy, client)
        self.check = self.server.check(f"chk_{booking.row.booking_id}", policy=STANDARD, steps=self.steps)
        return self.check.session

    def session(self, request: Request = ASKED) -> str:
        booking, _ = self.bookings.book("acc_1", request)
        return self.bookings.session(booking.row.booking_id)

    def page(self, session: str, resume: str = "", **rest: Any) -> Page:
        hello = json.dumps({"type": "hello", "session": session, "resume": resume})
        begin = json.dumps({"type": "begin", "colours": True})
        return Page(self.server, [hello] if resume else [hello, begin], check=lambda: self.check, **rest)

    def serve(self, page: Page, origin: str = SITE, address: str = "192.0.2.1") -> Page:
        self.live.serve(page, origin, address)  # type: ignore[arg-type]  # a double of the same form
        return page

    def _wait(self, milliseconds: float) -> None:
        self.waits.append(milliseconds)
        self.server.clock.ms += max(0.0, milliseconds)

    def _ended(self, end: str, _: Attendance) -> None:
        self.ends.append(end)
