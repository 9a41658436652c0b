"""A hand before the face: by what it hides, by its colour, and one side after the other."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.observation import FaceQuality, FaceTrack, Frame, Observation, Pose, Prompt
from medauth.protocol.reading import Outcome
from medauth.signals.hand import HandSignal

pytestmark = pytest.mark.simulated

FRAME_MS, REST_MS, PASS_MS = 33.0, 900.0, 1_200.0
HAND = scripted_step(Action.HAND_ACROSS, 0, pause_ms=700)
SKIN, HAND_TONE, BLUE = (120, 150, 200), (100, 126, 172), (200, 60, 40)
Picture = NDArray[np.uint8]


def face(random: np.random.Generator) -> Picture:
    """Brows, eyes, nose and mouth on skin, with the noise of a camera: the outer eye corners are 64 pixels apart."""
    picture = np.full((200, 240, 3), SKIN, np.uint8)
    for x in (88, 152):
        cv2.line(picture, (x - 18, 72), (x + 18, 70), (40, 50, 60), 5)
        cv2.ellipse(picture, (x, 86), (12, 6), 0, 0, 360, (235, 235, 235), -1)
        cv2.circle(picture, (x, 86), 5, (30, 40, 50), -1)
    for x in (112, 128):
        cv2.circle(picture, (x, 112), 4, (60, 75, 110), -1)
    cv2.ellipse(picture, (120, 138), (26, 7), 0, 0, 360, (90, 80, 170), -1)
    cv2.ellipse(picture, (120, 105), (66, 85), 0, 0, 360, (70, 90, 130), 4)
    return np.clip(picture + random.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def bar(picture: Picture, share: float, colour: tuple[int, int, int], width: int = 80) -> Picture:
    """Something upright that is on its way from the left edge of the picture (share 0) to the right one (1)."""
    x = round(-width + share * (picture.shape[1] + 2 * width))
    return np.asarray(cv2.rectangle(picture.copy(), (x - width // 2, 0), (x + width // 2, 200), colour, -1), np.uint8)


def observed(t_ms: float, picture: Picture, prompt: Prompt | None) -> Observation:
    marks = np.zeros((478, 3), np.float32)
    marks[33, :2], marks[133, :2], marks[362, :2], marks[263, :2] = (88, 86), (108, 86), (132, 86), (152, 86)
    return Observation(
        Frame(0, t_ms, b"", b"", picture), FaceTrack(marks, Pose(0, 0, 0), FaceQuality(64, 300, 120)), None, prompt
    )


def watch(happens: Callable[[Picture, float], Picture], asked: Action = Action.HAND_ACROSS) -> HandSignal:
    """Rest, then the step: `happens` gets the bare picture and the share of the pass, 0 to 1."""
    signal, random = HandSignal(), np.random.default_rng(1)
    step = scripted_step(asked, 0, pause_ms=700)
    signal.start(Challenge("chk", (step,), bytes(32)))
    for index in range(round((REST_MS + PASS_MS + 300) / FRAME_MS)):
        t_ms = index * FRAME_MS
        prompt = Prompt(0, step, REST_MS) if t_ms >= REST_MS else None
        share = min(1.0, max(0.0, (t_ms - REST_MS) / PASS_MS))
        picture = face(random)
        signal.update(observed(t_ms, happens(picture, share) if prompt else picture, prompt))
    return signal


def crossed(signal: HandSignal) -> float:
    (trace,) = signal.marks().traces
    return max(trace.values, default=0.0)


def test_skin_that_travels_across_is_a_hand_that_leaves_again() -> None:
    signal = watch(lambda picture, share: bar(picture, share, HAND_TONE))
    assert crossed(signal) == 100
    assert signal.amounts() == {"hand_across": 0.0}
    assert signal.reading().code == "hand.measured"


def test_the_other_way_round_is_as_good() -> None:
    assert crossed(watch(lambda picture, share: bar(picture, 1 - share, HAND_TONE))) == 100


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda picture, _: picture, id="nothing"),
        pytest.param(lambda picture, share: bar(picture, share, BLUE), id="something-blue"),
        pytest.param(lambda picture, share: bar(picture, min(share, 1 - share) * 0.7, HAND_TONE), id="a-touch"),
        pytest.param(lambda picture, share: np.clip(picture * (1 + 0.3 * share), 0, 255).astype(np.uint8), id="light"),
        pytest.param(lambda picture, _: np.full_like(picture, HAND_TONE), id="all-at-once"),
    ],
)
def test_what_is_no_pass_crosses_too_little(happens: Callable[[Picture, float], Picture]) -> None:
    assert crossed(watch(happens)) < HAND.low


def test_a_hand_is_looked_for_only_where_it_is_asked_for() -> None:
    signal = watch(lambda picture, share: bar(picture, share, HAND_TONE), asked=Action.SMILE)
    assert (signal.reading().outcome, signal.reading().code) == (Outcome.INCONCLUSIVE, "hand.not_asked")
    assert signal.amounts() == {}


def test_a_face_never_seen_bare_says_nothing() -> None:
    signal = HandSignal()
    signal.start(Challenge("chk", (HAND,), bytes(32)))
    signal.update(observed(0, face(np.random.default_rng(1)), Prompt(0, HAND, 0)))
    assert signal.amounts() == {}
    assert signal.reading().code == "hand.not_measured"
