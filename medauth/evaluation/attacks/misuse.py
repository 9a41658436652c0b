"""Attacks on the product's own machinery: what a client sends beside frames, and what somebody changes on the server's disk.

Both run the real thing in a folder of their own. Each try ends as *refused* (an error of the product, or an audit that names
the fault), *no effect* (the verdict is what it would have been) or *accepted*.
"""

from __future__ import annotations

import json
import random as plain_random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
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

Try = Callable[[AuthenticationSession, plain_random.Random], object]


def forge(policy: str, seed: int, tries: int) -> Mapping[str, Mapping[str, int]]:
    """By what was tried, in turns and each time another way: how often it ended how."""
    draw = plain_random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="medauth-forgery-") as folder:
        clock = _Clock()
        sources = Sources(monotonic_ms=clock.read)
        with Medauth(Settings(data_dir=Path(folder), keep_frames=KeepFrames.NONE), sources) as auth:
            found: dict[str, Counter[str]] = {name: Counter() for name in _TRIES}
            for index in range(tries):
                name = list(_TRIES)[index % len(_TRIES)]
                session = auth.start(subject=f"forger-{index}", policy=policy, client=str(index))
                found[name][_tried(session, _TRIES[name], draw)] += 1
            return {name: dict(ended) for name, ended in found.items()}


def tamper(seed: int, tries: int) -> Mapping[str, int]:
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
        for _ in range(tries):
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


def _tried(session: AuthenticationSession, attempt: Try, draw: plain_random.Random) -> str:
    try:
        attempt(session, draw)
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


def _frames(session: AuthenticationSession, count: int) -> None:
    for _ in range(count):
        session.push(_GREY)


def _verdict(session: AuthenticationSession, draw: plain_random.Random) -> None:
    claimed = {
        "decision": "live",
        "is_live": True,
        "score": draw.random(),
        "evidence_id": f"evd_{draw.getrandbits(64)}",
    }
    named = draw.sample(sorted(claimed), draw.randint(1, len(claimed)))
    session.push(json.dumps({name: claimed[name] for name in named}).encode())


def _landmarks(session: AuthenticationSession, draw: plain_random.Random) -> None:
    shape = draw.choice(((478, 3), (468, 3), (478, 2), (1, 478, 3)))
    session.push(np.random.default_rng(draw.getrandbits(32)).random(shape, np.float32))  # type: ignore[arg-type]


def _steps(session: AuthenticationSession, draw: plain_random.Random) -> None:
    session.push({"passed": True, "step": draw.randrange(9), "score": draw.random()})  # type: ignore[arg-type]


def _torn(session: AuthenticationSession, draw: plain_random.Random) -> None:
    jpeg = bytes(cv2.imencode(".jpg", _GREY)[1])
    session.push(jpeg[: draw.randrange(1, len(jpeg) - 2)] + draw.randbytes(draw.randrange(64)))


def _claimed_times(session: AuthenticationSession, draw: plain_random.Random) -> None:
    begin, pace = draw.uniform(-1e12, 1e12), draw.choice((-10_000.0, -1.0, 0.0, 0.001, 1e6))
    for index in range(draw.randint(2, 12)):
        session.push(_GREY, media_ms=begin + pace * index)


def _early(session: AuthenticationSession, draw: plain_random.Random) -> None:
    _frames(session, draw.randint(1, 12))


def _late(session: AuthenticationSession, draw: plain_random.Random) -> None:
    _frames(session, draw.randrange(4))
    session.finish()
    _frames(session, 1)


_TRIES: Mapping[str, Try] = {
    "a verdict in the place of a frame": _verdict,
    "landmarks in the place of a frame": _landmarks,
    "step results in the place of a frame": _steps,
    "a torn frame": _torn,
    "times of the client's own": _claimed_times,
    "the end before the first frame": lambda _session, _draw: None,
    "the end before the first prompt is answered": _early,
    "frames after the end": _late,
}
