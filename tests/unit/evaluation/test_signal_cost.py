"""The table of costs names every signal and adds up to no more than whole frames."""

from __future__ import annotations

import cv2
import numpy as np

from medauth.evaluation.signal_cost import DECODING, DIGEST, REST, TRACK, signal_costs
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Observation
from tests.unit.checks import STEPS, Face, Stated


class Busy(Stated):
    """A signal that costs something."""

    def update(self, observation: Observation) -> None:
        super().update(observation)
        for _ in range(60):
            np.linalg.svd(np.ones((24, 24)))


def test_every_part_has_its_line_and_the_dearest_comes_first() -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    jpegs = [(33.0 * index, jpeg) for index in range(12)]
    found = signal_costs(jpegs, Face(), [Stated("cheap"), Busy("dear")], Challenge("chk", STEPS, bytes(32)), warm_up=2)
    assert found.frames == 10
    assert set(found.parts) == {"cheap", "dear", DECODING, DIGEST, TRACK, REST}
    assert next(iter(found.parts)) == "dear"
    assert sum(found.parts.values()) <= found.total
