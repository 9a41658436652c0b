"""Which facial movements a face shows against its rest, in the words of FACS, and which emotion they are usually read as.

Action units: Ekman & Friesen, "Facial Action Coding System" (1978; Ekman, Friesen & Hager 2002). Which units make up which
expression: Friesen & Ekman, "EMFACS-7: Emotional Facial Action Coding System" (1983). A human coder looks at furrows and
bulges as well; here only displacements of mesh points are seen, so cheeks (6), nose (9) and tightened lips (23, 24) are
found worse than brows and mouth. Words for a person who asks why, nothing that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medauth.signals.face_measures import NAMES, REST, SPREAD
from medauth.signals.head_pose import Floats

_INDEX = {name: index for index, name in enumerate(NAMES)}


@dataclass(frozen=True, slots=True)
class Unit:
    """An action unit: its FACS number and name, what it looks like, and which measures it moves by how much."""

    number: int
    name: str
    words: str
    sided: bool
    terms: tuple[tuple[str, float], ...]


UNITS: tuple[Unit, ...] = (
    Unit(1, "inner brow raiser", "inner brows raised", True, (("brow, inner", 1.0),)),
    Unit(2, "outer brow raiser", "outer brows raised", True, (("brow, outer", 1.0),)),
    Unit(4, "brow lowerer", "brows lowered and drawn together", True, (("brow, inner", -0.7), ("brow gap", -0.3))),
    Unit(5, "upper lid raiser", "upper lids raised", True, (("upper lid", 1.0),)),
    Unit(6, "cheek raiser", "cheeks and lower lids raised", True, (("cheek", 0.5), ("lower lid", 0.5))),
    Unit(7, "lid tightener", "lids tightened", True, (("lower lid", 0.5), ("upper lid", -0.5))),
    Unit(9, "nose wrinkler", "nose wrinkled", True, (("nose wing", 0.4), ("brow, inner", -0.3), ("lower lid", 0.3))),
    Unit(10, "upper lip raiser", "upper lip raised", True, (("upper lip", 1.0),)),
    Unit(12, "lip corner puller", "mouth corners pulled up", True,
         (("corner curve", 0.4), ("corner up", 0.3), ("corner out", 0.3))),
    Unit(14, "dimpler", "mouth corners pressed outwards", True, (("corner out", 0.8), ("lip gap", -0.2))),
    Unit(15, "lip corner depressor", "mouth corners pulled down", True, (("corner curve", -0.7), ("corner up", -0.3))),
    Unit(17, "chin raiser", "chin raised, lower lip pushed up", False, (("chin", 0.5), ("lower lip", 0.5))),
    Unit(20, "lip stretcher", "lips stretched sideways", True, (("corner out", 0.6), ("corner up", -0.4))),
    Unit(24, "lip pressor", "lips pressed together", False,
         (("upper lip, thick", -0.4), ("lower lip, thick", -0.4), ("lip gap", -0.2))),
    Unit(25, "lips part", "lips parted", False, (("lip gap", 1.0),)),
    Unit(26, "jaw drop", "jaw dropped", False, (("jaw", -0.5), ("lower lip", -0.5))),
)  # fmt: skip

EMFACS: Mapping[str, tuple[int, ...]] = {
    "happiness": (6, 12),
    "surprise": (1, 2, 5, 26),
    "fear": (1, 2, 4, 5, 20, 25),
    "sadness": (1, 4, 15),
    "anger": (4, 7, 24),
    "disgust": (9, 10),
}
"""The units that an expression is usually made of; contempt is one corner of the mouth alone (12 or 14)."""
ONE_SIDED = (12, 14)

FROM_OWN, FROM_PEOPLE = 0.8, 1.2
"""A unit is seen from so many spreads on: less is needed against the person's own rest than against other people's."""
_UNEVEN: Mapping[int, float] = {1: 0.56, 2: 0.62, 4: 0.39, 5: 0.59, 6: 0.58, 7: 0.53, 9: 0.37, 10: 0.34, 12: 0.61, 14: 0.95,
                                15: 0.70, 20: 0.72}  # fmt: skip
"""By how much a unit's sides differ on resting faces (standard deviation, spreads): faces and light are uneven."""
_ALONE_PEOPLE, _ALONE_OWN = 3.0, 1.5
"""One side is seen alone where it leads the other by so many of these."""
_STRONG = 2.5
_LEAST_FIT = 0.3


@dataclass(frozen=True, slots=True)
class SeenUnit:
    """One unit that is seen. `right` and `left` are in spreads of resting faces; `side` is "" for both."""

    unit: Unit
    right: float
    left: float
    side: str = ""

    @property
    def amount(self) -> float:
        """Of the stronger side."""
        return max(self.right, self.left)

    @property
    def text(self) -> str:
        """In words: `left mouth corner pulled up alone (AU 12)`."""
        if self.side:
            return f"{self.side} side alone: {self.unit.words} (AU {self.unit.number})"
        much = "strongly " if self.amount >= _STRONG else ""
        return f"{much}{self.unit.words} (AU {self.unit.number})"


@dataclass(frozen=True, slots=True)
class Movements:
    """What a face does now. `reading` is the expression whose units fit best, "neutral" where none does."""

    seen: tuple[SeenUnit, ...]
    reading: str
    fit: float
    against: str
    """`own rest` or `people`: what was measured against."""

    @property
    def text(self) -> str:
        """One line."""
        return "; ".join(unit.text for unit in self.seen) or "nothing that moves is seen"

    def missing(self, expression: str) -> tuple[int, ...]:
        """Units that usually make up `expression` and are not seen."""
        return tuple(n for n in EMFACS.get(expression, ()) if n not in {found.unit.number for found in self.seen})


def movements_of(measures: Floats, rest: Floats | None = None) -> Movements:
    """From `face_measures.measure_face`; against this person's own `rest`, or against people's where it is unknown."""
    amounts = unit_amounts(measures, rest)
    least = FROM_PEOPLE if rest is None else FROM_OWN
    lead = _ALONE_PEOPLE if rest is None else _ALONE_OWN
    found = [_seen(unit, *amounts[unit.number], least, lead) for unit in UNITS]
    reading, fit = _reading(amounts, least, lead)
    return Movements(tuple(one for one in found if one), reading, fit, "people" if rest is None else "own rest")


def unit_amounts(measures: Floats, rest: Floats | None = None) -> Mapping[int, tuple[float, float]]:
    """By FACS number how far each unit is performed, the person's right and left, in spreads of resting faces."""
    away = (measures - (REST if rest is None else rest)) / SPREAD
    return {unit.number: _amounts(unit, away) for unit in UNITS}


def _amounts(unit: Unit, away: Floats) -> tuple[float, float]:
    """Right and left, in spreads."""
    right, left = (sum(share * _part(away, part, side) for part, share in unit.terms) for side in ("right", "left"))
    return float(right), float(left)


def _part(away: Floats, part: str, side: str) -> float:
    return float(away[_INDEX[part] if part in _INDEX else _INDEX[f"{side} {part}"]])


def _seen(unit: Unit, right: float, left: float, least: float, lead: float) -> SeenUnit | None:
    if max(right, left) < least:
        return None
    alone = unit.sided and min(right, left) < least and _leads(unit.number, right, left, lead)
    return SeenUnit(unit, right, left, ("right" if right > left else "left") if alone else "")


def _leads(number: int, right: float, left: float, lead: float) -> bool:
    return abs(right - left) >= lead * _UNEVEN[number]


def _reading(amounts: Mapping[int, tuple[float, float]], least: float, lead: float) -> tuple[str, float]:
    """The expression whose units are shown most, all of them together; one corner of the mouth alone is contempt."""
    even = {number: float(np.mean(sides)) for number, sides in amounts.items()}
    fits = {name: _fit([even[number] for number in numbers]) for name, numbers in EMFACS.items()}
    best = max(fits, key=fits.__getitem__)
    for number in ONE_SIDED:
        right, left = amounts[number]
        if (
            max(right, left) >= least > min(right, left)
            and _leads(number, right, left, lead)
            and fits[best] < _LEAST_FIT
        ):
            return "contempt", min(1.0, abs(right - left) / _STRONG)
    return (best, fits[best]) if fits[best] >= _LEAST_FIT else ("neutral", 1.0 - max(0.0, fits[best]))


def _fit(units: list[float]) -> float:
    return float(np.mean(np.clip(units, -_STRONG, _STRONG))) / _STRONG
