"""T1: a posted verdict, landmark, score, step result or time has no effect on the verdict, or is refused.

At the level of the session: what can come with a frame is the frame and when the client says it was taken. The web layer
has its own tests (`tests/unit/web`) for every field of its requests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.errors import InputError
from medauth.protocol.observation import Frame
from medauth.protocol.verdict import Verdict
from medauth.session import AuthenticationSession
from medauth.signals.injection import InjectionSignal
from medauth.store.keyring import FileKeyring
from tests.unit.checks import FRAME_MS, Server, memory_server
from tests.unit.protocol.performer import answer

PICTURE = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    found = memory_server(tmp_path, keyring)
    yield found
    found.close()


def concluded(server: Server, check_id: str, claims: Any) -> Verdict:
    """A person who does as asked, behind a client that claims a time with every frame."""
    server.clock.ms = 5_000.0
    check = server.check(check_id)
    for claim in claims:
        server.clock.ms += FRAME_MS
        server.wall.ms += FRAME_MS
        before = check.session.prompt
        try:
            progress = check.session.push(PICTURE, media_ms=claim)
        except InputError:
            continue
        if progress.prompt is not None and (before is None or progress.prompt.index != before.index):
            answer(check.person, progress.prompt)
        if progress.done:
            break
    return check.session.finish()


LONG = 1_200


CLAIMS: dict[str, Callable[[int], float]] = {
    "hours": lambda index: 3.6e6 * index,
    "backwards": lambda index: -33.0 * index,
    "microseconds": lambda index: index / 1_000,
    "anything": lambda index: float(np.random.default_rng(index).uniform(-1e12, 1e12)),
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_whatever_times_a_client_claims_the_course_and_the_verdict_are_the_same(server: Server, kind: str) -> None:
    """With the signals of a test, which look at no claim: nothing else does either. `injection` may: see T4."""
    expected = concluded(server, "chk_without", [None] * LONG)
    found = concluded(server, "chk_with", [CLAIMS[kind](index) for index in range(LONG)])
    assert (found.decision, found.reasons, found.readings) == (expected.decision, expected.reasons, expected.readings)
    assert found.is_live


@pytest.mark.parametrize("claim", [float("nan"), float("inf"), 1e13, -1e13, True, "0", b"0", [], {}, object()])
def test_what_is_no_time_is_refused(claim: Any) -> None:
    with pytest.raises(InputError, match="capture time"):
        read_frame(CapturedFrame(PICTURE, media_ms=claim), 0, 0.0)


def test_a_claimed_time_is_kept_beside_the_frame_and_is_none_of_it() -> None:
    plain = read_frame(CapturedFrame(PICTURE), 0, 10.0)
    claimed = read_frame(CapturedFrame(PICTURE, media_ms=1.00049), 0, 10.0)
    assert (claimed.t_ms, claimed.jpeg, claimed.sha256) == (plain.t_ms, plain.jpeg, plain.sha256)
    assert (plain.declared_ms, claimed.declared_ms) == (None, 1.0)


def test_there_is_no_way_to_hand_in_more_than_a_frame_and_its_time() -> None:
    """No verdict, landmark, score or step result has a place in any call of a session, or in what a frame becomes."""
    assert list(inspect.signature(AuthenticationSession.push).parameters) == ["self", "frame", "media_ms"]
    assert list(inspect.signature(AuthenticationSession.finish).parameters) == ["self"]
    assert set(Frame.__dataclass_fields__) == {"index", "t_ms", "jpeg", "sha256", "image", "declared_ms"}
    assert set(CapturedFrame.__dataclass_fields__) == {"image", "jpeg", "media_ms"}


@pytest.mark.parametrize("frame", [{"is_live": True}, "live", 1.0, None, [PICTURE], (PICTURE, 1.0), Verdict])
def test_what_is_no_frame_is_refused(server: Server, frame: Any) -> None:
    check = server.check()
    with pytest.raises(InputError):
        check.session.push(frame)


def test_claims_are_marked_as_such_in_the_trace() -> None:
    signal = InjectionSignal()
    assert "declared" in signal.reading().details
    assert "clock" in signal.reading().details
