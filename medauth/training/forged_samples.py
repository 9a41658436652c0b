"""Training pictures for the deepfake net: real faces and forged ones in equal number, shard by shard from a seed.

News photographs and actors come by turns, now and then a person before a webcam. A forged picture stands behind the real
one of the same face, and both go through the same crop and the same degradation, drawn once: neither camera nor codec nor
person nor light tells which is which, and their difference is what the forger did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.animating import animate, draw_animation
from medauth.training.blending import draw_forgery, nearest_donor, self_blend, swap
from medauth.training.covering import draw_cover, lay_over
from medauth.training.degrading import Degradation, degrade, rescale, smooth_skin
from medauth.training.face_bank import CROP_PX, SOURCES, STORED_PX, FaceBank, align_anew
from medauth.training.face_masks import Mask, make_mask
from medauth.training.warping import elastic, grid, remap

Image = NDArray[np.uint8]
CELLS = 9
"""Cells a side of the map of edges: one for each place of the net's last map."""
WEBCAMS = 2
_HALF = 0.5
_SOFT = 0.5  # of the real pictures beside animated ones
KINDS = ("real", "dataset_fake", "self_blend", "swap", "animated")


@dataclass(frozen=True)
class SamplePlan:
    """What a shard is made of and how hard its pictures are spoiled."""

    pairs: int = 256  # a real and a forged picture of the same face each
    webcam_share: float = 0.12  # of all pairs: there are few set-ups
    animated_share: float = 0.4  # of the forged faces: the picture made to move
    dataset_share: float = 0.6  # of the other forged DFDC faces: DFDC's own fakes
    swap_share: float = 0.35  # of the other faces forged here: another person's face
    other_way: float = 0.25  # self-blends that change the surroundings instead of the face
    donors: int = 6  # candidates for a swap, of which the most similar gives its face
    cover_share: float = 0.2  # of the pairs: a hand or a thing before both faces
    spoil: Degradation = field(default_factory=Degradation)
    rotation_deg: float = 6.0
    zoom: float = 0.12
    shift: float = 0.045  # of the side


@dataclass(frozen=True)
class Samples:
    """`images` uint8 [N, 144, 144, 3] BGR, a real one and a forged one of the same face by turns; `weights` float32 [N];
    `kinds`, `sources` int64 [N].

    `edges` float32 [N, 9, 9] says where the pasted part ends (0..1), -1 where nobody knows; `faces` int64 [N] are indices
    of the bank; kinds and sources count in `KINDS` and `SOURCES`.
    """

    images: Image
    weights: NDArray[np.float32]
    kinds: NDArray[np.int64]
    sources: NDArray[np.int64]
    faces: NDArray[np.int64]
    edges: NDArray[np.float32]

    @property
    def fake(self) -> NDArray[np.bool_]:
        """Bool [N]: everything that is not a real face."""
        return self.kinds > 0


@dataclass(frozen=True)
class Supply:
    """Faces of one split: real ones by source, and the dataset's fakes with the real face each was made from."""

    bank: FaceBank
    real: tuple[NDArray[np.int64], ...]
    pairs: NDArray[np.int64]  # [P, 2]: real, fake


def supply_of(bank: FaceBank, split: str) -> Supply:
    """All that `split` offers."""
    real = tuple(_real_of(bank, split, source) for source in SOURCES)
    by_pair = {bank.entries[i].pair: int(i) for i in real[1]}
    fakes = bank.where(lambda e: e.fake and e.split == split and e.pair in by_pair)
    pairs = np.array([(by_pair[bank.entries[i].pair], i) for i in fakes], dtype=np.int64).reshape(-1, 2)
    return Supply(bank, real, pairs)


def _real_of(bank: FaceBank, split: str, source: str) -> NDArray[np.int64]:
    return bank.where(lambda entry: entry.source == source and entry.split == split and not entry.fake)


def weight_of_shift(id_shift: float | None) -> float:
    """How much a dataset fake counts: where the face is hardly another one, the label is probably noise."""
    return 1.0 if id_shift is None else float(np.clip((id_shift - 0.3) / 0.2, 0.15, 1.0))


def make_samples(supply: Supply, plan: SamplePlan, seed: tuple[int, ...]) -> Samples:
    """One shard; the same seed gives the same pictures, bit for bit."""
    rng = np.random.default_rng(seed)
    rows = [row for index in range(plan.pairs) for row in _pair(supply, plan, _source(supply, plan, index, rng), rng)]
    images, weights, kinds, sources, faces, edges = zip(*rows, strict=True)
    return Samples(
        np.stack(images),
        np.array(weights, np.float32),
        np.array(kinds, np.int64),
        np.array(sources, np.int64),
        np.array(faces, np.int64),
        np.stack(edges),
    )


def _source(supply: Supply, plan: SamplePlan, index: int, rng: np.random.Generator) -> int:
    return WEBCAMS if len(supply.real[WEBCAMS]) and rng.random() < plan.webcam_share else index % WEBCAMS


Row = tuple[Image, float, int, int, int, NDArray[np.float32]]


def _pair(supply: Supply, plan: SamplePlan, source: int, rng: np.random.Generator) -> list[Row]:
    """A real picture and a forged one of the same face."""
    bank, weight, mask = supply.bank, 1.0, None
    if rng.random() < plan.animated_share:
        return _animated_pair(supply, plan, source, rng)
    if source == 1 and rng.random() < plan.dataset_share:
        face, other = supply.pairs[rng.integers(len(supply.pairs))]
        forged, kind = bank.images[other], 1
        weight = weight_of_shift(bank.entries[other].id_shift)
    else:
        face = supply.real[source][rng.integers(len(supply.real[source]))]
        forged, kind, mask = forge(supply, plan, source, int(face), rng)
    shot = draw_shot(plan, rng)
    edges = np.full((CELLS, CELLS), -1.0, np.float32) if mask is None else shot.edges(mask)
    nowhere = np.zeros_like(edges)
    real, forged = both_covered(bank.images[face], forged, bank.marks[face], plan, rng)
    return [
        (shot.take(real), weight, 0, source, int(face), nowhere),
        (shot.take(forged), weight, kind, source, int(face), edges),
    ]


def both_covered(
    real: Image, forged: Image, marks: NDArray[np.float32], plan: SamplePlan, rng: np.random.Generator
) -> tuple[Image, Image]:
    """Now and then the same thing before both."""
    if rng.random() >= plan.cover_share:
        return real, forged
    cover = draw_cover(real, marks, rng)
    return lay_over(real, cover), lay_over(forged, cover)


def _animated_pair(supply: Supply, plan: SamplePlan, source: int, rng: np.random.Generator) -> list[Row]:
    """A picture drawn anew where it was, and one whose face was moved: that something was drawn anew tells nothing."""
    bank, shot = supply.bank, draw_shot(plan, rng)
    face = int(supply.real[source][rng.integers(len(supply.real[source]))])
    unknown = np.full((CELLS, CELLS), -1.0, np.float32)
    moved = animated(bank.images[face], bank.marks[face], rng)
    real, moved = both_covered(drawn_anew(bank.images[face], rng), moved, bank.marks[face], plan, rng)
    return [
        (shot.take(real), 1.0, 0, source, face, np.zeros_like(unknown)),
        (shot.take(moved), 1.0, KINDS.index("animated"), source, face, unknown),
    ]


def animated(image: Image, marks: NDArray[np.float32], rng: np.random.Generator) -> Image:
    """A face (184, 184, 3) moved as a program would move it, aligned again as a check would."""
    animation = draw_animation(marks, rng)
    return align_anew(*animate(image, marks, animation), animation.motion.zoom)[0]


def drawn_anew(image: Image, rng: np.random.Generator) -> Image:
    """The picture (184, 184, 3) resampled twice, hardly moved: as soft as one that was animated, often as soft and as smooth as
    one that a network drew: cameras leave texture out too."""
    if rng.random() < _SOFT:
        image = smooth_skin(rescale(image, rng.uniform(0.35, 0.8), cv2.INTER_CUBIC), rng.uniform(0, 0.9))
    for _ in range(2):
        bend = elastic(STORED_PX, rng, rng.uniform(0.2, 1.2), 4)
        image = remap(image, *(grid(STORED_PX) + bend).astype(np.float32))
    return image


def forge(
    supply: Supply, plan: SamplePlan, source: int, face: int, rng: np.random.Generator
) -> tuple[Image, int, Mask]:
    """A forged picture (184, 184, 3) made from a real face, its kind, and the mask 0..1 of what was pasted."""
    bank = supply.bank
    image, marks, forgery = bank.images[face], bank.marks[face], draw_forgery(STORED_PX, rng)
    mask = make_mask(marks, forgery.mask) / np.float32(forgery.mask.share)
    if rng.random() < plan.swap_share:
        drawn = rng.choice(supply.real[source], plan.donors, replace=False)
        others = [int(i) for i in drawn if bank.entries[i].person != bank.entries[face].person]
        if others:
            donor = others[nearest_donor(marks, [bank.marks[i] for i in others])]
            return swap(image, marks, bank.images[donor], bank.marks[donor], forgery), KINDS.index("swap"), mask
    other_way = bool(rng.random() < plan.other_way)
    return self_blend(image, marks, forgery, other_way=other_way), KINDS.index("self_blend"), mask


@dataclass(frozen=True)
class Shot:
    """One way of taking pictures: where the crop lies, `matrix` (2, 3), and the `seed` of how it is spoiled."""

    matrix: NDArray[np.float64]
    spoil: Degradation
    seed: int
    before: bool  # spoiled before it is cut: a codec's blocks need not lie as the crop does

    def take(self, image: Image) -> Image:
        """Cut (184, 184, 3) to (144, 144, 3) and spoil it."""
        rng = np.random.default_rng(self.seed)
        if self.before:
            image = degrade(image, rng, self.spoil)
        cut = np.asarray(self._cut(image), np.uint8)
        return cut if self.before else degrade(cut, rng, self.spoil)

    def edges(self, mask: Mask) -> NDArray[np.float32]:
        """Whether a pasted part ends in a cell, float32 [9, 9] of 0 and 1, as face X-ray marks it (Li et al. 2020)."""
        cut = self._cut(mask).clip(0, 1)
        side = CROP_PX // CELLS
        highest = (4 * cut * (1 - cut)).reshape(CELLS, side, CELLS, side).max(axis=(1, 3))
        return np.asarray(highest > 0.5, np.float32)  # noqa: PLR2004  # between a seventh and six sevenths of the mask

    def _cut(self, image: NDArray[Any]) -> NDArray[Any]:
        size = (CROP_PX, CROP_PX)
        drawn = cv2.warpAffine(image, self.matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(drawn)


def draw_shot(plan: SamplePlan, rng: np.random.Generator) -> Shot:
    """Draw a crop a little askew, maybe mirrored, and what spoils it."""
    angle = np.deg2rad(rng.normal(0, plan.rotation_deg / 2))
    zoom = np.exp(rng.uniform(-1, 1) * plan.zoom)
    mirror = -1.0 if rng.random() < _HALF else 1.0
    linear = zoom * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    middle = np.full(2, (STORED_PX - 1) / 2)
    shift = (CROP_PX - 1) / 2 + rng.uniform(-1, 1, 2) * plan.shift * CROP_PX - linear @ middle
    matrix = np.column_stack([linear, shift])
    return Shot(matrix, plan.spoil, int(rng.integers(2**62)), bool(rng.random() < _HALF))
