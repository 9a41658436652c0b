"""How far the head moved from one frame to another, by all its pixels at once: to some hundredths of a pixel.

A similarity (shift, turn, size) by least squares over brightness, one step of B. D. Lucas and T. Kanade, An iterative
image registration technique (IJCAI 1981). Forehead, cheeks, ears and hair count; eyes, brows and mouth are left out, since
a blink or a word moves them from one frame to the next. Of large movements it says less than there was, and never little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.frame_print import Image

Grey = NDArray[np.float32]
Points = NDArray[np.float32]
SIDE = 60
"""The shorter side of the small picture."""
_USED = (33, 133, 263, 362, 10, 152, 61, 291)
"""Landmarks: outer and inner corner of the right eye, of the left, top and chin, corners of the mouth."""
# Half axes in distances between the outer eye corners.
_HEAD = (1.05, 1.35)
_LIFT = 0.15
"""The head with its hair reaches higher than the mesh."""
_EYE = (0.28, 0.17)
_LIPS = (0.42, 0.35)
_LEAST_PIXELS = 60
_DAMPING = np.eye(4)
"""Added to the sums of squares: a face without any contrast has not moved far."""
GONE = 0.2
"""So little of a head's light and shade is left where it was, and it is not there any more. Of seven people's film, ten clips at
10 to 30 frames a second, the quickest head left 0.41 of it from one frame to the next, others 0.76 and more; a black frame
leaves 0.02."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadView:
    """What is kept of a frame to measure steps by: 5 KB."""

    picture: Image
    """(height, width) uint8 grey, the shorter side `SIDE`."""
    points: Points
    """(8, 2) float32, the landmarks of `_USED` in its pixels."""
    size: tuple[int, int]
    """(height, width) of the frame."""


def view_of(rows: Image, size: tuple[int, int], track: FaceTrack) -> HeadView:
    """`rows` (n, width) uint8 grey are evenly spaced rows of the frame, `size` is its (height, width)."""
    return HeadView(_small(rows, size), track.landmarks[_USED, :2] * np.float32(_scale(size)), size)


def _small(rows: Image, size: tuple[int, int]) -> Image:
    shape = (max(1, round(size[1] * _scale(size))), max(1, round(size[0] * _scale(size))))
    # Across first: where the width is a multiple, as it mostly is, that takes a third of the time of both at once.
    narrow = cv2.resize(rows, (shape[0], len(rows)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(narrow, shape, interpolation=cv2.INTER_AREA), np.uint8)


def _scale(size: tuple[int, int]) -> float:
    return SIDE / max(1, min(size))


class Move(NamedTuple):
    """From one frame to another, in distances between the outer eye corners."""

    length: float
    """Root mean square over the head."""
    right: float
    down: float
    """Of the head's middle."""


UNKNOWN = Move(math.nan, math.nan, math.nan)


def step_between(before: HeadView, after: HeadView) -> float:
    """The length of `move_between`."""
    return move_between(before, after).length


def move_between(before: HeadView, after: HeadView) -> Move:
    """NaN where the frames differ in size or the head is too small to tell."""
    if before.size != after.size:
        return UNKNOWN
    head = _head_of(before)
    if head.at.size < _LEAST_PIXELS:
        return UNKNOWN
    one, other = before.picture[head.box].astype(np.float32), after.picture[head.box].astype(np.float32)
    mean = (one + other) / 2
    slopes = np.empty((4, head.at.size), np.float32)
    across = slopes[0] = cv2.Sobel(mean, cv2.CV_32F, 1, 0, scale=1 / 8).ravel()[head.at]
    down = slopes[1] = cv2.Sobel(mean, cv2.CV_32F, 0, 1, scale=1 / 8).ravel()[head.at]
    slopes[2] = across * head.x + down * head.y
    slopes[3] = down * head.x - across * head.y
    gap = _without_light(one.ravel()[head.at], other.ravel()[head.at])
    sums = np.float64(slopes @ slopes.T) + _DAMPING
    right, down_by, larger, turned = np.linalg.solve(sums, np.float64(slopes @ gap)).tolist()
    # The mean of |(right + larger x - turned y, down + larger y + turned x)|^2 over the head.
    x, y, squares = head.means
    square = right**2 + down_by**2 + (larger**2 + turned**2) * squares
    square += 2 * right * (larger * x - turned * y) + 2 * down_by * (larger * y + turned * x)
    return Move(math.sqrt(max(square, 0.0)) / head.eyes, right / head.eyes, down_by / head.eyes)


def is_gone(rows: Image, size: tuple[int, int], before: HeadView) -> bool:
    """Whether a frame without a face shows nothing of the head that was at its place in `before`, either: its light and shade,
    or how faintly they are left. A frame of another size shows nothing of it. `rows` and `size` as in `view_of`.
    """
    if size != before.size:
        return True
    after = HeadView(_small(rows, size), before.points, size)
    seen, now = pixels_of((before, after))
    if seen.size < _LEAST_PIXELS:
        return False
    seen -= seen.mean()
    return bool(float(seen @ now) < GONE * float(seen @ seen))


def mask_of(view: HeadView) -> tuple[tuple[slice, slice], Image]:
    """Rows and columns of the small picture that hold the head, and in them a mask of 1 where it is looked at."""
    head = _head_of(view)
    mask = np.zeros((head.box[0].stop - head.box[0].start, head.box[1].stop - head.box[1].start), np.uint8)
    mask.ravel()[head.at] = 1
    return head.box, mask


def pixels_of(views: tuple[HeadView, ...]) -> Grey:
    """(m, n) brightness of several pictures where the head of the first is looked at."""
    head = _head_of(views[0])
    pixels = np.stack([view.picture[head.box].ravel() for view in views])[:, head.at]
    return np.asarray(pixels, np.float32)


def _without_light(one: Grey, other: Grey) -> Grey:
    """What changed, without brightness and contrast: a lamp moves nobody."""
    one -= np.add.reduce(one) / np.float32(one.size)
    other -= np.add.reduce(other) / np.float32(other.size)
    return one - other * (math.sqrt(float(one @ one)) / max(math.sqrt(float(other @ other)), 1e-3))


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """Which pixels are looked at."""

    box: tuple[slice, slice]
    """Rows and columns that hold the head and a pixel around it."""
    at: NDArray[np.intp]
    """Forehead, cheeks, ears and hair in the flattened box."""
    x: Grey
    y: Grey
    """Of these, from the head's middle, in its half widths."""
    means: tuple[float, float, float]
    """Of x, of y, and of the squares of both."""
    eyes: float
    """Distance between the outer eye corners."""


def _head_of(view: HeadView) -> _Head:
    (rx, ry), (inner_rx, inner_ry), (lx, ly), (inner_lx, inner_ly), top, chin, *lips = view.points.tolist()
    eyes = math.hypot(lx - rx, ly - ry)
    x, y = round((top[0] + chin[0]) / 2), round((top[1] + chin[1]) / 2 - _LIFT * eyes)
    right = round((rx + inner_rx) / 2) - x, round((ry + inner_ry) / 2) - y
    left = round((lx + inner_lx) / 2) - x, round((ly + inner_ly) / 2) - y
    mouth = round((lips[0][0] + lips[1][0]) / 2) - x, round((lips[0][1] + lips[1][1]) / 2) - y
    axes = _half_axes(_HEAD, eyes), _half_axes(_EYE, eyes), _half_axes(_LIPS, eyes)
    reach = max(axes[0]) + 2
    height, width = view.picture.shape
    upper, first = max(0, y - reach), max(0, x - reach)
    box = slice(upper, max(upper, min(height, y + reach + 1))), slice(first, max(first, min(width, x + reach + 1)))
    cut = (box[0].start - y + reach, box[0].stop - y + reach, box[1].start - x + reach, box[1].stop - x + reach)
    turn = round(math.degrees(math.atan2(ly - ry, lx - rx)))
    return _Head(box, *_pixels(axes, turn, (right, left, mouth), cut), eyes)


def _half_axes(axes: tuple[float, float], eyes: float) -> tuple[int, int]:
    return max(1, round(axes[0] * eyes)), max(1, round(axes[1] * eyes))


@lru_cache(maxsize=256)
def _pixels(
    axes: tuple[tuple[int, int], ...], turn: int, places: tuple[tuple[int, int], ...], cut: tuple[int, int, int, int]
) -> tuple[NDArray[np.intp], Grey, Grey, tuple[float, float, float]]:
    """Of whole numbers, so that a head that keeps its size and turn is drawn once, wherever it goes."""
    reach = max(axes[0]) + 2
    mask = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    drawn = (((0, 0), axes[0], 1), (places[0], axes[1], 0), (places[1], axes[1], 0), (places[2], axes[2], 0))
    for place, half, value in drawn:
        cv2.ellipse(mask, (place[0] + reach, place[1] + reach), half, turn, 0, 360, (value,), -1)
    columns, lines = _places(reach, axes[0][0])
    seen = slice(max(0, cut[0]), max(0, cut[1])), slice(max(0, cut[2]), max(0, cut[3]))
    at = np.flatnonzero(mask[seen])
    x, y = columns[seen].ravel()[at], lines[seen].ravel()[at]
    count = max(1, at.size)
    return at, x, y, (float(x.sum()) / count, float(y.sum()) / count, float(x @ x + y @ y) / count)


@lru_cache(maxsize=64)
def _places(reach: int, half_width: int) -> tuple[Grey, Grey]:
    """Column and line from the middle, in half widths."""
    lines, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32) / half_width
    return columns, lines
