"""Who does not say what it wants in time is shut out, and no address may keep many waiting."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator

import pytest

from medauth.web.limits import Places
from medauth.web.patience import Hearing, Patience
from medauth.web.safety import MAX_BODY_BYTES

Pair = tuple[socket.socket, socket.socket]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(1.0)
    with ours, theirs:
        yield ours, theirs


def is_shut(pair: Pair) -> bool:
    ours, theirs = pair
    try:
        ours.sendall(b"?")
    except OSError:
        return theirs.recv(1) == b""
    return theirs.recv(1) != b"?"


def test_a_connection_is_shut_when_its_time_is_over_and_not_before(pair: Pair) -> None:
    clock = Clock()
    patience = Patience(clock)
    patience.expect(pair[0], 8.0)
    clock.now_s = 7.9
    patience.shut_overdue()
    assert not is_shut(pair)
    clock.now_s = 8.1
    patience.shut_overdue()
    assert is_shut(pair)


def test_whoever_was_heard_stays(pair: Pair) -> None:
    clock = Clock()
    patience = Patience(clock)
    patience.expect(pair[0], 8.0)
    patience.heard(pair[0])
    clock.now_s = 100.0
    patience.shut_overdue()
    assert not is_shut(pair)


def test_one_address_keeps_few_waiting_and_gets_its_places_back() -> None:
    clock = Clock()
    patience = Patience(clock, most=2)
    first, second, third, other = (socket.socket() for _ in range(4))
    with first, second, third, other:
        assert patience.expect(first, 8.0, "203.0.113.1")
        assert patience.expect(second, 8.0, "203.0.113.1")
        assert patience.expect(first, 20.0)  # a longer body takes no second place
        assert not patience.expect(third, 8.0, "203.0.113.1")
        assert patience.expect(other, 8.0, "203.0.113.2")
        patience.heard(first)
        assert patience.expect(third, 8.0, "203.0.113.1")
        clock.now_s = 9.0
        patience.shut_overdue()
        assert patience.expect(first, 8.0, "203.0.113.1")
        assert patience.expect(second, 8.0, "203.0.113.1")


def test_a_small_body_is_taken_before_the_app_is_called_a_large_one_is_left_to_it(pair: Pair) -> None:
    clock = Clock()
    patience = Patience(clock)
    seen: list[tuple[bool, bytes]] = []

    def app(environ, _start):
        seen.append((environ["wsgi.input"] is body, environ["wsgi.input"].read()))
        return []

    for content in (b"{}", b"x" * (MAX_BODY_BYTES + 1)):
        body = io.BytesIO(content)
        patience.expect(pair[0], 8.0)
        given = {"gunicorn.socket": pair[0], "wsgi.input": body, "CONTENT_LENGTH": str(len(content))}
        Hearing(app, patience)(given, None)
    assert seen == [(False, b"{}"), (True, b"x" * (MAX_BODY_BYTES + 1))]
    clock.now_s = 8.5
    patience.shut_overdue()
    assert not is_shut(pair)  # 64 KiB more have two seconds more
    clock.now_s = 10.5
    patience.shut_overdue()
    assert is_shut(pair)


def test_places_count_by_caller() -> None:
    places = Places(1)
    assert places.take("a")
    assert not places.take("a")
    assert places.take("b")
    places.give_back("a")
    assert places.take("a")
