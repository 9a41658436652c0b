"""A folder of labelled pictures and short clips: by its MANIFEST.json, or by sub-folders named after classes.

A manifest is a list of rows with `file`, `label`, and at will `sha256`, `split`, and what groups presentations: `group`,
`person`, `actor`, `scene_actor`, `subject` or `source`. `file` may name one tile of a sheet as `sheet.jpg#7`: tiles of 48
pixels, 64 a row; a `#` elsewhere belongs to the name. Sub-folders are `CLASS/…`, `SPLIT/CLASS/…` or `GROUP/CLASS/…`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medauth.errors import InputError
from medauth.protocol.canonical import require_flat

MANIFEST = "MANIFEST.json"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
CLIPS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".y4m", ".mjpeg"})
SPLITS = frozenset({"train", "training", "valid", "val", "validation", "test", "testing"})
_GROUP_FIELDS = ("group", "person", "actor", "scene_actor", "subject", "source")
_TILE = re.compile(r"(.+)#(\d{1,6})")
_MOST_GROUPS = 0.5
"""A `source` that is another for more than this share of the rows names files, not groups."""


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled picture or clip. `group` is "" where nothing says what belongs together."""

    path: Path
    name: str
    label: str
    group: str = ""
    split: str = ""
    sha256: str = ""
    tile: int | None = None

    @property
    def is_clip(self) -> bool:
        """Whether it moves."""
        return self.path.suffix.lower() in CLIPS


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds, and the SHA-256 that names exactly this collection: of its manifest, which says what each file
    is, or, without one, of every file's name and content.
    """

    path: Path
    items: tuple[Item, ...]
    sha256: str
    unlabelled: int


def read_folder(path: Path, split: str = "") -> Folder:
    """The items of `path`, of one split where it is named. Raises `InputError` where there are none."""
    if not path.is_dir():
        raise InputError(f"{path} is no folder", expected="a folder of labelled pictures or clips")
    manifest = path / MANIFEST
    if manifest.is_file():
        found, digest = _from_manifest(manifest), hashlib.sha256(manifest.read_bytes()).hexdigest()
    else:
        found = list(_from_folders(path))
        listing = "".join(f"{_content_digest(item.path)}  {item.name}\n" for item in found)
        digest = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    wanted = [item for item in found if not split or item.split == split]
    labelled = tuple(item for item in wanted if item.label)
    if not labelled:
        splits = ", ".join(sorted({item.split for item in found if item.split})) or "none"
        raise InputError(
            f"no labelled picture or clip in {path}" + (f", split {split}" if split else ""),
            expected=f"a {MANIFEST}, or sub-folders named after classes (splits here: {splits})",
        )
    return Folder(path, labelled, digest, len(wanted) - len(labelled))


def _from_manifest(path: Path) -> list[Item]:
    try:
        stated = path.read_bytes()
        require_flat(stated)
        rows = json.loads(stated)
        rows = rows["files"] if isinstance(rows, dict) else rows
        group_field = _group_field(rows)
        return [_item(path.parent, row, group_field) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"unreadable {path}: {error!r}",
            expected="a list of rows with file and label, in JSON",
            next_step="mend it, or remove it where sub-folders named after classes hold the files",
        ) from error


def _group_field(rows: Sequence[Mapping[str, Any]]) -> str:
    """The first field that is there and tells groups rather than files."""
    for name in _GROUP_FIELDS:
        values = [row[name] for row in rows if row.get(name) is not None]
        if values and len(set(map(str, values))) <= _MOST_GROUPS * len(values):
            return name
    return ""


def _item(folder: Path, row: Mapping[str, Any], group_field: str) -> Item:
    found = _TILE.fullmatch(str(row["file"]))
    name, tile = found.groups() if found else (str(row["file"]), "")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name} lies outside the folder")
    return Item(
        path=path,
        name=str(row["file"]),
        label=str(row.get("label") or ""),
        group=_text(row.get(group_field)),
        split=str(row.get("split") or ""),
        sha256="" if tile else str(row.get("sha256") or ""),
        tile=int(tile) if tile else None,
    )


def _text(value: Any) -> str:
    """A row that says null of its group is alone; it is not in a group of that name."""
    return "" if value is None else str(value)


def _content_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"  # judging counts it as missing


def _from_folders(folder: Path) -> Iterator[Item]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURES | CLIPS or not path.is_file():
            continue
        *above, label = path.relative_to(folder).parts[:-1] or ("",)
        split = next((part for part in above if part.lower() in SPLITS), "")
        group = "/".join(part for part in above if part != split)
        yield Item(path, str(path.relative_to(folder)), label, group, split)
