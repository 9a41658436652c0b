"""The deepfake signal on a stand-in model: what it looks at, when it judges, what it concludes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.challenge import Action, scripted_step
from medauth.protocol.observation import CaptureProblem, FaceQuality, FaceTrack, Frame, Observation, Pose, Prompt
from medauth.protocol.reading import Outcome, to_ppm
from medauth.signals.deepfake import DeepfakeSignal, DeepfakeTuning, check_logit
from medauth.signals.interface import ModelUse
from medauth.signals.models import Manifest

FRAME_MS = 1_000 / 30
SIDE, WIDTH, WINDOW = 8, 3, 16
THRESHOLD = 0.6


class PaintedModel:
    """Takes the blue of a crop for its vector, and the mean of sixteen for its logit."""

    def __init__(self, signatures: tuple[str, ...] = ("encode", "score", "explain"), **calibration: Any) -> None:
        points = {"standard": {"threshold": THRESHOLD}}
        self.manifest = Manifest("painted", "1", "none", "0" * 64, calibration=calibration, operating_points=points)
        self.encoded: list[NDArray[Any]] = []
        self._signatures = signatures

    @property
    def use(self) -> ModelUse:
        return ModelUse("painted", "0" * 64)

    def signatures(self) -> tuple[str, ...]:
        return self._signatures

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        return {"encode": (1, SIDE, SIDE, 3), "score": (1, WINDOW, WIDTH)}[name]

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        if name == "encode":
            self.encoded.append(inputs["images"])
            maps = inputs["images"].reshape(1, 2, SIDE // 2, 2, SIDE // 2, WIDTH).mean(axis=(2, 4))
            return {"vector": inputs["images"].mean(axis=(1, 2)), "maps": maps}
        if name == "explain":
            assert inputs["maps"].shape == (1, WINDOW, 2, 2, WIDTH)
            return {"heat": inputs["maps"][..., 0] / 100}
        assert inputs["vectors"].shape == (1, WINDOW, WIDTH)
        return {"logit": (inputs["vectors"][..., 0].mean(axis=1, keepdims=True) - 100) / 10}


def seen(t_ms: float, blue: int = 90, *, yaw: float = 0.0, problem: CaptureProblem | None = None) -> Observation:
    image = np.full((120, 130, 3), (blue, 20, 30), np.uint8)
    mesh = np.zeros((478, 3), np.float32)
    mesh[33, :2], mesh[133, :2], mesh[362, :2], mesh[263, :2] = (40, 60), (55, 60), (75, 60), (90, 60)
    track = None if problem else FaceTrack(mesh, Pose(yaw, 0, 0), FaceQuality(50.0, 400.0, 120.0))
    return Observation(Frame(0, t_ms, b"", b"", image), track, problem, None)


def watch(
    model: PaintedModel, blues: list[int], *, every_ms: float = FRAME_MS, tuning: DeepfakeTuning | None = None
) -> DeepfakeSignal:
    signal = DeepfakeSignal(model, tuning=tuning)
    signal.start(None)
    for index, blue in enumerate(blues):
        signal.update(seen(index * every_ms, blue))
    return signal


def test_a_natural_face_passes_and_a_painted_one_fails() -> None:
    natural = watch(PaintedModel(), [90] * 90).reading()
    painted = watch(PaintedModel(), [130] * 90).reading()
    assert (natural.outcome, natural.code) == (Outcome.PASS, "deepfake.none_seen")
    assert (painted.outcome, painted.code) == (Outcome.FAIL, "deepfake.suspected")
    assert natural.score_ppm == to_ppm(1 / (1 + np.exp(1.0)))
    assert painted.score_ppm == to_ppm(1 / (1 + np.exp(-3.0)))


@pytest.mark.parametrize(("strength", "outcome"), [(105, Outcome.FAIL), (104, Outcome.PASS)])
def test_the_threshold_is_the_manifests(strength: int, outcome: Outcome) -> None:
    """Logit .5 is a chance of .62, .4 one of .599: the operating point lies between them."""
    assert watch(PaintedModel(), [strength] * 60).reading().outcome is outcome


def test_a_policy_may_have_a_threshold_of_its_own() -> None:
    model = PaintedModel()
    points = {"standard": {"threshold": 0.9}, "strict": {"threshold": 0.5}}
    model.manifest = Manifest("painted", "1", "none", "0" * 64, operating_points=points)
    for policy, outcome in (("strict", Outcome.FAIL), ("standard", Outcome.PASS), ("no-turn", Outcome.PASS)):
        signal = DeepfakeSignal(model, policy)
        for index in range(60):
            signal.update(seen(index * FRAME_MS, 105))
        assert signal.reading().outcome is outcome


def test_the_last_frame_of_a_painted_window_is_worth_a_picture() -> None:
    signal = DeepfakeSignal(PaintedModel())
    noted = []
    for index in range(60):
        signal.update(seen(index * FRAME_MS, 105))
        noted.append(signal.notable())
    found = [note for note in noted if note is not None]
    assert [note.what for note in found] == ["fake"] * len(found)
    assert len(found) == signal.reading().details["windows"]
    assert found[0].strength == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert all(signal.notable() is None for signal in [watch(PaintedModel(), [95] * 60)])


def test_a_frame_is_explained_as_a_window_that_stands_still() -> None:
    shown = seen(0, 105)
    assert shown.track is not None
    heat = DeepfakeSignal(PaintedModel()).explained(shown.frame.image, shown.track, "fake")
    assert heat is not None
    assert (heat.signal, heat.what, heat.method) == ("deepfake", "fake", "Grad-CAM")
    assert heat.picture.shape == (SIDE, SIDE, 3)
    np.testing.assert_allclose(heat.heat, np.full((2, 2), 1.05), rtol=1e-5)
    mute = DeepfakeSignal(PaintedModel(("encode", "score")))
    assert mute.explained(shown.frame.image, shown.track, "fake") is None


def test_a_model_without_an_operating_point_is_refused() -> None:
    model = PaintedModel()
    model.manifest = Manifest("painted", "1", "none", "0" * 64)
    with pytest.raises(ModelError, match="operating points"):
        DeepfakeSignal(model)


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot score"):
        DeepfakeSignal(PaintedModel(("encode",)))


def test_calibration_outside_the_file_is_applied() -> None:
    reading = watch(PaintedModel(method="temperature", temperature=2.0, in_file=False), [130] * 60).reading()
    assert reading.score_ppm == pytest.approx(to_ppm(1 / (1 + np.exp(-1.5))), abs=2)


def test_it_looks_ten_times_a_second_whatever_the_frame_rate() -> None:
    for fps in (25, 30, 60):
        model = PaintedModel()
        watch(model, [90] * (3 * fps), every_ms=1_000 / fps)
        assert 24 <= len(model.encoded) <= 30, fps


def test_sixteen_looks_are_a_window_and_fewer_are_inconclusive() -> None:
    few = watch(PaintedModel(), [130] * (WINDOW - 1), every_ms=100)
    assert (few.reading().outcome, few.reading().code) == (Outcome.INCONCLUSIVE, "deepfake.too_few_frames")
    assert few.reading().score_ppm is None
    assert watch(PaintedModel(), [130] * WINDOW, every_ms=100).reading().details["windows"] == 1


def test_windows_follow_each_other_every_few_looks() -> None:
    signal = watch(PaintedModel(), [130] * 24, every_ms=100, tuning=DeepfakeTuning(judge_every=4))
    assert signal.reading().details["windows"] == 3
    assert list(signal.marks().traces[0].times_ms) == [1500, 1900, 2300]


def test_a_long_gap_begins_the_window_anew() -> None:
    signal = DeepfakeSignal(PaintedModel())
    for index in range(12):
        signal.update(seen(index * 100.0))
    for index in range(12):
        signal.update(seen(9_000 + index * 100.0))
    assert signal.reading().code == "deepfake.too_few_frames"


def test_what_gaps_keep_from_being_judged_is_not_passed() -> None:
    """A natural start, then painted stretches, each over before a window is full."""
    signal = DeepfakeSignal(PaintedModel())
    for index in range(20):
        signal.update(seen(index * 100.0, 80))
    assert signal.reading().outcome is Outcome.PASS
    for stretch in range(6):
        for index in range(15):
            signal.update(seen(5_000 + stretch * 3_200 + index * 100.0, 130))
    found = signal.reading()
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, "deepfake.too_few_frames")
    assert (found.details["looks"], found.details["looks_judged"]) == (110, 20)


def test_faces_turned_away_or_lost_are_not_shown_to_the_model() -> None:
    model = PaintedModel()
    signal = DeepfakeSignal(model)
    for index in range(20):
        signal.update(seen(index * 100.0, yaw=50.0))
        signal.update(seen(index * 100.0 + 50, problem=CaptureProblem.BLURRED))
    assert not model.encoded
    assert signal.reading().details["turned_away"] == 20


def test_the_model_sees_a_colour_crop_and_stands_in_the_marks() -> None:
    model = PaintedModel()
    signal = watch(model, [90] * 3, every_ms=100)
    assert model.encoded[0].shape == (1, SIDE, SIDE, 3)
    np.testing.assert_allclose(model.encoded[0][0, 4, 4], (90, 20, 30))
    assert signal.marks().models == (ModelUse("painted", "0" * 64),)


def test_one_extreme_window_does_not_outweigh_the_others() -> None:
    assert check_logit([1000.0, *[-2.0] * 15]) == pytest.approx(3.0)


def test_a_check_is_judged_by_its_most_painted_eighth() -> None:
    assert check_logit([-5.0] * 35 + [1.0] * 5) == pytest.approx(1.0)
    assert check_logit([-5.0]) == -5.0
    assert check_logit([-5.0, 1.0, 0.0]) == 1.0
    assert check_logit([-5.0, 1.0, 0.0, *[-3.0] * 6]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("action", "windows"), [(Action.HAND_ACROSS, 21), (Action.PROFILE_LEFT, 21), (Action.SMILE, 0)]
)
def test_it_looks_closest_where_painted_faces_come_loose(action: Action, windows: int) -> None:
    """Two seconds of rest, then two of the step: every look of those closes a window, and they weigh as much as they are."""
    prompt, signal = Prompt(0, scripted_step(action, 0, pause_ms=0), 2_000.0), DeepfakeSignal(PaintedModel())
    signal.start(None)
    for index in range(121):
        t_ms = index * FRAME_MS
        observation = seen(t_ms, 130 if t_ms >= 2_000 else 90)
        signal.update(replace(observation, prompt=prompt if t_ms >= 2_000 else None))
    details = signal.reading().details
    assert details["breaker_windows"] == windows
    assert (details["breaker_ppm"] is None) == (windows == 0)
