"""Simulated cameras, screens and prints: no data, no weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.training.presentation.camera import CameraSettings, Picture, photograph, to_light
from medauth.training.presentation.framing import Cut, FaceBox, cut_out, draw_cut, surround, to_crop
from medauth.training.presentation.paper import draw_print, show_on_paper
from medauth.training.presentation.screen import ScreenSettings, lattice, show_on_screen
from tests.unit.training.drawn_face import drawn_face

PERFECT = CameraSettings(
    lens_blur=0.2,
    motion_px=0.0,
    motion_angle=0.0,
    exposure=1.0,
    balance=(1.0, 1.0, 1.0),
    mosaic=False,
    shot_noise=0.0,
    read_noise=0.0,
    denoise=0.0,
    tone=1 / 2.2,
    contrast=0.0,
    saturation=1.0,
    sharpening=0.0,
    quality=(),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def face() -> Picture:
    return drawn_face()


def fine(picture: NDArray[Any]) -> float:
    """Contrast of detail finer than two pixels."""
    grey = picture.astype(np.float32).mean(axis=-1)
    return float(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5)).mean())


def test_a_perfect_camera_shows_what_was_there(face):
    shown = photograph(to_light(face), PERFECT, rng())
    assert np.abs(shown.astype(int) - face).mean() < 1.5


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"lens_blur": 3.0}, lambda a, b: fine(b) < 0.5 * fine(a)),
        ({"motion_px": 9.0}, lambda a, b: fine(b) < 0.8 * fine(a)),
        ({"exposure": 0.4}, lambda a, b: b.mean() < a.mean() - 20),
        ({"balance": (1.3, 1.0, 0.8)}, lambda a, b: (b - a)[..., 0].mean() > 5 > -5 > (b - a)[..., 2].mean()),
        ({"read_noise": 0.05}, lambda a, b: fine(b) > 2 * fine(a)),
        ({"shot_noise": 0.005}, lambda a, b: fine(b) > 2 * fine(a)),
        ({"tone": 0.3}, lambda a, b: b.mean() > a.mean() + 10),
        ({"contrast": 0.8}, lambda a, b: b.std() > 1.1 * a.std()),
        ({"saturation": 0.2}, lambda a, b: np.ptp(b, axis=-1).mean() < 0.5 * np.ptp(a, axis=-1).mean()),
        ({"sharpening": 2.0}, lambda a, b: fine(b) > 1.3 * fine(a)),
        ({"quality": (10,)}, lambda a, b: np.abs(a - b).mean() > 2),
        ({"mosaic": True}, lambda a, b: np.abs(a - b).max() > 8),
    ],
)
def test_every_property_of_the_camera_shows(face, changes, differs):
    plain = photograph(to_light(face), PERFECT, rng()).astype(float)
    other = photograph(to_light(face), replace(PERFECT, **changes), rng()).astype(float)
    assert differs(plain, other)


def test_its_own_noise_filter_smooths_noise(face):
    noisy = replace(PERFECT, read_noise=0.05)
    smoothed = photograph(to_light(face), replace(noisy, denoise=1.5), rng())
    assert fine(smoothed) < 0.6 * fine(photograph(to_light(face), noisy, rng()))


def plain_screen(**changes: Any) -> ScreenSettings:
    usual = ScreenSettings(
        pitch=3.0,
        angle=0.0,
        stretch=(0.0, 0.0),
        depth=0.8,
        diamond=False,
        black_gap=0.0,
        gamma=2.2,
        white=(1.0, 1.0, 1.0),
        crosstalk=0.0,
        black_level=0.0,
        brightness=1.0,
        levels=256,
        fall_off=(0.0, 0.0),
        focus=0.0,
        bands=(0.0, 50.0, 0.0),
        haze=(0.0, 0.0, 0.0),
        glare=0,
    )
    return replace(usual, **changes)


def test_the_lattice_of_a_large_pitch_is_seen_and_that_of_a_tiny_one_is_not():
    seen, unseen = lattice((90, 90), plain_screen(pitch=3.0)), lattice((90, 90), plain_screen(pitch=0.3))
    assert seen.std() > 0.1
    assert unseen.std() < 0.01
    assert seen.mean() == pytest.approx(1.0, abs=0.02)


def test_moire_is_what_sampling_leaves_of_the_lattice():
    """1.02 pixels of the panel a camera pixel alias to a wave of 50 pixels."""
    gain = lattice((8, 256), plain_screen(pitch=1 / 1.02, depth=0.95))[0, :, 1]
    spectrum = np.abs(np.fft.rfft(gain - gain.mean()))
    assert abs(256 / spectrum.argmax() - 50) < 3


def test_stripes_of_the_three_colours_lie_side_by_side():
    gain = lattice((4, 240), plain_screen(pitch=6.0))[0]
    shift = [int(np.argmax([np.dot(gain[:-6, 1], np.roll(gain[:, c], s)[:-6]) for s in range(6)])) for c in (0, 2)]
    assert sorted(shift) == [2, 4]


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"focus": 3.0}, lambda a, b: fine(b) < 0.5 * fine(a)),
        ({"gamma": 3.0}, lambda a, b: b.mean() < 0.9 * a.mean()),
        ({"white": (1.4, 1.0, 0.8)}, lambda a, b: b[..., 0].mean() > 1.2 * a[..., 0].mean()),
        ({"crosstalk": 0.4}, lambda a, b: np.ptp(b, axis=-1).mean() < 0.9 * np.ptp(a, axis=-1).mean()),
        ({"black_level": 0.1}, lambda a, b: b.min() > a.min()),
        ({"brightness": 2.0}, lambda a, b: b.mean() > 1.8 * a.mean()),
        ({"levels": 8}, lambda a, b: np.abs(a - b).mean() > 0.01),
        ({"fall_off": (1.0, 0.0)}, lambda a, b: (b / a)[:, -9:].mean() > (b / a)[:, :9].mean() + 0.5),
        ({"bands": (0.3, 20.0, 0.0)}, lambda a, b: (b / a).mean(axis=(1, 2)).std() > 0.1),
        ({"haze": (0.1, 0.1, 0.1)}, lambda a, b: b.min() > 0.09),
        ({"glare": 2}, lambda a, b: (b - a).max() > 0.04),
        ({"black_gap": 0.5}, lambda a, b: (b / a).std(axis=0).mean() > 0.05),
        ({"diamond": True}, lambda a, b: np.abs(a - b).mean() > 0.01),
        ({"angle": 0.5}, lambda a, b: np.abs(a - b).mean() > 0.01),
        ({"stretch": (0.3, 0.0)}, lambda a, b: np.abs(a - b).mean() > 0.01),
    ],
)
def test_every_property_of_the_screen_shows(face, changes, differs):
    plain = show_on_screen(face, plain_screen(), rng()) + 1e-6
    assert differs(plain, show_on_screen(face, plain_screen(**changes), rng()) + 1e-6)


def sheet(**changes: Any) -> Any:
    usual = draw_print(rng(3))
    flat = {
        "pitch": 0.0,
        "stochastic": False,
        "gain": 0.0,
        "grain": 0.0,
        "streaks": 0.0,
        "bend": 0.0,
        "light_slope": (0.0, 0.0),
        "gloss": 0,
        "wash": 0.0,
        "paper": (0.9, 0.9, 0.9),
    }
    return replace(usual, **{**flat, **changes})


def test_ink_on_paper_has_less_range_than_light(face):
    printed = show_on_paper(face, sheet(), rng())
    assert printed.max() <= 0.9
    assert printed.std() < to_light(face).std()


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"pitch": 4.0}, lambda a, b: fine(b) > 2 * fine(a)),
        ({"pitch": 4.0, "stochastic": True}, lambda a, b: fine(b) > 2 * fine(a)),
        ({"gain": 0.2}, lambda a, b: b.mean() < a.mean()),
        ({"grain": 0.05}, lambda a, b: fine(b) > 1.5 * fine(a)),
        ({"streaks": 0.1}, lambda a, b: (b / a).mean(axis=(1, 2)).std() > 0.01),
        ({"bend": 0.2}, lambda a, b: np.abs(a - b).mean() > 0.02),
        ({"light_slope": (1.0, 0.0)}, lambda a, b: (b / a)[:, -9:].mean() > (b / a)[:, :9].mean() + 0.5),
        ({"gloss": 2}, lambda a, b: (b - a).max() > 0.04),
        ({"wash": 0.1}, lambda a, b: b.min() > a.min() + 0.09),
        ({"paper": (0.6, 0.9, 0.9)}, lambda a, b: b[..., 0].mean() < 0.75 * a[..., 0].mean()),
        ({"ink": 0.5}, lambda a, b: b.mean() > a.mean()),
    ],
)
def test_every_property_of_the_print_shows(face, changes, differs):
    plain = show_on_paper(face, sheet(), rng()) + 1e-6
    assert differs(plain, show_on_paper(face, sheet(**changes), rng()) + 1e-6)


def test_a_fine_halftone_screen_fades_into_tone(face):
    coarse, dense = (show_on_paper(face, sheet(pitch=pitch), rng()) for pitch in (5.0, 0.9))
    assert fine(dense) < 0.6 * fine(coarse)


def test_a_cut_holds_the_face_and_mirrors_it(face):
    box = FaceBox(48, 48, 40)
    cut = Cut(1.0, (0.0, 0.0), 0.0, (0.0, 0.0), mirrored=False, canvas_px=80)
    straight = cut_out(face, box, cut)
    expected = cv2.resize(face[28:68, 28:68], (80, 80))
    assert np.abs(straight.astype(int) - expected).mean() < 6
    mirrored = cut_out(face, box, replace(cut, mirrored=True))
    assert np.abs(mirrored[:, ::-1].astype(int) - straight).mean() < 5
    assert to_crop(straight, 32).shape == (32, 32, 3)


def test_cuts_stay_inside_the_picture():
    for seed in range(50):
        cut = draw_cut(FaceBox(50, 60, 70), (120, 100, 3), rng(seed))
        assert 0.6 <= cut.scale <= 100 / 70 + 0.01
        assert cut.canvas_px % 2 == 0


@pytest.mark.parametrize("paper", [True, False])
def test_edges_show_the_room_behind(face, paper):
    light = to_light(face)
    changed = [np.abs(surround(light, rng(seed), sheet=paper) - light).max(axis=-1) > 0.01 for seed in range(8)]
    assert all(0.02 < np.mean(mask) < 0.98 for mask in changed)
