"""Figures and card of the deepfake net, from made-up scores; weights read from a made-up package."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.training.deepfake_card import write_deepfake_card
from medauth.training.deepfake_judging import (
    Scored,
    alarm_figures,
    blend_figures,
    dataset_figures,
    recording_figures,
    sequence_figures,
    windows_of,
)
from medauth.training.encoded import Encoded, encoded_at
from medauth.training.sequence_shards import SequenceShard
from medauth.training.tfjs_weights import _shard, unpack_tensors


def scored() -> Scored:
    """Six pairs: fakes of a small shift score like real faces, those of a large one above them all."""
    kind = np.array(["real", "fake"] * 6)
    shift = np.array([np.nan, 0.3, np.nan, 0.6] * 3)
    logits = np.array([0.0, 0.0, 0.0, 5.0] * 3)
    return Scored(
        logits, kind, np.array([f"p{i // 2}" for i in range(12)]), shift, np.array([f"v{i // 2}" for i in range(12)])
    )


def test_bands_of_identity_shift_are_judged_apart() -> None:
    found = dataset_figures(scored())
    assert found["all"]["auc"] == pytest.approx(0.75)
    assert found["id_shift below 0.35"]["auc"] == pytest.approx(0.5)
    assert found["id_shift above 0.5"]["auc"] == pytest.approx(1.0)
    assert (found["id_shift above 0.5"]["real"], found["id_shift above 0.5"]["fake"]) == (3, 3)
    assert "id_shift 0.35 to 0.5" not in found


def test_species_of_blends_are_judged_against_all_real_faces() -> None:
    kinds = np.array(["real", "self_blend", "swap", "animated"] * 4)
    nothing = np.full(16, np.nan)
    logits = np.array([0.0, 1.0, -1.0, 2.0] * 4)
    persons = np.array([f"p{i // 4}" for i in range(16)])
    found = blend_figures(Scored(logits, kinds, persons, nothing, persons))
    assert {name: part["auc"] for name, part in found.items()} == {"self_blend": 1.0, "swap": 0.0, "animated": 1.0}


def test_alarms_are_counted_by_clip_and_operating_point() -> None:
    clips = [("calm", np.array([0.1, 0.2, 0.1])), ("odd", np.array([0.95, 0.9]))]
    found = alarm_figures(clips, {"standard": 0.96, "strict": 0.6})
    assert {name: (point["hits"], point["n"]) for name, point in found["points"].items()} == {
        "standard": (0, 2),
        "strict": (1, 2),
    }
    assert found["by_clip"] == {"calm": 0.2, "odd": 0.95}


def test_real_recordings_are_counted_and_people_stand_behind_the_interval() -> None:
    chances = np.array([0.1, 0.1, 0.9, 0.9, 0.2, 0.2, 0.2, 0.2])
    found = recording_figures(chances, np.repeat(["a", "b", "c", "d"], 2), {"standard": 0.95, "strict": 0.5})
    assert (found["standard"]["hits"], found["strict"]["hits"]) == (0, 2)
    assert (found["strict"]["n"], found["strict"]["people"]) == (8, 4)
    low, high = found["strict"]["interval95"]
    assert low < 0.25 < high


def test_windows_are_sixteen_frames_long() -> None:
    vectors = np.arange(24, dtype=np.float32)[:, None].repeat(5, axis=1)
    found = windows_of(vectors)
    assert found.shape == (3, 16, 5)
    np.testing.assert_array_equal(found[:, 0, 0], (0, 4, 8))


class Mean:
    """Stands for the encoder: a vector and a logit from the mean of a crop."""

    def call(self, signature: str, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        assert signature == "encode"
        mean = inputs["images"].mean()
        return {"vector": np.full((1, 5), mean, np.float32), "logit": np.full((1, 1), mean, np.float32)}


def test_sequences_are_encoded_once_and_judged_by_species(tmp_path: Path) -> None:
    images = np.zeros((5, 16, 8, 8, 3), np.uint8)
    images[2:] = 9
    shard = SequenceShard(images, np.array([0, 0, 1, 2, 3]), np.array(["a", "b", "c", "d", "e"]))
    made = encoded_at(tmp_path / "e.npz", Mean(), [shard])
    assert made.vectors.shape == (5, 16, 5)
    np.testing.assert_array_equal(made.frames, (0, 0, 9, 9, 9))
    again: Encoded = encoded_at(tmp_path / "e.npz", Mean(), [])
    np.testing.assert_array_equal(again.fake, (False, False, True, True, True))
    found = sequence_figures(again.frames.astype(np.float64), again)
    assert {name: part["auc"] for name, part in found.items()} == {
        "all": 1.0,
        "dataset_fake": 1.0,
        "forged": 1.0,
        "animated": 1.0,
    }


def test_a_card_is_written_from_the_manifest(tmp_path: Path) -> None:
    area = {"auc": 0.81234, "interval95": [0.78, 0.84], "real": 500, "fake": 500, "groups": 66}
    rate = {"value": 0.0, "hits": 0, "n": 6, "interval95": [0.0, 0.39]}
    kinds = {"all": area, "dataset_fake": area, "forged": area, "animated": area}
    manifest: dict[str, Any] = {
        "file": "deepfake.tflite",
        "size_bytes": 1234,
        "sha256": "ab" * 32,
        "signatures": {"encode": {"inputs": ["images"], "outputs": ["vector"]}},
        "operating_points": {"standard": {"threshold": 0.9, "target_bpcer": 0.01, "data": "100 real"}},
        "training": {
            "images": 6144,
            "frame_epochs": 8,
            "sequences": 200,
            "head_epochs": 16,
            "git_revision": "abc",
            "command": "medauth train deepfake",
        },
        "metrics": {
            "milliseconds_a_call": {"encode": 1.0},
            "valid": {
                "sequences": kinds,
                "frames_alone": kinds,
                "calibration_error_before": 0.1,
                "calibration_error_after": 0.05,
            },
            "natural_clips": {"points": {"standard": rate | {"threshold": 0.9}}, "by_clip": {"b01": 0.1}},
        },
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    unread = write_deepfake_card(tmp_path).read_text()
    assert "The test splits have not been read yet" in unread
    manifest["metrics"]["test"] = {
        "dataset": {"as they are": {"all": area}},
        "blends": {"as they are": {"self_blend": area}},
        "sequences": kinds,
        "sequences_by_frames_alone": kinds,
        "calibration_error": 0.1234,
        "recordings": {"strict": rate | {"hits": 2, "n": 73, "people": 20}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    card = write_deepfake_card(tmp_path).read_text()
    assert "0.812 [0.780, 0.840] (500+500)" in card
    assert "research weights" in card
    assert "`standard` (from 0.9 on) 0 of 6" in card
    assert "`strict` 2 of 73" in card
    assert "of other persons: 0.123" in card


def test_tensors_are_read_with_their_scale() -> None:
    entries: list[dict[str, Any]] = [
        {
            "name": "a/kernel",
            "shape": [2],
            "dtype": "float32",
            "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
        },
        {"name": "a/bias", "shape": [1], "dtype": "float32"},
    ]
    content = bytes([0, 4]) + np.array([2.5], np.float32).tobytes()
    found, used = unpack_tensors(content, entries, "file")
    assert used == len(content)
    np.testing.assert_allclose(found["a/kernel"], (-1.0, 1.0))
    np.testing.assert_allclose(found["a/bias"], (2.5,))
    with pytest.raises(InputError, match="a/bias"):
        unpack_tensors(content[:-1], entries, "file")


def test_a_shard_is_the_one_long_text_of_its_script(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8
    path = tmp_path / "group.min.js"
    path.write_text('!function(){return "' + base64.b64encode(content).decode() + '"}()')
    assert _shard(path) == content
    path.write_text("nothing")
    with pytest.raises(InputError, match="base64"):
        _shard(path)
