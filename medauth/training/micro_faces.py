"""Still faces with their landmarks, split by person, as the ground on which small movements are drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.protocol.observation import FaceTrack, Frame
from medauth.signals.face_track import FaceMeshTracker
from medauth.training.datasets import file_digest

HELD_OUT = ("pairs_fold8", "pairs_fold9")
"""Parts of the set whose persons only judge."""
_SIDE_PX = 256
_VALID_SHARE = 12
"""One training person in so many validates instead."""


@dataclass(frozen=True, slots=True, eq=False)
class StillFace:
    """One face: grey image (256, 256) uint8, and where its points lie in it."""

    image: NDArray[np.uint8]
    track: FaceTrack


def list_stills(data: Path, split: str) -> list[tuple[Path, str]]:
    """Files of `split` ("train", "valid" or "test") with the digests that the manifest states, one for each person.

    Persons never cross splits: test has those of folds 8 and 9, valid every twelfth of the others by a hash of the name.
    """
    folder = data / "faces_lfw"
    try:
        entries = json.loads((folder / "MANIFEST.json").read_text())
    except OSError as error:
        raise InputError(
            f"no faces_lfw in {data}", expected="a folder with MANIFEST.json", next_step="--data DIR"
        ) from error
    judged = {entry["label"] for entry in entries if entry["split"] in HELD_OUT}
    found: dict[str, tuple[Path, str]] = {}
    for entry in entries:
        person = entry["label"]
        if person not in found and _split_of(person, judged) == split:
            found[person] = (folder / entry["file"], entry["sha256"])
    if not found:
        raise InputError(f"no faces for split {split!r} in {folder}", expected="train, valid or test")
    return [found[person] for person in sorted(found, key=_hash)]


def read_stills(files: Iterable[tuple[Path, str]]) -> list[StillFace]:
    """Reads and tracks each file; those on which no face can be judged are left out. Checks every digest."""
    tracker = FaceMeshTracker()
    try:
        found = (_read(path, digest, tracker) for path, digest in files)
        return [still for still in found if still is not None]
    finally:
        tracker.close()


def _read(path: Path, digest: str, tracker: FaceMeshTracker) -> StillFace | None:
    if file_digest(path) != digest:
        raise InputError(f"{path} is not the file of the manifest", expected=digest)
    image = cv2.imread(str(path))
    if image is None:
        raise InputError(f"{path} is no image", expected="a JPEG of a face")
    large = np.asarray(cv2.resize(image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_CUBIC), np.uint8)
    # The mesh starts from where the last face was; an empty frame makes it look anew.
    tracker.track(Frame(0, 0.0, b"", b"", np.zeros((64, 64, 3), np.uint8)))
    track, _ = tracker.track(Frame(0, 0.0, b"", b"", large))
    if track is None:
        return None
    return StillFace(np.asarray(cv2.cvtColor(large, cv2.COLOR_BGR2GRAY), np.uint8), track)


def _split_of(person: str, judged: set[str]) -> str:
    if person in judged:
        return "test"
    return "valid" if _hash(person) % _VALID_SHARE == 0 else "train"


def _hash(person: str) -> int:
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:8], "big")
