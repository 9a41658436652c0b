"""What the person reads for each step, in English; other languages replace this catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from medauth.protocol.challenge import Action, Step
from medauth.protocol.performance import LONG_HOLD_MS

UNDER_LIGHT = "Keep still and look into the camera."
"""While the screen shows its colours."""
_TIMES = {1: "once", 2: "twice", 3: "three times"}
_WIDE_TURN_DEGREES = 25
TURNS = (Action.TURN_LEFT, Action.TURN_RIGHT)
_WORDS: Mapping[Action, str] = {
    Action.BLINK: "Blink {times}",
    Action.SMILE: "Smile {hold}",
    Action.RAISE_BROWS: "Raise your eyebrows {hold}",
    Action.OPEN_MOUTH: "Open your mouth {hold}",
    Action.TURN_LEFT: "Turn your head {far} to your left",
    Action.TURN_RIGHT: "Turn your head {far} to your right",
    Action.LOOK_UP: "Lift your chin",
    Action.LOOK_DOWN: "Lower your chin",
    Action.TILT_LEFT: "Tilt your head to your left shoulder",
    Action.TILT_RIGHT: "Tilt your head to your right shoulder",
    Action.CLOSER: "Come closer to the camera",
    Action.FARTHER: "Move away from the camera",
    Action.PROFILE_LEFT: "Turn to your left until you look sideways, then back",
    Action.PROFILE_RIGHT: "Turn to your right until you look sideways, then back",
    Action.HAND_ACROSS: "Pass a hand across your face, from one side to the other",
    Action.SAY_DIGITS: "Say in English, one digit after the other: {digits}",
}


def is_wide(step: Step) -> bool:
    """Whether a turn is asked for that goes far."""
    return step.action in TURNS and step.target >= _WIDE_TURN_DEGREES


def instruction(step: Step) -> str:
    """One short sentence, e.g. `Blink twice`."""
    hold = (
        f"and hold it for {(step.hold_min_ms + 999) // 1_000} seconds"
        if step.hold_min_ms >= LONG_HOLD_MS
        else "briefly"
    )
    far = "far" if is_wide(step) else "a little"
    times = _TIMES.get(step.target, f"{step.target} times")
    return _WORDS[step.action].format(times=times, hold=hold, far=far, digits=" ".join(step.digits))
