"""Faces that judge single frames: the dataset's fakes as they are, and each real face of LFW beside forgeries of it, one
of them made to move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.training.blending import draw_forgery, nearest_donor, self_blend, swap
from medauth.training.degrading import compress
from medauth.training.face_bank import SOURCES, STORED_PX, FaceBank, centre
from medauth.training.forged_samples import KINDS, animated

_DONORS = 12
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Exam:
    """Crops uint8 [N, 144, 144, 3], cut as a check would cut them; `kinds` int64 [N] count in `KINDS`.

    `sources` says which set a crop belongs to, `persons` and `pairs` which of them must not be told apart by chance, and
    `id_shift` float64 [N] how much of another person a fake of the dataset shows (NaN elsewhere).
    """

    images: Image
    kinds: NDArray[np.int64]
    sources: NDArray[np.str_]
    persons: NDArray[np.str_]
    pairs: NDArray[np.str_]
    id_shift: NDArray[np.float64]

    def select(self, keep: NDArray[np.bool_]) -> Exam:
        """Those where `keep` holds."""
        return Exam(*(part[keep] for part in vars(self).values()))


def exam_of(bank: FaceBank, seed: int) -> Exam:
    """All faces of the bank's dataset with fakes, and of each face of LFW itself, a self-blend, a swap, and one animated."""
    parts = [_dataset(bank), _blends(bank, seed)]
    return Exam(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _dataset(bank: FaceBank) -> Exam:
    chosen = bank.where(lambda entry: entry.source == SOURCES[1])
    entries = [bank.entries[i] for i in chosen]
    return Exam(
        np.stack([centre(bank.images[i]) for i in chosen]),
        np.array([int(entry.fake) for entry in entries], np.int64),
        np.full(len(entries), SOURCES[1]),
        np.array([entry.person for entry in entries]),
        np.array([entry.pair for entry in entries]),
        np.array([np.nan if entry.id_shift is None else entry.id_shift for entry in entries], np.float64),
    )


def _blends(bank: FaceBank, seed: int) -> Exam:
    """Compressed after blending, the real faces too."""
    rng = np.random.default_rng((seed, 6))
    chosen = bank.where(lambda entry: entry.source == SOURCES[0])
    crops, kinds, persons = [], [], []
    for index in chosen:
        for kind, picture in _forgeries(bank, int(index), chosen, rng).items():
            # Chance of its own for the youngest kind: the pictures of the others stay those of earlier trainings.
            chance = np.random.default_rng((seed, 10, int(index))) if kind == "animated" else rng
            crops.append(compress(np.ascontiguousarray(centre(picture)), int(chance.integers(70, 96))))
            kinds.append(KINDS.index(kind))
            persons.append(bank.entries[index].person)
    count, names = len(kinds), np.array(persons)
    source = np.full(count, SOURCES[0])
    return Exam(np.stack(crops), np.array(kinds, np.int64), source, names, names, np.full(count, np.nan))


def _forgeries(bank: FaceBank, index: int, chosen: NDArray[np.int64], rng: np.random.Generator) -> dict[str, Image]:
    image, marks, person = bank.images[index], bank.marks[index], bank.entries[index].person
    others = [
        int(i) for i in rng.choice(chosen, min(_DONORS, len(chosen)), replace=False) if bank.entries[i].person != person
    ]
    donor = others[nearest_donor(marks, [bank.marks[i] for i in others])]
    return {
        "real": image,
        "self_blend": self_blend(image, marks, draw_forgery(STORED_PX, rng)),
        "swap": swap(image, marks, bank.images[donor], bank.marks[donor], draw_forgery(STORED_PX, rng)),
        "animated": animated(image, marks, np.random.default_rng((index, 9))),
    }
