"""What the person can do when a check came to no answer: one hint, the one that helps most.

An inconclusive check often has several reasons, and most of them follow from one: who sits in the dark is neither seen to
blink nor to smile. So causes come before what they cause. Reasons that would tell an attacker which cue was unsure have no
hint of their own; they all share the last one. A refused check has none: refusals look alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from medauth.protocol.challenge import is_breaker
from medauth.protocol.observation import HINTS, CaptureProblem, Prompt
from medauth.protocol.verdict import Decision, Reason

RELAX = "Relax your face and look into the camera."
FASTER_CAMERA = "Close other programs that use the camera or the network, then try again."
STAY = "Keep your face in view of the camera until the end."
FOLLOW = "Follow each prompt as soon as it appears."
AGAIN = "Try again in even light, and do what is asked a little more clearly."

MICROPHONE = "Allow the microphone, and check that it is not muted."
SPEAK_UP = "Find a quiet place, and say the digits one after the other, loud and clear."
MOUTH = "Keep your mouth in view while you speak, and move your lips."

LIGHT = "More light, please: face a window or a lamp."
SCREEN = "Dim the room's light, make the screen brighter and come closer to it."
"""Where the screen's colours had to be seen on the skin and were not: who sits in a bright room can do nothing else. Too
little, none and unclear are told alike."""
_ORDER: tuple[tuple[str, str], ...] = (
    ("capture.no_frames", "Allow the camera, then try again."),
    ("capture.several_faces", HINTS[CaptureProblem.SEVERAL_FACES]),
    ("capture.too_dark", LIGHT),
    ("capture.too_bright", HINTS[CaptureProblem.TOO_BRIGHT]),
    ("capture.face_too_small", HINTS[CaptureProblem.FACE_TOO_SMALL]),
    ("presentation_attack.too_small", HINTS[CaptureProblem.FACE_TOO_SMALL]),
    ("capture.face_cut_off", HINTS[CaptureProblem.FACE_CUT_OFF]),
    ("capture.blurred", HINTS[CaptureProblem.BLURRED]),
    ("presentation_attack.blurred", HINTS[CaptureProblem.BLURRED]),
    ("capture.no_face", STAY),
    ("faces.none", STAY),
    ("capture.too_few_frames", FASTER_CAMERA),
    ("speech.too_few_frames", FASTER_CAMERA),
    ("speech.gap", FASTER_CAMERA),
    ("speech.no_sound", MICROPHONE),
    ("speech.noise", SPEAK_UP),
    ("speech.not_understood", SPEAK_UP),
    ("speech.unclear", SPEAK_UP),
    ("speech.hardly_moved", MOUTH),
    ("blink.too_few_frames", FASTER_CAMERA),
    ("injection.repeated", FASTER_CAMERA),
    ("light.delay_not_measured", FASTER_CAMERA),
    ("light.late", FASTER_CAMERA),
    ("challenge.unseen", STAY),
    ("injection.out_of_sight", STAY),
    ("light.unseen", STAY),
    ("light.unfinished", STAY),
    ("light.drowned", SCREEN),
    ("light.clipped", SCREEN),
    ("light.unclear", SCREEN),
    ("challenge.not_relaxed", RELAX),
    ("challenge.expired", FOLLOW),
    ("challenge.unfinished", FOLLOW),
)
"""Most helpful first: what keeps the camera from seeing anything, then what keeps it from seeing enough, then the person."""


def hint_now(problem: CaptureProblem | None, prompt: Prompt | None, *, waits_for_neutral: bool) -> str:
    """What the person may be told while the check runs; empty when all is well. Who was asked to look away is not told to
    look into the camera."""
    away = prompt is not None and is_breaker(prompt.step.action) and problem is CaptureProblem.NO_FACE
    if problem is not None and not away:
        return HINTS[problem]
    return RELAX if waits_for_neutral else ""


def advice(decision: Decision, reasons: Iterable[Reason]) -> str:
    """One sentence for the person after an inconclusive check; empty after any other."""
    if decision is not Decision.INCONCLUSIVE:
        return ""
    codes = {reason.code for reason in reasons}
    return next((hint for code, hint in _ORDER if code in codes), AGAIN)
