"""What is carried along from elsewhere is what its makers published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UPLOT = ROOT / "node_modules" / "uplot"
CARRIED = ROOT / "medauth" / "web" / "static" / "vendor" / "uplot"


@pytest.mark.parametrize("name", ["LICENSE", "dist/uPlot.iife.min.js", "dist/uPlot.min.css"])
def test_uplot_is_the_pinned_one_to_the_byte(name: str) -> None:
    if not UPLOT.is_dir():
        pytest.skip("uplot is not in node_modules: npm ci")
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["uplot"]
    assert json.loads((UPLOT / "package.json").read_text())["version"] == pinned
    assert (CARRIED / Path(name).name).read_bytes() == (UPLOT / name).read_bytes()
