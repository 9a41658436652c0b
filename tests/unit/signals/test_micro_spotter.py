"""Short movements on made-up shifts of facial regions: no image, no model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.face_flow import NAMES
from medauth.signals.facial_actions import ACTIONS, PATTERNS, amounts, explained
from medauth.signals.micro_spotter import MicroEvent, MicroSpotter, MotionSample, direction_of, short_part

SMILE = PATTERNS[ACTIONS.index("mouth corners up")]
Course = Callable[[float], float]


def pulse(onset_ms: float, length_ms: float, height: float = 1.0) -> Course:
    """Raised cosine up and down again."""

    def course(t_ms: float) -> float:
        part = (t_ms - onset_ms) / length_ms
        return height * (0.5 - 0.5 * math.cos(2 * math.pi * part)) if 0.0 < part < 1.0 else 0.0

    return course


def spot(
    *courses: Course,
    pattern: NDArray[np.float32] = SMILE,
    fps: float = 30.0,
    masked: Callable[[float], bool] = lambda _t: False,
    pitch: Course = lambda _t: 0.0,
    noise: float = 0.02,
    seconds: float = 6.0,
) -> Sequence[MicroEvent]:
    rng = np.random.default_rng(1)
    spotter, found = MicroSpotter(), list[MicroEvent]()
    for index in range(int(seconds * fps)):
        t_ms = 1000 * index / fps
        moves = pattern * sum(course(t_ms) for course in courses) + rng.normal(0.0, noise, pattern.shape)
        found += spotter.feed(
            MotionSample(t_ms, moves.astype(np.float32), (0.0, pitch(t_ms), 0.0), masked=masked(t_ms))
        )
    return [*found, *spotter.pending()]


@pytest.mark.parametrize("length_ms", [120, 200, 320, 480])
@pytest.mark.parametrize("fps", [25, 30, 60])
def test_a_short_movement_is_found_where_it_was(length_ms: float, fps: float) -> None:
    (event,) = spot(pulse(3000, length_ms), fps=fps)
    assert event.action == "mouth corners up"
    assert event.apex_ms == pytest.approx(3000 + length_ms / 2, abs=45)
    assert event.onset_ms == pytest.approx(3000, abs=80)
    assert event.offset_ms == pytest.approx(3000 + length_ms, abs=80)
    assert event.directions == {"right mouth corner": "up-left", "left mouth corner": "up-right"}


def test_near_the_end_it_is_found_with_less_context() -> None:
    assert len(spot(pulse(5200, 200))) == 1


def test_noise_alone_is_no_movement() -> None:
    assert spot(noise=0.04, seconds=12.0) == []


@pytest.mark.parametrize("length_ms", [900, 1500, 3000])
def test_a_longer_expression_is_no_micro_expression(length_ms: float) -> None:
    assert spot(pulse(2000, length_ms, 3.0)) == []


def test_what_stays_is_no_micro_expression() -> None:
    assert spot(lambda t_ms: 1.5 if t_ms > 3000 else 0.0) == []


def test_one_frame_is_a_flaw_of_that_frame() -> None:
    assert spot(lambda t_ms: 2.0 if 2990 < t_ms < 3010 else 0.0) == []


def test_speech_is_no_crowd_of_micro_expressions() -> None:
    jaw = PATTERNS[ACTIONS.index("jaw down")]
    assert spot(*(pulse(1000 + 260 * k, 240, 1.0 + 0.2 * (k % 2)) for k in range(14)), pattern=jaw) == []


def test_nothing_counts_while_lids_close() -> None:
    assert spot(pulse(3000, 200), masked=lambda t_ms: 3000 < t_ms < 3200) == []
    assert len(spot(pulse(3000, 200), masked=lambda t_ms: 4000 < t_ms < 4200)) == 1


def test_a_nod_asks_for_a_larger_movement() -> None:
    assert len(spot(pulse(3000, 300, 0.5))) == 1
    assert spot(pulse(3000, 300, 0.5), pitch=pulse(3000, 300, 20.0)) == []


def test_what_no_muscle_does_is_no_expression() -> None:
    apart = np.zeros_like(SMILE)
    for index, name in enumerate(NAMES):
        apart[index] = (1.0, 0.0) if index % 2 else (-1.0, 0.0)
        if "corner" in name:
            apart[index] = SMILE[index]
    assert spot(pulse(3000, 200), pattern=apart) == []


def test_eyes_alone_make_no_event() -> None:
    eyes = np.zeros_like(SMILE)
    eyes[[NAMES.index("right eye"), NAMES.index("left eye")]] = (2.0, 0.0)
    assert spot(pulse(3000, 200), pattern=eyes) == []


def test_at_few_frames_a_short_movement_is_not_seen() -> None:
    assert spot(pulse(3010, 60), fps=15) == []


def test_a_lost_face_begins_anew() -> None:
    spotter = MicroSpotter()
    still = np.zeros((len(NAMES), 2), np.float32)
    for t_ms in range(0, 1000, 33):
        spotter.feed(MotionSample(float(t_ms), still, (0.0, 0.0, 0.0), masked=False))
    assert list(spotter.lose()) == []
    assert list(spotter.pending()) == []


def test_memory_is_bounded() -> None:
    spotter = MicroSpotter()
    still = np.zeros((len(NAMES), 2), np.float32)
    for t_ms in range(0, 6_000, 10):
        spotter.feed(MotionSample(float(t_ms), still, (0.0, 0.0, 0.0), masked=False))
        assert len(spotter._samples) <= 320


def test_short_part_keeps_what_is_narrow_only() -> None:
    row = np.zeros((1, 40), np.float32)
    row[0, 5:8], row[0, 20:35] = 1.0, 1.0
    kept = short_part(row, 7)
    assert kept[0, 5:8].min() == pytest.approx(1.0)
    assert kept[0, 20:35].max() == pytest.approx(0.0)


def test_directions_are_those_of_the_picture() -> None:
    assert direction_of(np.array([0.0, -1.0], np.float32)) == "up"
    assert direction_of(np.array([-1.0, 1.0], np.float32)) == "down-left"


def test_actions_measure_themselves_and_explain_themselves() -> None:
    for index in range(len(ACTIONS)):
        assert amounts(2.0 * PATTERNS[index])[index] == pytest.approx(2.0, abs=1e-5)
        assert explained(PATTERNS[index]) == pytest.approx(1.0, abs=0.02)
    assert explained(np.zeros_like(SMILE)) == 0.0


def test_actions_only_pull() -> None:
    assert explained(-PATTERNS[ACTIONS.index("nose wrinkled")]) < 0.7
