"""Does an expression appear in a model's probabilities because it was asked for?

Pure arithmetic on probabilities over time. A weak model seldom names the right expression, but its log-odds move when
the face does; so each step is judged against the moments before its own prompt: how far the log-odds of the asked
expression rise, when the rise begins, and whether it falls again.
"""

from __future__ import annotations

import bisect
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from medauth.protocol.challenge import Action
from medauth.signals.calibration import log_odds
from medauth.signals.expression_course import Course

ASKED: Mapping[Action, str] = {Action.SMILE: "happiness", Action.RAISE_BROWS: "surprise"}
"""Steps that ask for an expression, and the class in which it shows."""


LONGEST_JUMP_MS = 75.0
"""Below twenty frames a second nobody can tell a jump from a fast face."""


@dataclass(frozen=True, slots=True)
class ResponseTuning:
    """When a rise counts. Times in milliseconds, rises in nats of log-odds."""

    baseline_ms: float = 600.0
    """The resting level is the median of this time before the prompt; earlier, the last expression may still fade."""
    earliest_ms: float = 150.0
    """Nobody reads a prompt and moves a face in less."""
    aftermath_ms: float = 250.0
    """The smoothed curve lags behind the face: the apex may come this long after the step closed."""
    rise: float = 2.0
    """Measured with the fer mini-Xception on three clips: 9 of 9 smiles and 5 of 6 raised brows rise by
    more, and so do 26 of 444 overlapping 3 s windows in which mouth and brows are at rest."""
    faint_rise: float = 0.7
    """Below this nothing happened; between it and `rise` the model may have missed it."""
    onset_share: float = 0.4
    """Share of the rise at which it has begun."""
    return_share: float = 0.5
    """Share of the rise that must be lost again for the expression to have ended."""
    apart_ms: float = 700.0
    """Between the onsets in the network's curve and in geometry: further apart they are two events. The network's curve lags
    by its smoothing, and looks every 90 ms."""
    abrupt_frames: float = 1.5
    """A smile that rises within fewer frames jumps. Of 11 smiles in three clips the fastest took two frames; brows
    may take one."""
    floor: float = 1e-3
    """Probabilities below are equal: a rise from 1e-6 to 1e-4 means nothing."""


class StepResponse(StrEnum):
    """What the model saw of one asked expression. The value is a stable code."""

    SHOWN = "shown"
    ANTICIPATED = "anticipated"
    ALREADY_THERE = "already_there"
    FAINT = "faint"
    APART = "apart"
    """The network saw it, the face's geometry did not, or at another time."""
    ABRUPT = "abrupt"
    """It was there from one frame to the next, as where a film is cut."""
    ABSENT = "absent"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class AskedStep:
    """A prompt for an expression: when it was shown and last seen on show."""

    index: int
    action: Action
    shown_ms: float
    last_ms: float


@dataclass(frozen=True, slots=True)
class Response:
    """What was measured for one step."""

    step: AskedStep
    outcome: StepResponse
    rise: float = 0.0
    """Log-odds at the apex minus the resting level."""
    onset_ms: float | None = None
    apex_ms: float | None = None
    apex: float | None = None
    """Probability at the apex."""
    returned: bool | None = None
    """Whether it was seen to end; None when the recording ended before."""
    course: Course | None = None
    """The same expression in geometry; None where too little was seen of it."""


def judge_step(
    step: AskedStep,
    times_ms: Sequence[float],
    probabilities: Sequence[float],
    tuning: ResponseTuning,
    course: Course | None = None,
) -> Response:
    """One step from the smoothed probability of the asked expression over the whole check, and its course in geometry."""
    start = bisect.bisect_left(times_ms, step.shown_ms - tuning.baseline_ms)
    shown = bisect.bisect_left(times_ms, step.shown_ms)
    end = bisect.bisect_right(times_ms, step.last_ms + tuning.aftermath_ms)
    if shown - start < 3 or end - shown < 3:  # noqa: PLR2004 - frames to rest on, and to rise in
        return Response(step, StepResponse.UNSEEN)
    curve = [log_odds(value, tuning.floor) for value in probabilities]
    resting = statistics.median(curve[start:shown])
    apex = max(range(shown, end), key=curve.__getitem__)
    rise = curve[apex] - resting
    onset = _onset(curve, start, apex, resting + tuning.onset_share * rise)
    outcome = _classify(times_ms[onset] - step.shown_ms, resting, rise, tuning)
    if outcome is StepResponse.SHOWN and course is not None:
        outcome = _compare(step, times_ms[onset], course, tuning)
    return Response(
        step,
        outcome,
        rise,
        times_ms[onset],
        times_ms[apex],
        probabilities[apex],
        _returned(curve[apex:], resting + (1.0 - tuning.return_share) * rise),
        course,
    )


def _compare(step: AskedStep, onset_ms: float, course: Course, tuning: ResponseTuning) -> StepResponse:
    """What the network saw is shown only if geometry shows it too, then, and no faster than a face can move."""
    begun = [began for began in (course.onset_ms, course.first_ms) if began is not None]
    if all(abs(onset_ms - began) > tuning.apart_ms for began in begun):
        return StepResponse.APART
    assert course.rise_ms is not None
    assert course.frame_ms is not None
    jumped = step.action is Action.SMILE and course.rise_ms < tuning.abrupt_frames * course.frame_ms <= LONGEST_JUMP_MS
    return StepResponse.ABRUPT if jumped else StepResponse.SHOWN


def _onset(curve: Sequence[float], start: int, apex: int, level: float) -> int:
    """The last frame at which the curve went above `level` on its way to the apex."""
    onset = apex
    while onset > start and curve[onset - 1] > level:
        onset -= 1
    return onset


def _classify(delay_ms: float, resting: float, rise: float, tuning: ResponseTuning) -> StepResponse:
    if rise >= tuning.rise:
        return StepResponse.SHOWN if delay_ms >= tuning.earliest_ms else StepResponse.ANTICIPATED
    if resting > 0.0:
        return StepResponse.ALREADY_THERE
    return StepResponse.FAINT if rise >= tuning.faint_rise else StepResponse.ABSENT


def _returned(after: Sequence[float], level: float) -> bool | None:
    """From the apex to the end of the recording; a mouth that still smiles then may yet relax."""
    return True if min(after) <= level else None
