"""The presentation attack signal on made-up probabilities: no weights, no clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.observation import CaptureProblem, Frame, Observation, Pose
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.interface import ModelUse
from medauth.signals.models import Manifest
from medauth.signals.presentation_attack import (
    PresentationAttackSignal,
    PresentationTuning,
    log_odds,
    trimmed_mean,
)
from medauth.signals.presentation_crop import cut_square, face_box
from tests.unit.signals.heads import observed, track

CLASSES = ("live", "print", "replay")
PICTURE = np.zeros((300, 400, 3), np.uint8)
Shares = Callable[[int], tuple[float, float, float]]


class ScriptedModel:
    """Says what the test says for each call."""

    def __init__(self, shares: Shares, **changes: Any) -> None:
        known: dict[str, Any] = {
            "classes": CLASSES,
            "preprocessing": {"face_widths": [0.8, 1.6]},
            "operating_points": {"standard": {"threshold": 0.7}},
        }
        self.manifest = Manifest("scripted", "1", "none", "0" * 64, **(known | changes))
        self.seen: list[NDArray[Any]] = []
        self._shares = shares

    @property
    def use(self) -> ModelUse:
        return ModelUse("scripted", "0" * 64)

    def signatures(self) -> tuple[str, ...]:
        return ("predict", "explain")

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        return (1, 96, 96, 3)

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        if name == "explain":
            return {"heat": inputs["target"].sum() * np.arange(36, dtype=np.float32).reshape(1, 6, 6)}
        self.seen.append(inputs["images"])
        return {"probabilities": np.array([self._shares(len(self.seen) - 1)], np.float32)}


def always(live: float, paper: float, screen: float) -> Shares:
    return lambda _call: (live, paper, screen)


def check(model: ScriptedModel, frames: int = 120, **face: Any) -> PresentationAttackSignal:
    signal = PresentationAttackSignal(model)
    signal.start(None)
    for n in range(frames):
        signal.update(observed(40.0 * n, track(**face), image=PICTURE))
    return signal


def read(shares: Shares, frames: int = 120, **face: Any) -> SignalReading:
    return check(ScriptedModel(shares), frames, **face).reading()


def test_skin_passes():
    reading = read(always(0.9, 0.05, 0.05))
    assert (reading.outcome, reading.code) == (Outcome.PASS, "presentation_attack.none_seen")
    assert reading.score_ppm == pytest.approx(100_000, abs=100)


@pytest.mark.parametrize(
    ("shares", "code"),
    [((0.1, 0.8, 0.1), "presentation_attack.print"), ((0.1, 0.1, 0.8), "presentation_attack.replay")],
)
def test_the_likelier_attack_is_named(shares, code):
    reading = read(always(*shares))
    assert (reading.outcome, reading.code) == (Outcome.FAIL, code)


def test_the_threshold_is_the_manifests():
    suspect = always(0.25, 0.05, 0.7)
    assert read(suspect).outcome is Outcome.FAIL
    lenient = ScriptedModel(suspect, operating_points={"standard": {"threshold": 0.8}})
    assert check(lenient).reading().outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("strict", Outcome.FAIL), ("standard", Outcome.PASS), ("no-turn", Outcome.PASS), ("their-own", Outcome.PASS)],
)
def test_a_policy_has_a_threshold_of_its_own_or_that_of_standard(policy, outcome):
    points = {"standard": {"threshold": 0.8}, "strict": {"threshold": 0.7}}
    signal = PresentationAttackSignal(ScriptedModel(always(0.25, 0.05, 0.7), operating_points=points), policy)
    for n in range(120):
        signal.update(observed(40.0 * n, track(), image=PICTURE))
    assert signal.reading().outcome is outcome


def test_a_frame_that_looks_like_an_attack_is_worth_a_picture():
    model = ScriptedModel(lambda call: (0.2, 0.7, 0.1) if call % 2 else (0.6, 0.3, 0.1))
    signal = PresentationAttackSignal(model)
    signal.update(observed(0.0, track(), image=PICTURE))
    notable = signal.notable()
    assert notable is not None
    assert notable.what == "print"
    assert notable.strength == pytest.approx(0.5)
    signal.update(observed(40.0, track(), image=PICTURE))
    assert signal.notable() is None, "no look, nothing to explain"
    heat_map = signal.explained(PICTURE, track(), "print")
    assert heat_map is not None
    assert (heat_map.heat.shape, heat_map.picture.shape, heat_map.method) == ((6, 6), (96, 96, 3), "Grad-CAM")


def test_skin_is_worth_no_picture():
    signal = PresentationAttackSignal(ScriptedModel(always(0.9, 0.05, 0.05)))
    signal.update(observed(0.0, track(), image=PICTURE))
    assert signal.notable() is None


def test_a_glint_in_a_few_frames_is_no_attack():
    """A call in ten is certain of an attack; the others see skin."""
    assert read(lambda call: (0.001, 0.0, 0.999) if call % 20 < 2 else (0.7, 0.1, 0.2)).outcome is Outcome.PASS


def test_a_lucky_frame_does_not_hide_an_attack():
    assert read(lambda call: (0.999, 0.0, 0.001) if call % 20 < 2 else (0.1, 0.1, 0.8)).outcome is Outcome.FAIL


def test_looks_come_four_times_a_second_whatever_the_frame_rate():
    model = ScriptedModel(always(1, 0, 0))
    check(model, frames=101)  # four seconds
    assert len(model.seen) == 2 * 15  # every seventh frame (280 ms), two crops
    assert {crop.shape for crop in model.seen} == {(1, 96, 96, 3)}


def test_few_looks_decide_nothing():
    reading = read(always(0, 0, 1), frames=40)
    assert (reading.outcome, reading.code, reading.score_ppm) == (
        Outcome.INCONCLUSIVE,
        "presentation_attack.too_few_frames",
        None,
    )


def test_a_small_face_says_so():
    reading = read(always(0, 0, 1), size_px=34.0)
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "presentation_attack.too_small")
    assert reading.details["unusable"] == {"face_too_small": 18}


def test_a_blurred_face_says_so():
    signal = PresentationAttackSignal(ScriptedModel(always(0, 0, 1)))
    for n in range(50):
        frame = Frame(n, 40.0 * n, b"", b"", PICTURE)
        signal.update(Observation(frame, None, CaptureProblem.BLURRED, None))
    assert signal.reading().code == "presentation_attack.blurred"


def test_a_head_in_profile_is_not_judged():
    assert read(always(0, 0, 1), pose=Pose(45.0, 0, 0)).outcome is Outcome.INCONCLUSIVE


def test_marks_hold_the_course_and_the_model():
    marks = check(ScriptedModel(always(0.9, 0.05, 0.05))).marks()
    assert marks.models == (ModelUse("scripted", "0" * 64),)
    assert marks.traces[0].values == pytest.approx([0.1] * len(marks.traces[0].times_ms), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("live", "fake")}, "live, print and replay"),
        ({"preprocessing": {}}, "face_widths"),
        ({"operating_points": {}}, "operating points"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ModelError, match=message):
        PresentationAttackSignal(ScriptedModel(always(1, 0, 0), **changes))


def test_trimming_leaves_the_ends_out():
    assert trimmed_mean([-100, 1, 2, 3, 100], 0.2) == 2
    assert trimmed_mean([5], 0.4) == 5
    assert trimmed_mean([1, 3], 0.5) == 2


def test_log_odds_are_bounded():
    assert log_odds(0.5, 6) == 0
    assert log_odds(1.0, 6) == pytest.approx(6)
    assert log_odds(0.0, 6) == pytest.approx(-6)


def test_a_cut_near_the_edge_moves_inside_and_a_wide_one_shrinks():
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:, 150:] = 255
    assert cut_square(picture, (195, 50), 40, 20).min() == 255  # columns 160 to 200
    assert cut_square(picture, (50, 50), 500, 50).shape == (50, 50, 3)  # the whole height, columns 0 to 100
    assert cut_square(picture, (50, 50), 500, 50).max() == 0


def test_a_turned_face_is_not_magnified():
    front, turned = (np.zeros((478, 3), np.float32) for _ in range(2))
    front[0, :2], turned[0, :2] = (100, 125), (60, 125)
    assert face_box(front) == (50, 62.5, 100)
    assert face_box(turned)[2] == 100


def test_every_option_of_the_tuning_counts():
    shares = always(0.1, 0.1, 0.8)

    def tuned(**changes: Any) -> SignalReading:
        signal = PresentationAttackSignal(ScriptedModel(shares), tuning=PresentationTuning(**changes))
        for n in range(120):
            signal.update(observed(40.0 * n, track(Pose(20.0, 0, 0), 50.0), image=PICTURE))
        return signal.reading()

    usual = tuned()
    assert usual.outcome is Outcome.FAIL
    assert tuned(every_ms=1000.0).outcome is Outcome.INCONCLUSIVE
    assert tuned(least_looks=50).outcome is Outcome.INCONCLUSIVE
    assert tuned(least_size_px=60.0).outcome is Outcome.INCONCLUSIVE
    assert tuned(most_turn_deg=10.0).outcome is Outcome.INCONCLUSIVE
    assert tuned(clip=0.5).outcome is Outcome.PASS
