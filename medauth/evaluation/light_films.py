"""What lights the face in each kind of film that the light signal is shown: the colours asked for, others, or none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from medauth.evaluation.lit_scenes import (
    Display,
    Floats,
    Glow,
    Light,
    Print,
    Room,
    Skin,
    screen,
    steady,
    television,
)
from medauth.protocol.light import DRAWN, SCREEN_RGB, LightRule, TimedColour, draw_light

Random = np.random.Generator
Colours = Sequence[TimedColour]
LEAD_MS = 1_000.0
"""Before the first colour."""
RULE = LightRule()


class Projector:
    """Light that follows colours as they are released, or that runs by itself."""

    def __init__(self, film: Film, asked: Colours, random: Random, began_ms: float) -> None:
        self.shift_ms = float(random.uniform(*film.shifted_ms))
        """By how much later than asked for."""
        self._colours, self._follows = film.colours(asked, random), film.follows
        self._glows: list[Glow] = []
        self._end_ms = math.inf
        if not film.follows:
            starts = list(accumulate((one.lasts_ms for one in self._colours), initial=began_ms + self.shift_ms))
            self._glows = [Glow(start, _rgb(one)) for start, one in zip(starts, self._colours, strict=False)]
            self._end_ms = starts[-1]

    def released(self, index: int, reaches_ms: float) -> None:
        """A colour has left the server and reaches the screen at that time; past the last one: the page is back."""
        if not self._follows or index > len(self._colours):
            return
        if index == len(self._colours):
            self._end_ms = reaches_ms + self.shift_ms
        else:
            self._glows.append(Glow(reaches_ms + self.shift_ms, _rgb(self._colours[index])))

    def light(self, t_ms: float) -> Floats:
        """Linear red, green, blue (3,) on the face."""
        return screen(self._glows, self._end_ms)(t_ms)


@dataclass(frozen=True, slots=True)
class Film:
    """One kind of film: `colours` draws what falls on the face; `shifted_ms` is by how much later than asked for. One that
    `follows` knows when each colour comes; one that does not was made before."""

    name: str
    attack: bool
    said: str
    colours: Callable[[Colours, Random], Colours]
    shifted_ms: tuple[float, float] = (0.0, 0.0)
    follows: bool = True
    lamp: Callable[[Room, Random, float], Light] = lambda room, _, __: steady(room)
    scene: type[Skin | Print | Display] = Skin


def _rgb(timed: TimedColour) -> tuple[int, int, int]:
    return SCREEN_RGB[timed.colour]


def _issued(asked: Colours, _: Random) -> Colours:
    return asked


def _none(_: Colours, __: Random) -> Colours:
    return ()


def _others(_: Colours, random: Random) -> Colours:
    """Of another check."""
    return draw_light(RULE, 6, lambda limit: int(random.integers(limit))).colours


def _one_wrong(asked: Colours, random: Random) -> Colours:
    """A hue beside the one asked for, of which there are six."""
    place = 1 + int(random.integers(len(asked) - 1))
    near = {asked[place - 1].colour, asked[min(place + 1, len(asked) - 1)].colour, asked[place].colour}
    choice = [colour for colour in DRAWN if colour not in near]
    wrong = replace(asked[place], colour=choice[int(random.integers(len(choice)))])
    return (*asked[:place], wrong, *asked[place + 1 :])


_TELEVISION = television
ALL = (
    Film("issued", False, "the colours that were asked for", _issued),
    Film("issued, television", False, "the same, the room lit by a television alone", _issued, lamp=_TELEVISION),
    Film("no colours", False, "a screen that shows none", _none),
    Film("no colours, television", False, "the same, the room lit by a television alone", _none, lamp=_TELEVISION),
    Film("late", False, "the colours, 0.7 to 1.4 s late", _issued, (700.0, 1_400.0)),
    Film(
        "early", True, "the colours, 0.25 to 0.9 s before they were asked for", _issued, (-900.0, -250.0), follows=False
    ),
    Film(
        "other colours",
        True,
        "the colours of another check, at their own times",
        _others,
        (-600.0, 600.0),
        follows=False,
    ),
    Film("other colours, in time", True, "other colours at the times asked for", _others),
    Film("one wrong", True, "one of the five colours is another", _one_wrong),
    Film(
        "display",
        True,
        "a display held before the screen: it shines by itself, its glass mirrors",
        _issued,
        scene=Display,
    ),
    Film(
        "print", True, "a photograph held before the screen: lit as skin is, and not to be told", _issued, scene=Print
    ),
)
FILMS: Mapping[str, Film] = {film.name: film for film in ALL}
