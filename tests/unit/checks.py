"""A whole server in a folder and a person of numbers in front of it: small doubles behind the ports, nothing patched."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Dialect

from medauth.capture.interface import CapturedFrame
from medauth.errors import InputError
from medauth.evidence.archive import KeepFrames
from medauth.evidence.statement import CheckIdentity
from medauth.protocol.ceremony import Phase
from medauth.protocol.challenge import Action, Challenge, Step
from medauth.protocol.light import LightSequence
from medauth.protocol.observation import (
    Blink,
    CaptureProblem,
    FaceQuality,
    FaceTrack,
    Frame,
    Observation,
    Pose,
    Posture,
)
from medauth.protocol.policy import STANDARD, Policy
from medauth.protocol.reading import Outcome, SignalReading
from medauth.service.explaining import Draw
from medauth.service.observing import Observer
from medauth.service.recollection import Recollection
from medauth.service.verification import Verification
from medauth.session import AuthenticationSession, Progress
from medauth.signals.interface import Marks, ModelUse, Signal, Trace
from medauth.store.blobs import FileBlobs
from medauth.store.database import open_engine
from medauth.store.keyring import FileKeyring
from medauth.store.memory import memory_store
from medauth.store.sql import SqlStore
from tests.unit.protocol.performer import LONGEST_MS, Person, answer, step_of

IMAGE = np.zeros((2, 2, 3), np.uint8)
TRACK = FaceTrack(np.zeros((478, 3), np.float32), Pose(0, 0, 0), FaceQuality(90, 100, 120))
STEPS = (step_of(Action.BLINK), step_of(Action.SMILE), step_of(Action.TURN_LEFT, 1))
FRAME_MS = 1_000 / 30


@dataclass
class Clock:
    ms: float = 5_000.0

    def __call__(self) -> float:
        return self.ms


@dataclass
class Face:
    """A tracker that sees a face, or does not."""

    problem: CaptureProblem | None = None
    closed: int = 0

    def track(self, _: Frame) -> tuple[FaceTrack | None, CaptureProblem | None]:
        return (None, self.problem) if self.problem else (TRACK, None)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Movements:
    """A signal that measures what a person of numbers does."""

    person: Person
    name: str = "emotion"
    outcome: Outcome = Outcome.PASS
    now: Posture = field(default_factory=Posture)
    prompts: list[int] = field(default_factory=list)
    values: tuple[float, ...] = (0.5, float("nan"), float("inf"))

    def start(self, challenge: Challenge | None) -> None:
        assert challenge is not None

    def update(self, observation: Observation) -> None:
        self.now = self.person.posture(observation.frame.t_ms)
        if observation.prompt is not None and observation.prompt.index not in self.prompts:
            self.prompts.append(observation.prompt.index)

    def amounts(self) -> Mapping[str, float]:
        return {action.value: amount for action, amount in self.now.amounts.items()}

    def completed(self) -> tuple[Blink, ...]:
        return self.now.blinks

    def reading(self) -> SignalReading:
        return SignalReading(self.name, self.outcome, f"{self.name}.stated", "As the test says.", 900_000)

    def marks(self) -> Marks:
        trace = Trace("smile", "percent", (0.0, 33.0, 66.0), self.values)
        return Marks((trace,), (ModelUse("expression", "00" * 32),))


@dataclass
class Stated:
    """A signal that says what the test wants."""

    name: str
    outcome: Outcome = Outcome.PASS

    def start(self, challenge: Challenge | None) -> None: ...

    def update(self, observation: Observation) -> None: ...

    def reading(self) -> SignalReading:
        return SignalReading(self.name, self.outcome, f"{self.name}.stated", "As the test says.", 900_000)

    def marks(self) -> Marks:
        return Marks()


def read_frame(captured: CapturedFrame, index: int, t_ms: float) -> Frame:
    jpeg = captured.jpeg or b"\xff\xd8" + index.to_bytes(4, "big") + b"picture" * 20
    if jpeg == b"not a picture":
        raise InputError("not a picture")
    return Frame(index, t_ms, jpeg, hashlib.sha256(jpeg).digest(), IMAGE)


@dataclass
class Server:
    """Store, files and keys, real; clocks that a test moves."""

    folder: Path
    store: SqlStore
    keyring: FileKeyring
    wall: Clock = field(default_factory=lambda: Clock(1_700_000_000_000))
    clock: Clock = field(default_factory=Clock)
    sessions: list[AuthenticationSession] = field(default_factory=list)

    def close(self) -> None:
        for session in self.sessions:
            session.close()
        self.store.close()

    def __post_init__(self) -> None:
        self.blobs = FileBlobs(self.folder / "evidence")

    def verification(self) -> Verification:
        return Verification(
            self.store,
            self.blobs,
            self.keyring,
            now_ms=lambda: int(self.wall.ms),
            software={"medauth": "0.1.0"},
            max_merge_delay_s=60,
        )

    def check(
        self,
        check_id: str = "chk_1",
        *,
        policy: Policy = STANDARD,
        steps: tuple[Step, ...] = STEPS,
        keep: KeepFrames = KeepFrames.KEY,
        client: str = "client-1",
        subject: str = "user-42",
        signal: type[Movements] = Movements,
        draw: Draw | None = None,
        light: LightSequence | None = None,
        replay: Signal | None = None,
        memory: Recollection | None = None,
    ) -> Check:
        challenge = Challenge(check_id, steps, bytes(range(32)), scripted=policy.rehearsal, light=light)
        identity = CheckIdentity(check_id, subject, "login", "https://example.org")
        face, person = Face(), Person()
        movements = signal(person)
        others = [Stated(name) for name in ("identity", "presentation_attack", "blink", "injection", "deepfake")]
        remembering = replay or Stated("replay")
        observer = Observer(face, [movements, *others, remembering], challenge)
        verification = self.verification()
        begun = verification.begin(identity, policy, challenge, client)
        session = AuthenticationSession(
            begun, verification, observer, read_frame, clock_ms=self.clock, keep=keep, draw=draw, memory=memory
        )
        self.sessions.append(session)
        return Check(self, session, begun.record_id, face, person, movements, others)


@dataclass
class Check:
    """One check under way."""

    server: Server
    session: AuthenticationSession
    record_id: str
    face: Face
    person: Person
    movements: Movements
    others: list[Stated]
    progress: Progress | None = None

    def frame(self, later_ms: float = FRAME_MS) -> Progress:
        self.server.clock.ms += later_ms
        self.server.wall.ms += later_ms
        assert self.server.clock.ms < LONGEST_MS, "the check came to no end"
        before = self.session.prompt
        self.progress = self.session.push(IMAGE)
        prompt = self.progress.prompt
        if prompt is not None and (before is None or prompt.index != before.index):
            answer(self.person, prompt)
        return self.progress

    def until_prompt(self) -> Check:
        while not self.frame().prompt:
            pass
        return self

    def until_done(self) -> Check:
        while self.frame().phase not in {Phase.DONE, Phase.EXPIRED}:
            pass
        return self


@dataclass
class Clip:
    """A source of so many frames."""

    count: int
    clock: Clock
    name: str = "clip"
    live: bool = True
    duration_ms: float | None = None
    released: bool = False
    error: Exception | None = None

    def frames(self) -> Iterator[CapturedFrame]:
        try:
            for _ in range(self.count):
                self.clock.ms += FRAME_MS
                yield CapturedFrame(IMAGE)
            if self.error is not None:
                raise self.error
        finally:
            self.released = True


@cache
def _schema() -> sqlite3.Connection:
    """A migrated database to copy: migrating anew for every test would take longer than the test."""
    schema = sqlite3.connect(":memory:", check_same_thread=False)
    store = memory_store()
    with closing(store._engine.raw_connection()) as connection:
        connection.driver_connection.backup(schema)  # type: ignore[union-attr]
    store.close()
    return schema


@cache
def _written() -> tuple[Dialect, dict[Any, Any]]:
    """One dialect for all databases in memory, and the SQL that was written for it: SQLAlchemy would write every statement
    anew for every test."""
    engine = open_engine("sqlite://")
    engine.connect().close()  # with its first connection a dialect learns what the database can do
    engine.dispose()
    return engine.dialect, {}


def memory_server(folder: Path, keyring: FileKeyring) -> Server:
    engine = open_engine("sqlite://")
    engine.dialect, written = _written()
    engine.update_execution_options(compiled_cache=written)
    with closing(engine.raw_connection()) as connection:
        _schema().backup(connection.driver_connection)  # type: ignore[arg-type]
    return Server(folder, SqlStore(engine), keyring)
