"""Is a face recognised after a break, and another one refused? Looks at people in clips, under other light and views.

The gallery is what the first half of a clip shows, the probes are its second half and everybody else's, as recorded and
changed as cameras change them. A likeness says how near a probe is to a gallery; None where it cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.degraded import Moment, Picture, blurred, compressed, dim_and_noisy, turning
from medauth.evaluation.film_pictures import pictures
from medauth.signals.face_track import StillMesh

LOOKS = 12
"""Looks at each person: the first half of them is the gallery."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One look at a person: the picture (height, width, 3) uint8 BGR and the landmarks (478, 3)."""

    person: str
    picture: Picture
    landmarks: NDArray[np.float32]


@dataclass(slots=True)
class Tally:
    """Answers about one kind of probe: called the same, called a stranger, left undecided."""

    same: int = 0
    stranger: int = 0
    undecided: int = 0

    def add(self, likeness: float | None, known: float, stranger: float) -> None:
        """Takes in one probe under two thresholds."""
        if likeness is None or stranger <= likeness < known:
            self.undecided += 1
        elif likeness >= known:
            self.same += 1
        else:
            self.stranger += 1


def darker(moment: Moment) -> Picture:
    """Gamma 1.8."""
    return _picture(255.0 * (moment.picture / 255.0) ** 1.8)


def brighter(moment: Moment) -> Picture:
    """Gamma 0.55."""
    return _picture(255.0 * (moment.picture / 255.0) ** 0.55)


def yellowish(moment: Moment) -> Picture:
    """A lamp's colour cast."""
    return _picture(np.clip(moment.picture * np.array([0.65, 0.95, 1.2]), 0, 255))


def farther(moment: Moment) -> Picture:
    """The face at 0.55 of its size."""
    return _picture(cv2.resize(moment.picture, None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA))


CHANGES: Mapping[str, Callable[[Moment], Picture]] = {
    "as recorded": lambda moment: moment.picture,
    "darker": darker,
    "brighter": brighter,
    "colour cast": yellowish,
    "farther": farther,
    "turned sheet": turning,
    "blur": blurred,
    "JPEG 40": compressed,
    "low light and noise": dim_and_noisy,
}
Likeness = Callable[[Sequence[Look], Look], float | None]
"""(gallery of one person, probe) to how alike they are."""


def looks_at(clips: Mapping[str, Path], fps: Mapping[str, float]) -> dict[str, dict[str, list[Look]]]:
    """By change and clip, `LOOKS` looks spread over the clip; those without a face are left out."""
    mesh, found = StillMesh(), {change: {name: list[Look]() for name in clips} for change in CHANGES}
    try:
        for name, path in clips.items():
            frames = list(pictures(path))
            for index in np.linspace(0, len(frames) - 1, LOOKS).astype(int):
                moment = Moment(frames[index], None, 1000 * index / fps[name])
                for change, alter in CHANGES.items():
                    picture = np.ascontiguousarray(alter(moment))
                    landmarks = mesh.landmarks(picture)
                    if landmarks is not None:
                        found[change][name].append(Look(name, picture, landmarks))
    finally:
        mesh.close()
    return found


def judge(
    looks: Mapping[str, Mapping[str, Sequence[Look]]],
    likeness: Likeness,
    known: float,
    stranger: float,
    person_of: Mapping[str, str],
) -> dict[str, dict[str, Tally]]:
    """By change: the same person's later looks, and other people's, against every gallery as recorded.

    `person_of` names the person of clips that share one; two clips of one person are neither kind.
    """
    plain, found = looks["as recorded"], {}
    for change, people in looks.items():
        tallies = {"same person": Tally(), "another person": Tally()}
        for name, gallery in plain.items():
            for other, probes in people.items():
                if other != name and person_of.get(other, other) == person_of.get(name, name):
                    continue
                kind = "same person" if other == name else "another person"
                for probe in probes[len(probes) // 2 :]:
                    tallies[kind].add(likeness(gallery[: LOOKS // 2], probe), known, stranger)
        found[change] = tallies
    return found


def _picture(values: object) -> Picture:
    return np.asarray(values).astype(np.uint8, copy=False)
