"""Region shifts and flow on drawn pictures: no mesh, no model."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.face_flow import (
    NAMES,
    SIDE_PX,
    RegionMeter,
    dense_flow,
    optical_strain,
    without_head_motion,
)

MIDDLES = np.array(
    [[38, 30], [24, 32], [74, 30], [88, 32], [30, 42], [82, 42], [48, 66], [64, 66], [40, 84], [72, 84], [56, 80], [56, 90], [56, 104]],
    np.float32,
)  # fmt: skip


def textured(seed: int = 0, grain_px: float = 2.0) -> NDArray[np.uint8]:
    rough = np.random.default_rng(seed).random((SIDE_PX, SIDE_PX)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), grain_px)
    return np.asarray(np.interp(smooth, (smooth.min(), smooth.max()), (30, 220)), np.uint8)


def moved(image: NDArray[np.uint8], shift: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each pixel moved by shift (side, side, 2)."""
    x, y = np.meshgrid(*(np.arange(SIDE_PX, dtype=np.float32),) * 2)
    return np.asarray(cv2.remap(image, x - shift[..., 0], y - shift[..., 1], cv2.INTER_CUBIC), np.uint8)


def bump(at: NDArray[np.float32], shift: tuple[float, float], width: float = 9.0) -> NDArray[np.float32]:
    x, y = np.meshgrid(*(np.arange(SIDE_PX, dtype=np.float32),) * 2)
    weight = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * width**2))
    return np.asarray(weight[..., None] * np.array(shift, np.float32), np.float32)


@pytest.mark.parametrize("name", ["left brow, inner", "right mouth corner", "chin"])
def test_a_region_that_moved_is_told_with_its_direction(name: str) -> None:
    face, index = textured(), NAMES.index(name)
    shifts = RegionMeter(face, MIDDLES).moves(moved(face, bump(MIDDLES[index], (0.0, -1.0))))
    assert int(np.hypot(*shifts.T).argmax()) == index
    assert shifts[index, 1] < -0.4
    assert abs(shifts[index, 0]) < 0.2


def test_the_head_moving_as_a_whole_moves_no_region() -> None:
    face = textured()
    x, y = np.meshgrid(*(np.linspace(-1, 1, SIDE_PX, dtype=np.float32),) * 2)
    head = np.dstack([0.6 + 0.3 * x - 0.2 * y, -0.5 + 0.2 * x + 0.3 * y])
    shifts = RegionMeter(face, MIDDLES).moves(moved(face, head))
    assert np.abs(shifts).max() < 0.15


def test_light_that_changes_moves_no_region() -> None:
    face = textured()
    brighter = np.clip(face * 0.9 + 12.0, 0, 255).astype(np.uint8)
    assert np.abs(RegionMeter(face, MIDDLES).moves(brighter)).max() < 0.1


def test_a_blank_face_gives_no_shifts() -> None:
    blank = np.full((SIDE_PX, SIDE_PX), 128, np.uint8)
    assert np.abs(RegionMeter(blank, MIDDLES).moves(textured())).max() < 1e3
    assert np.abs(RegionMeter(blank, MIDDLES).moves(blank)).max() == 0.0


def test_head_motion_is_taken_out_of_a_flow_and_a_local_movement_stays() -> None:
    x, y = np.meshgrid(*(np.linspace(-1, 1, SIDE_PX, dtype=np.float32),) * 2)
    head = np.dstack([2.0 + x - 0.5 * y * x, 1.0 - y + 0.4 * y * y]).astype(np.float32)
    local = bump(MIDDLES[0], (0.0, -1.5), 6.0)
    left = without_head_motion(head + local)
    assert np.abs(without_head_motion(head)).max() < 0.05
    assert left[30, 38, 1] == pytest.approx(-1.5, abs=0.3)
    assert np.abs(left[100, 30]).max() < 0.2


def test_dense_flow_follows_a_local_movement() -> None:
    face = textured()
    flow = dense_flow(face, moved(face, bump(MIDDLES[9], (1.0, -1.0), 14.0)))
    at = MIDDLES[9].astype(int)
    assert flow[at[1], at[0], 0] > 0.15
    assert flow[at[1], at[0], 1] < -0.15


def test_strain_sees_stretching_and_no_rigid_shift() -> None:
    x, _ = np.meshgrid(*(np.arange(20, dtype=np.float32),) * 2)
    stretched = np.dstack([0.1 * x, np.zeros_like(x)])
    assert optical_strain(np.full((20, 20, 2), 3.0, np.float32)).max() == 0.0
    assert optical_strain(stretched) == pytest.approx(np.full((20, 20), 0.1), abs=1e-6)
