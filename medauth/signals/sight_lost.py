"""Was the face lost for a moment while a step was asked? There a player may go from one place of its film to another.

How far a head moved is judged across such a moment too (`jump_cuts`), by limits that rise with every frame that was lost:
over three of them most leaps are small enough. But a player has to go to its place after the prompt, at every step, and a
person who sits before a camera is hardly ever lost. So steps are counted, not frames.

A mesh misses a head that is there. A frame in which the head itself is gone, dark or of something else, is no such miss: one
is enough, where frames come so slowly that a head could go somewhere meanwhile.
"""

from __future__ import annotations

from medauth.protocol.challenge import is_breaker
from medauth.protocol.observation import Prompt
from medauth.signals.jump_cuts import BLINK_MS

LEAST_LOST = 2
"""Frames: a mesh misses single ones, and what one hides is told from a head that moved. One without the head counts as many."""


class SightLost:
    """Fed every frame."""

    def __init__(self) -> None:
        self._seen_ms: float | None = None
        self._lost = 0
        self._asked: int | None = None
        self.steps: set[int] = set()
        """Numbers of the steps in which the face was away, and came back, for longer than a head that goes from rest to
        rest needs at least. A step that takes the face out of sight counts for nothing."""

    def add(self, t_ms: float, prompt: Prompt | None, *, face: bool, gone: bool = False) -> None:
        """Takes in the frame at `t_ms`; `gone` where it shows nothing of the head, too."""
        if not face:
            self._lost += LEAST_LOST if gone else 1
            if self._asked is None and prompt is not None and not is_breaker(prompt.step.action):
                self._asked = prompt.index
            return
        away_ms = 0.0 if self._seen_ms is None else t_ms - self._seen_ms
        if self._asked is not None and self._lost >= LEAST_LOST and away_ms > BLINK_MS:
            self.steps.add(self._asked)
        self._seen_ms, self._lost, self._asked = t_ms, 0, None
