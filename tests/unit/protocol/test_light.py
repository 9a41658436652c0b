"""Colours nobody can foresee: how they are drawn, that none leaves before its time, and that nobody's eyes suffer."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import ConfigError, InputError
from medauth.protocol.ceremony import Ceremony, Phase
from medauth.protocol.challenge import Action, Challenge
from medauth.protocol.light import (
    DRAWN,
    LEAST_MS,
    SCREEN_RGB,
    Colour,
    ColourShown,
    LightRule,
    LightSequence,
    TimedColour,
    could_draw,
    draw_light,
)
from medauth.protocol.lighting import MOST_ROUND_TRIP_MS, SEEN_MS
from medauth.protocol.observation import Posture, Prompt
from medauth.protocol.policy import POLICIES, Timing
from tests.unit.protocol.performer import REST, Person, answer, step_of

STEPS = (step_of(Action.BLINK), step_of(Action.SMILE), step_of(Action.TURN_LEFT))
RULE = LightRule()
SEQUENCE = LightSequence(1, tuple(TimedColour(colour, 700) for colour in (Colour.WHITE, Colour.BLUE, Colour.ROSE)))


def drawn(seed: int, rule: LightRule = RULE, steps: int = 6) -> LightSequence:
    return draw_light(rule, steps, random.Random(seed).randrange)


def linear(value: int) -> float:
    """sRGB to linear light, IEC 61966-2-1."""
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 9))
def test_what_is_drawn_could_be_drawn(seed: int, colours: int, steps: int) -> None:
    rule = replace(RULE, colours=colours)
    sequence = drawn(seed, rule, steps)
    assert could_draw(rule, sequence, steps)
    assert LightSequence.from_json(sequence.to_json()) == sequence


@given(st.integers(0, 2**32))
def test_there_are_never_more_than_three_changes_a_second(seed: int) -> None:
    rule = LightRule(white_ms=LEAST_MS, shortest_ms=LEAST_MS, longest_ms=400)
    starts = [0]
    for timed in drawn(seed, rule).colours:
        starts.append(starts[-1] + timed.lasts_ms)
    assert all(late - early > 1_000 for early, late in zip(starts, starts[3:], strict=False))


def test_no_colour_is_a_saturated_red() -> None:
    """WCAG 2.3.1: red is saturated where it is four fifths of the light."""
    for rgb in SCREEN_RGB.values():
        red, green, blue = (linear(value) for value in rgb)
        assert red / (red + green + blue) < 0.8


def test_every_sequence_is_drawn_equally_often_and_counted() -> None:
    rule = replace(RULE, colours=2)
    counts = Counter(tuple(timed.colour for timed in drawn(seed, rule).colours) for seed in range(6_000))
    assert len(counts) == 30 == round(2 ** rule.bits())
    assert all(130 < count < 270 for count in counts.values())  # 200 expected, five standard deviations


def test_only_colours_count_as_bits() -> None:
    assert RULE.bits() == pytest.approx(math.log2(6 * 5**4))
    assert replace(RULE, longest_ms=5_000).bits() == RULE.bits()


@pytest.mark.parametrize(
    "changes",
    [
        {"colours": 0},
        {"colours": 7},
        {"shortest_ms": 333},
        {"white_ms": 333},
        {"longest_ms": 699},
        {"longest_ms": 5_001},
        {"white_ms": 5_001},
    ],
    ids=str,
)
def test_rules_that_nobody_should_look_at_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        replace(RULE, **changes)


SPOILT: dict[str, Callable[[LightSequence], LightSequence]] = {
    "no white": lambda s: replace(s, colours=s.colours[1:]),
    "a colour less": lambda s: replace(s, colours=s.colours[:-1]),
    "twice the same": lambda s: replace(s, colours=(*s.colours[:-1], s.colours[-2])),
    "white again": lambda s: replace(s, colours=(*s.colours[:-1], TimedColour(Colour.WHITE, 800))),
    "too short": lambda s: replace(s, colours=(*s.colours[:-1], replace(s.colours[-1], lasts_ms=699))),
    "too long": lambda s: replace(s, colours=(*s.colours[:-1], replace(s.colours[-1], lasts_ms=1_101))),
    "another white": lambda s: replace(s, colours=(TimedColour(Colour.WHITE, 701), *s.colours[1:])),
    "ahead of everything": lambda s: replace(s, before_step=0),
    "after everything": lambda s: replace(s, before_step=6),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_no_draw_gives_is_told(name: str) -> None:
    assert not could_draw(RULE, SPOILT[name](drawn(7)), 6)


@pytest.mark.parametrize("value", [{}, {"before_step": 1}, {"before_step": 1, "colours": [{"colour": "mauve"}]}, []])
def test_what_is_no_sequence_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        LightSequence.from_json(value)  # type: ignore[arg-type]


def test_the_commitment_binds_the_colours_and_their_absence() -> None:
    lit = Challenge("chk_1", STEPS, bytes(32), light=SEQUENCE)
    unlit = replace(lit, light=None)
    others = [
        replace(SEQUENCE, before_step=2),
        replace(SEQUENCE, colours=SEQUENCE.colours[::-1]),
        replace(SEQUENCE, colours=(*SEQUENCE.colours[:2], TimedColour(Colour.ROSE, 701))),
    ]
    digests = {challenge.commitment() for challenge in (lit, unlit, *(replace(lit, light=o) for o in others))}
    assert len(digests) == 5
    assert Challenge.from_opening(lit.opening()) == lit
    assert Challenge.from_opening(unlit.opening()) == unlit
    assert (lit.opening()["version"], unlit.opening()["version"]) == (2, 1)


@dataclass(frozen=True)
class Moment:
    """The ceremony right after a frame."""

    t_ms: float
    light: ColourShown | None
    phase: Phase
    closed: int
    prompt: Prompt | None


def run(
    sequence: LightSequence, frame_ms: float = 1_000 / 30, round_trip_ms: float = 0.0
) -> tuple[list[Moment], Ceremony]:
    """A person who does all that is asked."""
    ceremony = Ceremony(Challenge("chk_1", STEPS, bytes(32), light=sequence), Timing())
    person, t_ms, seen = Person(), 0.0, list[Moment]()
    while ceremony.phase not in {Phase.DONE, Phase.EXPIRED}:
        t_ms += frame_ms
        before = ceremony.prompt
        ceremony.advance(t_ms, person.posture(t_ms), round_trip_ms)
        prompt = ceremony.prompt
        if prompt is not None and (before is None or prompt.index != before.index):
            answer(person, prompt)
        seen.append(Moment(t_ms, ceremony.light, ceremony.phase, len(ceremony.results), prompt))
    return seen, ceremony


@pytest.mark.parametrize("before_step", [0, 1, 2])
@pytest.mark.parametrize("frame_ms", [20, 1_000 / 30, 100])
def test_each_colour_leaves_when_it_is_due_and_none_before(before_step: int, frame_ms: float) -> None:
    seen, ceremony = run(replace(SEQUENCE, before_step=before_step), frame_ms)
    assert ceremony.phase is Phase.DONE
    assert [shown.colour for shown in ceremony.colours] == [timed.colour for timed in SEQUENCE.colours]
    for one, other in pairwise(ceremony.colours):
        assert 700 <= other.shown_ms - one.shown_ms <= 700 + frame_ms
    for moment in seen:
        if moment.light is not None:
            assert (moment.phase, moment.closed, moment.prompt) == (Phase.LIGHT, before_step, None)
            assert moment.light.shown_ms <= moment.t_ms <= moment.light.shown_ms + 700 + frame_ms
    assert all(result.outcome == "answered" for result in ceremony.results)


def test_the_colours_are_over_before_the_next_prompt_and_its_pause_follows() -> None:
    seen, ceremony = run(SEQUENCE)
    end_ms = max(moment.t_ms for moment in seen if moment.light is not None)
    assert ceremony.results[1].shown_ms is not None
    assert ceremony.results[1].shown_ms >= end_ms + STEPS[1].pause_ms
    assert ceremony.colours[0].shown_ms >= ceremony.results[0].closed_ms + SEEN_MS


def test_nobody_in_view_is_shown_no_colour() -> None:
    ceremony = Ceremony(Challenge("chk_1", STEPS, bytes(32), light=replace(SEQUENCE, before_step=0)), Timing())
    for t_ms in range(0, 20_000, 40):
        ceremony.advance(t_ms, Posture(REST) if t_ms % 400 == 0 else None)
    assert ceremony.light is None
    assert not ceremony.colours
    assert not ceremony.prompted
    assert not ceremony.waits_for_neutral


def test_once_begun_the_colours_go_on_whoever_looks() -> None:
    ceremony = Ceremony(Challenge("chk_1", STEPS, bytes(32), light=replace(SEQUENCE, before_step=0)), Timing())
    for t_ms in range(0, 3_000, 40):
        ceremony.advance(t_ms, Posture(REST) if t_ms < 800 else None)
    assert len(ceremony.colours) == 3
    assert ceremony.light is None
    assert ceremony.prompted


def test_an_expired_check_shows_no_colour() -> None:
    ceremony = Ceremony(Challenge("chk_1", STEPS, bytes(32), light=replace(SEQUENCE, before_step=0)), Timing())
    for t_ms in range(0, 1_000, 40):
        ceremony.advance(t_ms, Posture(REST))
    assert ceremony.light is not None
    ceremony.expire(180_001)
    assert ceremony.light is None


@pytest.mark.parametrize(("told", "stated"), [(0.0, 0), (83.4, 83), (1e9, MOST_ROUND_TRIP_MS)])
def test_the_round_trip_is_stated_with_the_colour(told: float, stated: int) -> None:
    _, ceremony = run(SEQUENCE, round_trip_ms=told)
    assert {shown.round_trip_ms for shown in ceremony.colours} == {stated}


def test_rehearsals_and_no_flash_show_nothing() -> None:
    unlit = {name for name, policy in POLICIES.items() if policy.light is None}
    assert unlit == {"no-flash", "by-voice", "rehearsal"}


def test_colours_lie_a_sixth_of_a_circle_apart() -> None:
    def hue(colour: Colour) -> float:
        red, green, blue = SCREEN_RGB[colour]
        return math.degrees(math.atan2((green - blue) * math.sqrt(3), 2 * red - green - blue)) % 360

    assert [round(hue(colour)) for colour in DRAWN] == [0, 60, 120, 180, 240, 300]
