"""What the screen's colours do to every other signal: the same film, lit by colours and lit by a page that stays as it is.

Motion, camera and noise are the same in both to the frame, so that every difference is the light's.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.evaluation.light_films import FILMS, RULE, Projector
from medauth.evaluation.lit_people import Person, Wardrobe, plan_digest
from medauth.evaluation.lit_scenes import Skin, Take, filmed, room_for
from medauth.protocol.challenge import RULES, Action, Challenge
from medauth.protocol.coverage import Coverage
from medauth.protocol.light import LightSequence, draw_light
from medauth.protocol.lighting import Lighting
from medauth.protocol.policy import STANDARD
from medauth.sensing import signals
from medauth.service.observing import Observer
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import ModelLibrary

ROOMS = (0.25, 0.5, 1.0, 2.0)
RATES = (15, 24, 30)
_LEAD_MS, _AFTER_MS = 2_000.0, 2_500.0
_EXPRESSIONS = ("happiness", "surprise")


@dataclass(frozen=True, slots=True)
class PairJob:
    """One film of one person in one room, lit and not."""

    person: Person
    ambient: float
    fps: int
    seed: int
    turn: int

    @property
    def key(self) -> str:
        """Names the pair in the record."""
        return f"pair/{self.ambient:g}/{self.person.stretch}/{self.turn}"

    def random(self) -> np.random.Generator:
        """The same for both films of a pair."""
        named = f"pair/{self.ambient:g}/{self.person.seat}/{self.turn}"
        return np.random.default_rng([self.seed, zlib.crc32(named.encode())])


@dataclass(frozen=True, slots=True)
class PairPlan:
    """All that a run depends on: every person in every room, `rounds` times under another camera."""

    people: Sequence[Person]
    rounds: int
    seed: int = 0
    judged_by: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Names the plan but for its size."""
        return plan_digest("pairs", self.people, self.seed, self.judged_by)

    def jobs(self) -> list[PairJob]:
        """Round by round."""
        return [
            PairJob(person, ambient, RATES[(turn + place + who) % len(RATES)], self.seed, turn)
            for turn in range(self.rounds)
            for who, person in enumerate(self.people)
            for place, ambient in enumerate(ROOMS)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """All that the signals made of one film."""

    readings: dict[str, dict[str, Any]]
    amounts: list[dict[str, float]]
    expressions: list[np.ndarray[Any, np.dtype[np.float64]]]
    blinks: int


class PairStage:
    """Plays pairs. One thread; `close` frees native memory."""

    def __init__(self, models: ModelLibrary) -> None:
        cv2.setNumThreads(1)
        self._wardrobe, self._models = Wardrobe(), models

    def play(self, job: PairJob) -> dict[str, Any]:
        """What every signal says of both films."""
        takes = self._wardrobe.takes(job.person)
        about = {"person": job.person.name, "ambient": job.ambient, "fps": job.fps}
        if not takes:
            return about | {"unusable": True}
        plain, lit = (self._watched(job, takes, FILMS[name].name) for name in ("no colours", "issued"))
        return about | {
            "plain": plain.readings,
            "lit": lit.readings,
            "amounts": _apart(plain.amounts, lit.amounts),
            "expressions": _drift(plain.expressions, lit.expressions),
            "blinks": [plain.blinks, lit.blinks],
        }

    def close(self) -> None:
        """Frees native memory."""
        self._wardrobe.close()

    def _watched(self, job: PairJob, takes: Sequence[Take], film: str) -> _Seen:
        random = job.random()
        asked = draw_light(RULE, 2, lambda limit: int(random.integers(limit)))
        challenge = Challenge("evaluated", (), bytes(32), light=asked)
        observer = Observer(FaceMeshTracker(), signals(self._models, STANDARD.name), challenge)
        try:
            return _follow(observer, job, takes, film, asked, random)
        finally:
            observer.close()


def _follow(
    observer: Observer,
    job: PairJob,
    takes: Sequence[Take],
    film: str,
    asked: LightSequence,
    random: np.random.Generator,
) -> _Seen:
    room = room_for("III", job.ambient, job.fps, random)
    lasts_ms = _LEAD_MS + sum(timed.lasts_ms for timed in asked.colours) + _AFTER_MS
    projector, lighting, coverage = Projector(FILMS[film], asked.colours, random, _LEAD_MS), Lighting(asked), Coverage()
    amounts, blinks, released = list[dict[str, float]](), 0, 0
    for index, shot in enumerate(filmed(takes, Skin(takes[0]), projector.light, room, lasts_ms, random)):
        if shot.t_ms >= _LEAD_MS and lighting.is_due(asked.before_step):
            lighting.advance(shot.t_ms, 20.0, seen=True)
            passed = len(lighting.shown) + (lighting.ended_ms > 0)
            for place in range(released, passed):
                projector.released(place, shot.t_ms + 20.0)
            released = passed
        observation = observer.observe(read_frame(CapturedFrame(shot.picture), index, shot.t_ms), None, lighting.now)
        coverage.add(observation)
        posture = observer.posture(observation)
        amounts.append({} if posture is None else {a.value: v for a, v in posture.amounts.items()})
        blinks += 0 if posture is None else len(posture.blinks)
    readings = [*coverage.readings(STANDARD), *observer.readings()]
    found = {r.signal: {"outcome": r.outcome.value, "code": r.code, "score_ppm": r.score_ppm} for r in readings}
    traces = {trace.name: np.asarray(trace.values) for trace in observer.marks()["emotion"].traces}
    return _Seen(found, amounts, [traces[name] for name in _EXPRESSIONS if name in traces], blinks)


def _apart(plain: Sequence[dict[str, float]], lit: Sequence[dict[str, float]]) -> dict[str, Any]:
    """How far every gesture's amount moved, in shares of its onset: the median and the largest over frames; and in how many
    frames light alone carried it past its onset."""
    moved, new, frames = list[float](), 0, 0
    for before, after in zip(plain, lit, strict=False):
        onsets = {name: RULES[Action(name)].onset for name in before.keys() & after.keys()}
        frames += bool(onsets)
        moved += [max((abs(after[name] - before[name]) / onset for name, onset in onsets.items()), default=0.0)]
        new += any(after[name] >= onset > before[name] for name, onset in onsets.items())
    return {
        "median_onsets": round(float(np.median(moved)), 3) if moved else None,
        "largest_onsets": round(max(moved, default=0.0), 3),
        "frames_past_onset": new,
        "frames": frames,
    }


def _drift(plain: Sequence[Any], lit: Sequence[Any]) -> dict[str, Any]:
    """How far the probability of the expressions that are asked for moved, at most and in the median."""
    pairs = [(a[: min(len(a), len(b))], b[: min(len(a), len(b))]) for a, b in zip(plain, lit, strict=True)]
    apart = np.concatenate([np.abs(b - a) for a, b in pairs]) if pairs else np.zeros(0)
    if not apart.size:
        return {"median": None, "largest": None}
    return {"median": round(float(np.median(apart)), 4), "largest": round(float(apart.max()), 4)}
