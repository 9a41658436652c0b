"""Skin that gives back the screen's colours, and skin that does not: drawn by formula, without a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.challenge import Challenge
from medauth.protocol.light import DRAWN, SCREEN_RGB, Colour, ColourShown, LightSequence, TimedColour
from medauth.protocol.observation import CaptureProblem, FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.light import LightSignal, LightTuning
from medauth.signals.light_steps import at_pace, strong_steps
from medauth.signals.skin_patches import SkinPatches

pytestmark = pytest.mark.simulated

ORDER = (Colour.WHITE, Colour.BLUE, Colour.ROSE, Colour.GREEN, Colour.CYAN, Colour.MAGENTA)
OTHER = (Colour.WHITE, Colour.YELLOW, Colour.CYAN, Colour.ROSE, Colour.BLUE, Colour.GREEN)
LASTS_MS = (700, 900, 750, 1_100, 800, 1_000)
FEWER = 5
"""White and four colours where it does not matter that there are five: a sixth of the sequences to weigh."""
TRACK = FaceTrack(np.zeros((478, 3), np.float32), Pose(0, 0, 0), FaceQuality(90, 100, 120))
IMAGE = np.zeros((2, 2, 3), np.uint8)
DARK, LIGHT = (0.09, 0.05, 0.035), (0.62, 0.46, 0.37)


def linear(value: float) -> float:
    return float((value / 255) ** 2.2)


@dataclass(frozen=True)
class Scene:
    """A person before a screen, in numbers. `order` and `at_ms` are what lights them."""

    order: tuple[Colour, ...] = ORDER
    lasts_ms: tuple[int, ...] = LASTS_MS
    at_ms: float = 2_000.0
    delay_ms: float = 120.0
    ambient: float = 0.6
    skin: tuple[float, float, float] = (0.44, 0.28, 0.2)
    fps: float = 30.0
    trip_ms: int = 0
    noise: float = 0.3
    exposure: Callable[[float], float] = lambda _: 1.0
    hidden: Callable[[float], bool] = lambda _: False
    asked: int = FEWER
    lamp: Callable[[float], NDArray[np.float64]] = lambda _: np.ones(3)

    def colour(self, t_ms: float) -> NDArray[np.float64]:
        """What the screen sends, linear."""
        ends = self.at_ms + np.cumsum(self.lasts_ms[: self.asked])
        if not self.at_ms <= t_ms < ends[-1]:
            return np.full(3, 0.4)
        shown = self.order[int(np.searchsorted(ends, t_ms, side="right"))]
        return np.array([linear(value) for value in SCREEN_RGB[shown]])

    def skin_at(self, t_ms: float) -> NDArray[np.float64]:
        """(3,) 0-255."""
        room = self.ambient * self.lamp(t_ms)
        lit = np.array(self.skin) * (room + self.colour(t_ms - self.delay_ms)) * self.exposure(t_ms)
        return np.asarray(255 * np.clip(0.35 * lit / np.mean(self.skin) / (self.ambient + 0.6), 0, 1) ** (1 / 2.2))


@dataclass
class Patches(SkinPatches):
    """Skin as a scene has it."""

    scene: Scene

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(5)

    def of(self, observation: Observation) -> NDArray[np.float64] | None:
        if observation.track is None:
            return None
        skin = self.scene.skin_at(observation.frame.t_ms)
        return skin + self.random.normal(0, self.scene.noise, (3, 3))


def filmed(scene: Scene, tuning: LightTuning | None = None, *, until_ms: float = 9_500.0) -> LightSignal:
    """The first `asked` of ORDER are issued, from 2 s on."""
    signal = LightSignal(Patches(scene), tuning)
    order, lasts_ms = ORDER[: scene.asked], LASTS_MS[: scene.asked]
    sequence = LightSequence(1, tuple(map(TimedColour, order, lasts_ms)))
    signal.start(Challenge("chk", (), bytes(32), light=sequence))
    starts = 2_000.0 + np.cumsum([0, *lasts_ms])
    for index, t_ms in enumerate(np.arange(0.0, until_ms, 1_000 / scene.fps)):
        place = int(np.searchsorted(starts, t_ms, side="left")) - 1
        light = ColourShown(place, order[place], starts[place], scene.trip_ms) if 0 <= place < len(order) else None
        seen = None if scene.hidden(t_ms) else TRACK
        problem = None if seen else CaptureProblem.NO_FACE
        signal.update(Observation(Frame(index, float(t_ms), b"", b"", IMAGE), seen, problem, None, light))
    return signal


def read(scene: Scene, tuning: LightTuning | None = None) -> SignalReading:
    return filmed(scene, tuning).reading()


@pytest.mark.parametrize("skin", [DARK, LIGHT], ids=str)
@pytest.mark.parametrize("fps", [15.0, 30.0])
@pytest.mark.parametrize("ambient", [0.05, 1.5])
def test_skin_of_any_tone_follows(skin: tuple[float, float, float], fps: float, ambient: float) -> None:
    reading = read(Scene(skin=skin, fps=fps, ambient=ambient))
    assert (reading.outcome, reading.code) == (Outcome.PASS, "light.followed")
    assert reading.details["rank"] == 1
    assert reading.details["of"] == 6**4
    delay_ms = reading.details["delay_ms"]
    assert isinstance(delay_ms, int)
    assert abs(delay_ms - 120) <= 45


def test_every_colour_has_its_evidence() -> None:
    details = read(Scene(asked=6)).details
    assert details["of"] == 6**5
    by_colour = details["by_colour"]
    assert isinstance(by_colour, list)
    assert [entry["colour"] for entry in by_colour] == [colour.value for colour in ORDER[1:]]  # type: ignore[index, call-overload]
    assert all(entry["margin_milli"] > 1_600 for entry in by_colour)  # type: ignore[index, call-overload, operator]


def test_exposure_that_follows_the_light_changes_nothing() -> None:
    reading = read(Scene(exposure=lambda t_ms: 1.0 + 0.4 * np.sin(t_ms / 400)))
    assert reading.code == "light.followed"


@pytest.mark.parametrize("place", range(1, 6))
def test_one_wrong_colour_is_enough_to_pass_no_more(place: int) -> None:
    """So the entropy that is counted is there: each colour is told from the five others."""
    nearest = DRAWN[(DRAWN.index(ORDER[place]) + 1) % len(DRAWN)]
    order = (*ORDER[:place], nearest, *ORDER[place + 1 :])
    assert read(Scene(order=order, asked=6)).outcome is not Outcome.PASS


@pytest.mark.parametrize("at_ms", [800.0, 2_450.0])
def test_a_film_taken_under_other_colours_is_refused(at_ms: float) -> None:
    lasts_ms = (700, 1_050, 820, 760, 940, 880)
    reading = read(Scene(asked=6, order=OTHER, lasts_ms=lasts_ms, at_ms=at_ms))
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "light.other_colours")


CUTS_MS = np.array([500, 2_900, 3_500, 5_900, 8_200])


@pytest.mark.parametrize("order", [ORDER, (Colour.WHITE,) * 6], ids=["with the colours", "without"])
def test_a_television_that_lights_the_face_is_no_film_of_another_check(order: tuple[Colour, ...]) -> None:
    """Its cuts change the colour of skin as suddenly, and not at a challenge's pace."""
    shots = np.random.default_rng(4).uniform(0.4, 1.6, (len(CUTS_MS) + 1, 3))
    scene = Scene(order=order, ambient=4.0, lamp=lambda t_ms: shots[int(np.searchsorted(CUTS_MS, t_ms))])
    reading = read(scene)
    assert reading.outcome is Outcome.INCONCLUSIVE
    assert reading.details["strong_steps"] >= 3  # type: ignore[operator]


@pytest.mark.parametrize("early_ms", [250.0, 900.0])
def test_a_response_before_its_colour_is_refused(early_ms: float) -> None:
    reading = read(Scene(delay_ms=-early_ms))
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "light.before_its_colour")


def test_a_round_trip_excuses_no_early_response() -> None:
    assert read(Scene(delay_ms=-250.0, trip_ms=200)).code == "light.before_its_colour"


def test_the_round_trip_is_taken_off_the_delay() -> None:
    assert read(Scene(delay_ms=740.0)).code == "light.late"
    assert read(Scene(delay_ms=740.0, trip_ms=200)).code == "light.followed"


UNCLEAR = {
    "no colours on the screen": (Scene(order=(Colour.WHITE,) * 6), "light.drowned"),
    "three times the screen's light in the room": (Scene(ambient=3.6), "light.drowned"),
    "ten times": (Scene(ambient=10.0), "light.drowned"),
    "a long way to the screen": (Scene(trip_ms=201), "light.delay_not_measured"),
    "few frames": (Scene(fps=13.0), "light.delay_not_measured"),
    "nobody there": (Scene(hidden=lambda t_ms: t_ms > 1_500), "light.unseen"),
    "gone for most of it": (Scene(hidden=lambda t_ms: 2_500 < t_ms < 6_000), "light.unseen"),
    "hardly any light": (Scene(exposure=lambda _: 0.001), "light.clipped"),
    "far too much": (Scene(exposure=lambda _: 40.0), "light.clipped"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_cannot_be_judged_is_inconclusive(name: str) -> None:
    scene, code = UNCLEAR[name]
    reading = read(scene)
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, code)


def test_few_frames_still_read_the_sequence() -> None:
    """Timing alone is given up at ten frames a second: another sequence is refused all the same."""
    assert read(Scene(fps=10.0)).details["rank"] == 1
    assert read(Scene(fps=10.0, asked=6, order=OTHER)).code == "light.other_colours"


def test_colours_that_were_not_all_shown_are_unfinished() -> None:
    assert filmed(Scene(), until_ms=4_000).reading().code == "light.unfinished"


def test_nothing_asked_is_nothing_read() -> None:
    for challenge in (None, Challenge("chk", (), bytes(32))):
        signal = LightSignal(Patches(Scene()))
        signal.start(challenge)
        signal.update(Observation(Frame(0, 0.0, b"", b"", IMAGE), TRACK, None, None))
        assert signal.reading().code == "light.not_asked"
        assert not signal.marks().traces


def test_traces_show_both_colour_axes() -> None:
    traces = filmed(Scene()).marks().traces
    assert [trace.unit for trace in traces] == ["log", "log"]
    assert all(len(trace.times_ms) == len(trace.values) > 100 for trace in traces)


@pytest.mark.parametrize(
    ("change", "scene", "code"),
    [
        ({"least_share": 0.9999}, Scene(), "light.unclear"),
        ({"least_margin": 1e6}, Scene(), "light.unclear"),
        ({"most_ambient": 0.2}, Scene(), "light.drowned"),
        ({"most_delay_ms": 50.0}, Scene(), "light.late"),
        ({"most_round_trip_ms": 10}, Scene(trip_ms=20), "light.delay_not_measured"),
        ({"least_fps": 31.0}, Scene(), "light.delay_not_measured"),
        ({"least_seen": 1.1}, Scene(), "light.unseen"),
        ({"most_gap_ms": 1.0}, Scene(), "light.unseen"),
        ({"least_at_pace": 99}, Scene(asked=6, order=OTHER), "light.drowned"),
        ({"pace_ms": (2_000.0, 3_000.0)}, Scene(asked=6, order=OTHER), "light.drowned"),
        ({"least_foreign_step": 9.0}, Scene(asked=6, order=OTHER), "light.drowned"),
        ({"most_rival_margin": 0.0, "most_foreign_share": 0.0}, Scene(asked=6, order=OTHER), "light.drowned"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value if isinstance(value, str) else "scene",
)
def test_every_threshold_changes_what_is_said(change: dict[str, object], scene: Scene, code: str) -> None:
    assert read(scene, replace(LightTuning(), **change)).code == code  # type: ignore[arg-type]


def test_steps_are_sudden_and_apart() -> None:
    times = np.arange(0, 5_000, 33.0)
    slope = np.stack([times / 5_000, np.zeros_like(times)], axis=1)
    stairs = np.stack([0.2 * (times // 1_000), np.zeros_like(times)], axis=1)
    assert strong_steps(times, slope, 0.05) == []
    assert strong_steps(times, stairs, 0.05) == pytest.approx([1_000, 2_000, 3_000, 4_000], abs=66)
    assert strong_steps(times[:1], stairs[:1], 0.05) == []


def test_pace_is_between_a_step_and_the_one_before() -> None:
    assert at_pace([], (600, 1_250)) == at_pace([1_000], (600, 1_250)) == 0
    assert at_pace([1_000, 1_600, 2_850, 3_449, 5_000], (600, 1_250)) == 2
