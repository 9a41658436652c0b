"""Fetches face-api's recognition weights from npm, checks them byte for byte, and leaves them as a LiteRT model folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from medauth.errors import InputError, MissingTool
from medauth.training.embedding_card import write_embedding_card
from medauth.training.embedding_release import chip_needs, embedding_endpoint
from medauth.training.export import LiteRtModel, check_agreement, write_litert
from medauth.training.face_api import SIZE_PX, build_net, read_tensors
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest
from medauth.training.release import measure_speed

NAME = "face_api"
PACKAGE, VERSION = "@vladmandic/face-api", "1.7.15"
_TENSORS = "package/model/face_recognition_model-weights_manifest.json"
_WEIGHTS = "package/model/face_recognition_model.bin"
_LICENCE = "package/LICENSE"
PINNED = {
    _TENSORS: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
    _WEIGHTS: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
}
"""SHA-256 of the files that are used, as version 1.7.15 holds them."""

# Cosines at which 1 % and 20 % of the pairs of two persons pass, among the validation actors of deepfake_dfdc_faces (the
# stricter of the two sets): docs/adr/0241. `medauth train judge-faces` finds them again on your data.
THRESHOLDS = {"match": 0.9179, "stranger": 0.8775, "data": "validation persons: false matches 1 % and 20 %"}


def add_face_api(models: Path, package: Path | None = None) -> Manifest:
    """Writes `models/face_api/` from the npm package, fetched unless `package` is the .tgz itself."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = package or fetch_package(Path(scratch))
        files = unpack(archive, Path(scratch))
        net = build_net(read_tensors(files[_TENSORS], files[_WEIGHTS]))
        folder = models / NAME
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[_LICENCE], folder / "LICENSE")
    return _write(net, folder)


def fetch_package(folder: Path) -> Path:
    """The package as `npm pack` brings it. Raises `MissingTool` without npm, `InputError` when npm fails."""
    npm = shutil.which("npm")
    if npm is None:
        raise MissingTool(
            "npm is not installed",
            expected=f"npm, or the package {PACKAGE}@{VERSION} as a file",
            next_step="install Node.js, or give the .tgz by --package",
        )
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
    found = sorted(folder.glob("*.tgz"))
    if done.returncode or not found:
        raise InputError(
            f"npm did not bring {PACKAGE}@{VERSION}: {done.stderr.strip()[-200:] or 'no answer'}",
            expected="a package registry in reach",
            next_step="try again with a network, or give the .tgz by --package",
        )
    return found[0]


def unpack(archive: Path, folder: Path) -> dict[str, Path]:
    """The files that are needed, each checked against its pinned SHA-256, below `folder`."""
    files = {}
    try:
        with tarfile.open(archive) as package:
            for name in (*PINNED, _LICENCE):
                member = package.extractfile(name)
                content = member.read() if member else b""
                digest = hashlib.sha256(content).hexdigest()
                if digest != PINNED.get(name, digest):
                    raise InputError(f"{name} has SHA-256 {digest}", expected=PINNED[name])
                files[name] = folder / Path(name).name
                files[name].write_bytes(content)
    except (OSError, tarfile.TarError, KeyError) as error:
        raise InputError(
            f"{archive} is not that package: {error}", expected=f"the .tgz of {PACKAGE}@{VERSION}"
        ) from error
    return files


def _write(net: Any, folder: Path) -> Manifest:
    import numpy as np

    path = folder / f"{NAME}.tflite"
    endpoint = embedding_endpoint(net, (1, SIZE_PX, SIZE_PX, 3))
    write_litert(net, [endpoint], path, weights="float16")
    noise = np.random.default_rng(0).uniform(0, 255, (4, 1, SIZE_PX, SIZE_PX, 3)).astype(np.float32)
    difference = check_agreement(path, [endpoint], [{"images": image} for image in noise], 0.01)
    manifest = Manifest(
        name=NAME,
        version=VERSION,
        **describe_file(path),
        signatures=LiteRtModel(path).signatures(),
        preprocessing=chip_needs(SIZE_PX, "rgb"),
        classes=(),
        calibration={"method": "threshold", "same_person": THRESHOLDS},
        training=describe_training(
            f"medauth models add face-api ({PACKAGE}@{VERSION})", Path(__file__).resolve().parents[2], dict(PINNED)
        ),
        metrics={
            "largest_difference_to_keras": round(difference, 5),
            "milliseconds_a_call": measure_speed(path, {"images": noise[0]}),
        },
        licence="weights CC0 (dlib), package MIT: see LICENSE",
    )
    write_manifest(folder, manifest)
    write_embedding_card(folder)
    return manifest
