"""Attacks on the product's own machinery: what a client sends beside frames, and what somebody changes on the server's disk.

Both run the real thing in a folder of their own. Each try ends as *refused* (an error of the product, or an audit that names
the fault), *no effect* (the verdict is what it would have been) or *accepted*.
"""

from __future__ import annotations

import random as plain_random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from sqlalchemy import bindparam, select, update

from medauth.bootstrap import Medauth, Sources
from medauth.config import Settings
from medauth.errors import MedauthError
from medauth.evidence.archive import KeepFrames
from medauth.protocol.verdict import Verdict
from medauth.session import AuthenticationSession
from medauth.store import tables
from medauth.store.database import transaction

REFUSED, NO_EFFECT, ACCEPTED = "refused", "no effect", "accepted"
_GREY = np.full((240, 320, 3), 128, np.uint8)
_CHECKS = 3
_TAMPERINGS = 120
_TAMPERED = (
    "leaf",
    "wrapped_key",
    "sealed_envelope",
    "sealed_envelope_sha256",
    "outcome",
    "created_ms",
    "key_id",
    "leaf_index",
)
"""Columns of `records` that an auditor relies on."""

Try = Callable[[AuthenticationSession], object]


def forge(policy: str) -> Mapping[str, str]:
    """By what was tried: how it ended."""
    with tempfile.TemporaryDirectory(prefix="medauth-forgery-") as folder:
        clock = _Clock()
        sources = Sources(monotonic_ms=clock.read)
        with Medauth(Settings(data_dir=Path(folder), keep_frames=KeepFrames.NONE), sources) as auth:
            found = {}
            for index, (name, attempt) in enumerate(_TRIES.items()):
                session = auth.start(subject=f"forger-{index}", policy=policy, client=str(index))
                found[name] = _tried(session, attempt)
            return found


def tamper(seed: int) -> Mapping[str, int]:
    """How many changes of one bit in the mirror's rows the audit found, and how many not; every row is put back after."""
    draw = plain_random.Random(seed)
    found = {"found": 0, "missed": 0}
    with (
        tempfile.TemporaryDirectory(prefix="medauth-tamper-") as folder,
        Medauth(Settings(data_dir=Path(folder), keep_frames=KeepFrames.NONE), Sources()) as auth,
    ):
        for number in range(_CHECKS):
            with auth.start(subject=f"user-{number}") as session:
                session.push(_GREY)
                session.finish()
        for _ in range(_TAMPERINGS):
            found["found" if _tampering_shows(auth, draw) else "missed"] += 1
    return found


def _tampering_shows(auth: Medauth, draw: plain_random.Random) -> bool:
    """Flips one bit of one column of one record and audits that record."""
    column = tables.records.c[draw.choice(_TAMPERED)]
    with transaction(auth.store.engine, writes=True) as connection:
        rows = connection.execute(select(tables.records.c.record_id, column)).all()
        record_id, value = rows[draw.randrange(len(rows))]
        changed = (
            update(tables.records).where(tables.records.c.record_id == record_id).values({column: bindparam("new")})
        )
        connection.execute(changed, {"new": _flipped(value, draw)})
    try:
        return auth.auditor(ask_chain=False).record(record_id).fault is not None
    except MedauthError:
        return True
    finally:
        with transaction(auth.store.engine, writes=True) as connection:
            connection.execute(changed, {"new": value})


def _flipped(value: object, draw: plain_random.Random) -> object:
    if isinstance(value, bytes):
        data = bytearray(value)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        return bytes(data)
    if isinstance(value, int):
        return value ^ (1 << (40 + draw.randrange(8)))
    text = str(value)
    at = draw.randrange(len(text))
    return text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]


def _tried(session: AuthenticationSession, attempt: Try) -> str:
    try:
        attempt(session)
        verdict: Verdict = session.finish()
    except MedauthError:
        session.close()
        return REFUSED
    return ACCEPTED if verdict.is_live else NO_EFFECT


class _Clock:
    """Moves on by a frame whenever it is read."""

    def __init__(self) -> None:
        self._now_ms = 0.0

    def read(self) -> float:
        self._now_ms += 66.0
        return self._now_ms


def _frames(count: int) -> Try:
    def attempt(session: AuthenticationSession) -> None:
        for _ in range(count):
            session.push(_GREY)

    return attempt


def _after_the_end(session: AuthenticationSession) -> None:
    session.finish()
    session.push(_GREY)


def _claimed_times(session: AuthenticationSession) -> None:
    for index in range(20):
        session.push(_GREY, media_ms=1e9 - 10_000.0 * index)


_TRIES: Mapping[str, Try] = {
    "a verdict in the place of a frame": lambda session: session.push(b'{"decision": "live", "is_live": true}'),
    "landmarks in the place of a frame": lambda session: session.push(np.zeros((478, 3), np.float32)),
    "step results in the place of a frame": lambda session: session.push({"passed": True, "score": 1.0}),  # type: ignore[arg-type]
    "a frame cut off in its middle": lambda session: session.push(b"\xff\xd8\xff\xe0" + bytes(64)),
    "times of the client's own": _claimed_times,
    "the end before the first frame": _frames(0),
    "the end before the first prompt is answered": _frames(30),
    "frames after the end": _after_the_end,
}
