"""`medauth evaluate shading`: filmed heads that turn, and pictures that a mesh turns in the same way, before `shading`.

A filmed head is a stretch of ten seconds of a clip, as it was filmed. A picture is one person's, turned and nodded by the
mesh of `attacks` as the head of a filmed stretch was, before a drawn camera. Both are looked at by the product's own mesh.
Which stretch a picture is turned by is drawn from its name; stretches in which nobody turns far enough turn nobody.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.errors import InputError
from medauth.evaluation.attacks.camera import Camera, draw_camera
from medauth.evaluation.attacks.look import Look, show
from medauth.evaluation.attacks.victims import Casting, Portrait, Victim
from medauth.evaluation.film_pictures import pictures
from medauth.evaluation.lit_people import MOST_TAKES, Person, plan_digest
from medauth.protocol.observation import Observation, Pose
from medauth.protocol.reading import Outcome
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.shading import ShadingSignal

FILMED, TURNED = "filmed head", "picture turned"
FPS = 15
"""Of pictures that are turned; the signal looks ten times a second."""
Picture = NDArray[np.uint8]
Course = NDArray[np.float64]
"""(n, 3): milliseconds, and turn and nod in degrees from where the head mostly is."""


@dataclass(frozen=True, slots=True)
class ShadingJob:
    """One film: a stretch of a clip, or a picture of somebody turned."""

    person: Person
    kind: str
    seed: int
    turn: int = 0

    @property
    def key(self) -> str:
        """Names the film in the record."""
        return f"{self.kind}/{self.person.stretch}/{self.turn}"

    def random(self) -> np.random.Generator:
        """The same for the same film, whoever plays it."""
        return np.random.default_rng([self.seed, zlib.crc32(self.key.encode())])


@dataclass(frozen=True, slots=True)
class ShadingPlan:
    """All that a run depends on: every stretch of `people`'s clips, and everybody's picture turned `rounds` times."""

    people: Sequence[Person]
    rounds: int
    seed: int = 0
    judged_by: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Names the plan but for its size."""
        return plan_digest("shading", self.people, self.seed, self.judged_by)

    def jobs(self) -> list[ShadingJob]:
        """Clips first; then pictures, round by round, one a person."""
        filmed = [ShadingJob(person, FILMED, self.seed) for person in self.people if person.moves]
        faces: dict[str, Person] = {}
        for person in self.people:
            faces.setdefault(person.name, person)
        return filmed + [ShadingJob(one, TURNED, self.seed, n) for n in range(self.rounds) for one in faces.values()]

    @property
    def stretches(self) -> list[Person]:
        """Whose heads may tell pictures how to turn."""
        return [person for person in self.people if person.moves]


class ShadingStage:
    """Plays films to the signal. One thread; `close` frees native memory."""

    def __init__(self, plan: ShadingPlan) -> None:
        cv2.setNumThreads(1)
        self._plan = plan
        self._tracker = FaceMeshTracker()
        self._casting: Casting | None = None
        self._courses: dict[str, Course | None] = {}

    def play(self, job: ShadingJob) -> dict[str, Any]:
        """What the signal says of one film."""
        about = {"person": job.person.name, "kind": job.kind}
        if job.kind == FILMED:
            return about | self._filmed(job.person)
        self._casting = self._casting or Casting()
        victim = self._casting.victim(Portrait(job.person.name, job.person.path))
        if victim is None:
            return about | {"outcome": "unusable", "code": "no face"}
        random = job.random()
        courses = self._turning()
        course = courses[int(random.integers(len(courses)))]
        return about | self._seen(_turned(victim, course, random))[0]

    def close(self) -> None:
        """Frees the meshes."""
        self._tracker.close()
        if self._casting is not None:
            self._casting.close()

    def _turning(self) -> list[Course]:
        """How the heads of all stretches went in which one turns as far as the signal asks. Raises `InputError`."""
        for person in self._plan.stretches:
            if person.stretch not in self._courses:
                self._filmed(person)
        found = [self._courses[person.stretch] for person in self._plan.stretches]
        turning = [course for course in found if course is not None]
        if not turning:
            raise InputError(
                "nobody turns their head in these clips", expected="12 degrees of turn", next_step="--clips DIR"
            )
        return turning

    def _filmed(self, person: Person) -> dict[str, Any]:
        row, poses = self._seen(_filmed(person))
        self._courses[person.stretch] = None if row["code"] == "shading.no_turn" else _course(poses)
        return row

    def _seen(self, film: Iterator[tuple[float, Picture]]) -> tuple[dict[str, Any], list[tuple[float, Pose]]]:
        signal, poses = ShadingSignal(), list[tuple[float, Pose]]()
        signal.start(None)
        for index, (t_ms, picture) in enumerate(film):
            frame = read_frame(CapturedFrame(picture), index, t_ms)
            observation = Observation(frame, *self._tracker.track(frame), None)
            signal.update(observation)
            if observation.track is not None:
                poses.append((t_ms, observation.track.pose))
        reading = signal.reading()
        details = {name: int(str(value)) for name, value in reading.details.items()}
        row = {
            "looks": details["looks"],
            "turned_deg": details["turned_tenths"] / 10,
            "change": details["change_ppm"] / 1e6,
            "error": details["error_ppm"] / 1e6,
            "outcome": reading.outcome.value,
            "code": reading.code,
        }
        return row, poses


def judged(row: dict[str, Any]) -> bool:
    """Whether the signal said flat or not flat."""
    return row["outcome"] in {Outcome.PASS.value, Outcome.FAIL.value}


def _filmed(person: Person) -> Iterator[tuple[float, Picture]]:
    path = Path(person.path)
    clip = cv2.VideoCapture(str(path))
    every_ms = 1_000 / max(1.0, clip.get(cv2.CAP_PROP_FPS))
    clip.release()
    for index, picture in enumerate(pictures(path)):
        if index >= person.start + MOST_TAKES:
            return
        if index >= person.start:
            yield (index - person.start) * every_ms, picture


def _course(poses: Sequence[tuple[float, Pose]]) -> Course:
    went = np.array([(t_ms, pose.yaw, pose.pitch) for t_ms, pose in poses], np.float64)
    went[:, 0] -= went[0, 0]
    went[:, 1:] -= np.median(went[:, 1:], axis=0)
    return went


def _turned(victim: Victim, course: Course, random: np.random.Generator) -> Iterator[tuple[float, Picture]]:
    camera = Camera(draw_camera(random), random)
    for t_ms in np.arange(0.0, course[-1, 0], 1_000 / FPS).tolist():
        yaw, pitch = (float(np.interp(t_ms, course[:, 0], course[:, column])) for column in (1, 2))
        yield t_ms, camera.take(show(victim.sheet, Look(yaw=yaw, pitch=pitch)), t_ms)
