"""People to be lit: clips and pictures of faces, set into one view, as takes with their landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from medauth.errors import InputError
from medauth.evaluation.attacks.victims import VIEW, Casting, natural_clips, portraits
from medauth.evaluation.film_pictures import pictures
from medauth.evaluation.folders import CLIPS
from medauth.evaluation.lit_scenes import Floats, Take
from medauth.evaluation.row_file import digest_of
from medauth.protocol.observation import Frame
from medauth.signals.face_track import FaceMeshTracker

_EYES_PX = 76.0
MOST_TAKES = 300
_LEAST_TAKES = 90
"""Three seconds, played back and forth."""
_SWAY_PX, _SWAY_FRAMES = 2.5, 120


@dataclass(frozen=True, slots=True)
class Person:
    """Who is lit: a clip, or a picture that sways as a sitting person does."""

    name: str
    path: str
    start: int = 0
    """The first frame."""

    @property
    def stretch(self) -> str:
        """Names the film among all: a person may have several."""
        return f"{self.name}:{Path(self.path).stem}@{self.start}"

    @property
    def seat(self) -> str:
        """What rooms and cameras are drawn by: films of one person from the same frame on get the same."""
        return f"{self.name}@{self.start}" if self.moves else self.name

    @property
    def moves(self) -> bool:
        """Whether it is a clip."""
        return Path(self.path).suffix.lower() in CLIPS


def plan_digest(of: str, people: Sequence[Person], seed: int, judged_by: Mapping[str, str]) -> str:
    """Names a plan but for its size: which evaluation it is `of`, its people and seed, and what judges (see `judged_by`)."""
    named = [asdict(person) for person in people]
    return digest_of({"people": named, "seed": seed, "of": of, "judged_by": dict(judged_by)})


def people_in(
    clips: Sequence[Path], faces: Sequence[Path], windows: int, most_faces: int, splits: Sequence[str] = ()
) -> list[Person]:
    """Windows of clips, by default of the registries', then pictures of `faces` (of `splits` alone, if set), one a person.

    Raises `InputError` where there is nothing.
    """
    found = [Person(name, str(path), start) for name, path in natural_clips(clips) for start in _starts(path, windows)]
    found += [Person(one.person, one.path) for one in (portraits(faces, splits, most_faces) if faces else ())]
    if not found:
        raise InputError(
            "nobody to light", expected="a folder of clips, or npm ci in a checkout", next_step="--clips DIR"
        )
    return found


class Wardrobe:
    """Makes takes of people and keeps the last ones. One thread; `close` frees its meshes."""

    def __init__(self) -> None:
        self._casting: Casting | None = None
        self._kept: tuple[Person, list[Take]] | None = None

    def takes(self, person: Person) -> list[Take]:
        """Frames in a view of 400 x 360, the eyes 76 pixels apart; empty where no usable face is found."""
        if self._kept is None or self._kept[0] != person:
            self._kept = person, (_takes_of_clip(person) if person.moves else self._takes_of_picture(person))
        return self._kept[1]

    def close(self) -> None:
        """Frees native memory."""
        if self._casting is not None:
            self._casting.close()

    def _takes_of_picture(self, person: Person) -> list[Take]:
        from medauth.evaluation.attacks.victims import Portrait

        self._casting = self._casting or Casting()
        victim = self._casting.victim(Portrait(person.name, person.path))
        if victim is None:
            return []
        swayed = []
        for index in range(_SWAY_FRAMES):
            phase = 2 * np.pi * index / _SWAY_FRAMES
            shift = _SWAY_PX * np.array([np.sin(phase), 0.5 * np.sin(2 * phase + 1)])
            way = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            moved = cv2.warpAffine(victim.picture, way, VIEW, borderMode=cv2.BORDER_REPLICATE)
            marks = victim.landmarks + np.array([*shift, 0], np.float32)
            swayed.append(Take(np.asarray(moved, np.uint8), marks.astype(np.float32), _EYES_PX))
        return swayed


def cut_to_face(takes: Sequence[Take], margin: float = 0.12) -> list[Take]:
    """The same takes, all cut to where the face is in any of them."""
    if not takes:
        return []
    marks = np.concatenate([take.landmarks[:468, :2] for take in takes])
    low, high = marks.min(axis=0), marks.max(axis=0)
    size = takes[0].picture.shape[1::-1]
    left, top = np.maximum(0, low - margin * (high - low)).astype(int)
    right, bottom = np.minimum(size, high + margin * (high - low)).astype(int)
    shift = np.array([left, top, 0], np.float32)
    return [
        Take(np.ascontiguousarray(take.picture[top:bottom, left:right]), take.landmarks - shift, take.eyes_px)
        for take in takes
    ]


def _starts(path: Path, windows: int) -> list[int]:
    """Where windows of a clip begin: spread over it, not overlapping as long as there is room."""
    clip = cv2.VideoCapture(str(path))
    count = int(clip.get(cv2.CAP_PROP_FRAME_COUNT))
    clip.release()
    most = max(1, min(windows, count // MOST_TAKES))
    last = max(0, count - MOST_TAKES)
    return sorted({round(start) for start in np.linspace(0, last, most)}) if count >= _LEAST_TAKES else []


def _takes_of_clip(person: Person) -> list[Take]:
    """All by the scale and the place of the first face, so that heads move as they did."""
    tracker, found, way = FaceMeshTracker(), list[Take](), None
    try:
        for index, picture in enumerate(pictures(Path(person.path))):
            if index < person.start:
                continue
            if index >= person.start + MOST_TAKES:
                break
            track, _ = tracker.track(Frame(index, 1_000 * index / 30, b"", bytes(32), picture))
            if track is None:
                continue
            way = _way(track.landmarks) if way is None else way
            scale = float(way[0, 0])
            view = cv2.warpAffine(picture, way, VIEW, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
            marks = track.landmarks * np.float32(scale)
            marks[:, :2] += way[:, 2].astype(np.float32)
            found.append(Take(np.asarray(view, np.uint8), marks, scale * track.quality.size_px))
    finally:
        tracker.close()
    return found if len(found) >= _LEAST_TAKES else []


def _way(marks: Floats) -> Floats:
    """(2, 3) from the pixels of a clip to those of the view."""
    right, left = marks[33, :2], marks[263, :2]
    scale = _EYES_PX / max(float(np.hypot(*(left - right))), 1.0)
    middle = (right + left) / 2
    width, height = VIEW
    return np.array(
        [[scale, 0, width / 2 - scale * middle[0]], [0, scale, 0.42 * height - scale * middle[1]]], np.float64
    )
