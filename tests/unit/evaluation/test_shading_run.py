"""What `evaluate shading` plays, and what it makes of its rows."""

from __future__ import annotations

from typing import Any

import pytest

from medauth.evaluation.lit_people import Person
from medauth.evaluation.shading_run import FILMED, TURNED, ShadingPlan
from medauth.evaluation.shading_tables import shading_report
from medauth.report.share_plots import spread_png
from medauth.signals.shading import ShadingTuning

pytestmark = pytest.mark.simulated

PEOPLE = (
    Person("ann", "ann.mp4", 0),
    Person("ann", "ann.mp4", 300),
    Person("bea", "bea.mp4", 0),
    Person("cid", "cid.jpg"),
)
FLAT = ShadingTuning().flat


def row(person: str, kind: str, change: float, code: str = "") -> dict[str, Any]:
    said = "fail" if change < FLAT else "pass"
    return {"person": person, "kind": kind, "change": change, "outcome": "inconclusive" if code else said, "code": code}


def test_every_stretch_is_played_and_every_person_turned_once_a_round() -> None:
    jobs = ShadingPlan(PEOPLE, rounds=2).jobs()
    assert [(job.person.name, job.person.start) for job in jobs if job.kind == FILMED] == [
        ("ann", 0),
        ("ann", 300),
        ("bea", 0),
    ]
    assert [(job.person.path, job.turn) for job in jobs if job.kind == TURNED] == [
        (path, turn) for turn in range(2) for path in ("ann.mp4", "bea.mp4", "cid.jpg")
    ]
    assert len({job.key for job in jobs}) == len(jobs)


def test_another_seed_is_another_plan_and_draws_others() -> None:
    one, other = (ShadingPlan(PEOPLE, 1, seed) for seed in (0, 1))
    assert one.digest() != other.digest()
    assert one.jobs()[-1].random().integers(1_000) == ShadingPlan(PEOPLE, 3, 0).jobs()[5].random().integers(1_000)
    assert one.jobs()[-1].random().integers(1_000) != other.jobs()[-1].random().integers(1_000)


def test_people_are_counted_by_the_middle_of_their_films() -> None:
    rows = [
        row("ann", FILMED, 0.03),
        row("ann", FILMED, 0.02),
        row("ann", FILMED, 0.001),
        row("bea", FILMED, 0.025),
        row("cid", TURNED, 0.005),
        row("bea", TURNED, 0.03),
        row("dan", FILMED, 0.0, "shading.no_turn"),
    ]
    figures = shading_report(rows, {}).figures
    assert figures["by_person"] == {FILMED: {"ann": 0.02, "bea": 0.025}, TURNED: {"bea": 0.03, "cid": 0.005}}
    assert figures["auc"]["value"] == pytest.approx(0.5)
    filmed = figures["by_kind"][FILMED]
    assert (filmed["films"], filmed["flat"]["hits"], filmed["flat"]["n"], filmed["flat"]["people"]) == (5, 1, 4, 2)


def test_a_run_in_which_nobody_was_judged_says_so() -> None:
    report = shading_report([row("ann", FILMED, 0.0, "shading.no_turn")], {})
    assert report.figures["auc"] == {"value": None, "interval95": None, "people": 0}
    assert report.facts["films"] == "0 judged; not judged: 1 shading.no_turn"
    assert report.plots == {}


def test_dots_are_drawn() -> None:
    assert spread_png({"a": [0.01, 0.02], "b": []}, "change", FLAT, "flat below").startswith(b"\x89PNG")
