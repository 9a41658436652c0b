"""Plans, resumption and tables of the attack matrix, with a worker that plays nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from medauth.errors import InputError
from medauth.evaluation.attack_files import sessions_csv, write_attacks
from medauth.evaluation.attacks import worker
from medauth.evaluation.attacks.cue_film import Window, granted
from medauth.evaluation.attacks.matrix import ROWS, rows_so_far, run
from medauth.evaluation.attacks.plan import BONA_FIDE, CUE, LOOP, NATURAL, WHOLE, Job, Plan, jobs
from medauth.evaluation.attacks.species import NOT_COVERED, SPECIES
from medauth.evaluation.attacks.stage import STAGED
from medauth.evaluation.attacks.tables import ALL_STEPS, share, tables
from medauth.evaluation.attacks.victims import Portrait
from medauth.protocol.attack_family import AttackFamily
from medauth.protocol.policy import STANDARD

pytestmark = pytest.mark.simulated

PORTRAITS = tuple(Portrait(name, f"{name}.jpg") for name in "abc")
Row = dict[str, Any]


def a_plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "policy": "standard",
        "portraits": PORTRAITS,
        "windows": (Window("clip.mp4", "a", 0.0, "as filmed"),),
        "sessions": 2,
        "cue_people": 0,
        "loop_checks": 250,
    }
    return Plan(**values | changes)


class Played:
    """A worker that says what it was given; breaks at the job named `stop`."""

    calls: ClassVar[list[str]] = []
    stop = ""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def play(self, job: Job) -> list[Row]:
        if job.key == self.stop:
            raise KeyboardInterrupt
        self.calls.append(job.key)
        return [] if job.index == 1 else [{"key": job.key, "part": job.part, "species": job.species}]

    def close(self) -> None:
        self.calls.append("closed")


@pytest.fixture(autouse=True)
def played(monkeypatch: pytest.MonkeyPatch) -> type[Played]:
    monkeypatch.setattr(worker, "Worker", Played)
    Played.calls, Played.stop = [], ""
    return Played


def test_every_species_of_the_threat_model_is_played() -> None:
    threats = {
        "still_photo", "photo_cutout", "photo_animated", "print", "screen_replay", "gesture_loop", "session_replay",
        "virtual_camera", "face_swap", "self_blend", "reenactment", "identity_switch", "two_faces", "wrong_light",
        "client_forgery", "database_tamper",
    }  # fmt: skip
    assert set(SPECIES) == threats
    assert {job.species for job in jobs(a_plan())} >= threats
    assert all(s.name in STAGED or not s.cue for s in SPECIES.values())
    assert {s.family for s in SPECIES.values()} - {None} <= set(AttackFamily)


def test_all_have_their_turn_before_one_has_its_second() -> None:
    order = [job for job in jobs(a_plan()) if job.part in {WHOLE, CUE}]
    firsts = [job.index for job in order]
    assert firsts == sorted(firsts)
    assert sum(job.part == LOOP and job.species == "gesture_loop" for job in jobs(a_plan())) == 3


def test_a_plan_of_one_species_plays_it_alone() -> None:
    assert {j.species for j in jobs(a_plan(only=("print",)))} == {"print", BONA_FIDE}
    assert {j.species for j in jobs(a_plan(only=("client_forgery",)))} == {"client_forgery"}
    with pytest.raises(InputError, match="no species 'mask'"):
        a_plan(only=("mask",))


def test_people_and_sessions_limit_the_plan() -> None:
    some = jobs(a_plan(sessions=0, cue_people=2, loop_checks=0))
    assert {job.part for job in some} == {CUE, NATURAL, "forged", "tampered", "clocks", "colours"}
    assert max(job.index for job in some if job.part == CUE) == 1


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    plan = a_plan(only=("print",))
    every = [job.key for job in jobs(plan)]
    Played.stop = every[4]
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path)
    assert [row["job"] for row in rows_so_far(plan, tmp_path)] == every[:4]
    with (tmp_path / ROWS).open("a") as lines:
        lines.write('{"key": "cut off')
    Played.calls, Played.stop = [], ""
    seen: list[tuple[int, int]] = []
    rows = run(plan, tmp_path, on_done=lambda done, total: seen.append((done, total)))
    assert Played.calls == [*every[4:], "closed"]
    assert [row["job"] for row in rows] == every
    assert seen[0] == (4, len(every))
    assert seen[-1] == (len(every), len(every))
    Played.calls = []
    assert run(plan, tmp_path) == rows
    assert Played.calls == ["closed"]


def test_rows_of_another_plan_are_not_gone_on_with(tmp_path: Path) -> None:
    run(a_plan(only=("print",)), tmp_path)
    with pytest.raises(InputError, match="another plan"):
        run(a_plan(only=("print",), seed=1), tmp_path)


def test_a_run_does_not_go_on_under_another_net_or_other_rules(tmp_path: Path) -> None:
    begun = {"policy standard": "aa", "model deepfake": "bb"}
    run(a_plan(only=("print",), judged_by=begun, model_folders=("here",)), tmp_path)
    run(a_plan(only=("print",), judged_by=begun, model_folders=("elsewhere",)), tmp_path)
    for name in begun:
        with pytest.raises(InputError, match=f"another {name}") as refused:
            run(a_plan(only=("print",), judged_by=begun | {name: "cc"}), tmp_path)
        assert "--report" in refused.value.next_step
    with pytest.raises(InputError, match="another model eye_state"):
        run(a_plan(only=("print",), judged_by=begun | {"model eye_state": "dd"}), tmp_path)


@pytest.mark.parametrize("left", [b"[]\n", b"\xff\xfe\n", b"7"])
def test_what_is_no_row_is_not_gone_on_with(left: bytes, tmp_path: Path) -> None:
    (tmp_path / ROWS).write_bytes(left)
    with pytest.raises(InputError, match="no rows"):
        run(a_plan(only=("print",)), tmp_path)


def test_a_report_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(InputError, match="no rows can be kept"):
        run(a_plan(only=("print",)), tmp_path / "taken")


def test_a_run_can_be_made_larger(tmp_path: Path) -> None:
    run(a_plan(only=("print",), sessions=1), tmp_path)
    Played.calls = []
    run(a_plan(only=("print",), sessions=3), tmp_path)
    assert Played.calls == ["whole/print/1", "whole/print/2", "closed"]


def test_shares_count_people() -> None:
    none = share([False] * 40, [f"p{i % 4}" for i in range(40)])
    assert none["people"] == 4
    assert none["interval95"][1] > 0.4  # four people, not forty
    some = share([True, False] * 20, [f"p{i % 4}" for i in range(40)])
    assert some["value"] == 0.5
    assert some["interval95"] == [0.0, 1.0]  # the four people are all of one kind or the other
    assert share([], [])["value"] is None


def readings(**outcomes: str) -> Mapping[str, Any]:
    held = dict.fromkeys((*STANDARD.deny, *STANDARD.confirm, "deepfake"), "pass") | outcomes
    return {name: {"outcome": how, "code": f"{name}.{how}", "score_ppm": 0} for name, how in held.items()}


def a_check(species: str, person: str, decision: str, **outcomes: str) -> Row:
    found = readings(**outcomes)
    why = [{"code": f"{n}.{o}", "signal": n, "role": "deny"} for n, o in outcomes.items()]
    return {
        "key": "k", "part": WHOLE, "species": species, "variant": "", "person": person, "readings": found,
        "decision": decision, "reasons": why, "frames": 9, "steps": [("blink", "answered"), ("smile", "unseen")],
    }  # fmt: skip


def a_film(species: str, person: str, **outcomes: str) -> Row:
    return {
        "key": "k", "part": CUE, "species": species, "variant": "", "person": person, "readings": readings(**outcomes),
    }  # fmt: skip


ALL_ROWS: list[Row] = [
    a_check("photo_animated", "a", "live"),
    a_check("photo_animated", "b", "not_live", challenge="fail"),
    a_check("photo_animated", "c", "inconclusive", emotion="inconclusive"),
    a_check("print", "a", "not_live", presentation_attack="fail", challenge="fail"),
    *(a_film("print", p, presentation_attack="fail") for p in "abc"),
    a_film("print", "d"),
    *(a_film("two_faces", p, faces="fail", presentation_attack="inconclusive") for p in "ab"),
    a_film("face_swap", "a", deepfake="fail"),
    a_film(BONA_FIDE, "a"),
    a_film(BONA_FIDE, "b", identity="fail"),
    a_film(BONA_FIDE, "c") | {"part": NATURAL, "variant": "as filmed"},
    {"part": LOOP, "species": "gesture_loop", "checks": 100, "passed": 0, "codes": {"x": 100}, "most_answered": 2, "steps": 6},
    {"part": LOOP, "species": "gesture_loop", "checks": 50, "passed": 1, "codes": {"x": 49}, "most_answered": 6, "steps": 6},
    {"part": "forged", "species": "client_forgery", "tries": {"<b>verdict</b>": {"refused": 4}}},
    {"part": "tampered", "species": "database_tamper", "tries": {"found": 9, "missed": 0}},
]  # fmt: skip


def test_whole_checks_are_accepted_by_the_verdict_alone() -> None:
    found = tables(ALL_ROWS, STANDARD)["whole"]
    animated = found["photo_animated"]
    assert (animated["accepted"]["hits"], animated["inconclusive"]["hits"], animated["accepted"]["n"]) == (1, 1, 3)
    assert animated["accepted_if_granted"]["hits"] == 3  # nothing but gestures and emotion stopped the other two
    assert (animated["answered"]["hits"], found["print"]["answered"]["hits"]) == (2, 0)
    assert animated["caught_by"] == {"challenge.fail": 1}
    assert found["print"]["accepted_if_granted"]["hits"] == 0


TELLING = replace(STANDARD, name="telling", deny=tuple(name for name in STANDARD.deny if name != "deepfake"))
"""Rules of one's own under which one cue is told and does not deny."""


def test_each_cue_stands_alone() -> None:
    found = tables(ALL_ROWS, TELLING)
    alone = found["alone"]
    assert alone["print"]["presentation_attack"]["missed"]["hits"] == 1
    assert alone["two_faces"]["presentation_attack"]["not_judged"]["hits"] == 2
    assert alone["face_swap"]["deepfake"]["missed"]["value"] == 0
    assert found["cues"]["deepfake"] == "told"
    assert tables(ALL_ROWS, STANDARD)["cues"]["deepfake"] == "denies"
    assert found["cues"]["presentation_attack"] == "denies"
    assert not set(found["cues"]) & granted(TELLING)


def test_a_cue_that_no_film_can_show_stands_in_whole_checks_alone() -> None:
    rows = [a_film("print", "a", replay="inconclusive"), a_check("print", "a", "not_live", replay="fail")]
    found = tables(rows, STANDARD)
    assert found["only_in_whole_checks"] == ["replay"]
    assert "replay" not in found["alone"]["print"]
    assert found["whole"]["print"]["caught_by"] == {"replay.fail": 1}


@pytest.mark.parametrize(
    ("people", "outcome", "claim"),
    [(4, "fail", False), (40, "fail", False), (60, "fail", True), (60, "pass", False), (60, "inconclusive", False)],
)
def test_a_claim_needs_people_and_a_cue_that_refuses(people: int, outcome: str, claim: bool) -> None:
    films = [a_film("print", f"p{n}") for n in range(people)] + [a_film(BONA_FIDE, f"p{n}") for n in range(people)]
    for n, film in enumerate(films):
        film["readings"] = dict(film["readings"]) | {
            "presentation_attack": {
                "outcome": outcome if n < people else "pass",
                "code": "c",
                "score_ppm": 900_000 - n if n < people else n,
            }
        }
    found = tables(films, STANDARD)["scored"]["presentation_attack"]["species"]["print"]
    assert (found["apcer"], found["auc"], found["claim"]) == (0.0, 1.0, claim)
    assert found["interval95"][1] > 0


def test_a_cue_left_out_shows_what_it_carries() -> None:
    found = tables(ALL_ROWS, TELLING)["left_out"]
    assert tables(ALL_ROWS, STANDARD)["left_out"]["face_swap"]["without"]["deepfake"]["hits"] == 1
    assert found["print"]["all"]["hits"] == 1
    assert found["print"]["without"]["presentation_attack"]["hits"] == 4
    assert found["print"]["without"]["identity"]["hits"] == 1
    assert found["face_swap"]["all"]["hits"] == 1
    assert found["face_swap"]["with_told"]["hits"] == 0


def test_a_cue_left_out_of_whole_checks_shows_what_it_alone_keeps_out() -> None:
    found = tables(ALL_ROWS, STANDARD)["whole_left_out"]
    animated, printed = found["photo_animated"], found["print"]
    assert (animated["all"]["hits"], animated["all"]["n"], animated["all"]["people"]) == (1, 3, 3)
    assert animated["without"]["challenge"]["hits"] == 2
    assert animated["without"]["emotion"]["hits"] == 2  # left open by it alone
    assert animated["without"]["identity"]["hits"] == 1
    assert (animated["refused"]["challenge"]["hits"], animated["refused"]["emotion"]["hits"]) == (1, 0)
    # Two cues refuse the print, so that neither is missed.
    assert {cue: one["hits"] for cue, one in printed["without"].items() if one["hits"]} == {}
    assert printed["refused"]["presentation_attack"]["hits"] == printed["refused"]["challenge"]["hits"] == 1
    assert set(printed["without"]) == {*STANDARD.deny, *STANDARD.confirm}


def test_loops_add_up_and_the_driver_is_judged_by_its_steps() -> None:
    found = tables(ALL_ROWS, STANDARD)
    assert (found["loop"]["gesture_loop"]["checks"], found["loop"]["gesture_loop"]["passed"]) == (150, 1)
    assert found["driver"]["blink"]["value"] == 1
    assert (found["driver"][ALL_STEPS]["hits"], found["driver"][ALL_STEPS]["n"]) == (2, 3)
    assert found["driver"]["smile"]["value"] == 0
    assert found["natural"]["all"]["identity"]["hits"] == 0


def test_the_page_says_what_is_not_covered_and_escapes_every_text(tmp_path: Path) -> None:
    report = {"facts": {"policy": "<i>standard</i>"}, "tables": tables(ALL_ROWS, STANDARD)}
    page = write_attacks(report, ALL_ROWS, tmp_path).read_text()
    assert all(name.split(" ")[0] in page for name in NOT_COVERED)
    assert "<b>verdict" not in page
    assert "<i>" not in page
    assert "simulated" in page
    assert "Each cue left out of whole checks" in page
    assert "without emotion" in page
    assert json.loads((tmp_path / "attacks.json").read_text())["tables"]["loop"]
    assert (tmp_path / "caught_by_each_cue_alone.png").read_bytes().startswith(b"\x89PNG")


def test_the_csv_has_a_line_a_reading() -> None:
    lines = sessions_csv(ALL_ROWS).splitlines()
    assert len(lines) == 1 + sum(len(row.get("readings", {})) for row in ALL_ROWS)
    assert lines[1].startswith("k,whole,photo_animated,,a,live,")


def test_no_whole_checks_under_a_policy_that_only_a_voice_answers() -> None:
    with pytest.raises(InputError, match="the driver has no voice"):
        a_plan(policy="by-voice")
    assert a_plan(policy="by-voice", sessions=0).sessions == 0
