"""Is a frame the mean of two others? So is one in the middle of a cross-fade; a head on its way is sharp, and in between.

What is compared is fine structure of forehead, cheeks, ears and hair. Noise of a camera hides a mean: what is left of the
middle frame is noise of three pictures then. How much there is of it is seen in the frames around, and is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.frame_print import Image
from medauth.signals.head_step import HeadView, mask_of, pixels_of

Fine = NDArray[np.float32]
MIXED = 0.05
"""What is left of the middle frame by what a mean would leave at most. Filmed people who keep still before and after had 0.07
and more, those who move had 0.12 where both ends are as unlike as `cross_fades.FAR` asks; fades leave 0.002 to 0.05."""
ROUGHLY = 2 * MIXED
"""The same on the small picture, where noise is averaged away."""
_SHARE = 0.25
"""A middle frame holds at least so much of either end."""
_SCALE = 2
"""Columns to one of the small picture's: 160 across."""
_SIGMA = 2.0
_SMOOTH = 0.7


class Seen(Protocol):
    """A frame with a face."""

    @property
    def rows(self) -> Image: ...
    @property
    def view(self) -> HeadView: ...


@dataclass(frozen=True, slots=True)
class Mixture:
    """How a frame between two others looks as their mean."""

    alike: float
    """Correlation of the fine structure at both ends."""
    left: float
    """Of the middle frame without the mean, by what the mean is away from the nearer end: 0 of a mean."""
    faint: float
    """How much less structure it has than the ends, by how much less a mean has: 1 of a mean, 0 of a sharp frame."""

    @property
    def is_mean(self) -> bool:
        """A mean keeps of the structure as much less as the ends differ: by half of that a moving head stays away."""
        return self.left <= MIXED and self.faint >= 0.5  # noqa: PLR2004 - the half


def mixture(one: Fine, middle: Fine, other: Fine, noise: float = 0.0) -> Mixture | None:
    """Of what `fine` gives of three frames, with `noise` as of `noise_around`; None where the middle one is none between, or
    the ends differ by noise alone.
    """
    whole, gap = other - one, middle - one
    size = float(whole @ whole) - 2 * noise
    ends = (float(one @ one) + float(other @ other)) / 2 - noise
    if size <= 0 or ends <= 0:
        return None
    share = (float(gap @ whole) - noise) / size
    least = min(share, 1 - share)
    if least < _SHARE:
        return None
    left = gap - share * whole
    rest = float(left @ left) - noise * (1 + share**2 + (1 - share) ** 2)
    # Half of the squared difference is what the ends have not in common.
    lost = (ends + noise - float(middle @ middle)) / (share * (1 - share) * size)
    return Mixture(1 - size / 2 / ends, rest / (least**2 * size), lost)


def seems_mixed(one: HeadView, middle: HeadView, other: HeadView) -> bool:
    """Whether the small pictures look so: costs little, and of a thousand frames of moving people three do."""
    pixels = pixels_of((one, middle, other))
    pixels -= np.add.reduce(pixels, axis=1, keepdims=True) / np.float32(max(1, pixels.shape[1]))
    # All that is compared are products of these three.
    (aa, ab, ac), (_, bb, bc), (_, _, cc) = (pixels @ pixels.T).tolist()
    size, along, gap = aa + cc - 2 * ac, bc - ab - ac + aa, aa + bb - 2 * ab
    share = along / max(size, 1.0)
    least = min(share, 1 - share)
    left = gap - 2 * share * along + share**2 * size
    return bool(least >= _SHARE / 2 and left <= ROUGHLY * least**2 * size)


def fine(frame: Seen, head: HeadView) -> Fine:
    """(n,) what is finer than some pixels of the small picture, where the head of `head` is."""
    box, mask = mask_of(head)
    lines, columns = (len(frame.rows) / head.picture.shape[0], frame.rows.shape[1] / head.picture.shape[1])
    across = slice(round(box[1].start * columns), round(box[1].stop * columns))
    cut = frame.rows[round(box[0].start * lines) : round(box[0].stop * lines), across]
    size = (_SCALE * mask.shape[1], len(cut))
    grey = cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    ratio = lines / _SCALE
    smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTH, sigmaY=_SMOOTH * ratio)
    found = smooth - cv2.GaussianBlur(smooth, (0, 0), _SIGMA, sigmaY=_SIGMA * ratio)
    return np.asarray(found[cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0], np.float32)


def noise_around(runs: Sequence[Sequence[Seen]], head: HeadView) -> float:
    """Sum of squares that noise adds to the fine structure of one frame: from three frames each in a row, of which a head that
    moves evenly leaves nothing (second differences: six times the noise), the least of all. 0 where no run has three.
    """
    found = []
    for run in runs:
        seen = [fine(frame, head) for frame in run]
        for before, at, after in zip(seen, seen[1:], seen[2:], strict=False):
            bent = before - 2 * at + after
            found.append(float(bent @ bent) / 6)
    return min(found, default=0.0)
