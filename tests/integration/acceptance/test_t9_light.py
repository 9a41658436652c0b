"""T9 through whole checks under `strict`, the policy that light decides: colours asked for, others, none, early, and what cannot
be measured.

Session, ceremony, face mesh, skin patches, light signal, policy and record are the real ones, before a real face under
simulated light. Gestures and the other signals are granted, so that light alone decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from medauth.capture.encoding import read_frame
from medauth.evaluation.light_films import FILMS, Projector
from medauth.evaluation.lit_people import Person as Sitter
from medauth.evaluation.lit_people import Wardrobe
from medauth.evaluation.lit_scenes import Room, Skin, Take, filmed
from medauth.evidence.statement import CheckIdentity
from medauth.protocol.advice import FASTER_CAMERA, SCREEN
from medauth.protocol.ceremony import Phase
from medauth.protocol.challenge import Challenge
from medauth.protocol.light import LightRule, draw_light
from medauth.protocol.policy import POLICIES, STRICT
from medauth.protocol.verdict import Decision, Verdict
from medauth.service.observing import Observer
from medauth.session import AuthenticationSession
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.interface import Signal
from medauth.signals.light import LightSignal
from medauth.store.keyring import FileKeyring
from tests.conftest import CLIP
from tests.unit.checks import STEPS, Movements, Server, Stated, memory_server
from tests.unit.protocol.performer import Person, answer

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(not CLIP.is_file(), reason="npm ci brings the clip"),
]
LASTS_MS = 40_000.0
GRANTED = ("identity", "presentation_attack", "blink", "injection", "replay", "deepfake")
ROOM = Room("III", 0.5, (1.1, 1.0, 0.9), 20.0, delay_ms=90.0)


@dataclass(frozen=True)
class Scene:
    """What falls on the face, in which room, how far away."""

    film: str = "issued"
    room: Room = ROOM
    trip_ms: int = 40
    seed: int = 4


@pytest.fixture(scope="module")
def takes() -> list[Take]:
    wardrobe = Wardrobe()
    found = wardrobe.takes(Sitter("franck", str(CLIP)))
    wardrobe.close()
    return found


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    server = memory_server(tmp_path, keyring)
    yield server
    server.close()


def checked(server: Server, takes: list[Take], scene: Scene) -> Verdict:
    """One check from its first frame to its verdict."""
    random = np.random.default_rng(scene.seed)
    asked = draw_light(LightRule(), len(STEPS), lambda limit: int(random.integers(limit)))
    challenge = Challenge("chk_1", STEPS, bytes(range(32)), light=asked)
    person = Person()
    signals: list[Signal] = [Movements(person), *(Stated(name) for name in GRANTED), LightSignal()]
    observer = Observer(FaceMeshTracker(), signals, challenge)
    verification = server.verification()
    begun = verification.begin(
        CheckIdentity("chk_1", "user", "login", "https://example.org"), STRICT, challenge, "client"
    )
    session = AuthenticationSession(begun, verification, observer, read_frame, clock_ms=server.clock)
    server.sessions.append(session)
    session.set_round_trip(scene.trip_ms)
    _act(server, session, person, takes, scene, random)
    return session.finish()


def _act(
    server: Server,
    session: AuthenticationSession,
    person: Person,
    takes: list[Take],
    scene: Scene,
    random: np.random.Generator,
) -> None:
    began_ms, film, released = server.clock.ms, FILMS[scene.film], 0
    started: list[Projector] = []

    def light(t_ms: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return started[0].light(t_ms) if started else np.full(3, 0.45, np.float32)

    asked = session._ceremony._challenge.light
    assert asked is not None
    for shot in filmed(takes, Skin(takes[0], scene.room.tone), light, scene.room, LASTS_MS, random):
        server.clock.ms, server.wall.ms = began_ms + shot.t_ms, server.wall.ms + 50
        before = session.prompt
        progress = session.push(shot.picture)
        if progress.prompt is not None and (before is None or before.index != progress.prompt.index):
            answer(person, progress.prompt)
        if len(session._ceremony.results) == asked.before_step and not started:
            # Whoever plays a film starts it when colours are about to come: the face has to be in view for 0.4 s.
            started.append(Projector(film, asked.colours, random, shot.t_ms + 450.0))
        shown = len(session._ceremony.colours) + (session._ceremony._lighting.ended_ms > 0)
        for place in range(released, shown):
            started[0].released(place, shot.t_ms + scene.trip_ms)
        released = shown
        if progress.phase in {Phase.DONE, Phase.EXPIRED}:
            return


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def test_light_decides_under_strict_and_nowhere_else() -> None:
    deciding = {name for name, policy in POLICIES.items() if "light" in (*policy.deny, *policy.confirm)}
    assert deciding == {"strict"}
    assert "light" in STRICT.deny
    assert "light" in STRICT.confirm


@pytest.mark.parametrize("tone", ["I", "VI"])
def test_skin_under_the_colours_that_were_asked_for_is_live(server: Server, takes: list[Take], tone: str) -> None:
    verdict = checked(server, takes, Scene(room=replace(ROOM, tone=tone)))
    assert verdict.decision is Decision.LIVE, verdict.reasons


DENIED = {
    "other colours, in time": "light.other_colours",
    "one wrong": "light.other_colours",
    "early": "light.before_its_colour",
}


@pytest.mark.parametrize("film", DENIED)
def test_other_colours_or_an_early_response_are_not_live(server: Server, takes: list[Take], film: str) -> None:
    verdict = checked(server, takes, Scene(film))
    assert verdict.decision is Decision.NOT_LIVE
    assert DENIED[film] in codes(verdict)


def test_a_recording_of_another_check_is_not_live(server: Server, takes: list[Take]) -> None:
    """Its colours have their own times."""
    verdict = checked(server, takes, Scene("other colours"))
    assert verdict.decision is Decision.NOT_LIVE
    assert "light.other_colours" in codes(verdict)


UNCLEAR = {
    "no colours": (Scene("no colours"), "light.drowned"),
    "three times the screen's light": (Scene(room=replace(ROOM, ambient=3.0)), "light.drowned"),
    "a round trip above 200 ms": (Scene(trip_ms=230), "light.delay_not_measured"),
    "under 15 frames a second": (Scene(room=replace(ROOM, fps=12.0)), "light.delay_not_measured"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_cannot_be_measured_is_inconclusive(server: Server, takes: list[Take], name: str) -> None:
    scene, code = UNCLEAR[name]
    verdict = checked(server, takes, scene)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert code in codes(verdict)
    assert verdict.hint == (FASTER_CAMERA if code == "light.delay_not_measured" else SCREEN)
