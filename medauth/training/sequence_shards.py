"""Sequences for the LSTM, made from a seed and kept on disk: from stills of the bank, as they are, forged or animated; from
the dataset's fakes; from clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.video_file import VideoFile
from medauth.signals.face_track import FaceMeshTracker
from medauth.training.face_bank import align
from medauth.training.forged_samples import WEBCAMS, Supply
from medauth.training.sequences import (
    LENGTH,
    Footage,
    SequencePlan,
    animate_sequence,
    footage_of,
    make_sequence,
    moments_of,
)

Image = NDArray[np.uint8]
KINDS = ("real", "dataset_fake", "forged", "animated")
LEAST_PICTURES = 4
_DONORS = 40
_FEW_DONORS = 8


@dataclass(frozen=True)
class SequenceMix:
    """How many sequences of each sort a shard holds."""

    stills: int = 40  # real ones from stills, and as many forged
    dataset: int = 12  # from the dataset's fakes, moved as stills are
    each_clip: int = 3  # real ones from each clip, and as many forged
    moments: int = 12  # real ones that cut between pictures of one person, and as many forged
    animated: int = 16  # stills made to move
    plan: SequencePlan = field(default_factory=SequencePlan)


@dataclass(frozen=True)
class SequenceShard:
    """`images` uint8 [N, 16, 144, 144, 3] BGR; `kinds` int64 [N] count in `KINDS`; `persons` one text each."""

    images: Image
    kinds: NDArray[np.int64]
    persons: NDArray[np.str_]

    @property
    def fake(self) -> NDArray[np.bool_]:
        """Bool [N]."""
        return self.kinds > 0


def read_clip(path: Path, person: str, every: int = 3) -> Footage:
    """Every `every`-th frame of a clip (about ten a second, as a check looks) in which the face track finds a face."""
    tracker, images, marks = FaceMeshTracker(), [], []
    try:
        for index, captured in enumerate(VideoFile(path).frames()):
            if index % every:
                continue
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            track, _ = tracker.track(frame)
            if track is not None:
                image, found = align(frame.image, track.landmarks)
                images.append(image)
                marks.append(found)
    finally:
        tracker.close()
    return Footage(np.stack(images), np.stack(marks), person)


def clip_at(path: Path, clip: Path, person: str) -> Footage:
    """The footage at `path`, read from `clip` where it is missing."""
    if not path.exists():
        made = read_clip(clip, person)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, images=made.images, marks=made.marks)
        partial.replace(path)
    with np.load(path) as stored:
        return Footage(stored["images"], stored["marks"], person)


def sequence_shard(
    path: Path, supply: Supply, clips: Sequence[Footage], mix: SequenceMix, seed: tuple[int, ...]
) -> SequenceShard:
    """The shard at `path`, made where it is missing."""
    if not path.exists():
        _write(path, _make(supply, clips, mix, np.random.default_rng(seed)))
    with np.load(path) as stored:
        return SequenceShard(stored["images"], stored["kinds"], stored["persons"])


def webcam_footage(supply: Supply) -> list[Footage]:
    """The frames of each webcam's set-up in their order: people who move as people do."""
    bank, real = supply.bank, supply.real[WEBCAMS]
    names = np.array([bank.entries[i].person for i in real])
    groups = [real[names == name] for name in sorted(set(names.tolist()))]
    inorder = [np.array(sorted(group, key=lambda i: _number(bank.entries[i].file))) for group in groups]
    return [Footage(bank.images[g], bank.marks[g], bank.entries[int(g[0])].person) for g in inorder]


def people_shard(path: Path, supply: Supply, plan: SequencePlan, seed: tuple[int, ...], most: int = 8) -> SequenceShard:
    """At `path`, made where it is missing: of everybody of whom there are enough pictures, a real sequence of each of up to
    `most` of them: recordings of people, as thresholds need them."""
    if not path.exists():
        rng, bank = np.random.default_rng(seed), supply.bank
        real = np.concatenate(supply.real)
        names = np.array([bank.entries[i].person for i in real])
        rows: list[Row] = []
        for name, count in zip(*np.unique(names, return_counts=True), strict=True):
            if count >= LEAST_PICTURES:
                chosen = rng.permutation(real[names == name])[:most]
                rows += [(make_sequence(footage_of(bank, int(i)), (), False, plan, rng), 0, str(name)) for i in chosen]
        images, kinds, persons = zip(*rows, strict=True)
        _write(path, SequenceShard(np.stack(images), np.array(kinds, np.int64), np.array(persons)))
    with np.load(path) as stored:
        return SequenceShard(stored["images"], stored["kinds"], stored["persons"])


def _number(file: str) -> tuple[int, str]:
    """Orders 9 before 10."""
    return len(file), file


Row = tuple[Image, int, str]


def _make(supply: Supply, clips: Sequence[Footage], mix: SequenceMix, rng: np.random.Generator) -> SequenceShard:
    rows = [_still(supply, index, mix, rng) for index in range(2 * mix.stills)]
    for _ in range(mix.dataset):
        still = footage_of(supply.bank, int(supply.pairs[rng.integers(len(supply.pairs)), 1]))
        rows.append((make_sequence(still, (), False, mix.plan, rng), 1, still.person))
    for clip in clips:
        for index in range(2 * mix.each_clip):
            fake = bool(index % 2)
            rows.append((make_sequence(clip, _others(clip, clips), fake, mix.plan, rng), 2 * fake, clip.person))
    rows += _moments(supply, mix, rng)
    for index in range(mix.animated):
        still = _drawn(supply, index, rng)
        rows.append((animate_sequence(still, mix.plan, rng), KINDS.index("animated"), still.person))
    images, kinds, persons = zip(*rows, strict=True)
    return SequenceShard(np.stack(images), np.array(kinds, np.int64), np.array(persons))


def _still(supply: Supply, index: int, mix: SequenceMix, rng: np.random.Generator) -> Row:
    """By turns a real sequence from a still and a forged one; both sources by turns too."""
    bank, pool = supply.bank, supply.real[index // 2 % WEBCAMS]
    still = footage_of(bank, int(pool[rng.integers(len(pool))]))
    donors = [footage_of(bank, int(i)) for i in rng.choice(pool, min(_DONORS, len(pool)), replace=False)]
    fake = bool(index % 2)
    return make_sequence(still, _others(still, donors), fake, mix.plan, rng), 2 * fake, still.person


def _moments(supply: Supply, mix: SequenceMix, rng: np.random.Generator) -> list[Row]:
    """Of people of whom there are several pictures: by turns real and forged."""
    bank, real = supply.bank, np.concatenate(supply.real[:WEBCAMS])
    names = np.array([bank.entries[i].person for i in real])
    several = [name for name, count in zip(*np.unique(names, return_counts=True), strict=True) if count > 1]
    rows: list[Row] = []
    for index in range(2 * mix.moments if several else 0):
        person = several[int(rng.integers(len(several)))]
        footage, fake = moments_of(bank, real[names == person], rng), bool(index % 2)
        donors = [_drawn(supply, int(rng.integers(2)), rng) for _ in range(_FEW_DONORS)]
        rows.append((make_sequence(footage, _others(footage, donors), fake, mix.plan, rng), 2 * fake, footage.person))
    return rows


def _drawn(supply: Supply, source: int, rng: np.random.Generator) -> Footage:
    """A still of one source."""
    pool = supply.real[source % WEBCAMS]
    return footage_of(supply.bank, int(pool[rng.integers(len(pool))]))


def _others(footage: Footage, candidates: Sequence[Footage]) -> list[Footage]:
    return [other for other in candidates if other.person != footage.person]


def _write(path: Path, shard: SequenceShard) -> None:
    assert shard.images.shape[1] == LENGTH
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, images=shard.images, kinds=shard.kinds, persons=shard.persons)
    partial.replace(path)
