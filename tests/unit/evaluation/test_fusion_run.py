"""Fitting the liveness model: signs held by bounds, people kept apart, nothing surer than its people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medauth.errors import InputError
from medauth.evaluation import fusion_run
from medauth.evaluation.fusion_run import (
    ATTACK,
    LEAST_WEIGHT,
    UNFITTED,
    WINDOW_MS,
    Window,
    fit,
    fusion_report,
    left_out,
    reliability,
    windows_of_clip,
)
from medauth.protocol.reading import PPM

pytestmark = pytest.mark.simulated


def drawn(people: int = 12, told_by: str = "presentation_attack", apart: float = 0.5) -> list[Window]:
    """Windows in which one attack score tells photographs from people, and the others are noise."""
    random = np.random.default_rng(1)
    windows = []
    for number in range(2 * people):
        species = "live" if number % 2 else "held still"
        for _ in range(2):
            scores = {name: int(random.integers(PPM)) for name in (*ATTACK, "blink", "capture") if name not in UNFITTED}
            level = 0.2 + (0.0 if species == "live" else apart)
            scores[told_by] = round(PPM * min(1.0, max(0.0, random.normal(level, 0.1))))
            windows.append(Window(f"p{number}", species, scores))
    return windows


def test_what_tells_them_apart_weighs_most_and_noise_the_least() -> None:
    model = fit(drawn())
    assert model.attack["presentation_attack"] == max(model.attack.values()) > 2_000
    assert model.attack["deepfake"] < 2_000


def test_a_score_that_points_the_wrong_way_keeps_the_least_weight() -> None:
    model = fit(drawn(told_by="deepfake", apart=-0.2))
    assert model.attack["deepfake"] == 1_000 * LEAST_WEIGHT


def test_what_the_run_cannot_show_keeps_the_least_weight() -> None:
    model = fit(drawn())
    assert {({**model.attack, **model.confirm})[name] for name in UNFITTED} == {1_000 * LEAST_WEIGHT}


def test_it_is_no_surer_than_its_people() -> None:
    assert fit(drawn(people=8)).least_ppm == round(PPM / 10)


def _nobody() -> Any:
    """No signal is asked."""


def test_two_clips_of_one_person_are_left_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the model would have seen whom it is judged by."""
    monkeypatch.setattr(fusion_run, "_clip", lambda *_: iter([(0.0, None), (WINDOW_MS, None)]))
    monkeypatch.setattr(fusion_run, "_scores", lambda *_: {})
    for one, other in (("cap12_edit", "cap13_edit2"), ("b01_talkingface", "franck")):
        seen = [w for name in (one, other) for w in windows_of_clip(Path(f"{name}.mp4"), _nobody, 1)]
        assert len(seen) == 2
        assert seen[0].person == seen[1].person


def test_people_left_out_are_judged_by_a_model_that_never_saw_them() -> None:
    windows = drawn()
    found = left_out(windows)
    assert sorted(id(window) for window, _ in found) == sorted(map(id, windows))
    said = reliability(found)
    assert said["brier"] < 0.1
    assert (said["live_people"], said["attack_people"]) == (12, 12)
    assert sum(one["n"] for one in said["bins"]) == len(windows)
    assert left_out([w for w in windows if w.person != "p1"]) != found


def test_noise_alone_is_worth_a_half() -> None:
    windows = drawn(told_by="deepfake", apart=0.0)
    assert reliability(left_out(windows))["brier"] == pytest.approx(0.25, abs=0.08)


def test_a_report_holds_what_it_rests_on_and_names_nobody() -> None:
    report = fusion_report(drawn(people=3))
    assert len(report["windows"]) == 12
    assert "person" not in report["windows"][0]


def test_one_kind_alone_fits_nothing() -> None:
    with pytest.raises(InputError):
        fit([window for window in drawn(people=2) if window.is_live])
