from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from medauth.signals.models import read_manifest
from medauth.training.manifest import Manifest, describe_file, describe_training, git_revision, write_manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    weights = tmp_path / "net.tflite"
    weights.write_bytes(b"weights")
    return Manifest(
        name="net",
        version="1",
        **describe_file(weights),
        signatures={"predict": {"inputs": ["images"], "outputs": ["probabilities"]}},
        preprocessing={"size_px": 48},
        classes=("a", "b"),
        calibration={"temperature": 0.7, "in_file": True, "dependable": ["a"]},
        training={},
        metrics={},
    )


def test_the_digest_is_that_of_the_file(manifest: Manifest):
    assert manifest.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert manifest.size_bytes == 7


def test_the_signals_can_read_it(manifest: Manifest, tmp_path: Path):
    read = read_manifest(write_manifest(tmp_path, manifest))
    assert (read.name, read.file, read.sha256) == ("net", "net.tflite", manifest.sha256)
    assert read.classes == ("a", "b")
    assert read.temperature == 1.0
    assert read.dependable == {"a"}


def test_no_partial_file_is_left(manifest: Manifest, tmp_path: Path):
    write_manifest(tmp_path, manifest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "net.tflite"]


def test_a_training_names_command_revision_and_sorted_digests(tmp_path: Path):
    described = describe_training("medauth train net", tmp_path, {"b": "2", "a": "1"}, seed=7)
    assert described["command"] == "medauth train net"
    assert list(described["data_sha256"]) == ["a", "b"]
    assert described["seed"] == 7
    json.dumps(described)


def test_a_folder_without_a_commit_is_uncommitted(tmp_path: Path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert git_revision(tmp_path) == "uncommitted"
