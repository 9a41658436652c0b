"""`medauth evaluate pulse`: pulses of known rate put into real faces, and films that have none, before the pulse signal.

The beat is that of skin in a camera's channels (de Haan and van Leest, Physiological Measurement 35, 2014: 0.33, 0.77 and
0.53 in red, green and blue), a slow wave with a little of its double. It is put upon the light on the face, which comes to
the same for a patch of skin. Camera, noise and JPEG are those of `lit_scenes`, landmarks those of the clip. What the
person's own pulse, motion and the codec of the clip add stays in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from medauth.evaluation.lit_people import Person, Wardrobe, cut_to_face, plan_digest
from medauth.evaluation.lit_scenes import Floats, Light, Room, Shot, Skin, Take, filmed, room_for, steady
from medauth.protocol.observation import FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.signals.pulse import PulseSignal

STRENGTHS = (0.004, 0.01, 0.02)
"""Of the light that skin gives back, before a channel's share."""
_BEAT = np.array([0.33, 0.77, 0.53], np.float32)
_RATES_BPM = (48.0, 120.0)
_LASTS_MS = 11_000.0
_FPS = 30
_HAND_PX, _WILD_PX = 1.5, 7.0
_LOOP_MS = 3_700.0
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class PulseFilm:
    """One kind of film. `still`: the first take alone, moved by a hand by so many pixels; `strength` 0: nothing beats."""

    name: str
    beats: bool
    said: str
    strength: float = 0.0
    still: bool = False
    hand_px: float = 0.0
    looped: bool = False
    ambient: float = 2.0
    page: float = 0.45
    """Of the screen's white."""
    lasts_ms: float = _LASTS_MS


ALL = (
    *(
        PulseFilm(f"still head, beat {100 * s:g} %", True, "a head that keeps still", s, still=True, hand_px=0.3)
        for s in STRENGTHS
    ),
    *(PulseFilm(f"clip, beat {100 * s:g} %", True, "a head as it moves in the clip", s) for s in STRENGTHS),
    PulseFilm("photograph, still", False, "one picture that does not move", still=True),
    PulseFilm("photograph, held by hand", False, "one picture in a hand that trembles", still=True, hand_px=_HAND_PX),
    PulseFilm("photograph, moved", False, "one picture that is moved about", still=True, hand_px=_WILD_PX),
    PulseFilm("clip, nothing added", False, "the clip itself: its person's pulse may be there or lost"),
    PulseFilm("clip, looped", False, "3.7 s of a clip with a beat of 2 %, again and again", 0.02, looped=True),
    PulseFilm("still head, looped", False, "the same of a head that keeps still", 0.02, True, 0.3, looped=True),
    PulseFilm("dark", True, "a beat of 2 %, hardly any light", 0.02, True, 0.3, ambient=0.001, page=0.0),
    PulseFilm("short", True, "a beat of 2 % for five seconds", 0.02, still=True, hand_px=0.3, lasts_ms=5_000.0),
)
FILMS: Mapping[str, PulseFilm] = {film.name: film for film in ALL}


@dataclass(frozen=True, slots=True)
class PulseJob:
    """One film of one person."""

    person: Person
    film: str
    seed: int
    turn: int

    @property
    def key(self) -> str:
        """Names the film in the record."""
        return f"{self.film}/{self.person.stretch}/{self.turn}"

    def random(self) -> Random:
        """The same for the same film, whoever plays it."""
        named = f"{self.film}/{self.person.name}@{self.person.start}/{self.turn}"
        return np.random.default_rng([self.seed, zlib.crc32(named.encode())])


@dataclass(frozen=True, slots=True)
class PulsePlan:
    """All that a run depends on: everybody in every film, `rounds` times at another rate before another camera."""

    people: Sequence[Person]
    rounds: int
    seed: int = 0
    judged_by: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Names the plan but for its size."""
        return plan_digest("pulse", self.people, self.seed, self.judged_by)

    def jobs(self) -> list[PulseJob]:
        """Round by round."""
        return [
            PulseJob(person, film, self.seed, turn)
            for turn in range(self.rounds)
            for person in self.people
            for film in FILMS
        ]


class PulseStage:
    """Plays films to the signal. One thread; `close` frees native memory."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._wardrobe = Wardrobe()
        self._faces: tuple[Person, list[Take]] | None = None

    def play(self, job: PulseJob) -> dict[str, Any]:
        """What the signal says of one film, beside the rate that was put in."""
        film, about = FILMS[job.film], {"person": job.person.name, "film": job.film}
        if self._faces is None or self._faces[0] != job.person:
            self._faces = job.person, cut_to_face(self._wardrobe.takes(job.person))
        faces = self._faces[1]
        if not faces:
            return about | {"outcome": "unusable", "code": "no face"}
        random = job.random()
        bpm = float(random.uniform(*_RATES_BPM)) if film.strength else 0.0
        room = room_for("III", film.ambient, _FPS, random)
        signal = PulseSignal()
        signal.start(None)
        for index, (t_ms, shot) in enumerate(_shots(film, faces, room, bpm, random)):
            track = FaceTrack(shot.take.landmarks, Pose(0.0, 0.0, 0.0), FaceQuality(shot.take.eyes_px, 100.0, 120.0))
            signal.update(Observation(Frame(index, t_ms, b"", bytes(32), shot.picture), track, None, None))
        reading = signal.reading()
        found = reading.details.get("bpm_milli")
        return about | {
            "bpm": round(bpm, 1),
            "strength": film.strength,
            "outcome": reading.outcome.value,
            "code": reading.code,
            "found_bpm": None if found is None else int(str(found)) / 1_000,
            "snr_db": None if found is None else int(str(reading.details["snr_milli_db"])) / 1_000,
            "repeated_milli": reading.details.get("repeated_milli"),
            "motion_milli": reading.details.get("motion_milli"),
        }

    def close(self) -> None:
        """Frees native memory."""
        self._wardrobe.close()


def _shots(
    film: PulseFilm, faces: Sequence[Take], room: Room, bpm: float, random: Random
) -> Iterator[tuple[float, Shot]]:
    """The film's frames; one that is looped comes again to the bit, as a player's does."""
    count = round(film.lasts_ms * _FPS / 1_000) + 2
    takes = _by_hand(faces[0], film.hand_px, count, random) if film.still else faces
    once = filmed(
        takes,
        Skin(faces[0], room.tone),
        lambda _: np.full(3, film.page, np.float32),
        room,
        _LOOP_MS if film.looped else film.lasts_ms,
        random,
        _beating(room, film.strength, bpm),
    )
    if not film.looped:
        yield from ((shot.t_ms, shot) for shot in once)
        return
    kept = list(once)
    for index in range(count):
        yield index * 1_000 / _FPS, kept[index % len(kept)]


def _beating(room: Room, strength: float, bpm: float) -> Light:
    """The room's light with a pulse upon it."""
    lamp = steady(room)

    def at(t_ms: float) -> Floats:
        phase = 2 * np.pi * bpm * t_ms / 60_000
        wave = np.sin(phase) + 0.25 * np.sin(2 * phase + 0.8)
        return np.asarray(lamp(t_ms) * (1 + strength * wave * _BEAT), np.float32)

    return at


def _by_hand(take: Take, px: float, count: int, random: Random) -> list[Take]:
    """One take, drifting and trembling by `px`."""
    if not px:
        return [take] * count
    steps = cv2.GaussianBlur(random.normal(0, 1, (count, 2)), (1, 0), sigmaX=0.1, sigmaY=8.0)
    shifts = px * steps / max(float(steps.std()), 1e-9)
    size = take.picture.shape[1::-1]
    found = []
    for shift in shifts:
        way = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        moved = cv2.warpAffine(take.picture, way, size, borderMode=cv2.BORDER_REPLICATE)
        marks = take.landmarks + np.array([*shift, 0], np.float32)
        found.append(Take(np.asarray(moved, np.uint8), marks.astype(np.float32), take.eyes_px))
    return found
