"""Long runs name the models and rules that judged, and digests of their plans change with each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medauth.evaluation.attacks.plan import Plan
from medauth.evaluation.judged_by import changed, judged_by
from medauth.evaluation.light_run import LightPlan
from medauth.evaluation.light_side_effects import PairPlan
from medauth.evaluation.pulse_run import PulsePlan
from medauth.evaluation.shading_run import ShadingPlan
from medauth.protocol.policy import STANDARD, STRICT
from medauth.signals.models import ModelLibrary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("eyes", "faces"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.tflite").write_bytes(b"never opened here")
        manifest = {"name": name, "version": "1", "file": "net.tflite", "sha256": f"{name}-1"}
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def _change(folder: Path, **fields: Any) -> None:
    path = folder / "eyes" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_another_net_another_threshold_and_other_rules_are_named(folder: Path) -> None:
    before = judged_by(ModelLibrary([folder]), STANDARD)
    assert judged_by(ModelLibrary([folder]), STANDARD) == before
    _change(folder, sha256="eyes-2")
    another_net = judged_by(ModelLibrary([folder]), STANDARD)
    assert changed(before, another_net) == ["model eyes"]
    _change(folder, operating_points={"standard": {"threshold": 0.5}})
    assert changed(another_net, judged_by(ModelLibrary([folder]), STANDARD)) == ["model eyes"]
    stricter = replace(STANDARD, min_judged_ppm=STANDARD.min_judged_ppm + 1)
    assert changed(another_net, judged_by(ModelLibrary([folder]), stricter)) == ["model eyes", "policy standard"]
    assert changed(before, judged_by(ModelLibrary([folder]), STRICT))[-2:] == ["policy standard", "policy strict"]


def test_a_model_that_is_not_there_judges_nothing(folder: Path) -> None:
    (folder / "eyes" / "net.tflite").unlink()
    assert not any(name == "model eyes" for name in judged_by(ModelLibrary([folder]), STANDARD))


@pytest.mark.parametrize(
    "plan",
    [
        lambda judges: LightPlan([], 1, judged_by=judges),
        lambda judges: PairPlan([], 1, judged_by=judges),
        lambda judges: PulsePlan([], 1, judged_by=judges),
        lambda judges: ShadingPlan([], 1, judged_by=judges),
        lambda judges: Plan("standard", (), (), 1, 1, 0, judged_by=judges),
    ],
)
def test_every_plan_is_another_under_another_net(plan: Callable[[dict[str, str]], Any]) -> None:
    assert plan({"model eyes": "1"}).digest() == plan({"model eyes": "1"}).digest()
    assert plan({"model eyes": "1"}).digest() != plan({"model eyes": "2"}).digest()
