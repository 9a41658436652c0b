"""Drawn heads that turn: lit from a side, or with their light painted on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.light import Colour, ColourShown
from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame, Observation, Pose
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.shading import _PLACES, ShadingSignal, ShadingTuning
from tests.unit.signals.heads import track

EVERY_MS = 100.0
CENTRE = np.array([160.0, 120.0])
SIDES = np.array([0, -12, 12, -20, 20, -34, 34, -26, 26, -30, 30, -38, 38], float)
"""Where the places lie across the face, in pixels of a face seen from the front."""
DOWN = np.array([-40, -38, -38, -36, -36, -4, -4, 12, 12, 26, 26, 0, 0], float)
RADIUS = 60.0


def seen(yaw: float) -> FaceTrack:
    found = track(Pose(yaw, 0.0, 0.0), 80.0)
    points = np.zeros((478, 3), np.float32)
    points[list(_PLACES), 0] = CENTRE[0] + RADIUS * np.sin(np.arcsin(SIDES / RADIUS) + math.radians(yaw))
    points[list(_PLACES), 1] = CENTRE[1] + DOWN
    return replace(found, landmarks=points)


def picture(yaw: float, *, lit: bool) -> NDArray[np.uint8]:
    """A ball of skin; `lit`: it shades by where it is turned to, else its shading turns with it."""
    columns = np.arange(320, dtype=float) - CENTRE[0]
    normal = np.arcsin(np.clip(columns / RADIUS, -1, 1)) - (0.0 if lit else math.radians(yaw))
    shade = 40 + 150 * np.maximum(np.cos(normal - 1.0), 0)  # Lambert, the lamp to one side
    return np.broadcast_to(np.clip(shade, 0, 255).astype(np.uint8)[None, :, None], (240, 320, 3))


def read(
    yaws: list[float],
    *,
    lit: bool,
    tuning: ShadingTuning | None = None,
    colour: ColourShown | None = None,
    face: bool = True,
    flicker: float = 0.0,
) -> SignalReading:
    signal, random = ShadingSignal(tuning), np.random.default_rng(1)
    signal.start(None)
    for index, yaw in enumerate(yaws):
        image = np.array(picture(yaw, lit=lit))
        if flicker:  # a lamp that wanders from side to side
            image = np.clip(image * (1 + flicker * random.normal() * np.linspace(-1, 1, 320)[None, :, None]), 0, 255)
        frame = Frame(index, index * EVERY_MS, b"", b"", np.asarray(image, np.uint8))
        found = seen(yaw) if face else None
        problem = None if face else CaptureProblem.NO_FACE
        signal.update(Observation(frame, found, problem, None, colour))
    assert signal.reading() == signal.reading()
    return signal.reading()


THERE_AND_BACK = [20 * math.sin(n / 6) for n in range(60)]


def test_a_head_that_turns_in_the_light_changes_its_shading() -> None:
    reading = read(THERE_AND_BACK, lit=True)
    assert (reading.outcome, reading.code) == (Outcome.PASS, "shading.changes")
    assert reading.score_ppm == 0


def test_a_picture_that_is_turned_keeps_it() -> None:
    reading = read(THERE_AND_BACK, lit=False)
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "shading.flat")
    assert reading.score_ppm is not None
    assert reading.score_ppm > 500_000


@pytest.mark.parametrize(("lit", "code"), [(True, "shading.changes"), (False, "shading.flat")])
def test_one_turn_of_a_second_and_a_half_in_a_whole_check_is_seen(lit: bool, code: str) -> None:
    turn = [22 * math.sin(math.pi * n / 15) for n in range(16)]
    assert read([*([0.0] * 150), *turn, *([0.0] * 200)], lit=lit).code == code


def test_two_looks_aside_are_no_turn() -> None:
    assert read([*([0.0] * 100), 22.0, 22.0, *([0.0] * 100)], lit=False).code == "shading.no_turn"


@pytest.mark.parametrize("yaws", [[0.2 * yaw for yaw in THERE_AND_BACK], THERE_AND_BACK[:15], []])
def test_without_a_turn_nothing_is_claimed(yaws: list[float]) -> None:
    reading = read(yaws, lit=False)
    assert (reading.outcome, reading.code, reading.score_ppm) == (Outcome.INCONCLUSIVE, "shading.no_turn", None)


def test_nor_without_a_face_or_under_colours() -> None:
    assert read(THERE_AND_BACK, lit=False, face=False).code == "shading.no_turn"
    assert read(THERE_AND_BACK, lit=False, colour=ColourShown(0, Colour.ROSE, 0.0)).code == "shading.no_turn"


def test_light_that_wanders_leaves_it_open() -> None:
    assert read(THERE_AND_BACK, lit=False, flicker=1.2).code == "shading.unsteady"


@pytest.mark.parametrize(
    ("tuning", "code"),
    [
        (ShadingTuning(flat=1e-6), "shading.changes"),
        (ShadingTuning(least_range_degrees=50), "shading.no_turn"),
        (ShadingTuning(least_looks=100), "shading.no_turn"),
        (ShadingTuning(every_ms=500), "shading.no_turn"),
        (ShadingTuning(apart_looks=29), "shading.no_turn"),
        (ShadingTuning(most_error=0.0), "shading.unsteady"),
    ],
)
def test_every_option_changes_the_outcome(tuning: ShadingTuning, code: str) -> None:
    assert read(THERE_AND_BACK, lit=False, tuning=tuning).code == code


def test_both_cheeks_are_on_record() -> None:
    signal = ShadingSignal()
    assert signal.marks().traces == ()
    signal.update(Observation(Frame(0, 0.0, b"", b"", np.array(picture(0, lit=True))), seen(0.0), None, None))
    (trace,) = signal.marks().traces
    assert len(trace.values) == 1
