"""What is kept of a frame."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.observation import Frame
from medauth.signals.frame_print import FrameRows, noise_of, print_of, rows_of

Numbers = NDArray[Any]


def scene(height: int, width: int, shift: float = 0.0) -> Numbers:
    """A smooth picture, its parts moved by a share of its width."""
    x = np.linspace(0, 1, width)[None, :] + shift
    y = np.linspace(0, 1, height)[:, None]
    grey = 120 + 60 * np.sin(7 * x) * np.cos(5 * y) + 20 * np.sin(23 * x + 11 * y)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def gap(one: Numbers, other: Numbers) -> float:
    return float(np.linalg.norm(print_of(one) - print_of(other)))


@pytest.mark.parametrize("size", [(480, 640), (240, 320), (720, 1280), (374, 400), (30, 40)])
def test_a_print_has_a_length_of_one_or_nothing_to_show(size):
    seen = print_of(scene(*size))
    assert seen.shape == (192,)
    assert seen.dtype == np.float32
    assert np.linalg.norm(seen) == pytest.approx(1.0, abs=1e-4)
    assert np.linalg.norm(print_of(np.full((*size, 3), 90, np.uint8))) < 1e-3


@pytest.mark.parametrize("size", [(480, 640), (240, 320), (720, 1280), (374, 400)])
def test_a_print_is_the_same_to_the_bit_however_its_cells_are_summed(size):
    """Prints of earlier checks are stored."""
    picture = np.random.default_rng(2).integers(0, 256, (*size, 3)).astype(np.uint8)
    rows = rows_of(picture)
    down, right = (np.linspace(0, n, cells + 1).astype(int) for n, cells in zip(rows.shape, (12, 16), strict=True))
    cells = [
        rows[top:bottom, left:end].astype(np.int64).mean()
        for top, bottom in pairwise(down)
        for left, end in pairwise(right)
    ]
    means = np.array(cells) - np.mean(cells)
    plain = np.asarray(means / np.sqrt(np.einsum("i,i->", means, means)), np.float32)
    assert np.array_equal(print_of(picture), plain)


@pytest.mark.parametrize("size", [(480, 640), (240, 320), (720, 1280), (374, 400)])
def test_sums_are_of_the_frame_that_is_asked_for_whether_its_print_needed_them_or_not(size):
    """Cells of one size need none."""
    random, seen = np.random.default_rng(3), FrameRows()
    for index in range(2):
        picture = random.integers(0, 256, (*size, 3)).astype(np.uint8)
        frame = Frame(index, 33.0 * index, b"", b"", picture)
        assert np.array_equal(seen.of(frame)[1], print_of(picture))
        for _ in range(2):
            assert np.array_equal(seen.sums_of(frame), cv2.integral(rows_of(picture)))


@pytest.mark.parametrize("size", [(7, 9), (1, 1), (100, 5)])
def test_a_picture_of_too_few_pixels_shows_nothing(size):
    assert not print_of(scene(*size)).any()


def test_brightness_contrast_and_size_hardly_change_it_and_motion_does():
    picture = scene(480, 640)
    darker = np.asarray(picture * 0.7 + 10, np.uint8)
    halved = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)
    moved = gap(picture, scene(480, 640, shift=0.01))
    assert gap(picture, darker) < 0.1 * moved
    assert gap(picture, halved) < 0.3 * moved


def test_noise_is_measured_in_grey_levels_and_shapes_are_none():
    random = np.random.default_rng(1)
    plain = scene(480, 640)
    assert noise_of(plain) < 0.5
    for sigma in (2.0, 6.0):
        noisy = np.clip(plain + random.normal(0, sigma, plain.shape), 0, 255).astype(np.uint8)
        assert noise_of(noisy) == pytest.approx(sigma, rel=0.2)
    assert noise_of(scene(40, 50)) == 0.0


@pytest.mark.parametrize("size", [(480, 640), (64, 64), (200, 90)])
def test_tiles_filtered_together_are_as_noisy_as_each_by_itself(size):
    height, width = size
    picture = np.random.default_rng(4).integers(0, 256, (*size, 3)).astype(np.uint8)
    picture[: height // 2] //= 4
    found = []
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.5, 0.4), (0.35, 0.6), (0.65, 0.6), (0.2, 0.8), (0.8, 0.8)):
        left = min(max(round(x * width) - 16, 0), width - 32)
        top = min(max(round(y * height) - 16, 0), height - 32)
        tile = picture[top : top + 32, left : left + 32, 1].astype(np.float64)
        kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
        found.append(np.abs(cv2.filter2D(tile, cv2.CV_64F, kernel)[1:-1, 1:-1]).mean() * np.sqrt(np.pi / 2) / 6)
    assert noise_of(picture) == pytest.approx(np.mean(sorted(found)[:4]), rel=1e-5)
