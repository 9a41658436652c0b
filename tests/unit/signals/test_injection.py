"""The injection signal on drawn frames: what fails, what is left unclear, what is told and decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.challenge import Action, Challenge, Step
from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame, Observation, Prompt
from medauth.protocol.reading import PPM, Outcome, SignalReading
from medauth.signals.injection import InjectionSignal, InjectionTuning
from tests.unit.signals import test_cross_fades as fine
from tests.unit.signals import test_head_step as drawn
from tests.unit.signals.heads import track

Numbers = NDArray[Any]

STEP = Step(Action.BLINK, 1, 1, 1, 0, 0, 0)
CHALLENGE = Challenge("chk", (STEP,), bytes(32))
REHEARSAL = Challenge("chk", (STEP,), bytes(32), scripted=True)
PROMPT = Prompt(0, STEP, 0.0)
FACE = track()
EVERY_MS = 66.7


def _walk() -> Numbers:
    """(2, 1200) places of something that moves smoothly and never twice the same way."""
    pushes = np.random.default_rng(11).normal(0, 1, (2, 1_208))
    speed = np.mean([pushes[:, shift : shift + 1_200] for shift in range(8)], axis=0)
    place = np.zeros(2)
    places = []
    for push in speed.T:
        place = 0.93 * place + 2.2 * push
        places.append(place)
    return np.array(places).T


WALK = _walk()


@cache
def picture(n: int) -> Numbers:
    """Something bright that wanders over a grainy ground."""
    random = np.random.default_rng(n)
    x, y = np.array([[60.0], [45.0]]) + 2.5 * WALK[:, n : n + 1]
    rows, columns = np.ogrid[:90, :120]
    light = 90 + 120 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 300)
    grain = random.normal(0, 2, (90, 120))
    return np.repeat(np.clip(light + grain, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def film(
    numbers: Iterable[int],
    *,
    times: Any = None,
    prompt: Prompt | None = PROMPT,
    seen: FaceTrack | None = FACE,
) -> Iterator[Observation]:
    """Observations of the pictures of those numbers, at 15 frames a second with a network's jitter."""
    random = np.random.default_rng(7)
    for index, n in enumerate(numbers):
        t_ms = EVERY_MS * index + abs(random.normal(0, 3)) if times is None else float(times[index])
        image = picture(n)
        frame = Frame(index, t_ms, b"", hashlib.sha256(image.tobytes()).digest(), image)
        yield Observation(frame, seen, None if seen else CaptureProblem.NO_FACE, prompt)


def read(
    observations: Iterable[Observation],
    challenge: Challenge | None = CHALLENGE,
    tuning: InjectionTuning | None = None,
) -> SignalReading:
    signal = InjectionSignal(tuning)
    signal.start(challenge)
    for observation in observations:
        signal.update(observation)
    return signal.reading()


def test_a_camera_passes_with_its_figures():
    reading = read(film(range(150)))
    assert (reading.outcome, reading.code) == (Outcome.PASS, "injection.none_seen")
    assert reading.score_ppm is not None
    assert reading.score_ppm < PPM // 2
    details = reading.details
    assert (details["frames"], details["duplicates"], details["cuts"], details["size_changes"]) == (150, 0, 0, 0)
    assert details["noise_milli"] == pytest.approx(2_000, rel=0.3)


def test_a_film_played_again_is_looped():
    reading = read(film([*range(60), *range(60), *range(60)]))
    assert (reading.outcome, reading.code, reading.score_ppm) == (Outcome.FAIL, "injection.looped", PPM)
    assert reading.details["loop_lag_ms"] == pytest.approx(60 * EVERY_MS, abs=90)


def test_back_and_forth_is_looped():
    assert read(film([*range(70), *range(68, 0, -1)])).code == "injection.looped"


@pytest.mark.parametrize(
    ("stands", "outcome", "code"),
    [
        (20, Outcome.PASS, "injection.none_seen"),
        (45, Outcome.INCONCLUSIVE, "injection.stalled"),
        (90, Outcome.FAIL, "injection.frozen"),
    ],
)
def test_a_picture_that_stands_still_to_the_bit(stands, outcome, code):
    reading = read(film([*range(40), *[40] * stands, *range(41, 80)]))
    assert (reading.outcome, reading.code) == (outcome, code)
    assert reading.details["longest_still_ms"] == pytest.approx((stands - 1) * EVERY_MS, abs=20)


def test_nobody_is_refused_for_a_still_picture_that_was_asked_nothing():
    assert read(film([1] * 90, prompt=None)).code == "injection.stalled"
    assert read(film([1] * 90, prompt=None), challenge=None).code == "injection.frozen", "an analysis asks nothing"


def test_a_covered_lens_is_black_to_the_bit():
    assert read(film([1] * 90, seen=None)).outcome is Outcome.PASS


def test_pictures_given_twice_are_told():
    reading = read(film([n // 2 for n in range(200)]))
    assert reading.outcome is Outcome.PASS
    assert reading.details["duplicates"] == 100


@pytest.mark.parametrize(("each", "outcome"), [(3, Outcome.PASS), (4, Outcome.INCONCLUSIVE), (8, Outcome.INCONCLUSIVE)])
def test_more_frames_than_pictures_leave_it_open(each, outcome):
    reading = read(film([n // each for n in range(200)]))
    assert (reading.outcome, reading.code == "injection.repeated") == (outcome, outcome is not Outcome.PASS)


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ([*np.arange(59) * 30.0, 100.0], "injection.clock_backwards"),
        (np.repeat(np.arange(30), 2) * 60.0, "injection.clock_stands_still"),
        (np.arange(60) * 0.001, "injection.clock_too_fast"),
        (np.arange(80) * 100 / 3, "injection.clock_constant"),
    ],
)
def test_every_kind_of_clock_has_a_code_and_a_recording_has_its_own(times, code):
    numbers = range(len(times))
    reading = read(film(numbers, times=times))
    constant = code == "injection.clock_constant"
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE if constant else Outcome.FAIL, code)
    for challenge in (None, REHEARSAL):
        assert read(film(numbers, times=times), challenge).outcome is Outcome.PASS


def test_another_camera_in_mid_check_is_refused():
    def observations() -> Iterator[Observation]:
        elsewhere = replace(FACE, landmarks=FACE.landmarks + np.float32(40))
        for index, observation in enumerate(film([n // 30 * 500 for n in range(60)])):
            frame, seen = observation.frame, FACE
            if index >= 30:
                image = np.ascontiguousarray(np.repeat(np.repeat(frame.image[::-1], 2, axis=0), 2, axis=1))
                seen = replace(elsewhere, landmarks=elsewhere.landmarks * 2)
                frame = replace(frame, image=image)
            yield replace(observation, frame=frame, track=seen)

    reading = read(observations())
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "injection.camera_changed")
    assert (reading.details["cuts"], reading.details["size_changes"]) == (1, 1)


def leaping(places: Iterable[float], *, stands: int = 14, gap_ms: float = 0.0) -> Iterator[Observation]:
    """A head that stays about each of these places, in pixels, and is at the next one all at once."""
    random = np.random.default_rng(2)
    for index, place in enumerate(np.repeat(list(places), stands).tolist()):
        image = drawn.head(by=(place + 0.02 * index, 0.3 * random.normal()))
        image[0, 0] = index  # no two frames are the same to the bit
        t_ms = EVERY_MS * index + abs(random.normal(0, 3)) + gap_ms * (index // stands)
        frame = Frame(index, t_ms, b"", hashlib.sha256(image.tobytes()).digest(), image)
        yield Observation(frame, drawn.FACE, None, PROMPT)


@pytest.mark.simulated
def test_a_player_that_cuts_to_what_is_asked_is_refused():
    reading = read(leaping([0, 7, -6, 3]))
    assert (reading.outcome, reading.code, reading.details["jumps"]) == (Outcome.FAIL, "injection.jumped", 3)


@pytest.mark.simulated
def test_a_leap_right_after_a_picture_that_stood_still_is_one_where_film_is_missing():
    frames = list(leaping([0, 7, -6, 3]))
    for at in (13, 27, 41):
        frames[at] = replace(frames[at], frame=replace(frames[at].frame, sha256=frames[at - 1].frame.sha256))
    assert read(frames).code == "injection.jumps_hidden"


@pytest.mark.simulated
def test_two_leaps_may_be_lost_frames():
    reading = read(leaping([0, 7, -6]))
    assert (reading.outcome, reading.details["jumps"]) == (Outcome.PASS, 2)


@pytest.mark.simulated
def test_leaps_where_film_is_missing_leave_it_open():
    reading = read(leaping([0, 7, -6, 3], gap_ms=400.0))
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "injection.jumps_hidden")
    assert (reading.details["jumps"], reading.details["jumps_hidden"]) == (0, 3)


def between(frames: list[Observation], *shown: Observation) -> list[Observation]:
    """These frames before every place of `leaping` but the first, all at one pace."""
    joined = [
        frame for index, one in enumerate(frames) for frame in (*(shown if index and index % 14 == 0 else ()), one)
    ]
    return [
        replace(one, frame=replace(one.frame, index=index, t_ms=EVERY_MS * index + index % 3))
        for index, one in enumerate(joined)
    ]


def shown(image: NDArray[np.uint8], track: FaceTrack | None) -> Observation:
    return Observation(Frame(0, 0.0, b"", hashlib.sha256(image.tobytes()).digest(), image), track, None, PROMPT)


@pytest.mark.simulated
@pytest.mark.parametrize(("frames", "level"), [(1, 0), (3, 255), (6, 0)])
def test_frames_without_a_face_at_each_leap_leave_it_open(frames: int, level: int):
    blank = shown(np.full_like(drawn.head(), level), None)
    reading = read(between(list(leaping([0, 7, -6, 3])), *[blank] * frames))
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "injection.jumps_hidden")
    assert (reading.details["jumps"], reading.details["jumps_hidden"]) == (0, 3)


@pytest.mark.simulated
@pytest.mark.parametrize("frames", [1, 5])
def test_frames_of_somewhere_else_at_each_leap_leave_it_open(frames: int):
    reading = read(between(list(leaping([0, 7, -6, 3])), *[shown(drawn.head(by=(-14, 5)), drawn.FACE)] * frames))
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "injection.jumps_hidden")


@pytest.mark.simulated
def test_a_player_that_fades_is_refused():
    rest = [fine.picture(0)] * fine.REST
    there, away = fine.faded(3), [fine.picture(fine.AWAY_PX)] * fine.REST
    played = [*rest, *there, *away, *there[::-1], *rest, *there, *away]
    random, frames = np.random.default_rng(6), []
    for index, grey in enumerate(played):
        noisy = np.clip(grey + random.normal(0, 1, grey.shape), 0, 255).astype(np.uint8)
        one = shown(np.repeat(noisy[..., None], 3, axis=2), drawn.FACE)
        frames.append(replace(one, frame=replace(one.frame, index=index, t_ms=EVERY_MS * index + index % 3)))
    reading = read(frames)
    assert (reading.outcome, reading.code, reading.details["fades"]) == (Outcome.FAIL, "injection.jumped", 3)


def lost_in(
    steps: int, frames: int, *, action: Action = Action.BLINK, every_ms: int = 40, missed: bool = False
) -> list[Observation]:
    """A person who sits still, lost for so many dark frames right after each of so many prompts; `missed`: there all the
    while, and not found in them."""
    asked = [Prompt(n, replace(STEP, action=action), 0.0) for n in range(steps)]
    here = [shown(drawn.head(by=(0.2 * np.sin(n), 0)), drawn.FACE) for n in range(20)]
    blank = shown(drawn.head() if missed else np.zeros_like(drawn.head()), None)
    course = [replace(one, prompt=prompt) for prompt in asked for one in (*here, *[blank] * frames, *here)]
    return [replace(o, frame=replace(o.frame, index=n, t_ms=every_ms * n + n % 3)) for n, o in enumerate(course)]


@pytest.mark.simulated
@pytest.mark.parametrize(
    ("steps", "frames", "code"),
    [
        (3, 3, "injection.out_of_sight"),
        (2, 3, "injection.none_seen"),
        (3, 1, "injection.none_seen"),
        (3, 12, "injection.out_of_sight"),
    ],
)
def test_a_face_lost_in_step_after_step_leaves_it_open(steps: int, frames: int, code: str):
    reading = read(lost_in(steps, frames))
    assert reading.code == code
    assert reading.outcome is (Outcome.INCONCLUSIVE if code.endswith("out_of_sight") else Outcome.PASS)


@pytest.mark.simulated
def test_one_dark_frame_is_enough_where_frames_come_slowly():
    assert read(lost_in(3, 1, every_ms=60)).code == "injection.out_of_sight"
    assert read(lost_in(3, 1, every_ms=60, missed=True)).code == "injection.none_seen"


@pytest.mark.simulated
def test_a_step_that_hides_the_face_may_hide_it():
    assert read(lost_in(3, 8, action=Action.HAND_ACROSS)).code == "injection.none_seen"


@pytest.mark.simulated
def test_in_how_many_steps_a_face_may_be_lost_is_an_option():
    assert read(lost_in(2, 3), tuning=InjectionTuning(steps_lost=2)).code == "injection.out_of_sight"


@pytest.mark.simulated
def test_how_many_leaps_are_too_many_is_an_option():
    assert read(leaping([0, 7, -6, 3]), tuning=InjectionTuning(jumps=4)).outcome is Outcome.PASS


def test_a_handful_of_frames_tells_nothing():
    reading = read(film(range(14)))
    assert (reading.outcome, reading.code, reading.score_ppm) == (
        Outcome.INCONCLUSIVE,
        "injection.too_few_frames",
        None,
    )
    assert read([]).code == "injection.too_few_frames"


@pytest.mark.parametrize(
    ("tuning", "numbers", "code"),
    [
        (InjectionTuning(loop_share=1.1), [*range(60), *range(60)], "injection.none_seen"),
        (InjectionTuning(frozen_ms=2_500), [*range(40), *[40] * 45], "injection.frozen"),
        (InjectionTuning(stalled_ms=500), [*range(40), *[40] * 20], "injection.stalled"),
        (InjectionTuning(least_frames=40), range(30), "injection.too_few_frames"),
        (InjectionTuning(repeated_share=0.45), [n // 2 for n in range(120)], "injection.repeated"),
        (InjectionTuning(repeated_ms=9_000.0), [n // 4 for n in range(120)], "injection.none_seen"),
    ],
)
def test_every_threshold_counts(tuning, numbers, code):
    assert read(film(numbers), tuning=tuning).code == code


def test_noise_is_measured_as_often_as_asked():
    often, seldom = InjectionSignal(), InjectionSignal(InjectionTuning(noise_every_ms=1_000))
    for observation in film(range(60)):
        often.update(observation)
        seldom.update(observation)
    (trace,), (few,) = often.marks().traces, seldom.marks().traces
    assert len(trace.values) == len(trace.times_ms) > 5 * len(few.values)


def test_times_count_in_the_microseconds_that_are_signed():
    """What is judged again has rounded times: the same reading to the last digit."""
    rough = list(film(range(120)))
    signed = [replace(o, frame=replace(o.frame, t_ms=round(o.frame.t_ms * 1_000) / 1_000)) for o in rough]
    assert read(rough) == read(signed)
