"""Work beside the picture: the newest is done, older offers make way, and nobody waits."""

from __future__ import annotations

import threading

import pytest

from medauth.desktop.background import Background


def test_an_offer_never_waits_and_the_newest_wins() -> None:
    begun, go = threading.Event(), threading.Event()

    def work(given: int) -> int:
        begun.set()
        go.wait(5)
        return given

    beside = Background(work)
    beside.offer(1)
    assert begun.wait(5)
    for number in range(2, 50):
        beside.offer(number)
    go.set()
    beside.stop(finish=True)
    assert [beside.newest, beside.done, beside.left_out] == [49, 2, 47]


def test_all_that_waits_is_finished_or_dropped_as_asked() -> None:
    for finish, most in ((True, 3), (False, 1)):
        begun, go = threading.Event(), threading.Event()
        done: list[int] = []

        def work(given: int, begun: threading.Event = begun, go: threading.Event = go, done: list[int] = done) -> int:
            begun.set()
            go.wait(5)
            done.append(given)
            return given

        beside: Background[int, int] = Background(work, depth=8)
        beside.offer(0)
        assert begun.wait(5)
        beside.offer(1)
        beside.offer(2)
        ending = threading.Thread(target=beside.stop, kwargs={"finish": finish})
        ending.start()
        while beside._running:
            pass
        go.set()
        ending.join(5)
        assert done == list(range(most))


def test_an_error_comes_out_where_the_next_thing_is_offered() -> None:
    failed = threading.Event()

    def work(_: int) -> None:
        failed.set()
        raise RuntimeError("no model")

    beside = Background(work)
    beside.offer(1)
    beside._thread.join(5)
    assert failed.is_set()
    with pytest.raises(RuntimeError, match="no model"):
        beside.offer(2)
    beside.stop()


def test_the_interval_is_kept_between_two_pieces_of_work() -> None:
    clock = [0.0]
    pauses: list[float] = []
    beside: Background[int, int] = Background(lambda n: n, interval_s=0.5, monotonic=lambda: clock[0])
    beside._pause = pauses.append  # type: ignore[assignment, method-assign]
    beside.offer(1)
    beside.stop(finish=True)
    assert pauses == [0.5]
