"""Steps in which a face was lost and came back are counted."""

from __future__ import annotations

import pytest

from medauth.protocol.challenge import Action, Step
from medauth.protocol.observation import Prompt
from medauth.signals.sight_lost import SightLost

ASKED = Prompt(2, Step(Action.SMILE, 1, 1, 1, 0, 0, 0), 0.0)


def steps(seen: str, prompt: Prompt | None = ASKED, every_ms: float = 40.0) -> set[int]:
    """`x` is a frame without a face, `o` one without the head."""
    sight = SightLost()
    for index, one in enumerate(seen):
        sight.add(index * every_ms, prompt, face=one == ".", gone=one == "o")
    return sight.steps


@pytest.mark.parametrize(
    ("seen", "every_ms", "found"),
    [
        ("..xx..", 40, {2}),
        ("..x..", 40, set()),
        ("..x..", 100, set()),
        ("..xxx..", 25, set()),
        ("..xxxx..", 25, {2}),
        ("..x.x.x.x..", 40, set()),
        ("..xxxxx", 40, set()),
        ("xxxxx..", 40, set()),
        ("..o..", 60, {2}),
        ("..o..", 40, set()),  # 80 ms: no head gets anywhere
        ("..o", 60, set()),
        ("o..", 60, set()),
    ],
)
def test_a_moment_is_longer_than_a_head_needs(seen: str, every_ms: float, found: set[int]) -> None:
    assert steps(seen, every_ms=every_ms) == found


def test_between_steps_a_face_may_be_lost() -> None:
    assert steps("..xxxx..", None) == set()


def test_a_step_counts_that_came_on_while_the_face_was_away() -> None:
    sight = SightLost()
    for index, prompt in enumerate([None, None, ASKED, ASKED, None]):
        sight.add(index * 60.0, prompt, face=index in {0, 4})
    assert sight.steps == {2}


def test_a_step_counts_once() -> None:
    assert steps("..xxxx..xxxx..") == {2}
