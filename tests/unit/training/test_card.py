from __future__ import annotations

import json
from pathlib import Path

import pytest

from medauth.training.card import TEXTS, write_card

RATE = {"value": 0.87, "hits": 87, "n": 100, "interval95": [0.79, 0.922]}
FIGURES = {
    "accuracy": RATE,
    "mean_recall": RATE,
    "recall": {"happiness": RATE},
    "calibration_error_before": 0.09,
    "calibration_error_after": 0.02,
}
MANIFEST = {
    "name": "expression",
    "file": "expression.tflite",
    "sha256": "ab" * 32,
    "size_bytes": 123456,
    "signatures": {"predict": {"inputs": ["images"], "outputs": ["logits", "probabilities"]}},
    "preprocessing": {"size_px": 48, "colour": "grey"},
    "classes": ["happiness"],
    "training": {"images": 28536, "epochs": 30, "seconds": 3600, "git_revision": "abc", "command": "medauth train x"},
    "metrics": {"valid": FIGURES, "milliseconds_a_call": {"predict": 0.5}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "expression"
    found.mkdir()
    (found / "manifest.json").write_text(json.dumps(MANIFEST))
    return found


def test_figures_come_with_interval_and_n(folder: Path):
    card = write_card(folder).read_text()
    assert "| valid | 0.8700 [0.790, 0.922], n = 100 |" in card
    assert "| happiness | 0.870 | [0.790, 0.922] | 100 |" in card
    assert "ab" * 32 in card
    assert "medauth train x" in card


def test_an_unread_test_split_is_said_to_be_unread(folder: Path):
    assert "has not been read yet" in write_card(folder).read_text()
    judged = {**MANIFEST, "metrics": {**MANIFEST["metrics"], "test": FIGURES}}  # type: ignore[dict-item]  # JSON
    (folder / "manifest.json").write_text(json.dumps(judged))
    assert "has not been read yet" not in write_card(folder).read_text()


def test_only_pictures_that_exist_are_shown(folder: Path):
    assert "confusion_valid.png" not in write_card(folder).read_text()
    (folder / "confusion_valid.png").touch()
    assert "confusion_valid.png" in write_card(folder).read_text()


def test_a_comparison_stands_beside(folder: Path):
    other = {"accuracy": RATE, "mean_recall": RATE}
    (folder / "comparison_valid.json").write_text(json.dumps({"split": "valid", "fer": other, "only_fer_right": 3}))
    card = write_card(folder).read_text()
    assert "| valid | fer | 0.8700" in card
    assert "only_fer_right" not in card


def test_lighter_nets_stand_beside_theirs(folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "lighter nets give up" not in write_card(folder).read_text()
    beside = folder.parent / f"{manifest['name']}_small"
    beside.mkdir()
    (beside / "manifest.json").write_text(json.dumps(manifest | {"name": beside.name, "size_bytes": 1_234}))
    text = write_card(folder).read_text()
    assert f"| {beside.name} | 1,234 |" in text


def test_a_note_on_the_run_is_shown(folder: Path):
    noted = {**MANIFEST, "training": {**MANIFEST["training"], "note": "Shortened on the way."}}  # type: ignore[dict-item]  # JSON
    (folder / "manifest.json").write_text(json.dumps(noted))
    assert "Shortened on the way." in write_card(folder).read_text()


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_card_names_limits_terms_and_retraining(folder: Path, name: str):
    (folder / "manifest.json").write_text(json.dumps({**MANIFEST, "name": name}))
    card = write_card(folder).read_text()
    for heading in ("## What it cannot do", "## Terms", "## Train it on your own data", "research weights"):
        assert heading in card


def test_a_deletion_test_is_shown_only_for_the_weights_it_was_run_on(folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    figure = {"value": 2.7, "interval95": [1.6, 3.2]}
    found = {"model_sha256": manifest["sha256"], "covered_share": 0.2, "n": 80, "explainer": "Grad-CAM"}
    found |= {"data": {"split": "valid"}, "median_drop_hot": figure, "median_drop_random": figure}
    (folder / "deletion.json").write_text(json.dumps({**found, "hot_moves_more": figure}))
    card = write_card(folder).read_text()
    assert "hottest 20 %" in card
    assert f"evaluate deletion {manifest['name']} --data DIR --split valid --out FILE" in card
    (folder / "deletion.json").write_text(json.dumps({**found, "model_sha256": "other", "hot_moves_more": figure}))
    assert "hottest 20 %" not in write_card(folder).read_text()


def test_a_variant_has_a_card_of_its_own(folder: Path):
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | {"name": "expression_student"}))
    assert write_card(folder).read_text().startswith("# expression_student: a lighter net")
