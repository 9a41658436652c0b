"""A sandbox check at the camera: the page is played a check, whatever it films, and told at once that it is none."""

from __future__ import annotations

import json
from typing import Any

from medauth.errors import CeremonyError
from medauth.protocol.verdict import Decision
from medauth.service.booking import Booking, Bookings
from medauth.service.sandbox import Script, end_sandbox
from medauth.web.attendance import OUTCOMES, FailureCode
from medauth.web.socket import WebSocket

PROMPTS: tuple[dict[str, Any], ...] = (
    {"action": "blink", "times": 1},
    {"action": "smile", "hold_s": 0},
    {"action": "turn_left", "far": False},
)
FRAMES_EACH = 12
SILENCE_S = 20.0


def play(line: WebSocket, bookings: Bookings, booking: Booking) -> None:
    """From `ready` to the end. Frames are counted and not looked at. Raises `Disconnected`."""
    if not bookings.begin(booking):
        line.send(json.dumps({"type": "failed", "code": FailureCode.REFUSED.value, "sandbox": True}))
        line.close()
        return
    line.send(json.dumps({"type": "ready", "resume": "", "commitment": "", "frame": 0, "sandbox": True}))
    for frame in range(1, FRAMES_EACH * len(PROMPTS) + 1):
        line.receive(SILENCE_S)
        line.send(json.dumps(_state(frame)))
    try:
        end = _end(end_sandbox(bookings, booking))
    except CeremonyError:  # it was ended by a call meanwhile, or its time was over
        end = {"type": "failed", "code": FailureCode.EXPIRED.value, "sandbox": True}
    line.send(json.dumps(end))
    line.close()


def _state(frame: int) -> dict[str, Any]:
    step = min(frame // FRAMES_EACH, len(PROMPTS))
    done = step == len(PROMPTS)
    prompt = None if done else {"index": step, **PROMPTS[step]}
    shown = {"step": step, "steps": len(PROMPTS), "prompt": prompt, "hint": None, "light": None}
    return {"type": "state", "frame": frame, **shown, "done": done, "sandbox": True}


def _end(script: Script) -> dict[str, Any]:
    if script.code:
        known = {code.value for code in FailureCode}
        return {"type": "failed", "code": script.code if script.code in known else "refused", "sandbox": True}
    outcome = OUTCOMES[Decision(script.outcome)].value
    return {"type": "end", "outcome": outcome, "hint": None, "sandbox": True}
