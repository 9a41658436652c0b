"""One person's live check, whatever connections it takes: frames in, and of all that was found out only what they may know.

They get the prompt that is on, one hint, how far along they are, and at the end whether the check was passed. Never a
score, a reason, or whether a step was right.
"""

from __future__ import annotations

import math
import secrets
import struct
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from medauth.capture.interface import CapturedFrame
from medauth.errors import CheckExpired, InputError
from medauth.protocol.advice import FASTER_CAMERA, FOLLOW, LIGHT, MICROPHONE, MOUTH, RELAX, SCREEN, SPEAK_UP, STAY
from medauth.protocol.ceremony import Phase
from medauth.protocol.challenge import RULES, Step, Unit
from medauth.protocol.observation import HINTS, CaptureProblem, Prompt
from medauth.protocol.performance import LONG_HOLD_MS
from medauth.protocol.verdict import Decision, Verdict
from medauth.protocol.wording import TURNS, is_wide
from medauth.service.passkeys import PasskeyStep
from medauth.session import AuthenticationSession, Progress

MAX_FRAME_BYTES = 512 * 1024
"""A 1280 x 720 JPEG at high quality."""
SOUND_MARK = b"\xff" * 8
"""Begins a piece of sound. As a frame's time it would be no number."""
_CLIENT_TIME = struct.Struct(">d")
ANSWER_MS = 1_000
"""The end is told on this grid, counted from the last frame, so that the time it takes tells nothing."""


class FailureCode(StrEnum):
    """Why a person's check ended without an outcome. Of capture and connection alone, whatever the reason was."""

    REFUSED = "refused"
    BUSY = "busy"
    EXPIRED = "expired"
    CONNECTION_LOST = "connection_lost"
    UNAVAILABLE = "unavailable"


class Outcome(StrEnum):
    """What the person gets to know of the verdict: every refusal looks alike."""

    PASSED = "passed"
    NOT_PASSED = "not_passed"
    REHEARSED = "rehearsed"


OUTCOMES: Mapping[Decision, Outcome] = {
    Decision.LIVE: Outcome.PASSED,
    Decision.NOT_LIVE: Outcome.NOT_PASSED,
    Decision.INCONCLUSIVE: Outcome.NOT_PASSED,
    Decision.REHEARSED: Outcome.REHEARSED,
}
ADVICE_CODES: Mapping[str, str] = {
    **{text: problem.value for problem, text in HINTS.items()},
    LIGHT: CaptureProblem.TOO_DARK.value,
    RELAX: "relax",
    FASTER_CAMERA: "faster_camera",
    STAY: "stay",
    FOLLOW: "follow",
    MICROPHONE: "microphone",
    SPEAK_UP: "speak_up",
    MOUTH: "mouth",
    SCREEN: "screen",
}
"""What a person may be told after an inconclusive check, as codes. What is not here is told as nothing: such a check looks
like a refused one, whose text says what helps most (ADR 0650)."""
_HINT_CODES = {text: problem.value for problem, text in HINTS.items()} | {RELAX: "relax"}


class Attendance:
    """A check that somebody attends. Thread-safe: a connection that was lost may still be at it when the next one comes."""

    def __init__(
        self,
        booking_id: str,
        session: AuthenticationSession,
        *,
        rehearsal: bool,
        clock_ms: Callable[[], float],
        origin: str = "",
        passkeys: PasskeyStep | None = None,
    ) -> None:
        self.booking_id = booking_id
        self.origin = origin
        self.passkeys = passkeys
        """What is asked for after a live verdict, and after no other."""
        self.session = session
        self.resume_key = secrets.token_urlsafe(18)
        """Shown by the same page after its connection was lost; a second device does not have it."""
        self.lost_ms: float | None = None
        """Since when nobody is connected."""
        self.connection = 0
        """Counts up with every connection: an older one must stop."""
        self.verdict: Verdict | None = None
        self.done = False
        """No more frames are needed: whoever brought the last one has the check decided."""
        self.expired = False
        self._rehearsal = rehearsal
        self._clock_ms = clock_ms
        self._frames = 0
        self._first_client_ms: float | None = None
        self._last_frame_ms = clock_ms()
        self._lock = threading.RLock()

    def greeting(self) -> dict[str, Any]:
        """What the person's page gets to know before its first frame."""
        return {
            "type": "ready",
            "resume": self.resume_key,
            "commitment": self.session.commitment.hex(),
            "frame": self._frames,
        }

    def take(self, message: bytes) -> tuple[dict[str, Any], bool]:
        """One frame: eight bytes of the page's own clock, then the JPEG. The state to show; True when no more are needed.

        Raises `InputError` for what is no frame.
        """
        client_ms, jpeg = _split(message)
        with self._lock:
            self._last_frame_ms = self._clock_ms()
            if self.done:  # the one who brought the last frame was lost before the check was decided
                return {"type": "state", "frame": self._frames, "done": True}, True
            # What the page says of its time is data to be judged and never the clock of a check that decides something. A
            # rehearsal runs on its recording's time, from its first frame on.
            self._first_client_ms = client_ms if self._first_client_ms is None else self._first_client_ms
            media_ms = client_ms - self._first_client_ms if self._rehearsal else client_ms
            try:
                progress = self.session.push(CapturedFrame(None, jpeg=jpeg, media_ms=media_ms))
            except CheckExpired:
                self.expired = self.done = True
                return {"type": "state", "frame": self._frames, "done": True}, True
            self._frames += 1
            self.expired, self.done = progress.phase is Phase.EXPIRED, progress.done
            return state_of(progress, self._frames), progress.done

    def hear(self, message: bytes) -> None:
        """One piece of sound: eight bytes that no frame begins with, then 16-bit samples. What comes while nothing is to be
        said, or after the last frame, is left out. Raises `InputError` for what is no sound, and for too much of it.
        """
        with self._lock:
            if not self.done:
                try:
                    self.session.hear(message[len(SOUND_MARK) :])
                except CheckExpired:
                    self.expired = self.done = True

    def take_up(self) -> bool:
        """Counts a new connection; False where the last frame has come and the one who brought it is there to be told."""
        with self._lock:
            if self.done and self.lost_ms is None:
                return False
            self.connection += 1
            self.lost_ms = None
            return True

    def conclude(self) -> Verdict:
        """The verdict; the same one for all who ask. Raises `StoreError`, and may be asked again then."""
        with self._lock:
            if self.verdict is None:
                self.verdict = self.session.finish()
            return self.verdict

    @property
    def awaits_passkey(self) -> bool:
        """The verdict is live and recorded, and yields a token only once a passkey confirmed it."""
        verdict = self.verdict
        live = verdict is not None and verdict.decision is Decision.LIVE
        return self.passkeys is not None and live and not self.expired

    def wait_before_answer_ms(self) -> float:
        """How long until the end may be told."""
        took = self._clock_ms() - self._last_frame_ms
        return math.ceil(max(took, 1.0) / ANSWER_MS) * ANSWER_MS - took


def end_of(verdict: Verdict) -> dict[str, Any]:
    """What a person may know at the end: whether they passed, and one thing to do better where the camera saw too little."""
    return {
        "type": "end",
        "outcome": OUTCOMES[verdict.decision].value,
        "hint": ADVICE_CODES.get(verdict.hint) if verdict.decision is Decision.INCONCLUSIVE else None,
    }


def end_with_passkey(*, confirmed: bool) -> dict[str, Any]:
    """The end after a passkey was asked for: one that did not hold looks like every other refusal."""
    outcome = Outcome.PASSED if confirmed else Outcome.NOT_PASSED
    return {"type": "end", "outcome": outcome.value, "hint": None}


def state_of(progress: Progress, frames: int) -> dict[str, Any]:
    """What a person may know after a frame."""
    return {
        "type": "state",
        "frame": frames,
        "step": progress.steps_done,
        "steps": progress.steps,
        "prompt": prompt_of(progress.prompt),
        "hint": _HINT_CODES.get(progress.hint, progress.hint) or None,
        "light": None if progress.light is None else "#{:02x}{:02x}{:02x}".format(*progress.light.rgb),
        "done": progress.done,
    }


def prompt_of(prompt: Prompt | None) -> dict[str, Any] | None:
    """A prompt as words and pictogram need it: how often, how far, for how long; never the bands that pass."""
    return (
        None if prompt is None else {"index": prompt.index, "action": prompt.step.action.value} | _manner(prompt.step)
    )


def _manner(step: Step) -> dict[str, Any]:
    if step.digits:
        return {"digits": step.digits}
    if RULES[step.action].unit is Unit.TIMES:
        return {"times": step.target}
    if step.hold_max_ms:
        return {"hold_s": math.ceil(step.hold_min_ms / 1_000) if step.hold_min_ms >= LONG_HOLD_MS else 0}
    return {"far": is_wide(step)} if step.action in TURNS else {}


def _split(message: bytes) -> tuple[float, bytes]:
    if not _CLIENT_TIME.size < len(message) <= MAX_FRAME_BYTES:
        raise InputError("a message that is no frame", expected=f"a JPEG of at most {MAX_FRAME_BYTES} bytes")
    (client_ms,) = _CLIENT_TIME.unpack_from(message)
    if not math.isfinite(client_ms):
        raise InputError("a frame without a time", expected="a finite number of milliseconds")
    return client_ms, message[_CLIENT_TIME.size :]
