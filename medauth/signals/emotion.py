"""Emotion responsiveness: an expression model sees the asked-for expression come up after its prompt, not before.

The model looks at an upright grey crop of every frame; its probabilities are smoothed by an exponential filter whose
constant is a time, so that the frame rate does not matter. What it sees must be there in the face's geometry too, at the
same time and no faster than a face moves. A network that sees little says so (`emotion.faint`) rather than `fail`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import FaceTrack, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.emotion_reader import EmotionReader, Member
from medauth.signals.explain import Explainer, GradCam
from medauth.signals.expression_course import Course, course_of
from medauth.signals.expression_shape import CLEAR_BROWS, CLEAR_SMILE, expression_shape
from medauth.signals.interface import HeatMap, Marks, Notable, Trace
from medauth.signals.models import JudgingModel, prepare_image
from medauth.signals.responsiveness import ASKED, AskedStep, Response, ResponseTuning, StepResponse, judge_step

_MOST_SEGMENTS = 200
_PLAIN = 0.5
"""Where an asked expression that is there before its prompt counts as already there."""
_GEOMETRY = {"happiness": (0, CLEAR_SMILE), "surprise": (1, CLEAR_BROWS)}
"""Where an expression shows in geometry, and what a clear one is."""


@dataclass(frozen=True, slots=True)
class EmotionTuning:
    """How often the model looks, how its answers are smoothed, and what counts as a response."""

    every_ms: float = 90.0
    """The model is spared frames that come sooner than this after the last it saw: an expression takes longer."""
    smoothing_ms: float = 120.0
    """Time constant of the exponential filter: a blink or one bad crop is no expression."""
    segment_ms: float = 300.0
    """Shorter dominance of an expression is not listed."""
    response: ResponseTuning = field(default_factory=ResponseTuning)


class EmotionSignal:
    """Follows the probabilities of expressions. A `Signal`, `Expressions` and `Explainable`.

    The model's `predict` takes `images` float32 (1, side, side, 1) to `probabilities` (1, classes); it may have `explain`.
    """

    name = "emotion"

    def __init__(
        self,
        model: JudgingModel,
        tuning: EmotionTuning | None = None,
        explainer: Explainer | None = None,
        members: Sequence[Member] = (),
    ) -> None:
        self._model = model
        self._explainer = explainer or GradCam()
        self._tuning = tuning or EmotionTuning()
        self._reader = EmotionReader(model, members)
        self._classes = model.manifest.classes
        missing = set(ASKED.values()) - set(self._classes)
        if missing:
            raise ModelError(
                f"model {model.manifest.name} knows {', '.join(self._classes) or 'no classes'}",
                expected=f"a model that also knows {', '.join(sorted(missing))}",
                next_step="use an expression model",
            )
        self._challenged = False
        self._times_ms: list[float] = []
        self._smoothed: list[NDArray[np.float32]] = []
        self._shape_ms: list[float] = []
        self._shapes: list[NDArray[np.float64]] = []
        self._steps: dict[int, AskedStep] = {}
        self._notable: Notable | None = None

    def start(self, challenge: Challenge | None) -> None:
        self._challenged = challenge is not None

    def update(self, observation: Observation) -> None:
        t_ms = observation.frame.t_ms
        self._notable = None
        self._note_prompt(observation, t_ms)
        if self._challenged and observation.track is not None:
            self._shape_ms.append(t_ms)
            self._shapes.append(expression_shape(observation.track))
        # Half a millisecond of slack: a clip's timestamps are rounded.
        if observation.track is None or (self._times_ms and t_ms - self._times_ms[-1] < self._tuning.every_ms - 0.5):
            return
        track = observation.track
        self._take(t_ms, self._reader.look(observation.frame.image, track))
        prompt = observation.prompt
        if prompt is not None and prompt.step.action in ASKED:
            asked = ASKED[prompt.step.action]
            strength = float(self._smoothed[-1][self._classes.index(asked)])
            self._notable = Notable(f"step-{prompt.index + 1}.{asked}", strength)

    def expressive(self) -> bool:
        asked = [self._classes.index(name) for name in ASKED.values()]
        return bool(self._smoothed) and float(self._smoothed[-1][asked].max()) > _PLAIN

    def notable(self) -> Notable | None:
        return self._notable

    def explained(self, image: NDArray[np.uint8], track: FaceTrack, what: str) -> HeatMap | None:
        expression = what.rpartition(".")[2]
        if not self._explainer.can_explain(self._model):
            return None
        face = self._reader.face(image, track)
        heat = self._explainer.heat(
            self._model, prepare_image(face, self._model.manifest), self._classes.index(expression)
        )
        return HeatMap(self.name, what, self._explainer.name, heat, face, self._model.use)

    def reading(self) -> SignalReading:
        responses = self._responses()
        outcome, code, reason = self._conclude(responses)
        seen = [response for response in responses if response.outcome is not StepResponse.UNSEEN]
        twice = 2 * self._tuning.response.rise
        score = to_ppm(sum(max(0.0, response.rise) / twice for response in seen) / len(seen)) if seen else None
        return SignalReading(self.name, outcome, code, reason, score, self._details(responses))

    def marks(self) -> Marks:
        times = tuple(self._times_ms)
        traces = tuple(
            Trace(name, "probability", times, tuple(float(row[k]) for row in self._smoothed))
            for k, name in enumerate(self._classes)
        )
        responses = [
            {"shown_ms": response.step.shown_ms, "onset_ms": response.onset_ms, "apex_ms": response.apex_ms}
            for response in self._responses()
            if response.onset_ms is not None and response.apex_ms is not None
        ]
        return Marks(traces, self._reader.uses, {"response": responses})

    def _note_prompt(self, observation: Observation, t_ms: float) -> None:
        prompt = observation.prompt
        if prompt is not None and prompt.step.action in ASKED:
            self._steps[prompt.index] = AskedStep(prompt.index, prompt.step.action, prompt.shown_ms, t_ms)

    def _take(self, t_ms: float, probabilities: NDArray[np.float32]) -> None:
        if self._times_ms:
            weight = 1.0 - math.exp(-(t_ms - self._times_ms[-1]) / self._tuning.smoothing_ms)
            probabilities = self._smoothed[-1] + np.float32(weight) * (probabilities - self._smoothed[-1])
        self._times_ms.append(t_ms)
        self._smoothed.append(probabilities)

    def _responses(self) -> list[Response]:
        columns = {name: [float(row[self._classes.index(name)]) for row in self._smoothed] for name in ASKED.values()}
        return [
            judge_step(step, self._times_ms, columns[ASKED[step.action]], self._tuning.response, self._course(step))
            for _, step in sorted(self._steps.items())
        ]

    def _course(self, step: AskedStep) -> Course | None:
        column, clear = _GEOMETRY[ASKED[step.action]]
        return course_of(
            self._shape_ms, [float(shape[column]) / clear for shape in self._shapes], step.shown_ms, step.last_ms
        )

    def _conclude(self, responses: Sequence[Response]) -> tuple[Outcome, str, str]:
        inconclusive = Outcome.INCONCLUSIVE
        if not self._times_ms:
            return inconclusive, "emotion.not_measured", "No face was seen, so no expression either."
        if not self._challenged:
            return inconclusive, "emotion.no_challenge", "Nothing was asked, so nothing was answered."
        if not responses:
            return inconclusive, "emotion.not_asked", "No step asked for an expression."
        seen = [response for response in responses if response.outcome is not StepResponse.UNSEEN]
        if not seen:
            return inconclusive, "emotion.not_measured", "The face was not seen around the prompts for an expression."
        shown = sum(response.outcome is StepResponse.SHOWN for response in seen)
        if 2 * shown >= len(seen):
            return (
                Outcome.PASS,
                "emotion.responded",
                f"{shown} of {len(seen)} asked expressions came up after the prompt.",
            )
        return self._conclude_unanswered(seen)

    def _conclude_unanswered(self, seen: Sequence[Response]) -> tuple[Outcome, str, str]:
        """Fails only on what the model is known to see; its blind spots are not the person's fault."""
        outcomes = {response.outcome for response in seen}
        if StepResponse.ANTICIPATED in outcomes:
            return Outcome.FAIL, "emotion.anticipated", "An asked expression came up before anyone could know of it."
        if StepResponse.ABRUPT in outcomes:
            return Outcome.INCONCLUSIVE, "emotion.abrupt", "An asked expression was there from one frame to the next."
        if StepResponse.APART in outcomes:
            text = "The network saw an asked expression where the face's geometry did not."
            return Outcome.INCONCLUSIVE, "emotion.apart", text
        absent = {ASKED[response.step.action] for response in seen if response.outcome is StepResponse.ABSENT}
        if (
            absent
            and absent <= self._model.manifest.dependable
            and outcomes <= {StepResponse.ABSENT, StepResponse.SHOWN}
        ):
            return Outcome.FAIL, "emotion.absent", "An asked expression did not come up."
        return Outcome.INCONCLUSIVE, "emotion.faint", "The model saw too little of the asked expressions to decide."

    def _details(self, responses: Sequence[Response]) -> dict[str, Json]:
        shares = self._shares()
        segments: list[Json] = [list(segment) for segment in self._segments()]
        details: dict[str, Json] = {
            "model": self._model.manifest.name,
            "frames": len(self._times_ms),
            "shares_ppm": {name: to_ppm(share) for name, share in shares.items()},
            "dominant": max(shares, key=shares.__getitem__) if shares else None,
            "steps": [_step_json(response) for response in responses],
        }
        if not self._challenged:
            details["segments"] = segments[:_MOST_SEGMENTS]
            details["segments_left_out"] = max(0, len(segments) - _MOST_SEGMENTS)
        return details

    def _shares(self) -> dict[str, float]:
        """Mean probability of each class."""
        if not self._smoothed:
            return {}
        return dict(zip(self._classes, (float(share) for share in np.mean(self._smoothed, axis=0)), strict=True))

    def _segments(self) -> list[tuple[int, int, str]]:
        """(start ms, end ms, class) wherever one class stays the most probable for long enough."""
        if not self._smoothed:
            return []
        winners = np.argmax(self._smoothed, axis=1)
        cuts = [0, *(np.flatnonzero(np.diff(winners)) + 1).tolist(), len(winners)]
        found = []
        for first, after in pairwise(cuts):
            start, end = self._times_ms[first], self._times_ms[min(after, len(winners) - 1)]
            if end - start >= self._tuning.segment_ms:
                found.append((round(start), round(end), self._classes[int(winners[first])]))
        return found


def _step_json(response: Response) -> dict[str, Json]:
    step = response.step
    return {
        "index": step.index,
        "action": step.action.value,
        "expression": ASKED[step.action],
        "outcome": response.outcome.value,
        "rise_milli_nats": round(1000 * response.rise),
        "shown_ms": round(step.shown_ms),
        "onset_delay_ms": None if response.onset_ms is None else round(response.onset_ms - step.shown_ms),
        "apex_delay_ms": None if response.apex_ms is None else round(response.apex_ms - step.shown_ms),
        "apex_ppm": None if response.apex is None else to_ppm(response.apex),
        "returned": response.returned,
        "geometry": None if response.course is None else _course_json(response.course, step.shown_ms),
    }


def _course_json(course: Course, shown_ms: float) -> dict[str, Json]:
    return {
        "rise_percent": round(100 * course.rise),
        "onset_delay_ms": None if course.onset_ms is None else round(course.onset_ms - shown_ms),
        "rise_ms": None if course.rise_ms is None else round(course.rise_ms),
        "apex_delay_ms": None if course.apex_ms is None else round(course.apex_ms - shown_ms),
        "returned": course.returned,
    }
