"""Faces with the person's identity: found once by the face mesh, cut alike, ready for an embedding to learn from."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.signals.face_chip import CHIP, FIVE_POINTS, cut_chip
from medauth.training.datasets import file_digest

LFW, DFDC = "faces_lfw", "deepfake_dfdc_faces"
VALID_FOLD = "pairs_fold7"
"""Its persons are kept out of training: they choose the epoch and the threshold."""
TEST_FOLDS = ("pairs_fold8", "pairs_fold9")
_MESH_PX = 192
_LFW_PX = 128
# Where the funnel that aligned the set puts the five points: medians over its faces, as shares of the picture's side.
_FUNNELLED = CHIP * 0.86 + 0.07


@dataclass(frozen=True)
class FaceFile:
    """One picture: its path below the data folder, who it shows, and the part of the set it belongs to."""

    path: str
    person: str
    split: str


@dataclass(frozen=True)
class Faces:
    """Chips uint8 [N, S, S] grey with persons int64 [N] in 0..persons-1; `taught` float32 [N, D] or [N, 0] is what another
    net says of them."""

    images: NDArray[np.uint8]
    person: NDArray[np.int64]
    persons: int
    taught: NDArray[np.float32]
    names: tuple[str, ...]
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        lengths = {len(self.images), len(self.person), len(self.taught), len(self.names)}
        if self.images.dtype != np.uint8 or self.images.ndim != 3 or len(lengths) != 1:  # noqa: PLR2004
            raise InputError(
                f"images {self.images.dtype} {self.images.shape}, {len(self.person)} persons",
                expected="uint8 [N, S, S]",
            )


def list_faces(data: Path) -> list[FaceFile]:
    """Every real face of the two sets. An actor's pictures all lie in one part."""
    news = [FaceFile(f"{LFW}/{entry['file']}", entry["label"], entry["split"]) for entry in _manifest(data, LFW)]
    actors = [
        FaceFile(f"{DFDC}/{entry['file']}", f"dfdc_actor_{entry['scene_actor']}", f"dfdc_{entry['split']}")
        for entry in _manifest(data, DFDC)
        if entry["label"] == "real"
    ]
    return news + actors


def training_part(split: str) -> str | None:
    """`train`, `valid`, `test`, or None where a part is not used."""
    if split in (VALID_FOLD, "dfdc_valid"):
        return "valid"
    if split in (*TEST_FOLDS, "dfdc_test"):
        return "test"
    return "train" if split.startswith(("pairs_fold", "selfblend_train", "dfdc_train")) else None


def read_pairs(data: Path) -> list[tuple[int, bool, str, str]]:
    """The pairs of `faces_lfw`: fold, whether both show one person, the two paths."""
    with (data / LFW / "pairs.csv").open(newline="") as lines:
        return [
            (int(row["fold"]), row["same"] == "1", f"{LFW}/images/{row['a']}", f"{LFW}/images/{row['b']}")
            for row in csv.DictReader(lines)
        ]


class FacePoints:
    """The five points of every picture, kept in a file: finding them takes minutes, and needs doing once."""

    def __init__(self, data: Path, cache: Path) -> None:
        self._data, self._cache = data, cache
        self._known: dict[str, NDArray[np.float32]] = {}
        if cache.exists():
            with np.load(cache) as stored:
                self._known = dict(zip(stored["names"].tolist(), stored["points"], strict=True))

    def find(self, paths: Sequence[str], report: Callable[[str], None]) -> None:
        """Looks for faces in those of `paths` that were not looked at before."""
        missing = [path for path in paths if path not in self._known]
        if not missing:
            return
        from medauth.signals.face_track import StillMesh

        mesh = StillMesh()
        try:
            for count, path in enumerate(missing, start=1):
                self._known[path] = _five_points(mesh.landmarks, read_picture(self._data / path))
                if count % 500 == 0 or count == len(missing):
                    self._save()
                    report(f"{count} of {len(missing)} faces placed")
        finally:
            mesh.close()

    def of(self, path: str) -> NDArray[np.float32] | None:
        """(5, 2) in pixels. Where the mesh saw nothing: the places that the set's own alignment means, or None."""
        points = self._known[path]
        if not np.isnan(points).any():
            return points
        return (_FUNNELLED * _LFW_PX).astype(np.float32) if path.startswith(LFW) else None

    def _save(self) -> None:
        partial = self._cache.with_suffix(".partial.npz")
        partial.parent.mkdir(parents=True, exist_ok=True)
        np.savez(partial, names=np.array(list(self._known)), points=np.stack(list(self._known.values())))
        partial.replace(self._cache)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A colour picture (height, width, 3) uint8 BGR."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{path} is no image", expected="a JPEG face")
    return np.asarray(picture, np.uint8)


def cut_grey(data: Path, path: str, points: NDArray[np.float32], size_px: int, reach: float) -> NDArray[np.uint8]:
    """One grey chip (size_px, size_px) uint8."""
    grey = np.asarray(cv2.cvtColor(read_picture(data / path), cv2.COLOR_BGR2GRAY), np.uint8)
    return cut_chip(grey, points, size_px, reach)


def set_digests(data: Path) -> dict[str, str]:
    """Digests of the lists that hold the digest of every picture."""
    return {f"{name}/MANIFEST.json": file_digest(data / name / "MANIFEST.json") for name in (LFW, DFDC)}


def number_persons(names: Iterable[str]) -> tuple[NDArray[np.int64], int]:
    """Persons as numbers from 0, and how many there are."""
    listed = list(names)
    known = {name: index for index, name in enumerate(sorted(set(listed)))}
    return np.array([known[name] for name in listed], np.int64), len(known)


def _five_points(
    find: Callable[[NDArray[np.uint8]], NDArray[np.float32] | None], picture: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """(5, 2) in pixels of `picture`, NaN where no face is found. A face that fills its picture is found with a margin."""
    margin = picture.shape[0] // 4
    scale = _MESH_PX / picture.shape[0]
    framed = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    sized = np.asarray(cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR), np.uint8)
    landmarks = find(sized)
    if landmarks is None:
        return np.full((len(FIVE_POINTS), 2), np.nan, np.float32)
    return np.asarray(landmarks[FIVE_POINTS, :2] / scale - margin, np.float32)


def _manifest(data: Path, name: str) -> list[dict[str, Any]]:
    try:
        listed: list[dict[str, Any]] = json.loads((data / name / "MANIFEST.json").read_text())
    except OSError as error:
        raise InputError(
            f"no {name} in {data}", expected="a folder with MANIFEST.json", next_step="--data DIR"
        ) from error
    return listed
