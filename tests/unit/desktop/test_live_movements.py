"""Words of a live face: they wait until a movement has lasted, stay a moment after it, and never blink."""

from __future__ import annotations

import pytest

from medauth.desktop.live_movements import MovementWatch
from medauth.protocol.observation import FaceTrack, Pose
from tests.unit.signals.heads import track

BROWS_UP = track(brows=0.4)
LOOK_MS = 100.0


class Watched:
    """A watch that knows its person's rest, and a clock."""

    def __init__(self) -> None:
        self.watch, self.t_ms = MovementWatch(), 0.0
        self.looks(track(), 20, neutral=0.9)

    def looks(self, face: FaceTrack, count: int, neutral: float = 0.0) -> list[tuple[str, ...]]:
        seen = []
        for _ in range(count):
            self.t_ms += LOOK_MS
            seen.append(self.watch.look(self.t_ms, face, neutral).words)
        return seen


@pytest.fixture
def watched() -> Watched:
    return Watched()


def brows(words: tuple[str, ...]) -> bool:
    return any("inner brows raised (AU 1)" in word for word in words)


def test_rest_is_of_other_people_until_this_face_was_seen_at_rest() -> None:
    watch = MovementWatch()
    assert not watch.look(0, track(), 0.9).own_rest
    for k in range(1, 13):
        found = watch.look(LOOK_MS * k, track(), 0.9)
    assert found.own_rest
    assert found.words == ()
    watch.lost()
    assert not watch.look(5_000, track(), 0.9).own_rest


def test_a_face_that_is_never_at_rest_is_held_against_other_people() -> None:
    watch = MovementWatch()
    assert not any(watch.look(LOOK_MS * k, track(), 0.2).own_rest for k in range(40))


def test_words_come_after_a_while_and_stay_until_it_is_over(watched: Watched) -> None:
    shown = [brows(words) for words in watched.looks(BROWS_UP, 20)]
    assert not any(shown[:3]), "a look or two is no movement"
    assert all(shown[8:])
    after = [brows(words) for words in watched.looks(track(), 20)]
    assert after[0], "not gone with one look"
    assert not any(after[12:])
    assert after == sorted(after, reverse=True), "once gone, gone"


def test_a_tremble_shows_nothing_and_a_gap_of_one_look_does_not_blink(watched: Watched) -> None:
    for _ in range(10):
        seen = watched.looks(track(brows=0.12), 1) + watched.looks(track(), 3)
        assert not any(brows(words) for words in seen)
    watched.looks(BROWS_UP, 15)
    for _ in range(5):
        assert all(brows(words) for words in watched.looks(track(), 1) + watched.looks(BROWS_UP, 3))


def test_a_head_that_turns_away_is_not_measured(watched: Watched) -> None:
    turned = track(Pose(30.0, 0.0, 0.0), brows=0.4)
    assert not any(brows(words) for words in watched.looks(turned, 20))


def test_one_side_is_named_only_if_it_was_so_all_the_while(watched: Watched) -> None:
    lifted = track()
    points = lifted.landmarks.copy()
    points[[55, 107, 65, 66], 1] -= 20
    one_sided = FaceTrack(points, lifted.pose, lifted.quality)
    assert any(word.startswith("right side alone: inner brows") for word in watched.looks(one_sided, 15)[-1])
    both = watched.looks(BROWS_UP, 10)[-1]
    assert any(word == "inner brows raised (AU 1)" for word in both)
