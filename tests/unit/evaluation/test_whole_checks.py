"""Checks joined from halves of clips: their clock, their gap and what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.evaluation.whole_checks import EVERY_MS, Halves, joined, judge_checks
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.interface import Marks
from tests.unit.signals.heads import observed, track


def half(shade: int, start_ms: float, frames: int = 4) -> list[Observation]:
    picture = np.full((8, 8, 3), shade, np.uint8)
    return [observed(start_ms + EVERY_MS * n, track(), image=picture) for n in range(frames)]


class Shades:
    """Says `changed` when the picture did."""

    name = "identity"

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def start(self, challenge: object) -> None:
        pass

    def update(self, observation: Observation) -> None:
        if observation.track is not None:
            self.seen.add(int(observation.frame.image[0, 0, 0]))

    def reading(self) -> SignalReading:
        code = "identity.same" if len(self.seen) == 1 else "identity.changed"
        return SignalReading(self.name, Outcome.PASS, code, "", None)

    def marks(self) -> Marks:
        return Marks()


@pytest.mark.parametrize("gap_ms", [0.0, 1_000.0])
def test_the_second_half_goes_on_behind_the_first(gap_ms: float) -> None:
    check = list(joined(half(1, 0.0), half(2, 9_000.0), gap_ms))
    times = [observation.frame.t_ms for observation in check]
    assert np.allclose(np.diff(times), EVERY_MS)
    assert times[-1] == pytest.approx(7 * EVERY_MS + round(gap_ms / EVERY_MS) * EVERY_MS)
    assert sum(observation.track is None for observation in check) == round(gap_ms / EVERY_MS)


def test_clips_of_one_person_are_neither_kind() -> None:
    clips: dict[str, Halves] = {
        "a": (half(1, 0.0), half(1, 300.0)),
        "b": (half(2, 0.0), half(2, 300.0)),
        "b again": (half(3, 0.0), half(3, 300.0)),
    }
    found = judge_checks(clips, Shades, {"b": "b", "b again": "b"})
    for kinds in found.values():
        assert kinds["same person"] == {"identity.same": 3}
        assert kinds["another person"] == {"identity.changed": 4}
