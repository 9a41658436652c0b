"""How alike two pictures are: by hand where that can be done, and in the order that an eye gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.evaluation.likeness import psnr, ssim


def drawn() -> NDArray[np.uint8]:
    y, x = np.mgrid[:64, :64]
    grey = (128 + 60 * np.sin(x / 5) * np.cos(y / 7)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def test_the_same_picture_is_alike() -> None:
    assert psnr(drawn(), drawn()) == float("inf")
    assert ssim(drawn(), drawn()) == pytest.approx(1.0)


def test_psnr_of_a_shift_by_ten_levels_is_what_its_formula_gives() -> None:
    shifted = (drawn() + 10).astype(np.uint8)
    assert psnr(drawn(), shifted) == pytest.approx(20 * np.log10(25.5))
    assert ssim(drawn(), shifted) > 0.95, "brighter, and of the same structure"


def test_ssim_of_two_even_pictures_is_their_light_alone() -> None:
    """Without structure only the term of the means is left: (2ab + c) / (a^2 + b^2 + c)."""
    a, b = np.full((32, 32, 3), 100, np.uint8), np.full((32, 32, 3), 150, np.uint8)
    c = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 100 * 150 + c) / (100**2 + 150**2 + c))


def test_noise_and_blur_are_less_alike_the_more_there_is() -> None:
    chance = np.random.default_rng(0)
    noisy = [np.clip(drawn() + chance.normal(0, size, drawn().shape), 0, 255).astype(np.uint8) for size in (4, 12, 40)]
    blurred = [np.asarray(cv2.GaussianBlur(drawn(), (0, 0), size), np.uint8) for size in (1, 3, 8)]
    for worse in (noisy, blurred):
        for measure in (psnr, ssim):
            values = [measure(drawn(), picture) for picture in worse]
            assert values == sorted(values, reverse=True)
    assert ssim(drawn(), noisy[2]) < 0.5
