"""One film with all sixteen gestures that the rules can tell apart, made once, to be played in a loop against any check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medauth.evaluation.attacks.driver import Gains, performance
from medauth.evaluation.attacks.look import Look, show
from medauth.evaluation.attacks.mesh_warp import FaceSheet, Picture
from medauth.protocol.challenge import Action, Step, scripted_step

SIXTEEN: tuple[Step, ...] = tuple(
    scripted_step(action, outcome, pause_ms=0)
    for action, outcome in (
        (Action.BLINK, 0), (Action.SMILE, 0), (Action.TURN_LEFT, 0), (Action.RAISE_BROWS, 0),
        (Action.TURN_RIGHT, 0), (Action.OPEN_MOUTH, 0), (Action.BLINK, 1), (Action.LOOK_UP, 0),
        (Action.TURN_LEFT, 1), (Action.TILT_LEFT, 0), (Action.CLOSER, 0), (Action.TURN_RIGHT, 1),
        (Action.BLINK, 2), (Action.LOOK_DOWN, 0), (Action.TILT_RIGHT, 0), (Action.FARTHER, 0),
    )
)  # fmt: skip
FIRST_MS = 2_600.0
"""The face rests so long that a check can learn how it looks at rest."""
REST_MS = 550.0
"""Between two gestures: as little as a check lets pass for rest, so that as many gestures as can be fall in a window."""
FPS = 15.0


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a gesture lies in the film, in ms."""

    step: Step
    start_ms: float
    end_ms: float


def passages(gains: Gains, steps: Sequence[Step] = SIXTEEN) -> list[Passage]:
    """One after the other, with a short rest between."""
    found, now = [], FIRST_MS
    for step in steps:
        length = performance(step, gains).length_ms
        found.append(Passage(step, now, now + length))
        now += length + REST_MS
    return found


def length_ms(course: Sequence[Passage]) -> float:
    """Of the film."""
    return course[-1].end_ms + REST_MS


def loop_film(sheet: FaceSheet, gains: Gains, steps: Sequence[Step] = SIXTEEN) -> list[Picture]:
    """Frames, 15 a second."""
    course = passages(gains, steps)
    times = np.arange(0.0, length_ms(course), 1_000 / FPS)
    return [show(sheet, _look_at(course, gains, float(t))) for t in times]


def _look_at(course: Sequence[Passage], gains: Gains, t_ms: float) -> Look:
    sway = (0.5 * np.sin(t_ms / 900), 0.4 * np.sin(t_ms / 1_400), (0.01 * np.sin(t_ms / 1_100), 0.0))
    for passage in course:
        if passage.start_ms <= t_ms <= passage.end_ms:
            look = performance(passage.step, gains).look(t_ms - passage.start_ms)
            return look.with_sway(*sway)
    return Look().with_sway(*sway)
