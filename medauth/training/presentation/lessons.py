"""Batches of simulated presentations, repeatable from (seed, epoch)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medauth.training.batches import Batch, one_ahead
from medauth.training.presentation.camera import (
    Picture,
    compress,
    degrade_source,
    draw_camera,
    happens,
    photograph,
    to_light,
)
from medauth.training.presentation.framing import FaceBox, cut_out, draw_cut, surround, to_crop
from medauth.training.presentation.net import CLASSES, CROP_PX
from medauth.training.presentation.paper import draw_print, show_on_paper
from medauth.training.presentation.screen import draw_screen, show_on_screen
from medauth.training.presentation.sets import StoredFace

_SURROUND_FROM = 1.05  # widths of the face: tighter cuts show no edge
_SURROUND_CHANCE = 0.4
_PLAIN_CHANCE = 0.25  # recorded pictures that keep their own camera alone
_ENOUGH = 24  # simulated crops of a class from which on some are used again
_SOURCE_CHANCE = 0.5  # living faces that were stored once before, as an attacker's picture always was


@dataclass(frozen=True)
class Mixture:
    """How many pictures of a batch come from where; `bases` = weight of each source among simulated ones."""

    size: int = 64
    live: int = 26
    print_: int = 17
    fresh: float = 0.3  # share of simulated pictures that are made anew; the others vary one made in the same epoch
    bases: dict[str, float] = field(
        default_factory=lambda: {"deepfake_dfdc_faces": 0.5, "faces_lfw": 0.35, "blink_clips": 0.15}
    )

    def __post_init__(self) -> None:
        """The rest of the batch is simulated replay."""
        assert self.live + self.print_ <= self.size


class Presentations:
    """Draws batches: every source, and in it every group, gets its share whatever its number of pictures."""

    def __init__(self, faces: Sequence[StoredFace], mixture: Mixture, *, seed: int, batches: int) -> None:
        self._mixture, self._seed, self.count = mixture, seed, batches
        self._made: dict[str, list[Picture]] = {}
        self._by_place: dict[tuple[str, str], dict[str, list[StoredFace]]] = defaultdict(lambda: defaultdict(list))
        for face in faces:
            self._by_place[face.source, face.kind][face.group].append(face)
        self._names = {place: sorted(groups) for place, groups in self._by_place.items()}
        known = {source for source, kind in self._by_place if kind == "live"}
        self._sources = [name for name in mixture.bases if name in known]

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch, made one ahead in a thread."""
        self._made = {kind: [] for kind in CLASSES}
        rng = np.random.default_rng((self._seed, epoch))
        seeds = rng.integers(0, 2**63, self.count)
        return one_ahead(lambda index: self._batch(np.random.default_rng(int(seeds[index]))), self.count)

    def _batch(self, rng: np.random.Generator) -> Batch:
        mix = self._mixture
        replays = mix.size - mix.live - mix.print_
        wanted = ["live"] * mix.live + ["print"] * mix.print_ + ["replay"] * replays
        crops = [self._simulated(kind, rng) for kind in wanted]
        targets = np.eye(len(CLASSES), dtype=np.float32)[[CLASSES.index(kind) for kind in wanted]]
        targets = targets * np.float32(0.95) + np.float32(0.05 / len(CLASSES))
        return Batch(np.stack(crops).astype(np.float32), targets, np.ones(len(crops), np.float32))

    def _simulated(self, kind: str, rng: np.random.Generator) -> Picture:
        """A fresh crop, or one made earlier in this epoch, cut and toned anew: simulating costs more than learning."""
        made = self._made[kind]
        if len(made) >= _ENOUGH and rng.random() > self._mixture.fresh:
            return vary(made[int(rng.integers(len(made)))], rng)
        made.append(simulate(self._base(rng), kind, rng))
        return made[-1]

    def _base(self, rng: np.random.Generator) -> StoredFace:
        weights = np.array([self._mixture.bases[name] for name in self._sources])
        return self._pick(self._sources[int(rng.choice(len(weights), p=weights / weights.sum()))], "live", rng)

    def _pick(self, source: str, kind: str, rng: np.random.Generator) -> StoredFace:
        names = self._names[source, kind]
        group = self._by_place[source, kind][names[int(rng.integers(len(names)))]]
        return group[int(rng.integers(len(group)))]


def simulate(face: StoredFace, kind: str, rng: np.random.Generator) -> Picture:
    """One training crop uint8 [96, 96, 3] of a living face, or of a print or replay of its picture.

    All kinds pass the same cut and the same camera; an attack has its picture stored first and shown second.
    """
    picture, box = face.picture(), face.box
    if kind != "live" or happens(rng, _SOURCE_CHANCE):
        stored = degrade_source(picture, rng)
        grown = stored.shape[1] / picture.shape[1]
        picture, box = stored, FaceBox(box.x * grown, box.y * grown, box.width * grown)
    cut = draw_cut(box, picture.shape, rng)
    canvas = cut_out(picture, box, cut)
    if kind == "live" and happens(rng, _PLAIN_CHANCE):
        return to_crop(canvas, CROP_PX)
    if kind == "live":
        light = to_light(canvas)
    elif kind == "print":
        light = show_on_paper(canvas, draw_print(rng), rng)
    else:
        light = show_on_screen(canvas, draw_screen(rng), rng)
    if kind != "live" and cut.scale > _SURROUND_FROM and happens(rng, _SURROUND_CHANCE):
        light = surround(light, rng, sheet=kind == "print")
    return to_crop(photograph(light, draw_camera(rng), rng), CROP_PX)


def simulate_whole(face: StoredFace, kind: str, rng: np.random.Generator) -> tuple[Picture, FaceBox]:
    """The whole picture of a face as a camera sees it, living, printed or replayed, for judging: nothing is cut off."""
    picture = face.picture() if kind == "live" else degrade_source(face.picture(), rng)
    side = min(picture.shape[:2])
    picture = picture[:side, :side]
    box = FaceBox(side / 2, side / 2, side * face.box.width / min(face.picture().shape[:2]))
    if kind == "live":
        return picture, box
    light = (
        show_on_paper(picture, draw_print(rng), rng)
        if kind == "print"
        else show_on_screen(picture, draw_screen(rng), rng)
    )
    return photograph(light, draw_camera(rng), rng), box


def retake(face: StoredFace, rng: np.random.Generator) -> Picture:
    """A crop of a recorded presentation, seen through another camera more often than not."""
    picture, box = face.picture(), face.box
    canvas = cut_out(picture, box, draw_cut(box, picture.shape, rng))
    if happens(rng, _PLAIN_CHANCE):
        return to_crop(canvas, CROP_PX)
    return to_crop(photograph(to_light(canvas), draw_camera(rng), rng), CROP_PX)


def vary(crop: Picture, rng: np.random.Generator) -> Picture:
    """A simulated crop once more: mirrored, cut a little closer, another tone, maybe compressed again."""
    side = int(CROP_PX * rng.uniform(0.82, 1.0))
    left, top = (int(v) for v in rng.integers(0, CROP_PX - side + 1, 2))
    part = crop[top : top + side, left : left + side]
    if happens(rng, 0.5):
        part = part[:, ::-1]
    curve = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.15)) * 255 * np.exp(rng.normal(0, 0.08))
    toned = to_crop(np.clip(curve, 0, 255).astype(np.uint8)[part], CROP_PX)
    return compress(toned, int(rng.integers(40, 98))) if happens(rng, 0.3) else toned


def simulated_set(faces: Sequence[StoredFace], *, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Each face once as each class: uint8 [3 N, 96, 96, 3] and class indices, for judging; labelled *simulated*."""
    crops, truth = [], []
    for index, face in enumerate(faces):
        for label, kind in enumerate(CLASSES):
            crops.append(simulate(face, kind, np.random.default_rng((seed, index, label))))
            truth.append(label)
    return np.stack(crops), np.array(truth, np.int64)
