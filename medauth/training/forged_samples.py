"""Training pictures for the deepfake net: real faces and forged ones in equal number, shard by shard from a seed.

Half of a shard comes from each source, and within a source real and forged faces are the same persons and go through the
same crop and the same degradation: neither camera nor codec nor person tells which is which.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.blending import draw_forgery, nearest_donor, self_blend, swap
from medauth.training.degrading import Degradation, degrade
from medauth.training.face_bank import CROP_PX, STORED_PX, FaceBank

Image = NDArray[np.uint8]
SOURCES = ("faces_lfw", "deepfake_dfdc_faces")
KINDS = ("real", "dataset_fake", "self_blend", "swap")


@dataclass(frozen=True)
class SamplePlan:
    """What a shard is made of and how hard its pictures are spoiled."""

    pairs: int = 256  # a real and a forged picture of the same face each
    dataset_share: float = 0.6  # of the forged DFDC faces: DFDC's own fakes
    swap_share: float = 0.35  # of the faces forged here: another person's face
    other_way: float = 0.25  # self-blends that change the surroundings instead of the face
    donors: int = 6  # candidates for a swap, of which the most similar gives its face
    spoil: Degradation = field(default_factory=Degradation)
    rotation_deg: float = 6.0
    zoom: float = 0.12
    shift: float = 0.045  # of the side


@dataclass(frozen=True)
class Samples:
    """`images` uint8 [N, 112, 112, 3] BGR; `fake` bool [N]; `weights` float32 [N]; `kinds`, `sources` int64 [N].

    `faces` int64 [N] are indices of the bank; kinds and sources count in `KINDS` and `SOURCES`.
    """

    images: Image
    weights: NDArray[np.float32]
    kinds: NDArray[np.int64]
    sources: NDArray[np.int64]
    faces: NDArray[np.int64]

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
    rows = [row for index in range(plan.pairs) for row in _pair(supply, plan, index % len(SOURCES), rng)]
    images, weights, kinds, sources, faces = zip(*rows, strict=True)
    return Samples(
        np.stack(images),
        np.array(weights, np.float32),
        np.array(kinds, np.int64),
        np.array(sources, np.int64),
        np.array(faces, np.int64),
    )


Row = tuple[Image, float, int, int, int]


def _pair(supply: Supply, plan: SamplePlan, source: int, rng: np.random.Generator) -> list[Row]:
    """A real picture and a forged one of the same face."""
    bank, weight = supply.bank, 1.0
    if source == 1 and rng.random() < plan.dataset_share:
        face, other = supply.pairs[rng.integers(len(supply.pairs))]
        forged, kind = bank.images[other], 1
        weight = weight_of_shift(bank.entries[other].id_shift)
    else:
        face = supply.real[source][rng.integers(len(supply.real[source]))]
        forged, kind = forge(supply, plan, source, int(face), rng)
    images = (frame(bank.images[face], plan, rng), frame(forged, plan, rng))
    return [(images[0], weight, 0, source, int(face)), (images[1], weight, kind, source, int(face))]


def forge(supply: Supply, plan: SamplePlan, source: int, face: int, rng: np.random.Generator) -> tuple[Image, int]:
    """A forged picture (144, 144, 3) made from a real face, and its kind."""
    bank = supply.bank
    image, marks, forgery = bank.images[face], bank.marks[face], draw_forgery(STORED_PX, rng)
    if rng.random() < plan.swap_share:
        drawn = rng.choice(supply.real[source], plan.donors, replace=False)
        others = [int(i) for i in drawn if bank.entries[i].person != bank.entries[face].person]
        if others:
            donor = others[nearest_donor(marks, [bank.marks[i] for i in others])]
            return swap(image, marks, bank.images[donor], bank.marks[donor], forgery), KINDS.index("swap")
    other_way = bool(rng.random() < plan.other_way)
    return self_blend(image, marks, forgery, other_way=other_way), KINDS.index("self_blend")


def frame(image: Image, plan: SamplePlan, rng: np.random.Generator) -> Image:
    """Cut (144, 144, 3) to (112, 112, 3) a little askew, maybe mirrored, and spoil it before or after."""
    before = bool(rng.random() < 0.5)  # noqa: PLR2004  # a codec's blocks need not lie as the crop does
    if before:
        image = degrade(image, rng, plan.spoil)
    angle = np.deg2rad(rng.normal(0, plan.rotation_deg / 2))
    zoom = np.exp(rng.uniform(-1, 1) * plan.zoom)
    mirror = -1.0 if rng.random() < 0.5 else 1.0  # noqa: PLR2004
    linear = zoom * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    middle = np.full(2, (STORED_PX - 1) / 2)
    shift = (CROP_PX - 1) / 2 + rng.uniform(-1, 1, 2) * plan.shift * CROP_PX - linear @ middle
    drawn = cv2.warpAffine(
        image,
        np.column_stack([linear, shift]),
        (CROP_PX, CROP_PX),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    cut = np.asarray(drawn, np.uint8)
    return cut if before else degrade(cut, rng, plan.spoil)
