"""Training sets as arrays, with the digests of every file that was read."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt")
JUDGED = EXPRESSIONS[:7]  # the classes of the majority label; contempt has votes only
_NOT_EXPRESSIONS = ("unknown", "NF")  # "NF" = not a face
_TILE_PX, _TILES_A_ROW = 48, 64


@dataclass(frozen=True)
class LabelledImages:
    """Images of one split. `images` uint8 [N, H, W], `soft` float32 [N, C] (rows sum to 1), `majority` int64 [N].

    `majority` is the class index, or -1 where the labellers did not agree on one.
    """

    images: NDArray[np.uint8]
    soft: NDArray[np.float32]
    majority: NDArray[np.int64]
    classes: tuple[str, ...]
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        count = len(self.images)
        if self.images.dtype != np.uint8 or len(self.images.shape) != len(("N", "H", "W")):
            raise InputError(f"images {self.images.dtype} {self.images.shape}", expected="uint8 [N, H, W]")
        if self.soft.shape != (count, len(self.classes)) or self.majority.shape != (count,):
            raise InputError(
                f"soft {self.soft.shape}, majority {self.majority.shape} for {count} images",
                expected=f"({count}, {len(self.classes)}) and ({count},)",
            )

    def select(self, keep: NDArray[np.bool_]) -> LabelledImages:
        """Return the images where `keep` (bool [N]) holds."""
        return LabelledImages(self.images[keep], self.soft[keep], self.majority[keep], self.classes, self.digests)


@dataclass(frozen=True)
class VoteRow:
    """One line of `labels.csv`: where the tile lies, its majority label ("" = none) and its votes."""

    split: str
    sheet: str
    tile: int
    label: str
    votes: tuple[int, ...]  # in the order of EXPRESSIONS
    rejected: int  # votes for "unknown" and "not a face"


def read_vote_rows(path: Path) -> list[VoteRow]:
    """Read `labels.csv` of the emotion_ferplus folder. Raises `InputError` where there is none."""
    try:
        with path.open(newline="") as lines:
            return [_vote_row(line, path) for line in csv.DictReader(lines)]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}",
            expected="the folder that holds emotion_ferplus, or one that `medauth train prepare` made",
            next_step="give it with --data",
        ) from error


def _vote_row(line: dict[str, str], path: Path) -> VoteRow:
    try:
        return VoteRow(
            split=line["split"],
            sheet=line["sheet"],
            tile=int(line.get("i") or line["tile"]),
            label=line["label7"] if "label7" in line else line["label"],
            votes=tuple(int(line[name]) for name in EXPRESSIONS),
            rejected=sum(int(line[name]) for name in _NOT_EXPRESSIONS),
        )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path}: unusable line {line!r}",
            expected="columns split, sheet, i, label7 and ten vote counts",
            next_step="see data/emotion_ferplus/README.md",
        ) from error


def soften_votes(votes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Votes [N, C] to soft labels [N, C]; a single stray vote is noise and is dropped (as in FER+, Barsoum 2016)."""
    kept = np.where((votes <= 1) & (votes.max(axis=1, keepdims=True) > 1), 0.0, votes)
    total = kept.sum(axis=1, keepdims=True)
    uniform = np.full_like(kept, 1.0 / votes.shape[1])
    soft: NDArray[np.float32] = np.where(total > 0, kept / np.maximum(total, 1.0), uniform).astype(np.float32)
    return soft


def load_expressions(data: Path, split: str) -> LabelledImages:
    """Load `emotion_ferplus` tiles of `split` ("train", "valid" or "test"), checking the sheets' digests.

    Tiles that most labellers called unknown or no face are left out of "train" and kept elsewhere. A folder that
    `medauth train prepare` made is read in its place.
    """
    if (data / "MANIFEST.json").is_file():
        return load_prepared(data, split)
    folder = data / "emotion_ferplus"
    rows = [row for row in read_vote_rows(folder / "labels.csv") if row.split == split]
    if not rows:
        raise InputError(f"split {split!r} of {folder} is empty", expected="train, valid or test")
    if split == "train":
        rows = [row for row in rows if row.rejected <= sum(row.votes)]
    names = sorted({row.sheet for row in rows})
    lines = [line.split() for line in (folder / "sheets.sha256").read_text().splitlines()]
    expected = {name: digest for digest, name in lines}
    digests = {name: _checked_digest(folder / name, expected) for name in names}
    sheets = {name: _read_sheet(folder / name) for name in names}
    return LabelledImages(
        images=np.stack([_tile(sheets[row.sheet], row.tile) for row in rows]),
        soft=soften_votes(np.array([row.votes for row in rows], dtype=np.float64)),
        majority=np.array([JUDGED.index(row.label) if row.label in JUDGED else -1 for row in rows], dtype=np.int64),
        classes=EXPRESSIONS,
        digests={**digests, "labels.csv": file_digest(folder / "labels.csv")},
    )


def load_prepared(folder: Path, split: str) -> LabelledImages:
    """Load what `medauth train prepare` wrote: one label a face, each file held to its digest."""
    manifest = folder / "MANIFEST.json"
    try:
        rows = [row for row in json.loads(manifest.read_text(encoding="utf-8"))["files"] if row["split"] == split]
        labels = np.array([EXPRESSIONS.index(row["label"]) for row in rows], dtype=np.int64)
        expected = {folder / row["file"]: row["sha256"] for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{manifest}: {error!r}", expected="a set made by medauth train prepare") from error
    altered = next((path for path, digest in expected.items() if file_digest(path) != digest), None)
    if altered is not None or not rows:
        got = f"{altered} was altered" if altered else f"split {split!r} of {folder} is empty"
        raise InputError(got, expected="a set as medauth train prepare left it")
    return LabelledImages(
        images=np.stack([_read_grey(path, _TILE_PX) for path in expected]),
        soft=np.eye(len(EXPRESSIONS), dtype=np.float32)[labels],
        majority=np.where(labels < len(JUDGED), labels, -1),
        classes=EXPRESSIONS,
        digests={f"{split} of {manifest.name}": file_digest(manifest)},
    )


def load_eyes(data: Path, split: str, size_px: int) -> LabelledImages:
    """Load `eyes_openclosed` crops of `split` as grey squares of `size_px`; class 0 is closed, class 1 open."""
    folder = data / "eyes_openclosed" / split
    classes = ("closed", "open")
    paths = [(path, index) for index, name in enumerate(classes) for path in sorted((folder / name).glob("*.jpg"))]
    if not paths:
        raise InputError(f"no eye crops in {folder}", expected="folders open/ and closed/ with JPEG files")
    majority = np.array([index for _, index in paths], dtype=np.int64)
    listing = hashlib.sha256("".join(f"{file_digest(path)}  {path.name}\n" for path, _ in paths).encode())
    return LabelledImages(
        images=np.stack([_read_grey(path, size_px) for path, _ in paths]),
        soft=np.eye(2, dtype=np.float32)[majority],
        majority=majority,
        classes=classes,
        digests={f"{split} (sha256 of the listing of sha256 and name)": listing.hexdigest()},
    )


def class_weights(soft: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """Weight of each class, (share of the class) ** -power, scaled to a mean of 1 over the images of `soft` [N, C]."""
    share = soft.mean(axis=0).astype(np.float64)
    weights = np.maximum(share, 1e-6) ** -power
    return np.asarray(weights / float((share * weights).sum()), dtype=np.float32)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _checked_digest(path: Path, expected: dict[str, str]) -> str:
    digest = file_digest(path)
    if digest != expected.get(path.name):
        raise InputError(f"{path} has SHA-256 {digest}", expected=expected.get(path.name, "an entry in sheets.sha256"))
    return digest


def _read_sheet(path: Path) -> NDArray[np.uint8]:
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if sheet is None:
        raise InputError(f"{path} is no image", expected="a grey JPEG sheet")
    return np.asarray(sheet, dtype=np.uint8)


def _read_grey(path: Path, size_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(_read_sheet(path), (size_px, size_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _tile(sheet: NDArray[np.uint8], tile: int) -> NDArray[np.uint8]:
    top, left = tile // _TILES_A_ROW * _TILE_PX, tile % _TILES_A_ROW * _TILE_PX
    return sheet[top : top + _TILE_PX, left : left + _TILE_PX]
