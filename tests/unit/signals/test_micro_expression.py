"""The micro-expression signal on a drawn face and a stand-in net: no mesh, no weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame, Observation
from medauth.protocol.policy import POLICIES
from medauth.protocol.reading import Outcome
from medauth.signals.face_flow import NAMES, REGIONS, region_middles
from medauth.signals.interface import ModelUse
from medauth.signals.micro_classifier import UNDECIDED, MovementClassifier, movement_map
from medauth.signals.micro_expression import MicroExpressionSignal, MicroTuning
from medauth.signals.models import Manifest
from tests.unit.signals.heads import track

pytestmark = pytest.mark.simulated

HEIGHT, WIDTH = 300, 400
CORNERS = ("right mouth corner", "left mouth corner")


class StandIn:
    """A net that is sure of one class."""

    def __init__(self, *probabilities: float, side: int = 28) -> None:
        self.manifest = Manifest("stand-in", "1", "none", "0" * 64, ("negative", "positive", "surprise"))
        self._probabilities = np.array([probabilities or (0.1, 0.8, 0.1)], np.float32)
        self._side = side
        self.seen: list[NDArray[Any]] = []

    @property
    def use(self) -> ModelUse:
        return ModelUse("stand-in", "0" * 64)

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        assert name == "predict"
        return (1, self._side, self._side, 3)

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        assert name == "predict"
        self.seen.append(inputs["images"])
        return {"probabilities": self._probabilities}


def face() -> FaceTrack:
    """The mesh of `heads`, with the points of regions and eyes that it leaves out."""
    seen = track(size_px=80.0)
    points = seen.landmarks.copy()
    eyes = points[[33, 263], :2].mean(axis=0)
    places = {"brow, inner": (14, -18), "brow, outer": (32, -16), "eye": (28, 0), "nose wing": (12, 34),
              "mouth corner": (22, 62), "upper lip": (0, 56), "lower lip": (0, 68), "chin": (0, 84)}  # fmt: skip
    for name, group in REGIONS.items():
        side, _, part = name.partition(" ")
        x, y = places[part] if side in ("left", "right") else places[name]
        way = {"right": -1, "left": 1}.get(side, 0)
        if part != "eye":
            points[list(group), :2] = eyes + np.array([way * x, y], np.float32)
    for inner, outer, way in ((133, 33, 1), (362, 263, -1)):
        points[inner, :2] = points[outer, :2] + np.array([way * 26, 0], np.float32)
    for eye in ((160, 159, 158), (387, 386, 385)):
        points[list(eye), :2] = points[33 if eye[0] == 160 else 362, :2] + np.array([13, -5], np.float32)
    for eye in ((144, 145, 153), (373, 374, 380)):
        points[list(eye), :2] = points[33 if eye[0] == 144 else 362, :2] + np.array([13, 5], np.float32)
    return replace(seen, landmarks=points)


FACE = face()
_ROUGH = cv2.GaussianBlur(np.random.default_rng(2).random((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 2.5)
SKIN = np.asarray(np.interp(_ROUGH, (_ROUGH.min(), _ROUGH.max()), (30, 220)), np.uint8)


def smiling(amount_px: float) -> NDArray[np.uint8]:
    """The drawn face, its mouth corners pulled up and apart."""
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    for name, way in zip(CORNERS, (-1.0, 1.0), strict=True):
        at = FACE.landmarks[list(REGIONS[name]), :2].mean(axis=0)
        weight = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * 9.0**2)) * amount_px
        x, y = x - way * 0.7 * weight, y + 0.7 * weight
    return np.asarray(cv2.cvtColor(cv2.remap(SKIN, x, y, cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR), np.uint8)


@cache
def filmed(amount_px: float, noise: int) -> NDArray[np.uint8]:
    """One camera frame; few differ."""
    image = smiling(amount_px) + np.random.default_rng(noise).normal(0.0, 2.0, (HEIGHT, WIDTH, 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def watch(
    signal: MicroExpressionSignal, course: Callable[[float], float], fps: float = 30.0, seconds: float = 5.0
) -> MicroExpressionSignal:
    signal.start(None)
    for index in range(int(seconds * fps)):
        t_ms = 1000 * index / fps
        frame = Frame(index, t_ms, b"", b"", filmed(round(course(t_ms), 3), index * 7 % 5))
        signal.update(Observation(frame, FACE, None, None))
    return signal


def twitch(t_ms: float) -> float:
    part = (t_ms - 2500) / 200
    return 3.0 * (0.5 - 0.5 * math.cos(2 * math.pi * part)) if 0 < part < 1 else 0.0


def test_a_twitch_of_the_mouth_is_seen_named_and_marked() -> None:
    net = StandIn()
    signal = watch(MicroExpressionSignal(net), twitch)
    reading = signal.reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "micro_expression.seen")
    assert reading.score_ppm is None
    details: dict[str, Any] = dict(reading.details)
    (event,) = details["events"]
    assert event["apex_ms"] == pytest.approx(2600, abs=60)
    assert event["class"] == "positive"
    assert {event["directions"][name] for name in CORNERS} <= {"up", "up-left", "up-right"}
    assert net.seen[0].shape == (1, 28, 28, 3)
    marks = signal.marks()
    (mark,) = marks.events["micro_expression"]
    assert mark["positive"] == pytest.approx(0.8)
    assert mark["onset_ms"] < mark["apex_ms"] < mark["offset_ms"]
    assert {len(trace.values) for trace in marks.traces} == {150}
    assert marks.models == (net.use,)


def test_a_still_face_shows_none_and_says_what_it_could_not_see() -> None:
    reading = watch(MicroExpressionSignal(StandIn()), lambda _t: 0.0).reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "micro_expression.none_seen")
    assert "under 100 ms were not observable" in reading.reason
    assert reading.details["shortest_observable_ms"] == 100
    assert reading.score_ppm is None


def test_reading_changes_nothing() -> None:
    signal = watch(MicroExpressionSignal(StandIn()), twitch)
    assert signal.reading() == signal.reading()


def test_too_few_frames_can_show_nothing() -> None:
    reading = watch(MicroExpressionSignal(StandIn()), twitch, fps=5).reading()
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "micro_expression.too_few_frames")


def test_a_glimpse_is_too_short() -> None:
    assert (
        watch(MicroExpressionSignal(StandIn()), lambda _t: 0.0, seconds=1).reading().code
        == "micro_expression.too_short"
    )


def test_without_a_face_nothing_was_measured() -> None:
    signal = MicroExpressionSignal(StandIn())
    signal.update(Observation(Frame(0, 0.0, b"", b"", SKIN), None, CaptureProblem.TOO_DARK, None))
    assert signal.reading().code == "micro_expression.not_measured"


def test_lids_that_move_all_the_time_leave_nothing_to_judge() -> None:
    signal = MicroExpressionSignal(StandIn(), MicroTuning(lids_still=1.5))
    assert watch(signal, twitch).reading().code == "micro_expression.not_judgeable"


def test_an_unsure_net_gives_no_name() -> None:
    signal = watch(MicroExpressionSignal(StandIn(0.34, 0.33, 0.33)), twitch)
    assert signal.reading().details["classes"] == {UNDECIDED: 1}


def test_without_a_net_movements_keep_no_name() -> None:
    signal = watch(MicroExpressionSignal(None), twitch)
    assert signal.reading().details["classes"] == {UNDECIDED: 1}
    assert signal.marks().models == ()


def test_a_net_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError):
        MovementClassifier(StandIn(side=48))


def test_frames_that_follow_too_closely_are_left_out() -> None:
    signal = watch(MicroExpressionSignal(StandIn()), lambda _t: 0.0, fps=240, seconds=1)
    assert len(signal.marks().traces[0].times_ms) <= 80


def test_no_policy_asks_for_it_or_denies_by_it() -> None:
    assert not any("micro_expression" in (*policy.deny, *policy.confirm) for policy in POLICIES.values())


def test_regions_lie_where_the_face_has_them() -> None:
    middles = dict(zip(NAMES, region_middles(FACE).tolist(), strict=True))
    assert middles["right mouth corner"][0] < middles["chin"][0] < middles["left mouth corner"][0]
    assert middles["left brow, inner"][1] < middles["left nose wing"][1] < middles["chin"][1]


def test_a_map_shows_flow_and_strain() -> None:
    blank = np.full((112, 112), 100, np.uint8)
    assert movement_map(blank, blank).shape == (28, 28, 3)
    assert np.abs(movement_map(blank, blank)).max() < 1e-3
