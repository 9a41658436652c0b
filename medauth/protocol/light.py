"""The light challenge: colours that the screen shows in an order nobody could foresee, and that skin must give back.

All colours are pale, of the same darkest channel, and none is a saturated red; a screen keeps each for long enough that
there are at most three changes a second (WCAG 2.3.1: three flashes, and the red flash). Six hues a sixth of the circle
apart are what a camera tells apart at ten frames a second; durations are drawn too and count nothing as entropy.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from medauth.errors import ConfigError, InputError
from medauth.protocol.canonical import Json

LEAST_MS = 334
"""At most three changes a second."""
LONGEST_MS = 5_000
MOST_COLOURS = 6
"""As many as a reading weighs against all others that could have been drawn."""


class Colour(StrEnum):
    """What the screen can be asked to show."""

    WHITE = "white"
    ROSE = "rose"
    YELLOW = "yellow"
    GREEN = "green"
    CYAN = "cyan"
    BLUE = "blue"
    MAGENTA = "magenta"


_PALE = 110
SCREEN_RGB: Mapping[Colour, tuple[int, int, int]] = {
    Colour.WHITE: (255, 255, 255),
    Colour.ROSE: (255, _PALE, _PALE),
    Colour.YELLOW: (255, 255, _PALE),
    Colour.GREEN: (_PALE, 255, _PALE),
    Colour.CYAN: (_PALE, 255, 255),
    Colour.BLUE: (_PALE, _PALE, 255),
    Colour.MAGENTA: (255, _PALE, 255),
}
"""sRGB, 0-255. In linear light rose is 76 % red: WCAG calls 80 % a saturated one."""
DRAWN: tuple[Colour, ...] = tuple(colour for colour in Colour if colour is not Colour.WHITE)
"""White comes first in every sequence and carries no bit: cameras settle on it."""


@dataclass(frozen=True, slots=True)
class LightRule:
    """How a policy draws its colours: how many after the white one, and for how long each may stay, in milliseconds."""

    colours: int = 5
    white_ms: int = 700
    shortest_ms: int = 700
    longest_ms: int = 1_100

    def __post_init__(self) -> None:
        self._require(1 <= self.colours <= MOST_COLOURS, f"{self.colours} colours", f"1 to {MOST_COLOURS}")
        least = min(self.white_ms, self.shortest_ms)
        self._require(least >= LEAST_MS, f"a colour for {least} ms", f"at most three changes a second: {LEAST_MS} ms")
        fits = self.shortest_ms <= self.longest_ms <= LONGEST_MS and self.white_ms <= LONGEST_MS
        self._require(fits, f"colours of {self.shortest_ms} to {self.longest_ms} ms", f"a range up to {LONGEST_MS} ms")

    def _require(self, holds: bool, got: str, expected: str) -> None:
        if not holds:
            raise ConfigError(f"a light rule with {got}", expected=expected, next_step="correct the policy")

    def bits(self) -> float:
        """log2 of the sequences of colours that can be drawn: no colour twice in a row. When and for how long counts
        nothing."""
        return math.log2(len(DRAWN)) + (self.colours - 1) * math.log2(len(DRAWN) - 1)

    def to_json(self) -> dict[str, Json]:
        """As it stands among a policy's rules."""
        return asdict(self)

    @classmethod
    def from_json(cls, rule: Mapping[str, Any]) -> LightRule:
        """The inverse of `to_json`. Raises `TypeError`, `ConfigError`."""
        if {type(value) for value in rule.values()} != {int}:
            raise TypeError("a light rule with a number that is none")
        return cls(**rule)


@dataclass(frozen=True, slots=True)
class TimedColour:
    """One colour of a sequence and for how long the screen keeps it."""

    colour: Colour
    lasts_ms: int

    def to_json(self) -> dict[str, Json]:
        """As the commitment binds it."""
        return {"colour": self.colour.value, "lasts_ms": self.lasts_ms}


@dataclass(frozen=True, slots=True)
class LightSequence:
    """The colours of one check, in order, and ahead of which step they come. Known to the server alone; each colour
    leaves it when it is due."""

    before_step: int
    colours: tuple[TimedColour, ...]

    def to_json(self) -> dict[str, Json]:
        """As the commitment binds it."""
        return {"before_step": self.before_step, "colours": [timed.to_json() for timed in self.colours]}

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> LightSequence:
        """The inverse of `to_json`, for auditors. Raises `InputError`."""
        try:
            timed = tuple(TimedColour(Colour(entry["colour"]), entry["lasts_ms"]) for entry in stated["colours"])
            return cls(stated["before_step"], timed)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"no light sequence: {error}", expected="before_step and colours") from error


@dataclass(frozen=True, slots=True)
class ColourShown:
    """A colour that has left the server: when, on its clock, and the round trip to the screen as measured then."""

    index: int
    colour: Colour
    shown_ms: float
    """Milliseconds since the check began. No screen can have shown the colour before."""
    round_trip_ms: int = 0

    @property
    def rgb(self) -> tuple[int, int, int]:
        """sRGB, 0-255: what to fill the screen with."""
        return SCREEN_RGB[self.colour]

    def to_json(self) -> dict[str, Json]:
        """As it stands in the statement."""
        return {
            "index": self.index,
            "colour": self.colour.value,
            "shown_ms": round(self.shown_ms),
            "round_trip_ms": self.round_trip_ms,
        }


def draw_light(rule: LightRule, steps: int, randbelow: Callable[[int], int] = secrets.randbelow) -> LightSequence:
    """White, then colours drawn uniformly among all sequences without a repeat, ahead of a step drawn from the second on:
    the first is asked in the light that the person came in."""
    colours: list[Colour] = []
    for _ in range(rule.colours):
        choice = [colour for colour in DRAWN if not colours or colour is not colours[-1]]
        colours.append(choice[randbelow(len(choice))])
    spread = rule.longest_ms - rule.shortest_ms + 1
    timed = tuple(TimedColour(colour, rule.shortest_ms + randbelow(spread)) for colour in colours)
    before = 1 + randbelow(steps - 1) if steps > 1 else 0
    return LightSequence(before, (TimedColour(Colour.WHITE, rule.white_ms), *timed))


def could_draw(rule: LightRule, sequence: LightSequence, steps: int) -> bool:
    """Whether `draw_light` could have given this sequence."""
    white, *timed = sequence.colours
    colours = [Colour.WHITE, *(entry.colour for entry in timed)]
    return (
        white == TimedColour(Colour.WHITE, rule.white_ms)
        and len(timed) == rule.colours
        and Colour.WHITE not in colours[1:]
        and all(one is not other for one, other in pairwise(colours))
        and all(rule.shortest_ms <= entry.lasts_ms <= rule.longest_ms for entry in timed)
        and min(1, steps - 1) <= sequence.before_step < steps
    )
