"""Smooth warps: thin-plate splines through landmarks, and random elastic fields."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

# Landmarks that fix a face's shape beside its outline: brows, lids, nose, lips.
_INSIDE = (70, 105, 107, 336, 334, 300, 33, 159, 133, 145, 362, 386, 263, 374, 168, 4, 2, 98, 327, 61, 291, 0, 17)
KEY_POINTS = np.array((*FACE_OVAL, *_INSIDE), dtype=np.intp)
_GRID = 13  # the spline is computed on so coarse a grid and drawn out in between: it is smooth


def warp_onto(image: Image, marks: Points, target: Points) -> Image:
    """Draw `image` so that its `marks` (K, 2) come to lie on `target` (K, 2), as a thin-plate spline (Bookstein 1989)."""
    return remap(image, *spline_field(marks, target, image.shape[0]))


def spline_field(start: Points, end: Points, side: int) -> NDArray[np.float32]:
    """Where each pixel comes from, float32 (2, side, side), when points `start` (K, 2) come to lie on `end` (K, 2)."""
    return _from_coarse(_spline(end, start, side), side)


def remap(image: Image, across: NDArray[np.float32], down: NDArray[np.float32]) -> Image:
    """Draw each pixel from the place in `image` that `across` and `down` (H, W) name."""
    drawn = cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(drawn, dtype=np.uint8)


def elastic(side: int, rng: np.random.Generator, strength_px: float, cells: int) -> NDArray[np.float32]:
    """Random smooth displacements float32 (2, side, side) of up to about `strength_px` pixels."""
    coarse = rng.uniform(-strength_px, strength_px, (2, cells, cells)).astype(np.float32)
    return np.stack([cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC) for part in coarse])


def grid(side: int) -> NDArray[np.float32]:
    """Where each pixel lies: float32 (2, side, side), x then y."""
    across, down = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    return np.stack([across, down])


def _spline(start: Points, end: Points, side: int) -> NDArray[np.float32]:
    """Values float32 (_GRID, _GRID, 2) of the spline that takes `start` to `end`, on a grid over the picture."""
    begin, aim = start.astype(np.float64) / side, end.astype(np.float64) / side
    count = len(begin)
    affine = np.column_stack([np.ones(count), begin])
    left = np.zeros((count + 3, count + 3))
    left[:count, :count] = _kernel(begin, begin) + 1e-3 * np.eye(count)  # a little slack: landmarks are noisy
    left[:count, count:], left[count:, :count] = affine, affine.T
    weights = np.linalg.solve(left, np.vstack([aim, np.zeros((3, 2))]))
    ticks = np.linspace(0, (side - 1) / side, _GRID)
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    values = np.column_stack([_kernel(places, begin), np.ones(len(places)), places]) @ weights
    return np.asarray(values.reshape(_GRID, _GRID, 2) * side, dtype=np.float32)


def _kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    return np.asarray(squared * np.log(squared + 1e-12))


def _from_coarse(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(_GRID, _GRID, 2) at the corners of the picture to (2, side, side)."""
    at = np.linspace(0, _GRID - 1, side, dtype=np.float32)
    across, down = np.meshgrid(at, at)
    return np.stack([cv2.remap(values[..., axis], across, down, cv2.INTER_LINEAR) for axis in (0, 1)])
