"""The built wheel, installed into an empty folder, away from the repository: everything a check needs travels in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from medauth.ledger.anvil import find_anvil

ROOT = Path(__file__).resolve().parents[2]
LARGEST_MIB = 40
MIB = 2**20


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the wheel in it; its dependencies come from this environment."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-index", "--no-deps", "--no-warn-script-location", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True, capture_output=True)
    return folder


def run(installed: Path, work: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The installed program, in an empty working directory, with none of this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDAUTH_")}
    environment = kept | {"PYTHONPATH": str(installed), "HOME": str(work), "MEDAUTH_ANVIL": str(find_anvil())}
    script = (
        "import medauth.cli.main as main, sys; assert main.__file__.startswith(sys.path[1]), main.__file__; main.run()"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)


def test_models_contract_and_migrations_travel_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for manifest in (ROOT / "models").glob("*/manifest.json"):
        name = manifest.parent.name
        assert {
            f"medauth/models/{name}/{file}" for file in ("manifest.json", json.loads(manifest.read_text())["file"])
        } <= names
    for file in (
        "ledger/artifacts/LivenessLedger.json",
        "store/migrations/env.py",
        "store/migrations/script.py.mako",
        "evidence/verifier.mjs",
        "web/static/vendor/uplot/uPlot.iife.min.js",
        "web/static/vendor/uplot/LICENSE",
        "web/templates/console/case.html",
        "web/static/studio/studio.js",
        "py.typed",
    ):
        assert f"medauth/{file}" in names
    revisions = {path.name for path in (ROOT / "medauth/store/migrations/versions").glob("[0-9]*.py")}
    assert {f"medauth/store/migrations/versions/{name}" for name in revisions} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_nothing_else_travels_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"medauth"}
    assert [name for name in names if name.endswith((".pyc", ".sqlite", ".pem", ".key", ".mp4", ".jpg"))] == []
    assert wheel.stat().st_size < LARGEST_MIB * MIB


@pytest.mark.chain
@pytest.mark.media
def test_the_installed_wheel_runs_a_check_and_its_audit(installed: Path, tmp_path: Path, clip: Path) -> None:
    data = tmp_path / "data"
    demo = run(installed, tmp_path, "--data-dir", data, "demo", "--rehearse", "--clip", clip, "--json")
    assert demo.returncode == 0, demo.stderr[-2000:] + demo.stdout[-2000:]
    report = json.loads(demo.stdout)
    assert report["verdict"]["decision"] == "rehearsed"
    assert not report["verdict"]["is_live"]
    assert {step["state"] for step in report["audit"]} == {"holds"}
    assert "fails" in {step["state"] for step in report["tampered"]}

    audit = run(installed, tmp_path, "--data-dir", data, "audit", "--all", "--json")
    assert audit.returncode == 0, audit.stdout[-2000:]

    doctor = json.loads(run(installed, tmp_path, "--data-dir", data, "doctor", "--json").stdout)
    assert [finding for finding in doctor["findings"] if finding["needed"] and finding["state"] != "ok"] == []
