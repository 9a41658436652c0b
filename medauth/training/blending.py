"""Forged faces from real ones: self-blended images and landmark swaps, drawn anew from a seed.

A self-blended image (Shiohara and Yamasaki, "Detecting deepfakes with self-blended images", CVPR 2022) is a face with a
changed copy of itself pasted in: shifted, of other colour, resampled or sharpened. It carries nothing of one forger's
software and everything that pasting leaves. A swap pastes another person's face, warped onto the landmarks, its colours
fitted (as face X-ray does; Li et al., CVPR 2020), and now and then drawn as an autoencoder would: too smooth, too sharp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.degrading import Degradation, change_light, compress, rescale
from medauth.training.face_masks import MaskDraw, draw_mask, make_mask
from medauth.training.warping import KEY_POINTS, elastic, grid, remap, warp_onto

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

_LIGHT = Degradation(gamma=0.18, contrast=0.12, brightness=12.0, cast=0.08, saturation=0.25)
_HALF = 0.5


@dataclass(frozen=True)
class Forgery:
    """One way of forging, fixed: applied to several frames of a person it makes a steady forgery."""

    mask: MaskDraw
    alter: Callable[[Image], Image]
    jolt: NDArray[np.float64]  # (2, 3): where the pasted part comes to lie
    bend: NDArray[np.float32]  # (2, S, S)


def draw_forgery(side: int, rng: np.random.Generator) -> Forgery:
    """Draw mask, changes of the copy and its displacement for pictures of `side` pixels."""
    turn, zoom = rng.normal(0, 0.02), np.exp(rng.normal(0, 0.025, 2))
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * zoom
    middle = np.full(2, side / 2)
    shift = middle - linear @ middle + rng.normal(0, 0.012 * side, 2)
    bend = elastic(side, rng, rng.uniform(0, 0.02) * side, 4)
    return Forgery(draw_mask(side, rng), _draw_changes(rng), np.column_stack([linear, shift]), bend)


def self_blend(image: Image, marks: Points, forgery: Forgery, *, other_way: bool = False) -> Image:
    """Paste a changed copy of `image` into itself; `other_way` changes what lies around instead."""
    changed, kept = forgery.alter(image), image
    if other_way:
        changed, kept = kept, changed
    return _paste(displace(changed, forgery), kept, make_mask(marks, forgery.mask))


def swap(image: Image, marks: Points, donor: Image, donor_marks: Points, forgery: Forgery) -> Image:
    """Paste the face of `donor` into `image`: warped onto its landmarks, its colours fitted."""
    warped = warp_onto(donor, donor_marks[KEY_POINTS], marks[KEY_POINTS])
    mask = make_mask(marks, forgery.mask)
    fitted = fit_colours(warped, image, mask > _HALF * forgery.mask.share)
    return _paste(forgery.alter(fitted), image, mask)


def displace(image: Image, forgery: Forgery) -> Image:
    """`image` where the forgery puts it."""
    side = image.shape[0]
    places = grid(side).reshape(2, -1)
    moved = (forgery.jolt[:, :2] @ places + forgery.jolt[:, 2:]).reshape(2, side, side) + forgery.bend
    return remap(image, *moved.astype(np.float32))


def fit_colours(image: Image, target: Image, where: NDArray[np.bool_]) -> Image:
    """Give `image` the mean and deviation of each Lab channel that `target` has in `where` (Reinhard et al. 2001)."""
    if where.sum() < 16:  # noqa: PLR2004  # nothing to measure
        return image
    ours, theirs = (cv2.cvtColor(picture, cv2.COLOR_BGR2LAB).astype(np.float32) for picture in (image, target))
    for channel in range(3):
        mine, other = ours[..., channel][where], theirs[..., channel][where]
        ratio = float(np.clip((other.std() + 1e-3) / (mine.std() + 1e-3), 0.5, 2.0))
        ours[..., channel] = (ours[..., channel] - mine.mean()) * ratio + other.mean()
    return np.asarray(cv2.cvtColor(np.clip(ours, 0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR), np.uint8)


def nearest_donor(marks: Points, others: Sequence[Points]) -> int:
    """Index of the face whose landmarks, aligned alike, are the most similar: about the same pose and expression."""
    apart = [float(np.abs(other[KEY_POINTS] - marks[KEY_POINTS]).mean()) for other in others]
    return int(np.argmin(apart))


def _paste(pasted: Image, image: Image, mask: NDArray[np.float32]) -> Image:
    share = mask[..., None]
    return np.asarray(pasted * share + image * (1 - share) + 0.5, np.uint8)


def _draw_changes(rng: np.random.Generator) -> Callable[[Image], Image]:
    """A fixed chain of changes: light, and one or two of what resampling, codecs and decoders do."""
    seed = int(rng.integers(2**62))
    ways = tuple(_WAYS[i] for i in rng.choice(len(_WAYS), int(rng.integers(1, 3)), replace=False))
    lit = rng.random() < 0.8  # noqa: PLR2004

    def alter(image: Image) -> Image:
        chance = np.random.default_rng(seed)
        if lit:
            image = change_light(image, chance, _LIGHT)
        for way in ways:
            image = way(image, chance)
        return image

    return alter


def _coarsen(image: Image, rng: np.random.Generator) -> Image:
    ways = [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST]
    return rescale(image, rng.uniform(0.35, 0.85), int(rng.choice(ways, p=[0.5, 0.35, 0.15])))


def _sharpen(image: Image, rng: np.random.Generator) -> Image:
    amount = rng.uniform(0.4, 1.6)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.0))
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)


def _smooth(image: Image, rng: np.random.Generator) -> Image:
    """Skin without pores."""
    if rng.random() < _HALF:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 1.8)), np.uint8)
    return np.asarray(cv2.bilateralFilter(image, 5, rng.uniform(15, 50), 3.0), np.uint8)


def _recompress(image: Image, rng: np.random.Generator) -> Image:
    return compress(image, int(rng.integers(25, 80)))


def _grain(image: Image, rng: np.random.Generator) -> Image:
    noise = rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(1.5, 6.0)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def _checker(image: Image, rng: np.random.Generator) -> Image:
    """The faint lattice of transposed convolutions (Odena et al. 2016)."""
    step, side = int(rng.integers(2, 5)), image.shape[0]
    line = (np.arange(side) % step < step // 2 + step % 2 * 0.5).astype(np.float32) - _HALF
    lattice = np.outer(line, line)[..., None] * rng.uniform(4.0, 16.0)
    return np.asarray(np.clip(image + lattice, 0, 255), np.uint8)


_WAYS = (_coarsen, _coarsen, _sharpen, _smooth, _recompress, _grain, _checker)
