"""A pulse by formula, and what has none: stills, films that come again, heads that move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.light import Colour, ColourShown
from medauth.protocol.observation import CaptureProblem, FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.protocol.policy import POLICIES
from medauth.protocol.reading import Outcome
from medauth.signals.pulse import PulseSignal, PulseTuning
from medauth.signals.pulse_wave import pos, rate_of, repeats
from medauth.signals.skin_patches import SkinPatches

pytestmark = pytest.mark.simulated

SKIN = np.array([170.0, 120.0, 95.0])
BEATS = np.array([0.33, 0.77, 0.53])
"""Relative strength in red, green and blue (de Haan and van Leest 2014, rounded)."""
IMAGE = np.zeros((2, 2, 3), np.uint8)


class Given(SkinPatches):
    def __init__(self, colours: NDArray[np.float64]) -> None:
        self.colours = colours

    def of(self, observation: Observation) -> NDArray[np.float64] | None:
        return None if observation.track is None else self.colours[observation.frame.index]


def skin(
    bpm: float | None, *, seconds: float = 10.0, amplitude: float = 0.01, noise: float = 0.25
) -> NDArray[np.float64]:
    """(n, 3, 3) at 30 frames a second."""
    times = np.arange(0, seconds, 1 / 30)
    beat = np.sin(2 * np.pi * (bpm or 60) / 60 * times) * (amplitude if bpm else 0.0)
    colours = SKIN * (1 + beat[:, None, None] * BEATS) * np.ones((1, 3, 1))
    return np.asarray(colours + np.random.default_rng(3).normal(0, noise, colours.shape))


def watched(
    colours: NDArray[np.float64], tuning: PulseTuning | None = None, *, sway: float = 0.0, lit_s: float = -1.0
) -> PulseSignal:
    signal = PulseSignal(Given(colours), tuning)
    signal.start(None)
    for index in range(len(colours)):
        marks = np.zeros((478, 3), np.float32)
        marks[:, 0] = 90 * sway * np.sin(index / 9)
        track = FaceTrack(marks, Pose(0, 0, 0), FaceQuality(90, 100, 120))
        light = ColourShown(0, Colour.CYAN, 0.0) if abs(index / 30 - lit_s) < 0.1 else None
        signal.update(Observation(Frame(index, index * 100 / 3, b"", b"", IMAGE), track, None, None, light))
    return signal


@pytest.mark.parametrize("bpm", [48, 66, 95, 150])
def test_a_pulse_is_found_at_its_rate(bpm: int) -> None:
    reading = watched(skin(bpm)).reading()
    assert (reading.outcome, reading.code) == (Outcome.PASS, "pulse.found")
    found = reading.details["bpm_milli"]
    assert isinstance(found, int)
    assert abs(found / 1_000 - bpm) < 3


def test_skin_that_does_not_beat_has_none() -> None:
    for seed in range(3):
        colours = skin(None) + np.random.default_rng(seed).normal(0, 0.3, (300, 3, 3))
        assert watched(colours).reading().code == "pulse.not_found"


@pytest.mark.parametrize("backwards", [False, True])
def test_a_film_that_comes_again_has_none_though_it_beats(backwards: bool) -> None:
    piece = skin(72, seconds=4.0)
    again = np.concatenate([piece, piece[::-1] if backwards else piece, piece])
    assert watched(again).reading().code == "pulse.repeated"


def test_what_cannot_show_a_pulse_is_inconclusive() -> None:
    assert watched(skin(72, seconds=5)).reading().code == "pulse.short"
    assert watched(skin(72), sway=0.5).reading().code == "pulse.moving"
    assert watched(skin(72) / 8).reading().code == "pulse.dark"
    assert watched(skin(72), lit_s=6.0).reading().code == "pulse.short"
    assert PulseSignal().reading().code == "pulse.short"
    assert not PulseSignal().marks().traces


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"window_ms": 20_000.0}, "pulse.short"),
        ({"most_gap_ms": 10.0}, "pulse.short"),
        ({"least_fps": 31.0}, "pulse.short"),
        ({"most_motion": -1.0}, "pulse.moving"),
        ({"most_repeated": -1.0}, "pulse.repeated"),
        ({"least_snr_db": 90.0}, "pulse.not_found"),
        ({"least_patch_snr_db": 90.0}, "pulse.not_found"),
        ({"most_apart_bpm": -1.0}, "pulse.not_found"),
    ],
    ids=str,
)
def test_every_threshold_changes_what_is_said(change: dict[str, float], code: str) -> None:
    assert watched(skin(72), replace(PulseTuning(), **change)).reading().code == code


def test_the_wave_is_shown() -> None:
    (trace,) = watched(skin(72)).marks().traces
    assert len(trace.times_ms) == len(trace.values) > 200


def test_pos_takes_no_notice_of_brightness() -> None:
    """The projection is orthogonal to what light and motion do to all channels alike."""
    times = np.arange(0, 10_000, 100 / 3)
    flicker = SKIN * (1 + 0.1 * np.sin(times / 150))[:, None]
    assert np.abs(pos(times, flicker)[1]).max() < 1e-9


def test_a_flat_line_has_no_rate() -> None:
    assert rate_of(np.zeros(0), np.zeros(300)).share == 0


def test_noise_never_comes_again() -> None:
    noise = np.random.default_rng(1).normal(size=(400, 9))
    assert repeats(noise) < 0.3
    assert repeats(np.concatenate([noise[:150], noise[:150]])) > 0.8
    assert repeats(noise[:50]) == 0


def test_no_policy_decides_by_pulse() -> None:
    assert not any("pulse" in (*policy.deny, *policy.confirm) for policy in POLICIES.values())


def test_patches_are_cut_where_skin_is_and_each_frame_once() -> None:
    marks = np.zeros((478, 3), np.float32)
    for landmark, at in (
        (151, (50, 20)),
        (9, (50, 20)),
        (50, (25, 60)),
        (205, (25, 60)),
        (280, (75, 60)),
        (425, (75, 60)),
    ):
        marks[landmark, :2] = at
    image = np.zeros((100, 100, 3), np.uint8)
    image[:40], image[40:, :50], image[40:, 50:] = (10, 20, 30), (40, 50, 60), (70, 80, 90)
    track = FaceTrack(marks, Pose(0, 0, 0), FaceQuality(60, 100, 120))
    patches = SkinPatches()
    seen = Observation(Frame(0, 0.0, b"", b"", image), track, None, None)
    found = patches.of(seen)
    assert found is not None
    assert found.tolist() == [[30, 20, 10], [60, 50, 40], [90, 80, 70]]
    assert patches.of(seen) is found
    turned = replace(seen, frame=replace(seen.frame, index=1), track=replace(track, pose=Pose(40, 0, 0)))
    away = patches.of(turned)
    assert away is not None
    assert np.isnan(away[2]).all()
    assert np.isfinite(away[:2]).all()
    gone = replace(seen, frame=replace(seen.frame, index=2), track=None, problem=CaptureProblem.NO_FACE)
    assert patches.of(gone) is None
