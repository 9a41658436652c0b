"""Forged clocks and wrong colours, a few of each: what is forged, what the cues say, how it is counted."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.evaluation.attacks import forged_clocks, wrong_colours
from medauth.evaluation.attacks.cue_tries import HONEST, Tally, tries_table
from medauth.evaluation.attacks.forged_times import FORGED_PICTURES, FORGED_TIMES, honest, silent
from medauth.protocol.reading import Outcome, SignalReading
from medauth.report.attack_page import protocol_rows

pytestmark = pytest.mark.simulated
CODES = {
    "arrivals at a constant interval": "clock_constant",
    "arrivals in heaps": "clock_stands_still",
    "arrivals backwards": "clock_backwards",
    "claims at a constant interval": "declared_constant",
    "claims reversed": "declared_backwards",
    "claims set back": "declared_set_back",
    "claims of the future": "declared_future",
    "claims with gaps": "declared_gap",
    "claims of more than time allows": "declared_outruns",
}


def test_an_honest_camera_is_drawn_in_order_and_never_twice_the_same() -> None:
    random = np.random.default_rng(0)
    one, other = honest(random), honest(random)
    for sent in (one, other):
        assert (np.diff(sent.came_ms) > 0).all()
        assert sent.said_ms is not None
        assert (np.diff(sent.said_ms) >= 0).all()
        assert (np.diff(sent.shows) >= 0).all()
    assert len(one.came_ms) != len(other.came_ms)
    assert {silent(one, random).said_ms is None for _ in range(30)} == {True, False}


@pytest.mark.parametrize("name", [*FORGED_TIMES, *FORGED_PICTURES])
def test_every_forger_changes_something_and_drops_nothing(name: str) -> None:
    random = np.random.default_rng(1)
    forger = {**FORGED_TIMES, **FORGED_PICTURES}[name]
    before = honest(random)
    after = forger(before, random)
    assert len(after.came_ms) == len(before.came_ms)
    assert len(after.shows) == len(before.shows)
    changed = [not np.array_equal(after.came_ms, before.came_ms), not np.array_equal(after.shows, before.shows)]
    assert before.said_ms is not None
    changed.append(after.said_ms is not None and not np.array_equal(after.said_ms, before.said_ms))
    assert sum(changed) == 1


def test_forged_times_have_their_codes_and_honest_ones_pass() -> None:
    random = np.random.default_rng(2)
    film = forged_clocks.noise_film(random)
    assert forged_clocks.judged(film, honest(random), random).outcome is Outcome.PASS
    for name, code in CODES.items():
        said = forged_clocks.judged(film, FORGED_TIMES[name](honest(random), random), random)
        assert said.outcome is not Outcome.PASS, name
        assert said.code in {f"injection.{code}", "injection.declared_outruns"}, name


def test_wrong_colours_never_pass_and_those_asked_for_do() -> None:
    random = np.random.default_rng(0)
    said = {name: wrong_colours.judged(name, random) for name in ("issued", "other colours, in time", "no colours")}
    assert said["issued"].code == "light.followed"
    assert said["other colours, in time"].outcome is not Outcome.PASS
    assert said["no colours"].outcome is not Outcome.PASS


def a_reading(outcome: Outcome, code: str) -> SignalReading:
    return SignalReading("injection", outcome, f"injection.{code}", "")


def test_what_is_no_attack_counts_as_none() -> None:
    tally = Tally()
    for _ in range(3):
        tally.add("a looped stretch", a_reading(Outcome.FAIL, "looped"))
    tally.add("a looped stretch", a_reading(Outcome.PASS, "none_seen"))
    tally.add(f"{HONEST}: film", a_reading(Outcome.PASS, "none_seen"))
    found = tries_table([tally.counts(), tally.counts()])
    assert (found["tries"], found["passed"]) == (8, 2)
    assert found["kinds"]["a looped stretch"]["said"] == {"fail injection.looped": 6, "pass injection.none_seen": 2}
    assert found["kinds"][f"{HONEST}: film"] == {"tries": 2, "passed": 2, "said": {"pass injection.none_seen": 2}}
    assert tries_table([]) == {}
    shown = protocol_rows({"loop": {}, "forgery": {}, "tamper": {}, "clocks": found, "colours": {}})
    assert shown[0][:3] == ("virtual_camera", "8", "2")
    assert "a looped stretch: fail injection.looped 6, pass injection.none_seen 2" in shown[0][4]
