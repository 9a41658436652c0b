"""What is kept of a frame after it was seen: a few area means that say how alike two frames are, and how grainy it is.

Both are small enough to be taken of every frame, and neither shows a person.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import Frame

Image = NDArray[np.uint8]
Print = NDArray[np.float32]
"""(192,) float32 of mean 0 and length 1: the area means of 16 x 12 cells without brightness and contrast."""

COLUMNS, ROWS = 16, 12
_LEAST_ROWS = 96
"""Of a taller picture every n-th row is read, so that at least as many are left: enough to average noise away."""
_TILE = 32
_TILES = ((0.2, 0.2), (0.8, 0.2), (0.5, 0.4), (0.35, 0.6), (0.65, 0.6), (0.2, 0.8), (0.8, 0.8))
"""Centres of the tiles in which noise is looked for, in shares of width and height: background, face and clothes."""
# J. Immerkaer, Fast noise variance estimation (CVIU 1996): blind to planes and straight edges, sqrt(pi/2)/6 of its mean
# magnitude is the standard deviation of white noise.
_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_SCALE = float(np.sqrt(np.pi / 2) / 6)


def print_of(image: Image) -> Print:
    """Of a frame (height, width, 3) uint8 BGR of any size; all 0 of one with fewer pixels than cells, or of one colour."""
    return print_of_rows(rows_of(image))


def rows_of(image: Image) -> Image:
    """(n, width) uint8: evenly spaced rows of a frame, grey."""
    return np.asarray(cv2.cvtColor(image[:: max(1, len(image) // _LEAST_ROWS)], cv2.COLOR_BGR2GRAY), np.uint8)


def print_of_rows(rows: Image, sums: NDArray[np.int32] | None = None) -> Print:
    """As `print_of`, of what `rows_of` gave. `sums` (n + 1, width + 1) int32 is overwritten: room that need not be found anew."""
    if rows.shape[0] < ROWS or rows.shape[1] < COLUMNS:
        return np.zeros(ROWS * COLUMNS, np.float32)
    even = _even_sums(rows)
    if even is not None:
        means = even / float(rows.size // (ROWS * COLUMNS))
    else:
        sums = np.asarray(cv2.integral(rows) if sums is None else cv2.integral(rows, sum=sums), np.int32)
        corners, areas = _grid(sums.shape)
        at = sums.ravel()[corners]
        means = (at[1:, 1:] - at[:-1, 1:] - at[1:, :-1] + at[:-1, :-1]).ravel() / areas
    means -= means.mean()
    length = float(np.sqrt(np.einsum("i,i->", means, means)))
    return np.asarray(means / max(length, 1.0), np.float32)


def _even_sums(rows: Image) -> NDArray[np.int32] | None:
    """(192,) sums of the cells where all are of one size, as those of 640 x 480 are: a quarter of a sum of all pixels before
    each. None where they are not."""
    if not _are_even(rows):
        return None
    height, width = rows.shape
    lines = np.add.reduce(rows.reshape(ROWS, height // ROWS, width), axis=1, dtype=np.uint16)
    return np.asarray(np.add.reduce(lines.reshape(ROWS * COLUMNS, width // COLUMNS), axis=1, dtype=np.int32))


def _are_even(rows: Image) -> bool:
    return not (rows.shape[0] % ROWS or rows.shape[1] % COLUMNS) and rows.flags.c_contiguous


class FrameRows:
    """Rows and prints of one check's frames. Signals that share an object share the work."""

    def __init__(self) -> None:
        self._of: tuple[int, float] | None = None
        self._rows = np.zeros((0, 0), np.uint8)
        self._print = np.zeros(0, np.float32)
        self._sums = np.zeros((0, 0), np.int32)
        self._summed = False

    def of(self, frame: Frame) -> tuple[Image, Print]:
        """Rows and print of a frame."""
        if (frame.index, frame.t_ms) != self._of:
            self._of = frame.index, frame.t_ms
            self._rows = rows_of(frame.image)
            # Cells of one size need no sums: they are left until asked for.
            self._summed = not _are_even(self._rows)
            self._print = print_of_rows(self._rows, self._room())
        return self._rows, self._print

    def sums_of(self, frame: Frame) -> NDArray[np.int32]:
        """(n + 1, width + 1): sums of all pixels above and left, as `cv2.integral` gives them of a frame's rows; (1, 1) of
        one with fewer pixels than cells. Overwritten by the next frame."""
        self.of(frame)
        if self._rows.shape[0] < ROWS or self._rows.shape[1] < COLUMNS:
            return np.zeros((1, 1), np.int32)
        if not self._summed:
            self._sums = np.asarray(cv2.integral(self._rows, sum=self._room()), np.int32)
            self._summed = True
        return self._sums

    def _room(self) -> NDArray[np.int32]:
        size = (self._rows.shape[0] + 1, self._rows.shape[1] + 1)
        if self._sums.shape != size:
            self._sums = np.empty(size, np.int32)
        return self._sums


@lru_cache(maxsize=8)
def _grid(shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Where the cells' corners lie in a flat sum of that shape, (13, 17), and how many pixels each cell has, (192,)."""
    down, right = (
        np.linspace(0, size - 1, n + 1).astype(np.intp) for size, n in zip(shape, (ROWS, COLUMNS), strict=True)
    )
    areas = np.outer(np.diff(down), np.diff(right)).ravel()
    return down[:, None] * shape[1] + right[None, :], np.asarray(areas, np.float32)


def noise_of(image: Image) -> float:
    """Standard deviation of pixel noise in grey levels, from the green of the quieter half of seven tiles: texture looks
    like noise, and not every tile has texture. 0 for a picture too small to tell."""
    height, width = image.shape[:2]
    if min(height, width) < 2 * _TILE:
        return 0.0
    # Stacked, one call filters them all: borders are cut off afterwards, so that none reaches into its neighbour.
    tiles = np.empty((len(_TILES), _TILE, _TILE), np.uint8)
    for tile, (left, top) in zip(tiles, _places(width, height), strict=True):
        tile[:] = image[top : top + _TILE, left : left + _TILE, 1]
    residual = cv2.filter2D(tiles.reshape(-1, _TILE), cv2.CV_16S, _KERNEL).reshape(tiles.shape)[:, 1:-1, 1:-1]
    # Whole numbers: their sums are exact, and a frame judged again gives the same to the bit.
    sums = np.add.reduce(np.abs(residual).reshape(len(_TILES), -1), axis=1, dtype=np.int32)
    found = np.sort(sums.astype(np.float32) / np.float32((_TILE - 2) ** 2))
    return _SCALE * float(np.float64(found[: (len(found) + 1) // 2]).mean())


@lru_cache(maxsize=8)
def _places(width: int, height: int) -> tuple[tuple[int, int], ...]:
    """Left and top of the tiles."""
    corners = [(round(x * width) - _TILE // 2, round(y * height) - _TILE // 2) for x, y in _TILES]
    return tuple((min(max(left, 0), width - _TILE), min(max(top, 0), height - _TILE)) for left, top in corners)
