"""Plots of made-up traces: that they are drawn, what they hold, and that odd input does not break them."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import Action, scripted_step
from medauth.report.smoothing import even, grid
from medauth.report.timeline import timeline_png
from medauth.signals.interface import Marks, Trace
from medauth.signals.smoothing import savitzky_golay

TIMES = [33.0 * k for k in range(200)]
NAN = float("nan")


def marks() -> dict[str, Marks]:
    eyes = [0.2 if 2000 < t < 2200 else 1.0 for t in TIMES]
    happy = [0.9 if 3000 < t < 5000 else 0.1 for t in TIMES]
    blink = {"onset_ms": 1990.0, "closed_ms": 2100.0, "reopened_ms": 2210.0}
    return {
        "emotion": Marks(
            (
                Trace("happiness", "probability", TIMES, happy),
                Trace("neutral", "probability", TIMES, [1 - p for p in happy]),
            )
        ),
        "blink": Marks((Trace("left eye open", "share", TIMES, eyes),), events={"blink": [blink]}),
        "gesture": Marks((Trace("smile", "percent", TIMES, eyes), Trace("turn_left", "degrees", TIMES, happy))),
    }


def results() -> list[StepResult]:
    step = scripted_step(Action.SMILE, 0, pause_ms=1000)
    return [
        StepResult(0, step, StepOutcome.ANSWERED, 5200, 2500, 3000, Action.SMILE),
        StepResult(1, step, StepOutcome.NO_RESPONSE, 6400, 5800),
        StepResult(2, step, StepOutcome.UNSEEN, 6500),
    ]


@cache
def full() -> bytes:
    """Drawn once for all tests: a figure takes a third of a second."""
    return timeline_png(marks(), results(), title="check")


def picture(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found.astype(np.uint8)


def holds(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], colour: str) -> int:
    """Pixels of exactly this colour."""
    bgr = [int(colour[at : at + 2], 16) for at in (5, 3, 1)]
    return int((image == bgr).all(axis=-1).sum())


def test_every_panel_is_drawn() -> None:
    drawn = picture(full())
    assert holds(drawn, "#F0E442") > 1000
    assert holds(drawn, "#BBBBBB") > 1000
    emotions_alone = picture(timeline_png({"emotion": marks()["emotion"]}))
    assert emotions_alone.shape[0] < drawn.shape[0] / 2


def test_steps_change_the_picture() -> None:
    gesture = {"gesture": marks()["gesture"]}
    assert timeline_png(gesture) != timeline_png(gesture, results())


def test_same_input_gives_the_same_bytes() -> None:
    assert full() == timeline_png(marks(), results(), title="check")


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"emotion": Marks()},
        {"blink": Marks((Trace("left eye open", "share", [0.0], [1.0]),))},
        {"blink": Marks((Trace("left eye open", "share", TIMES, [NAN] * 200),))},
        {"emotion": Marks((Trace("bliss", "probability", TIMES, [NAN] * 200),))},
        {"emotion": Marks((Trace("bliss", "probability", [0.0, 9000.0], [0.4, 0.6]),))},
        {"gesture": Marks((Trace("smile", "percent", [5.0, 5.0], [1.0, 2.0]),))},
    ],
)
def test_little_or_odd_input_still_draws(odd: dict[str, Marks]) -> None:
    assert picture(timeline_png(odd)).size > 0


def test_drawing_needs_no_screen_and_keeps_no_figure() -> None:
    code = (
        "import sys; from medauth.report.timeline import timeline_png; assert 'matplotlib' not in sys.modules;"
        "timeline_png({}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, env={"MPLCONFIGDIR": "/tmp", "HOME": "/tmp"}
    )


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
@settings(deadline=None)
def test_savitzky_golay_keeps_a_parabola(a: float, b: float, c: float) -> None:
    x = np.linspace(-1, 1, 41)
    curve = a * x**2 + b * x + c
    assert savitzky_golay(curve)[5:-5] == pytest.approx(curve[5:-5], abs=1e-9)


def test_savitzky_golay_removes_noise() -> None:
    noise = np.random.default_rng(3).normal(0, 1, 500)
    assert savitzky_golay(noise).std() < 0.6


@pytest.mark.parametrize(("window", "order"), [(10, 2), (3, 3)])
def test_window_must_fit(window: int, order: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        savitzky_golay(np.zeros(50), window, order)


def test_gaps_stay_gaps() -> None:
    times = [0.0, 100.0, 200.0, 3000.0, 3100.0]
    curve = even(times, [1, 1, 1, 1, 1], grid(times))
    assert np.isnan(curve[20])
    assert curve[2] == 1
