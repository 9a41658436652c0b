from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medauth.errors import ConfigError
from medauth.training.command_line import app
from medauth.training.commands import limit_threads, work_folder


def test_every_model_has_a_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in (
        "expression",
        "eye-state",
        "deepfake",
        "compare-fer",
        "judge-eye-state",
        "presentation-attack",
        "judge-presentation-attack",
    ):
        assert command in shown


def test_checkpoints_never_land_in_the_repository(tmp_path: Path):
    assert work_folder(tmp_path) == tmp_path.resolve()
    assert work_folder(None).is_relative_to(Path.home())
    repository = Path(__file__).resolve().parents[3]
    with pytest.raises(ConfigError, match="work"):
        work_folder(repository / "runs")


def test_threads_are_bounded_unless_the_user_decided(monkeypatch: pytest.MonkeyPatch):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    limit_threads(2)
    assert os.environ["OMP_NUM_THREADS"] == "5"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"


def test_a_training_can_stop_early_and_halve_its_rate():
    shown = CliRunner().invoke(app, ["expression", "--help"]).output
    for option in ("--schedule", "--stop-patience", "--h5"):
        assert option in shown
    refused = CliRunner().invoke(app, ["expression", "--data", ".", "--schedule", "stairs"])
    assert refused.exit_code == 2
