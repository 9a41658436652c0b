"""Plays jobs, one after the other, in one process: victims, driver tunings, films and signals are made once and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medauth.evaluation.attacks import forged_clocks, pace, plan, wrong_colours
from medauth.evaluation.attacks.cue_film import Onlookers, filmed, staged
from medauth.evaluation.attacks.driver import Gains
from medauth.evaluation.attacks.loop_film import FPS, loop_film
from medauth.evaluation.attacks.loop_protocol import MeasuredLoop, measured, play
from medauth.evaluation.attacks.mesh_warp import Picture
from medauth.evaluation.attacks.misuse import forge, tamper
from medauth.evaluation.attacks.plan import Job, Plan
from medauth.evaluation.attacks.screen_light import Lighting
from medauth.evaluation.attacks.session_replay import BY_ITSELF, VARIANTS, Player
from medauth.evaluation.attacks.species import SPECIES
from medauth.evaluation.attacks.stage import STAGED, Act, Cast
from medauth.evaluation.attacks.tuning import rested, tuned
from medauth.evaluation.attacks.victims import Casting, Victim
from medauth.evaluation.attacks.whole_check import Played, Server
from medauth.protocol.policy import policy_named
from medauth.protocol.reading import SignalReading
from medauth.signals.face_track import StillMesh
from medauth.signals.models import ModelLibrary

Row = dict[str, Any]
_OTHERS = 6


class Worker:
    """Owns a mesh, models and whatever else is dear to make. One thread; `close` frees it."""

    def __init__(self, made: Plan) -> None:
        cv2.setNumThreads(1)
        self._plan = made
        self._policy = policy_named(made.policy)
        self._models = ModelLibrary([Path(folder) for folder in made.model_folders])
        self._server: Server | None = None
        self._casting = Casting()
        self._mesh = StillMesh()
        self._onlookers = Onlookers(self._models, self._policy)
        self._victims: dict[int, Victim | None] = {}
        self._rested: dict[int, Victim] = {}
        self._gains: dict[str, Gains] = {}
        self._loops: dict[str, list[Picture]] = {}
        self._loop: MeasuredLoop | None = None

    def play(self, job: Job) -> list[Row]:
        """The rows of one job; none where its portrait shows no usable face."""
        return _PARTS[job.part](self, job)

    def close(self) -> None:
        """Frees native memory."""
        self._casting.close()
        self._mesh.close()
        self._onlookers.close()

    def whole(self, job: Job) -> list[Row]:
        """One whole check."""
        cast = self._cast(job, performs=True)
        if cast is None:
            return []
        # A server that met the same photograph in another attack would know it again: each check is its server's first.
        self._server = Server(self._plan.policy, self._models, self._plan.screen)
        try:
            variant, played = _WHOLE.get(job.species, Worker._plain)(self, job, cast)
        finally:
            self._server.close()
        row = {
            "decision": played.verdict.decision.value,
            "reasons": [{"code": r.code, "signal": r.signal, "role": r.role.value} for r in played.verdict.reasons],
            "frames": played.frames,
            "steps": played.steps,
        }
        return [_row(job, cast.victim.person, variant, played.verdict.readings) | row]

    def cue(self, job: Job) -> list[Row]:
        """One film before the cues."""
        cast = self._cast(job, performs=False)
        if cast is None:
            return []
        frames, readings = self._onlookers.judge(staged(STAGED[job.species](cast), cast.random))
        return [_row(job, cast.victim.person, "", readings) | {"frames": frames}]

    def natural(self, job: Job) -> list[Row]:
        """One window of a real clip."""
        window = self._plan.windows[job.index]
        frames, readings = self._onlookers.judge(filmed(window))
        return [_row(job, window.person, window.condition, readings) | {"frames": frames}]

    def loop(self, job: Job) -> list[Row]:
        """Many checks of gestures alone."""
        if self._loop is None:
            cast = self._cast(Job(job.part, job.species, 0), performs=True)
            if cast is None:
                return []
            self._loop = measured(cast.victim.sheet, cast.gains, self._models, self._plan.seed)
        cut = job.species.endswith("_cut")
        first = job.index * plan.LOOP_CHECKS_A_JOB
        last = min(first + plan.LOOP_CHECKS_A_JOB, self._plan.loop_checks)
        checks = [play(self._loop, self._policy, self._plan.seed * 1_000_003 + n, cut=cut) for n in range(first, last)]
        codes = [check.code for check in checks]
        return [
            {
                "key": job.key, "part": job.part, "species": job.species, "checks": len(checks),
                "passed": sum(check.passed for check in checks),
                "unrefused": sum(check.passed and not check.refused for check in checks),
                "injection": {said: n for said, n in Counter(check.injection for check in checks).items() if said},
                "codes": {code: codes.count(code) for code in sorted(set(codes))},
                "most_answered": max(check.answered for check in checks), "steps": self._policy.steps,
            }
        ]  # fmt: skip

    def forgery(self, job: Job) -> list[Row]:
        """What a client may send beside frames."""
        tries = forge(self._plan.policy, _seed(self._plan, job), plan.TRIES_A_JOB)
        return [{"key": job.key, "part": job.part, "species": job.species, "tries": tries}]

    def tampering(self, job: Job) -> list[Row]:
        """What somebody with the server's disk may change."""
        tries = tamper(_seed(self._plan, job), plan.TRIES_A_JOB)
        return [{"key": job.key, "part": job.part, "species": job.species, "tries": tries}]

    def clocks(self, job: Job) -> list[Row]:
        """What a virtual camera may send, before the injection signal."""
        victim = self._victim(job.index)
        if victim is None:
            return []
        random = np.random.default_rng([self._plan.seed, job.index, *job.part.encode()])
        film = forged_clocks.film_of(victim.picture, victim.landmarks, random)
        tries = forged_clocks.tried(film, random, plan.TRIES_A_JOB)
        return [
            {"key": job.key, "part": job.part, "species": job.species, "person": victim.person, "tries": dict(tries)}
        ]

    def colours(self, job: Job) -> list[Row]:
        """Skin under other colours than those asked for, before the light signal."""
        random = np.random.default_rng([self._plan.seed, job.index, *job.part.encode()])
        tries = wrong_colours.tried(random, plan.TRIES_A_JOB)
        return [{"key": job.key, "part": job.part, "species": job.species, "tries": dict(tries)}]

    def _plain(self, job: Job, cast: Cast) -> tuple[str, Played]:
        return "", self._check(job, STAGED[job.species](cast), cast)

    def _loop_film(self, job: Job, cast: Cast) -> tuple[str, Played]:
        """The film of sixteen gestures, from a drawn place on, in the light of another check."""
        person = cast.victim.person
        if person not in self._loops:
            self._loops[person] = loop_film(cast.victim.sheet, cast.gains)
        film = self._loops[person]
        start = int(cast.random.integers(len(film)))
        act: Act = lambda t_ms, _: film[(start + int(t_ms * FPS / 1_000)) % len(film)]  # noqa: E731
        return "looped", self._check(job, act, cast)

    def _wrong_light(self, job: Job, cast: Cast) -> tuple[str, Played]:
        """Other colours, or none, by turns."""
        lighting = (Lighting.OTHER, Lighting.NONE)[job.index % 2]
        act = STAGED["photo_animated"](cast)
        return lighting.value, self._at.check(act, lighting, cast.random, challenge_seed=_seed(self._plan, job))

    def _virtual_camera(self, job: Job, cast: Cast) -> tuple[str, Played]:
        name = list(pace.FORGED)[job.index % len(pace.FORGED)]
        act, chosen = STAGED["photo_animated"](cast), pace.FORGED[name]
        seed = _seed(self._plan, job)
        return name, self._at.check(act, Lighting.ISSUED, cast.random, challenge_seed=seed, pace=chosen)

    def _replay(self, job: Job, cast: Cast) -> tuple[str, Played]:
        """A check is recorded, then its frames are sent to a new one: every other time under the same challenge."""
        name, forced = BY_ITSELF[job.index % len(BY_ITSELF)], (job.index // len(BY_ITSELF)) % 2 == 0
        seed, subject = _seed(self._plan, job), f"replayed-{job.index}"
        first = self._at.check(
            STAGED["photo_animated"](cast),
            Lighting.ISSUED,
            cast.random,
            challenge_seed=seed,
            subject=subject,
            record=True,
        )
        player = Player(VARIANTS[name](first.recording, (), cast.random))
        again = self._at.check(
            lambda t_ms, _: player.at(t_ms),
            Lighting.NONE,
            cast.random,
            challenge_seed=seed if forced else seed + 1,
            subject=subject,
            filmed=False,
        )
        return f"{name}, {'the same challenge' if forced else 'a new challenge'}", again

    def _check(self, job: Job, act: Act, cast: Cast) -> Played:
        lighting = SPECIES[job.species].lighting
        return self._at.check(act, lighting, cast.random, challenge_seed=_seed(self._plan, job))

    @property
    def _at(self) -> Server:
        """The server of the check that is on."""
        assert self._server is not None
        return self._server

    def _cast(self, job: Job, *, performs: bool) -> Cast | None:
        find = self._at_rest if performs else self._victim
        victim = find(job.index)
        if victim is None:
            return None
        count = len(self._plan.portraits)
        near = (find(job.index + 1 + n) for n in range(min(_OTHERS, count - 1)))
        others = [other for other in near if other is not None and other.person != victim.person]
        if performs and victim.person not in self._gains:
            self._gains[victim.person] = tuned(victim.sheet, self._mesh)
        random = np.random.default_rng([self._plan.seed, job.index, *job.species.encode()])
        return Cast(victim, others or [victim], random, self._gains.get(victim.person, {}), performs=performs)

    def _at_rest(self, index: int) -> Victim | None:
        """Somebody whose picture is to be driven."""
        victim, place = self._victim(index), index % len(self._plan.portraits)
        if victim is not None and place not in self._rested:
            self._rested[place] = replace(victim, sheet=rested(victim.sheet, self._mesh))
        return self._rested.get(place)

    def _victim(self, index: int) -> Victim | None:
        place = index % len(self._plan.portraits)
        if place not in self._victims:
            self._victims[place] = self._casting.victim(self._plan.portraits[place])
        return self._victims[place]


def _row(job: Job, person: str, variant: str, readings: Any) -> Row:
    found: list[SignalReading] = list(readings)
    return {
        "key": job.key,
        "part": job.part,
        "species": job.species,
        "variant": variant,
        "person": person,
        "readings": {r.signal: {"outcome": r.outcome.value, "code": r.code, "score_ppm": r.score_ppm} for r in found},
    }


def _seed(made: Plan, job: Job) -> int:
    return made.seed * 1_000_003 + job.index * 2


_PARTS: Mapping[str, Callable[[Worker, Job], list[Row]]] = {
    plan.WHOLE: Worker.whole,
    plan.CUE: Worker.cue,
    plan.NATURAL: Worker.natural,
    plan.LOOP: Worker.loop,
    plan.FORGERY: Worker.forgery,
    plan.TAMPER: Worker.tampering,
    plan.CLOCKS: Worker.clocks,
    plan.COLOURS: Worker.colours,
}
_WHOLE: Mapping[str, Callable[[Worker, Job, Cast], tuple[str, Played]]] = {
    "gesture_loop": Worker._loop_film,  # noqa: SLF001 - this module's own
    "wrong_light": Worker._wrong_light,  # noqa: SLF001
    "virtual_camera": Worker._virtual_camera,  # noqa: SLF001
    "session_replay": Worker._replay,  # noqa: SLF001
}
