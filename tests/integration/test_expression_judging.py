"""What the judging commands count, on some real test tiles: against what is known of each, not against themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medauth.signals.models import ModelLibrary
from medauth.training import ensemble_judging, movement_judging
from medauth.training.datasets import JUDGED, LabelledImages, load_expressions

pytestmark = pytest.mark.media


@pytest.fixture
def few(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> LabelledImages:
    """The first 80 smiles and 80 resting faces of the test part."""
    faces = load_expressions(data_dir, "test")
    keep = np.zeros(len(faces.majority), np.bool_)
    for name in ("happiness", "neutral"):
        keep[np.flatnonzero(faces.majority == JUDGED.index(name))[:80]] = True
    some = faces.select(keep)
    for module in (ensemble_judging, movement_judging):
        monkeypatch.setattr(module, "load_expressions", lambda _data, _split: some)
    return some


def test_smiles_are_read_off_their_movements_and_units_tell_them_from_rest(few: LabelledImages, tmp_path: Path) -> None:
    found = movement_judging.judge_movements(Path(), tmp_path, "test", lambda _line: None)
    assert found["mesh_found"]["value"] > 0.85
    assert found["by_label"]["happiness"]["value"] > 0.6
    assert found["units_against_rest"]["happiness"]["12"] > 0.85
    assert found["by_label"]["anger"]["n"] == 0


def test_what_an_ensemble_mends_and_spoils_adds_up(few: LabelledImages, tmp_path: Path) -> None:
    lines: list[str] = []
    rows: list[dict[str, Any]] = ensemble_judging.judge_ensembles(
        Path(), tmp_path, ModelLibrary(), "test", lines.append
    )
    alone = rows[0]
    assert alone["members"] == {}
    assert alone["mended"] == alone["spoiled"] == 0
    assert alone["accuracy"]["value"] > 0.85
    for row in rows:
        assert row["accuracy"]["hits"] == alone["accuracy"]["hits"] + row["mended"] - row["spoiled"]
    assert any(row["mended"] + row["spoiled"] for row in rows[1:]), "members are heard"
