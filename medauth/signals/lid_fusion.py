"""Two looks at the lids, the outline and the eye itself, and one list of blinks from both.

The eye aspect ratio finds nearly every blink by itself, and it is comparable between people once it is taken relative to
their open eyes. A net that looks at the crop is not: on dim or blurred faces it calls open eyes closed. So it never
overrules the outline. It may only deepen a closure that the outline shows in part (few frames, little light), and only
against what it says of the same person's open eyes; a second watch over the deepened openness adds what the first missed.
Other ways to join the two were measured and were worse: see docs/adr/0240.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from medauth.signals.eyelids import LidEvent, LidTuning, LidWatch, Openness


@dataclass(frozen=True, slots=True)
class LookTuning:
    """When the eyes themselves are looked at, and what follows from it."""

    below: float = 0.8
    """Openness from which on down the net may deepen a closure."""
    often_below: float = 0.9
    """Openness below which every frame is looked at; an open eye only every `seldom_ms`."""
    seldom_ms: float = 250.0
    deepen: float = 0.25
    """Openness taken away when the net is sure."""
    unsure: float = 0.5
    """Share of the way from the person's open eyes to certainly closed below which nothing is taken away."""
    blind: float = 0.6
    """Probability of *closed* for open eyes above which the net cannot tell on this face."""
    level_down_ms: float = 250.0
    level_up_ms: float = 2500.0
    """Time constants of what the net says of open eyes: quick down, slow up, so that a blink does not raise it."""


class OpenEyes:
    """What the net says of one eye while it is open."""

    def __init__(self, tuning: LookTuning) -> None:
        self._tuning = tuning
        self._level: float | None = None
        self._last_ms = 0.0

    def surplus(self, closed: float, t_ms: float) -> float:
        """How much more closed than when open: 0 as open (or nothing can be told), 1 for certain."""
        if self._level is None:
            self._level = closed
        constant = self._tuning.level_up_ms if closed > self._level else self._tuning.level_down_ms
        self._level += (closed - self._level) * (1.0 - math.exp(-min(t_ms - self._last_ms, 400.0) / constant))
        self._last_ms = t_ms
        if self._level >= self._tuning.blind:
            return 0.0
        return max(0.0, (closed - self._level) / (1.0 - self._level))


class SecondLook:
    """Decides when to look, and deepens openness by what is seen."""

    def __init__(self, tuning: LookTuning | None = None) -> None:
        self._tuning = tuning or LookTuning()
        self._left, self._right = OpenEyes(self._tuning), OpenEyes(self._tuning)
        self._looked_ms: float | None = None

    def wanted(self, now: Openness) -> bool:
        """True when this frame is worth the cost."""
        if self._looked_ms is None or now.t_ms - self._looked_ms >= self._tuning.seldom_ms:
            return True
        return now.narrower < self._tuning.often_below

    def deepened(self, now: Openness, closed: tuple[float, float]) -> Openness:
        """Openness with the net's word (probability of closed, left and right) taken in."""
        self._looked_ms = now.t_ms
        left, right = self._left.surplus(closed[0], now.t_ms), self._right.surplus(closed[1], now.t_ms)
        return Openness(now.t_ms, self._lower(now.left, left), self._lower(now.right, right))

    def _lower(self, eye: float | None, surplus: float) -> float | None:
        tuning = self._tuning
        if eye is None or eye >= tuning.below or surplus <= tuning.unsure:
            return eye
        return max(0.05, eye - tuning.deepen * (surplus - tuning.unsure) / (1.0 - tuning.unsure))


@dataclass(slots=True)
class JoinedWatch:
    """One event a blink from two watches: the outline's own, and those that only the deepened openness shows."""

    tuning: LidTuning
    _plain: LidWatch = field(init=False)
    _deep: LidWatch = field(init=False)
    _waiting: LidEvent | None = None
    _ended_ms: float = -math.inf
    """When the last reported event was over."""

    def __post_init__(self) -> None:
        self._plain, self._deep = LidWatch(self.tuning), LidWatch(self.tuning)

    def feed(self, plain: Openness, deep: Openness) -> LidEvent | None:
        """Takes in one frame; returns the event that it completes, if any."""
        first, second = self._plain.feed(plain), self._deep.feed(deep)
        if second is not None and not second.one_eyed and second.blink.onset_ms >= self._ended_ms:
            self._waiting = second
        if first is not None:
            return self._settle(first)
        if self._waiting is not None and not self._plain.closing:
            waiting, self._waiting = self._waiting, None
            return self._report(waiting)
        return None

    def lose(self) -> None:
        """The face was not seen."""
        self._plain.lose()
        self._deep.lose()
        self._waiting = None

    def _settle(self, first: LidEvent) -> LidEvent | None:
        """The outline's event, unless the other watch has reported this blink, or saw both eyes where this saw one."""
        waiting, self._waiting = self._waiting, None
        if first.blink.onset_ms < self._ended_ms:
            return None
        overlapping = waiting is not None and waiting.blink.reopened_ms >= first.blink.onset_ms
        return self._report(waiting if waiting is not None and overlapping and first.one_eyed else first)

    def _report(self, event: LidEvent) -> LidEvent:
        self._ended_ms = event.blink.reopened_ms
        return event
