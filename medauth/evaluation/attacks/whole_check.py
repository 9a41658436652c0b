"""One whole check on a simulated clock: challenge, ceremony, every signal, policy and record as in life.

Only the camera, the person and the passing of time are simulated. A check is started as an app starts it, so whatever
a policy asks for (gestures, colours, memory of earlier checks) is asked here too.
"""

from __future__ import annotations

import json
import random as plain_random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medauth.bootstrap import Medauth, Sources
from medauth.config import Settings
from medauth.evaluation.attacks.camera import Camera, draw_camera
from medauth.evaluation.attacks.pace import Pace, natural_for
from medauth.evaluation.attacks.screen_light import Lighting, ScreenLight
from medauth.evaluation.attacks.session_replay import Taken
from medauth.evaluation.attacks.stage import Act
from medauth.evaluation.jpeg import encoded
from medauth.evidence.archive import KeepFrames
from medauth.protocol.policy import policy_named
from medauth.protocol.verdict import Verdict
from medauth.session import AuthenticationSession
from medauth.signals.models import ModelLibrary

Picture = NDArray[np.uint8]
_MOST_FRAMES = 1_600
_START_MS = 1_700_000_000_000
_BETWEEN_MS = 3_600_000.0
_ROUND_TRIP_MS = 45.0
_QUALITY = 95
"""Of the frames that are sent."""


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What came of a check, and the frames as they were sent."""

    verdict: Verdict
    frames: int
    recording: list[Taken]
    steps: list[tuple[str, str]]
    """Action and outcome of each step that closed, as the evidence states them."""


class Server:
    """A server with a folder, a clock and a challenge of its own. One check at a time."""

    def __init__(self, policy: str, models: ModelLibrary | None = None, screen: float = 0.0) -> None:
        """`screen`: the white screen's light on the face by the room's; 0: drawn for each check."""
        self._policy, self._screen = policy, screen
        self._pace = natural_for(policy_named(policy).min_fps)
        self._folder = tempfile.TemporaryDirectory(prefix="medauth-attacks-")
        self._now_ms = 0.0
        self._draws = plain_random.Random(0)
        self._checks = 0
        settings = Settings(data_dir=Path(self._folder.name), keep_frames=KeepFrames.NONE)
        sources = Sources(
            now_ms=lambda: _START_MS + round(self._now_ms),
            monotonic_ms=lambda: self._now_ms,
            randbelow=self._below,
        )
        self.auth = Medauth(settings, sources, models)

    def check(
        self,
        act: Act,
        lighting: Lighting,
        random: np.random.Generator,
        *,
        challenge_seed: int,
        pace: Pace | None = None,
        subject: str = "",
        filmed: bool = True,
        record: bool = False,
    ) -> Played:
        """Plays one check to its verdict. `filmed` false: the act's pictures are sent as they are, without a camera.

        The same `challenge_seed` draws the same challenge again.
        """
        self._draws = plain_random.Random(challenge_seed)
        self._checks += 1
        self._now_ms += _BETWEEN_MS
        lens = _Lens(act, ScreenLight(lighting, random, self._screen), random) if filmed else None
        with self.auth.start(
            subject=subject or f"attacked-{self._checks}", policy=self._policy, client=str(self._checks)
        ) as session:
            session.set_round_trip(_ROUND_TRIP_MS)
            taken = lens.take if lens else _unfilmed(act)
            frames, recording = self._play(session, taken, pace or self._pace, random, record=record)
            verdict = session.finish()
            return Played(verdict, frames, recording, self._steps(verdict))

    def close(self) -> None:
        """Forgets everything."""
        self.auth.close()
        self._folder.cleanup()

    def _steps(self, verdict: Verdict) -> list[tuple[str, str]]:
        stated = json.loads(self.auth.bundle(verdict.evidence_id).envelope.payload)["steps"]
        return [(str(step["action"]), str(step["outcome"])) for step in stated]

    def _below(self, limit: int) -> int:
        """The draws of the check that is on."""
        return self._draws.randrange(limit)

    def _play(
        self,
        session: AuthenticationSession,
        take: Callable[[float, AuthenticationSession], Picture],
        pace: Pace,
        random: np.random.Generator,
        *,
        record: bool,
    ) -> tuple[int, list[Taken]]:
        began, recording = self._now_ms, list[Taken]()
        picture: Picture | None = None
        for index in range(_MOST_FRAMES):
            wait_ms, fresh = pace(index, self._now_ms - began, random)
            self._now_ms += wait_ms
            if fresh or picture is None:
                picture = take(self._now_ms - began, session)
            if record:
                recording.append(Taken(encoded(picture, _QUALITY), self._now_ms - began))
            if session.push(picture).done:
                return index + 1, recording
        return _MOST_FRAMES, recording


class _Lens:
    """The act in the screen's light, through a camera."""

    def __init__(self, act: Act, light: ScreenLight, random: np.random.Generator) -> None:
        self._act, self._light = act, light
        self._camera = Camera(draw_camera(random), random)

    def take(self, t_ms: float, session: AuthenticationSession) -> Picture:
        scene = self._act(t_ms, session.prompt)
        shown = session.light
        lit = self._light.on(scene, t_ms, None if shown is None else shown.rgb)
        return self._camera.take(lit, t_ms)


def _unfilmed(act: Act) -> Callable[[float, AuthenticationSession], Picture]:
    return lambda t_ms, session: act(t_ms, session.prompt)
