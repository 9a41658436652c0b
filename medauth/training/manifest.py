"""`models/<name>/manifest.json`: what a weights file is, where it comes from and how good it is."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class Manifest:
    """One model. Shapes are written as lists; `classes` are in the order of the outputs."""

    name: str
    version: str
    file: str
    sha256: str
    size_bytes: int
    signatures: dict[str, Any]
    preprocessing: dict[str, Any]
    classes: tuple[str, ...]
    calibration: dict[str, Any]
    training: dict[str, Any]
    metrics: dict[str, Any]
    operating_points: dict[str, Any] = field(default_factory=dict)  # by policy, of a model behind a deny cue
    licence: str = "research weights, see models/LICENSE"
    format: str = "litert"
    schema: int = SCHEMA


def describe_file(path: Path) -> dict[str, Any]:
    """Name, SHA-256 and size of a weights file."""
    content = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def describe_training(command: str, repository: Path, digests: dict[str, str], **more: Any) -> dict[str, Any]:
    """Command, git revision, package versions and the digests of the data that was read."""
    packages = ("tensorflow-cpu", "keras", "numpy", "opencv-contrib-python", "ai-edge-litert")
    return {
        "command": command,
        "git_revision": git_revision(repository),
        "packages": {name: _version(name) for name in packages},
        "data_sha256": dict(sorted(digests.items())),
        **more,
    }


def git_revision(repository: Path) -> str:
    """The commit that `repository` is at, marked when files differ from it, or "uncommitted" before the first one."""
    head = _git(repository, "rev-parse", "--verify", "HEAD")
    if not head:
        return "uncommitted"
    return f"{head}-dirty" if _git(repository, "status", "--porcelain", "medauth/training") else head


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `manifest.json` into the model's folder, replacing it in one step."""
    path = folder / "manifest.json"
    partial = folder / "manifest.json.partial"
    partial.write_text(json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")
    partial.replace(path)
    return path


def _git(repository: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # fixed program, arguments of our own
            ["git", "-C", str(repository), *arguments],  # noqa: S607  # the git on the developer's path
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
