"""Faces with their landmarks, aligned once and kept in a cache: what blends, swaps and sequences are made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.protocol.observation import LANDMARK_COUNT
from medauth.signals.face_crop import FaceBox, crop_face, face_matrix
from medauth.signals.face_track import StillMesh
from medauth.signals.head_pose import fit_head
from medauth.training.datasets import file_digest

CROP_PX = 144
"""Side of what the net sees: 72 pixels between the outer eye corners, about what a webcam at arm's length gives."""
STORED_PX = 184
"""Side of what is kept: room to shift, turn and zoom."""
BOX = FaceBox(eyes_x=0.5, eyes_y=0.35, outer_eyes=0.5)
"""Forehead to chin, cheeks and what lies beside them: where a swapped face meets the rest of the head."""
_MARGIN = (STORED_PX - CROP_PX) / 2 / STORED_PX
_STORED_BOX = FaceBox(
    BOX.eyes_x,
    BOX.eyes_y * CROP_PX / STORED_PX + _MARGIN,
    BOX.outer_eyes * CROP_PX / STORED_PX,
)
SOURCES = ("faces_lfw", "deepfake_dfdc_faces", "spoof_selfrec")
"""Folders of the data: news photographs, actors, and people before their own webcams."""
_WEBCAM_SPLITS = {"p06": "valid", "p07": "test"}


@dataclass(frozen=True)
class FaceEntry:
    """Where one face comes from. `pair` links a fake to its real face; `id_shift` is a fake's, else None."""

    source: str
    file: str
    person: str
    split: str
    fake: bool
    pair: str
    id_shift: float | None
    sha256: str


@dataclass(frozen=True)
class FaceBank:
    """`images` uint8 [N, 184, 184, 3] BGR, `marks` float32 [N, 478, 2] in their pixels, one entry each."""

    images: NDArray[np.uint8]
    marks: NDArray[np.float32]
    entries: tuple[FaceEntry, ...]

    def where(self, keep: Callable[[FaceEntry], bool]) -> NDArray[np.int64]:
        """Indices of the entries for which `keep` holds."""
        return np.array([i for i, entry in enumerate(self.entries) if keep(entry)], dtype=np.int64)

    def digests(self) -> dict[str, str]:
        """SHA-256 over the listing of each source's files."""
        return {
            f"{source} (sha256 of the listing of sha256 and name)": hashlib.sha256(
                "".join(f"{e.sha256}  {e.file}\n" for e in self.entries if e.source == source).encode()
            ).hexdigest()
            for source in SOURCES
        }


def open_bank(
    data: Path, cache: Path, splits: tuple[str, ...], most: int | None = None, report: Callable[[str], None] = print
) -> FaceBank:
    """The bank of `splits` in folder `cache`, made from `data` where it is missing (some minutes, once).

    `most` pictures of each source and split at most, a fake and its real face counting as one.
    """
    if not (cache / "entries.json").exists():
        _make(data, cache, splits, most, report)
    rows = json.loads((cache / "entries.json").read_text())
    images, marks = (np.load(cache / f"{name}.npy", mmap_mode="r") for name in ("images", "marks"))
    return FaceBank(images, marks, tuple(FaceEntry(**row) for row in rows))


def align(image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture and its landmarks (478, 3) as they are kept: (184, 184, 3) uint8 and (478, 2) float32."""
    eyes_px = fit_head(landmarks).size_px
    crop = crop_face(image, landmarks, STORED_PX, _STORED_BOX, eyes_px, colour=True)
    matrix = face_matrix(landmarks, STORED_PX, _STORED_BOX, eyes_px)
    moved = landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return crop, moved.astype(np.float32)


def align_anew(
    image: NDArray[np.uint8], marks: NDArray[np.float32], size: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture of the bank (184, 184, 3) whose marks (478, 2) were moved, its face `size` times as large: aligned again as
    a check would cut it, with its marks."""
    matrix = face_matrix(marks, STORED_PX, _STORED_BOX, BOX.outer_eyes * CROP_PX * size)
    drawn = cv2.warpAffine(
        image, matrix, (STORED_PX, STORED_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(drawn, np.uint8), (marks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def centre(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of uint8 [..., 184, 184, 3]: what a check would cut, uint8 [..., 144, 144, 3]."""
    at = (STORED_PX - CROP_PX) // 2
    return images[..., at : at + CROP_PX, at : at + CROP_PX, :]


def _make(data: Path, cache: Path, splits: tuple[str, ...], most: int | None, report: Callable[[str], None]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    wanted = [
        entry
        for source in SOURCES
        for split in splits
        for entry in _choose([e for e in _entries(data / source) if e.split == split], most)
    ]
    images = _on_disk(cache / "images.npy", np.uint8, (len(wanted), STORED_PX, STORED_PX, 3))
    marks = _on_disk(cache / "marks.npy", np.float32, (len(wanted), LANDMARK_COUNT, 2))
    kept: list[FaceEntry] = []
    for entry, image, found in _faces(data, wanted):
        images[len(kept)], marks[len(kept)] = align(image, found)
        kept.append(entry)
        if len(kept) % 500 == 0:
            report(f"{len(kept)} faces aligned")
    images.flush()
    marks.flush()
    report(f"{len(kept)} of {len(wanted)} pictures show a face")
    partial = cache / "entries.partial"
    partial.write_text(json.dumps([vars(entry) for entry in kept]))
    partial.replace(cache / "entries.json")


def _on_disk(path: Path, kind: type[np.generic], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new array that lives in a `.npy` file."""
    made: np.memmap[Any, Any] = np.lib.format.open_memmap(path, "w+", dtype=kind, shape=shape)  # type: ignore[no-untyped-call]  # numpy 1.26 has no types for it
    return made


def _faces(
    data: Path, wanted: Iterable[FaceEntry]
) -> Iterator[tuple[FaceEntry, NDArray[np.uint8], NDArray[np.float32]]]:
    mesh = StillMesh()
    try:
        for entry in wanted:
            path = data / entry.source / entry.file
            if file_digest(path) != entry.sha256:
                raise InputError(f"{path} is not the file of the manifest", expected=entry.sha256)
            image = np.asarray(cv2.imread(str(path)), np.uint8)
            found = mesh.find(image)
            if found is not None:
                yield entry, image, found
    finally:
        mesh.close()


def _entries(folder: Path) -> list[FaceEntry]:
    """None where the folder is missing: one's own data need not have them all."""
    if not (folder / "MANIFEST.json").exists():
        return []
    rows = json.loads((folder / "MANIFEST.json").read_text())
    if folder.name == SOURCES[2]:
        return [_webcam_entry(row) for row in rows if row["label"] == "live"]
    return [(_lfw_entry if folder.name == SOURCES[0] else _dfdc_entry)(row) for row in rows]


def _choose(entries: list[FaceEntry], most: int | None) -> list[FaceEntry]:
    """The entries of at most `most` pairs (or single pictures), drawn from a fixed seed."""
    names = sorted({entry.pair for entry in entries})
    kept = set(np.random.default_rng(0).permutation(names)[:most].tolist())
    return [entry for entry in entries if entry.pair in kept]


def _lfw_entry(row: dict[str, Any]) -> FaceEntry:
    """Folds 8 and 9 judge, and the picture of persons outside the pairs trains; fold 7 fixes thresholds."""
    split = {"pairs_fold7": "valid", "pairs_fold8": "test", "pairs_fold9": "test"}.get(row["split"], "train")
    return FaceEntry(SOURCES[0], row["file"], row["label"], split, False, row["file"], None, row["sha256"])


def _dfdc_entry(row: dict[str, Any]) -> FaceEntry:
    person = f"dfdc-{row['scene_actor']}"
    return FaceEntry(
        SOURCES[1], row["file"], person, row["split"], row["label"] == "fake", row["original"], row["id_shift"],
        row["sha256"],
    )  # fmt: skip


def _webcam_entry(row: dict[str, Any]) -> FaceEntry:
    """The live half alone; a group is one set-up, and stays together."""
    split = _WEBCAM_SPLITS.get(row["group"], "train")
    return FaceEntry(SOURCES[2], row["file"], f"webcam-{row['group']}", split, False, row["file"], None, row["sha256"])
