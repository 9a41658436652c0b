"""Runs Slither over the contracts: `make slither`. Exits with Slither's own status; a finding is a failure.

Slither has an environment of its own below `.make/`: it wants another web3 than medauth has. It asks `forge` to compile,
and is given the one from npm with the compiler from npm (`scripts/forge.mjs`), so nothing is downloaded but packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".make" / "slither"
LOCK = ROOT / "requirements-slither.lock"
STAMP = HOME / "installed.lock"
OUT = "out/slither"
"""Apart from what forge's own tests compile: Slither cleans it first."""
OPTIONS = ("--compile-force-framework", "foundry", "--foundry-out-directory", OUT, "--filter-paths", "node_modules")


def main() -> int:
    """Installs what is missing, then runs Slither with the arguments given."""
    if not STAMP.exists() or STAMP.read_text() != LOCK.read_text():
        install()
    offer_forge()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(HOME / "bin"), os.environ.get("PATH", "")]),
        "FOUNDRY_OUT": OUT,
        "FOUNDRY_CACHE_PATH": "cache/slither",
    }
    command = [str(HOME / "bin" / "slither"), ".", *OPTIONS, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def install() -> None:
    """The environment and the locked packages."""
    print(f"slither · installing {LOCK.name}, by hash ...", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)], check=True)
    STAMP.write_text(LOCK.read_text())


def offer_forge() -> None:
    """The `forge` that Slither finds first on its PATH."""
    forge = HOME / "bin" / "forge"
    forge.write_text(f'#!/bin/sh\nexec "{ROOT}/.make/bin/node" "{ROOT}/scripts/forge.mjs" "$@"\n')
    forge.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
