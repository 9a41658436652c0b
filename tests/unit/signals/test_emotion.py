"""Emotion responsiveness on made-up probabilities: no weights, no clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame, Observation, Prompt
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.emotion import EmotionSignal, EmotionTuning
from medauth.signals.expression_shape import CLEAR_BROWS, CLEAR_SMILE
from medauth.signals.face_crop import FaceBox, crop_face
from medauth.signals.interface import Expressions, ModelUse
from medauth.signals.models import Manifest
from medauth.signals.responsiveness import AskedStep, ResponseTuning, StepResponse, judge_step
from tests.unit.signals import heads

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SHOWN_MS = 2000.0
Curve = Callable[[float], float]


class ScriptedModel:
    """Says what a curve over time says; the test tells it the time in `now_ms`."""

    def __init__(self, expression: str, curve: Curve, **calibration: Any) -> None:
        self.manifest = Manifest("scripted", "1", "none", "0" * 64, CLASSES, calibration=calibration)
        self.now_ms = 0.0
        self.calls = 0
        self._at = CLASSES.index(expression)
        self._curve = curve

    @property
    def use(self) -> ModelUse:
        return ModelUse("scripted", "0" * 64)

    def asked(self) -> float:
        """What it says of the expression now."""
        return self._curve(self.now_ms)

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        assert name == "predict"
        return (1, 48, 48, 1)

    def signatures(self) -> tuple[str, ...]:
        return ("predict", "explain")

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        if name == "explain":
            return {"heat": np.full((1, 6, 6), inputs["target"].argmax(), np.float32)}
        assert inputs["images"].shape == (1, 48, 48, 1)
        self.calls += 1
        asked = self._curve(self.now_ms)
        found = np.full(len(CLASSES), (1 - asked) / (len(CLASSES) - 1), np.float32)
        found[self._at] = asked
        return {"probabilities": found[None]}


def rising(after_ms: float, *, low: float = 0.02, high: float = 0.8, until_ms: float = math.inf) -> Curve:
    """From `low` to `high` in 400 ms, beginning so long after the prompt."""

    def curve(t_ms: float) -> float:
        share = min(1.0, max(0.0, (t_ms - SHOWN_MS - after_ms) / 400))
        return low if t_ms > until_ms else low + (high - low) * share

    return curve


def face(share: float = 0.0) -> FaceTrack:
    """A face that smiles and raises its brows by this share of a clear expression."""
    return heads.track(size_px=50.0, smile=share * CLEAR_SMILE, brows=share * CLEAR_BROWS)


def landmarks() -> NDArray[np.float32]:
    mesh = np.zeros((478, 3), np.float32)
    mesh[33, :2], mesh[133, :2], mesh[362, :2], mesh[263, :2] = (40, 60), (55, 60), (75, 60), (90, 60)
    return mesh


def observed(t_ms: float, prompt: Prompt | None, *, seen: bool = True, moved: float = 0.0) -> Observation:
    frame = Frame(0, t_ms, b"", b"", np.full((120, 130, 3), 90, np.uint8))
    track = face(moved) if seen else None
    return Observation(frame, track, None if seen else CaptureProblem.NO_FACE, prompt)


def check(
    model: ScriptedModel,
    actions: tuple[Action, ...] = (Action.SMILE,),
    *,
    fps: float = 30,
    seen: bool = True,
    tuning: EmotionTuning | None = None,
    geometry: Curve | None = None,
) -> EmotionSignal:
    """One check of 4 s a step; each prompt is on show from 2 s to 4 s of its part. The face moves as the network sees it,
    or by `geometry`."""
    signal = EmotionSignal(model, tuning)
    steps = tuple(scripted_step(action, 0, pause_ms=1000) for action in actions)
    signal.start(Challenge("check", steps, bytes(32), scripted=True))
    for index, step in enumerate(steps):
        for k in range(int(4.5 * fps)):
            part_ms = 1000 * k / fps
            t_ms = part_ms + 4500 * index
            model.now_ms = part_ms
            shown = SHOWN_MS <= part_ms < SHOWN_MS + 2000
            prompt = Prompt(index, step, SHOWN_MS + 4500 * index) if shown else None
            moved = geometry(part_ms) if geometry else min(1.0, 1.3 * model.asked() ** 0.5)
            signal.update(observed(t_ms, prompt, seen=seen, moved=moved))
    return signal


def step_of(reading: SignalReading, index: int = 0) -> dict[str, Any]:
    steps = reading.details["steps"]
    assert isinstance(steps, list)
    return steps[index]  # type: ignore[return-value]


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
def test_expression_after_its_prompt_passes_at_every_frame_rate(fps: float) -> None:
    reading = check(ScriptedModel("happiness", rising(500)), fps=fps).reading()
    assert (reading.outcome, reading.code) == (Outcome.PASS, "emotion.responded")
    assert step_of(reading)["onset_delay_ms"] == pytest.approx(650, abs=160)
    assert step_of(reading)["outcome"] == "shown"


def test_small_probabilities_count_by_their_rise() -> None:
    reading = check(ScriptedModel("surprise", rising(500, low=0.003, high=0.12)), (Action.RAISE_BROWS,)).reading()
    assert reading.outcome is Outcome.PASS


def test_expression_before_anyone_could_know_fails() -> None:
    reading = check(ScriptedModel("happiness", rising(-250))).reading()
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "emotion.anticipated")


def test_expression_that_never_comes_fails() -> None:
    reading = check(ScriptedModel("happiness", lambda _: 0.02)).reading()
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "emotion.absent")
    assert reading.score_ppm == 0


def test_absence_where_the_model_is_blind_is_inconclusive() -> None:
    blind = ScriptedModel("surprise", lambda _: 0.02, dependable=["happiness"])
    assert check(blind, (Action.RAISE_BROWS,)).reading().code == "emotion.faint"


def test_face_that_smiles_all_along_is_inconclusive() -> None:
    reading = check(ScriptedModel("happiness", lambda _: 0.9)).reading()
    assert (reading.outcome, step_of(reading)["outcome"]) == (Outcome.INCONCLUSIVE, "already_there")


def test_an_expression_is_seen_without_a_face_at_rest_to_compare_with() -> None:
    signal = EmotionSignal(ScriptedModel("happiness", lambda _: 0.9))
    assert isinstance(signal, Expressions)
    assert not signal.expressive()
    signal.update(observed(0.0, None))
    assert signal.expressive()
    for curve in (lambda _: 0.3, lambda t_ms: 0.9 if t_ms < 1_000 else 0.05):
        assert not check(ScriptedModel("happiness", curve)).expressive()
    angry = EmotionSignal(ScriptedModel("anger", lambda _: 0.9))
    angry.update(observed(0.0, None))
    assert not angry.expressive()


def test_faint_rise_is_inconclusive() -> None:
    reading = check(ScriptedModel("happiness", rising(500, low=0.02, high=0.06))).reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "emotion.faint")


def test_wrong_expression_fails() -> None:
    assert check(ScriptedModel("anger", rising(500))).reading().outcome is Outcome.FAIL


def test_one_of_two_expressions_is_enough() -> None:
    reading = check(ScriptedModel("happiness", rising(500)), (Action.SMILE, Action.RAISE_BROWS)).reading()
    assert reading.outcome is Outcome.PASS
    assert [step_of(reading, k)["outcome"] for k in (0, 1)] == ["shown", "absent"]


def test_return_to_rest_is_noted() -> None:
    assert step_of(check(ScriptedModel("happiness", rising(300, until_ms=3600))).reading())["returned"] is True
    assert step_of(check(ScriptedModel("happiness", rising(300))).reading())["returned"] is None


def test_geometry_has_its_own_course() -> None:
    """A network sees a rise of 400 ms; the mouth rises by itself, and falls again."""

    def mouth(t_ms: float) -> float:
        return max(0.0, 1 - abs(t_ms - SHOWN_MS - 900) / 500)

    course = step_of(check(ScriptedModel("happiness", rising(500)), geometry=mouth).reading())["geometry"]
    assert course["onset_delay_ms"] == pytest.approx(600, abs=60)
    assert course["apex_delay_ms"] == pytest.approx(900, abs=60)
    assert course["rise_ms"] == pytest.approx(300, abs=70)
    assert course["returned"] is True


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(lambda _: 0.0, id="never"),
        pytest.param(
            lambda t_ms: float(t_ms > SHOWN_MS + 1_600) * min(1.0, (t_ms - SHOWN_MS - 1_600) / 200), id="later"
        ),
    ],
)
def test_what_the_network_alone_sees_is_not_shown(geometry: Curve) -> None:
    reading = check(ScriptedModel("happiness", rising(300)), geometry=geometry).reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "emotion.apart")


def jump(t_ms: float) -> float:
    return float(t_ms >= SHOWN_MS + 700)


def test_a_smile_that_is_there_from_one_frame_to_the_next_is_not_shown() -> None:
    reading = check(ScriptedModel("happiness", rising(500)), geometry=jump).reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "emotion.abrupt")


def test_brows_may_jump_and_so_may_anything_at_few_frames_a_second() -> None:
    brows = check(ScriptedModel("surprise", rising(500)), (Action.RAISE_BROWS,), geometry=jump).reading()
    slow = check(ScriptedModel("happiness", rising(500)), geometry=jump, fps=12).reading()
    assert {brows.code, slow.code} == {"emotion.responded"}


def test_nothing_asked_is_inconclusive() -> None:
    reading = check(ScriptedModel("happiness", rising(500)), (Action.BLINK,)).reading()
    assert (reading.outcome, reading.code, reading.score_ppm) == (Outcome.INCONCLUSIVE, "emotion.not_asked", None)


def test_face_never_seen_is_inconclusive() -> None:
    reading = check(ScriptedModel("happiness", rising(500)), seen=False).reading()
    assert (reading.code, reading.score_ppm) == ("emotion.not_measured", None)


def test_face_not_seen_around_the_prompt_is_inconclusive() -> None:
    signal = EmotionSignal(ScriptedModel("happiness", rising(500)))
    step = scripted_step(Action.SMILE, 0, pause_ms=1000)
    signal.start(Challenge("check", (step,), bytes(32)))
    signal.update(observed(0.0, None))
    signal.update(observed(2000.0, Prompt(0, step, 2000.0), seen=False))
    reading = signal.reading()
    assert (reading.code, step_of(reading)["outcome"]) == ("emotion.not_measured", "unseen")


def test_recording_gives_a_timeline_and_no_answer() -> None:
    model = ScriptedModel("happiness", rising(0))
    signal = EmotionSignal(model)
    signal.start(None)
    for k in range(150):
        model.now_ms = 1000 * k / 30
        signal.update(observed(model.now_ms, None))
    reading = signal.reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "emotion.no_challenge")
    segments = reading.details["segments"]
    assert isinstance(segments, list)
    last = segments[-1]
    assert isinstance(last, list)
    assert last[2] == "happiness"
    assert len(signal.marks().traces) == len(CLASSES)
    assert signal.marks().models[0].name == "scripted"


def test_model_is_spared_frames_that_come_too_soon() -> None:
    often, seldom = (ScriptedModel("happiness", rising(500)) for _ in range(2))
    check(often, tuning=EmotionTuning(every_ms=0))
    check(seldom, tuning=EmotionTuning(every_ms=200))
    assert often.calls > 5 * seldom.calls


def test_smoothing_is_an_option() -> None:
    def outlier(t_ms: float) -> float:
        return 0.9 if 2980 < t_ms < 3020 else 0.02

    def mouth(t_ms: float) -> float:
        return max(0.0, 1 - abs(t_ms - 3000) / 300)

    smooth = check(
        ScriptedModel("happiness", outlier), tuning=EmotionTuning(every_ms=0, smoothing_ms=800), geometry=mouth
    )
    rough = check(ScriptedModel("happiness", outlier), tuning=EmotionTuning(every_ms=0, smoothing_ms=1), geometry=mouth)
    assert smooth.reading().outcome is not Outcome.PASS
    assert rough.reading().outcome is Outcome.PASS


def test_rise_that_counts_is_an_option() -> None:
    step = AskedStep(0, Action.SMILE, 500, 2000)
    times = [50.0 * k for k in range(50)]
    curve = [0.1 if t < 900 else 0.4 for t in times]
    assert judge_step(step, times, curve, ResponseTuning(rise=1.5)).outcome is StepResponse.SHOWN
    assert judge_step(step, times, curve, ResponseTuning(rise=3.0)).outcome is StepResponse.FAINT


def test_model_without_the_asked_classes_is_refused() -> None:
    model = ScriptedModel("happiness", rising(0))
    model.manifest = Manifest("cats", "1", "none", "0" * 64, ("cat", "dog"))
    with pytest.raises(ModelError, match="happiness, surprise"):
        EmotionSignal(model)


def test_temperature_flattens_probabilities() -> None:
    hot = check(ScriptedModel("happiness", lambda _: 0.9, temperature=3.0, in_file=False))
    cold = check(ScriptedModel("happiness", lambda _: 0.9))
    assert hot.marks().traces[3].values[-1] < cold.marks().traces[3].values[-1] - 0.2


@pytest.mark.parametrize("angle_deg", [-30.0, 0.0, 25.0])
@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_crop_is_upright_and_of_one_size(angle_deg: float, scale: float) -> None:
    angle = math.radians(angle_deg)
    middle = np.array([300.0, 260.0])
    along = np.array([math.cos(angle), math.sin(angle)]) * scale
    mesh = np.zeros((478, 3), np.float32)
    for point, offset in ((33, -30), (133, -12), (362, 12), (263, 30)):
        mesh[point, :2] = middle + along * offset
    image = np.zeros((520, 600, 3), np.uint8)
    for point in (33, 263):
        x, y = mesh[point, :2].astype(int)
        reach = int(3 * scale)
        image[y - reach : y + reach + 1, x - reach : x + reach + 1] = 255
    crop = crop_face(image, mesh, 64, FaceBox(), 60 * scale)
    assert crop.shape == (64, 64)
    right, left = crop[:, :32], crop[:, 32:]
    expected_y, half = 0.39 * 64, 0.518 * 64 / 2
    for part, x in ((right, 32 - half), (left, half)):
        row, column = np.argwhere(part > part.max() / 2).mean(axis=0)
        assert row == pytest.approx(expected_y, abs=2.0)
        assert column == pytest.approx(x, abs=2.0)


def test_crop_outside_the_image_repeats_its_border() -> None:
    mesh = landmarks()
    mesh[:, :2] -= 80
    assert crop_face(np.full((120, 130, 3), 90, np.uint8), mesh, 48, FaceBox(), 50.0).mean() == 90


def test_frames_under_a_prompt_are_notable_by_the_expression_asked_for() -> None:
    model = ScriptedModel("happiness", lambda _: 0.6)
    signal = EmotionSignal(model)
    signal.start(None)
    step = scripted_step(Action.SMILE, 0, pause_ms=1000)
    signal.update(observed(0.0, None))
    assert signal.notable() is None
    signal.update(observed(200.0, Prompt(2, step, 100.0)))
    found = signal.notable()
    assert found is not None
    assert found.what == "step-3.happiness"
    assert 0.5 < found.strength <= 0.6
    signal.update(observed(210.0, Prompt(2, step, 100.0)))
    assert signal.notable() is None, "a frame the model was spared"


def test_explanation_is_of_the_class_and_the_crop_that_was_judged() -> None:
    model = ScriptedModel("happiness", lambda _: 0.6)
    seen = observed(0.0, None)
    assert seen.track is not None
    heat_map = EmotionSignal(model).explained(seen.frame.image, seen.track, "step-1.surprise")
    assert heat_map is not None
    assert heat_map.heat.max() == CLASSES.index("surprise")
    assert heat_map.picture.shape == (48, 48)
    assert heat_map.method == "Grad-CAM"
