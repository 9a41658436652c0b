"""Expression sets of the user's own become one that `medauth train expression` reads.

Three forms are read: FER2013's table (`emotion,pixels,Usage`, 2,304 grey values a row), a table of files (`file,label` and
at will `person`, `split`), and folders named after classes, at will below folders named after a person (CK+ style:
`S005/happiness/*.png`, or files called `S005_001_00000011.png`) or a split. Faces are cut by the product's own face track
where pictures are no crops. A person is in one split only; the same seed gives the same split.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.training.datasets import EXPRESSIONS, class_weights

MANIFEST = "MANIFEST.json"
SIDE_PX = 48
SPLITS = ("train", "valid", "test")
_FER_CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_FER_USAGE = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
_ALIASES = {"angry": "anger", "disgusted": "disgust", "fearful": "fear", "happy": "happiness", "sad": "sadness"}
_ALIASES |= {"surprised": "surprise", "joy": "happiness", "calm": "neutral"}
_SPLIT_NAMES = {"train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid"}
_SPLIT_NAMES |= {"test": "test", "testing": "test"}
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_PERSON = re.compile(r"^(S\d{2,4})(?:_|$)")

Cut = Callable[[Path], NDArray[np.uint8] | None]
"""A picture file to a grey face (48, 48) uint8; None where no face can be cut."""


@dataclass(frozen=True, slots=True)
class Face:
    """One labelled face on its way: either pixels, or a file to cut one from."""

    label: str
    origin: str
    person: str = ""
    split: str = ""
    pixels: NDArray[np.uint8] | None = None
    path: Path | None = None


def read_source(source: Path) -> Iterator[Face]:
    """The faces of one table or folder. Raises `InputError` for a form that is not known."""
    if source.is_dir():
        yield from _from_folder(source)
        return
    try:
        with source.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            columns = {name.strip().lower() for name in rows.fieldnames or ()}
            if {"emotion", "pixels"} <= columns:
                yield from (_fer_row(row, number) for number, row in enumerate(rows))
            elif {"file", "label"} <= columns:
                yield from (_file_row(row, source.parent) for row in rows)
            else:
                raise InputError(f"{source} has the columns {sorted(columns)}", expected="emotion,pixels or file,label")
    except (OSError, UnicodeDecodeError, KeyError, ValueError, IndexError) as error:
        raise InputError(f"{source} cannot be read: {error}", expected="a CSV table or a folder of classes") from error


def split_faces(faces: Sequence[Face], shares: Mapping[str, float], seed: int) -> list[str]:
    """A split for each face: its own where it has one, else drawn; all faces of a person go together.

    Persons, largest first, go where most is missing; ties and single faces are drawn with `seed`.
    """
    rng = np.random.default_rng(seed)
    units: dict[str, list[int]] = {}
    for index, face in enumerate(faces):
        units.setdefault(f"p:{face.person}" if face.person else f"f:{index}", []).append(index)
    names = [list(units)[at] for at in rng.permutation(len(units))]
    names.sort(key=lambda name: -len(units[name]))
    wanted = {split: share * len(faces) for split, share in shares.items()}
    chosen = [""] * len(faces)
    for name in names:
        fixed = {faces[index].split for index in units[name] if faces[index].split}
        if len(fixed) > 1:
            raise InputError(
                f"{name[2:]} is in the splits {', '.join(sorted(fixed))}", expected="a person in one split"
            )
        split = fixed.pop() if fixed else max(wanted, key=lambda s: wanted[s])
        for index in units[name]:
            chosen[index] = split
            wanted[split] = wanted.get(split, 0.0) - 1
    return chosen


def prepare(sources: Sequence[Path], out: Path, cut: Cut, *, shares: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Writes `out/SPLIT/CLASS/*.png` and its manifest; returns counts by split and class, weights and what was left out.

    The same face twice (by its pixels) is taken once. Raises `InputError` where nothing is left.
    """
    faces = [face for source in sources for face in read_source(source)]
    splits = split_faces(faces, shares, seed)
    rows: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    for face, split in zip(faces, splits, strict=True):
        pixels = face.pixels if face.pixels is not None or face.path is None else cut(face.path)
        if pixels is None:
            left_out["no face"] += 1
            continue
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        if digest in seen:
            left_out["twice"] += 1
            continue
        seen.add(digest)
        rows.append(_written(face, split, pixels, out, len(rows)))
    if not rows:
        raise InputError("no face was left", expected="labelled faces", next_step="see medauth train prepare --help")
    report = _report(rows, left_out, shares, seed)
    (out / MANIFEST).write_text(json.dumps({"preparation": report, "files": rows}, indent=1) + "\n", encoding="utf-8")
    return report


def _written(face: Face, split: str, pixels: NDArray[np.uint8], out: Path, number: int) -> dict[str, Any]:
    name = f"{split}/{face.label}/{number:06d}.png"
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    row = {"file": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "label": face.label, "split": split}
    return row | {"source": face.origin} | ({"person": face.person} if face.person else {})


def _report(
    rows: Sequence[Mapping[str, Any]], left_out: Mapping[str, int], shares: Mapping[str, float], seed: int
) -> dict[str, Any]:
    counts = {
        split: {name: sum(r["split"] == split and r["label"] == name for r in rows) for name in EXPRESSIONS}
        for split in SPLITS
    }
    present = np.array([[float(counts["train"][name]) for name in EXPRESSIONS]], np.float32)
    known = present / max(1.0, float(present.sum()))
    weights = class_weights(np.maximum(known, 1e-4), 0.5)
    shown = {n: round(float(w), 3) for n, w in zip(EXPRESSIONS, weights, strict=True) if counts["train"][n]}
    persons = len({row["person"] for row in rows if "person" in row})
    return {
        "counts": counts,
        "class_weights": shown,
        "persons": persons,
        "left_out": dict(left_out),
        "shares": dict(shares),
        "seed": seed,
    }


def _fer_row(row: Mapping[str, str], number: int) -> Face:
    pixels = np.array(row["pixels"].split(), dtype=np.uint8)
    if pixels.size != SIDE_PX**2:
        raise ValueError(f"row {number} has {pixels.size} pixels, not {SIDE_PX**2}")
    usage = _FER_USAGE.get((row.get("Usage") or "").strip(), "")
    label = _FER_CLASSES[int(row["emotion"])]
    return Face(label, f"row {number}", split=usage, pixels=pixels.reshape(SIDE_PX, SIDE_PX))


def _file_row(row: Mapping[str, str], folder: Path) -> Face:
    split = _SPLIT_NAMES.get((row.get("split") or "").lower(), "")
    return Face(_class(row["label"]), row["file"], row.get("person") or "", split, path=folder / row["file"])


def _from_folder(folder: Path) -> Iterator[Face]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _PICTURES:
            continue
        *above, label = path.relative_to(folder).parts[:-1] or ("",)
        split = next((_SPLIT_NAMES[part.lower()] for part in above if part.lower() in _SPLIT_NAMES), "")
        named = [part for part in above if part.lower() not in _SPLIT_NAMES]
        found = _PERSON.match(path.name)
        person = named[0] if named else (found[1] if found else "")
        yield Face(_class(label), str(path.relative_to(folder)), person, split, path=path)


def _class(name: str) -> str:
    plain = _ALIASES.get(name.strip().lower(), name.strip().lower())
    if plain not in EXPRESSIONS:
        raise InputError(f"class {name!r}", expected=", ".join(EXPRESSIONS))
    return plain
