"""`medauth evaluate light`: the light signal before simulated rooms, screens and cameras, on real faces.

Real are the face, its motion, patches and signal; light, skin tone and camera are simulated. Landmarks are those that the
face mesh found in the clip: what coloured light does to the mesh is judged by `light_side_effects`. Colours leave as in a check,
frame by frame; a late picture is the camera's doing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import cv2
import numpy as np

from medauth.evaluation.light_films import FILMS, LEAD_MS, RULE, Film, Projector
from medauth.evaluation.lit_people import Person, Wardrobe, cut_to_face, plan_digest
from medauth.evaluation.lit_scenes import TONES, Room, Take, filmed, room_for
from medauth.protocol.challenge import Challenge
from medauth.protocol.light import LightSequence, draw_light
from medauth.protocol.lighting import SEEN_MS, Lighting
from medauth.protocol.observation import FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.signals.light import LightSignal

AMBIENTS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
"""The room's light on the face, by that of the white screen. A laptop's screen (300 cd/m2, 0.057 m2, half a metre away) gives
some 70 lux: the rooms are of 17 to 340 lux on the face."""
RATES = (10, 15, 24, 30)
_TONES = tuple(TONES)
_AFTER_MS = 800.0
TRIP_MS = (5, 120)
"""To the screen and back."""
STRAIGHT = Pose(0.0, 0.0, 0.0)
"""Patches of a cheek that is turned away are measured all the same: harder than in a check."""


@dataclass(frozen=True, slots=True)
class LightJob:
    """One film of one person."""

    person: Person
    film: str
    ambient: float
    tone: str
    fps: int
    seed: int
    turn: int

    @property
    def key(self) -> str:
        """Names the film in the record."""
        return f"{self.film}/{self.ambient:g}/{self.person.stretch}/{self.turn}"

    def random(self) -> np.random.Generator:
        """The same for the same film, whoever plays it."""
        named = f"{self.film}/{self.ambient:g}/{self.person.seat}/{self.turn}"
        return np.random.default_rng([self.seed, zlib.crc32(named.encode())])


@dataclass(frozen=True, slots=True)
class LightPlan:
    """All that a run depends on. In each of the `rounds` every person is seen in every film and every room, under another
    tone of skin and frame rate each time: after 24 rounds in all of them."""

    people: Sequence[Person]
    rounds: int
    seed: int = 0
    films: Sequence[str] = tuple(FILMS)
    judged_by: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Names the plan but for its size."""
        return plan_digest("light", self.people, self.seed, self.judged_by)

    def jobs(self) -> list[LightJob]:
        """Round by round: a run that was stopped early tells something of all."""
        return list(self._jobs())

    def _jobs(self) -> Iterator[LightJob]:
        names, kinds = list(FILMS), len(_TONES) * len(RATES)
        for turn, (who, person) in product(range(self.rounds), enumerate(self.people)):
            for film in self.films:
                for room, ambient in enumerate(AMBIENTS):
                    place = (7 * turn + 5 * room + 11 * who + 3 * names.index(film)) % kinds
                    tone, fps = _TONES[place % len(_TONES)], RATES[place // len(_TONES)]
                    yield LightJob(person, film, ambient, tone, fps, self.seed, turn)


class LightStage:
    """Plays films to the signal. One thread; `close` frees native memory."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._wardrobe = Wardrobe()
        self._faces: tuple[Person, list[Take]] | None = None

    def play(self, job: LightJob) -> dict[str, Any]:
        """What the signal says of one film, beside what is true of it."""
        takes = self._faces_of(job.person)
        about = {"person": job.person.name, "film": job.film, "ambient": job.ambient, "tone": job.tone, "fps": job.fps}
        if not takes:
            return about | {"outcome": "unusable", "code": "no face"}
        random, film = job.random(), FILMS[job.film]
        asked = draw_light(RULE, 2, lambda limit: int(random.integers(limit)))
        room = room_for(job.tone, job.ambient, job.fps, random)
        signal, trip_ms = LightSignal(), int(random.integers(*TRIP_MS))
        signal.start(Challenge("evaluated", (), bytes(32), light=asked))
        shift_ms = watch(signal, film, takes, asked, room, random, trip_ms)
        reading = signal.reading()
        return about | {
            "outcome": reading.outcome.value,
            "code": reading.code,
            "share_ppm": reading.score_ppm,
            "true_delay_ms": round(shift_ms + room.delay_ms + room.exposure_ms / 2 + trip_ms),
            **{
                name: reading.details.get(name)
                for name in ("delay_ms", "margin_milli", "ambient_milli", "rank", "strong_steps", "at_pace")
            },
        }

    def close(self) -> None:
        """Frees native memory."""
        self._wardrobe.close()

    def _faces_of(self, person: Person) -> list[Take]:
        """Cut to the face: what is behind it says nothing to this signal, and costs two thirds of the time."""
        if self._faces is None or self._faces[0] != person:
            self._faces = person, cut_to_face(self._wardrobe.takes(person))
        return self._faces[1]


def watch(
    signal: LightSignal,
    film: Film,
    takes: Sequence[Take],
    asked: LightSequence,
    room: Room,
    random: np.random.Generator,
    trip_ms: int,
) -> float:
    """Plays a film to the signal, colours leaving as in a check; by how many milliseconds its light is shifted."""
    lasts_ms = LEAD_MS + sum(timed.lasts_ms for timed in asked.colours) + _AFTER_MS + max(0.0, film.shifted_ms[1])
    projector = Projector(film, asked.colours, random, LEAD_MS + trip_ms)
    lamp, lighting = film.lamp(room, random, lasts_ms), Lighting(asked)
    scene, released = film.scene(takes[0], room.tone), 0
    for index, shot in enumerate(filmed(takes, scene, projector.light, room, lasts_ms, random, lamp)):
        frame = Frame(index, shot.t_ms, b"", bytes(32), shot.picture)
        track = FaceTrack(shot.take.landmarks, STRAIGHT, FaceQuality(shot.take.eyes_px, 100.0, 120.0))
        if lighting.is_due(asked.before_step):
            begun = shot.t_ms >= LEAD_MS - SEEN_MS
            lighting.advance(shot.t_ms, trip_ms, seen=begun)
            passed = len(lighting.shown) + (lighting.ended_ms > 0)
            for place in range(released, passed):
                projector.released(place, shot.t_ms + trip_ms)
            released = passed
        signal.update(Observation(frame, track, None, None, lighting.now))
    return projector.shift_ms
