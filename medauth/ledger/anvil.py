"""A local chain of one's own: anvil, found, spawned, kept in a folder, shared by the processes that use it.

It starts in about 100 ms, saves its state every few seconds and when it stops, and stops when its last user is gone. What
a power cut takes away the chain is given again: the genesis block is made from a remembered time and so stays the same,
`Web3Chain` deploys a lost contract at its old address, and the writer anchors what is missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from medauth.errors import LedgerError, LedgerUnreachable, MissingTool
from medauth.ledger.interface import LOCAL_CHAIN_ID
from medauth.ledger.rpc import JsonRpc

PINNED_VERSION = "1.7.1"
_KEEPER = Path(__file__).with_name("anvil_keeper.py")
_STATE_INTERVAL_S = 10
_START_S = 15.0
_STOP_S = 10.0
_GENESIS_SPREAD_S = 1_000_000
_PROCESSORS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def find_anvil(configured: Path | None = None, *, folders: tuple[Path, ...] = ()) -> Path:
    """The anvil program: as configured, else from npm (in `folders`, here, or beside the sources), else on PATH."""
    system = f"{platform.system().lower()}-{_PROCESSORS.get(platform.machine().lower(), platform.machine())}"
    inside = Path("node_modules", "@foundry-rs", f"anvil-{system}", "bin", "anvil")
    roots = (*folders, Path.cwd(), Path(__file__).parents[2])
    on_path = shutil.which("anvil")
    candidates = [configured] if configured else [root / inside for root in roots]
    if on_path and not configured:
        candidates.append(Path(on_path))
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.resolve()
    raise MissingTool(
        f"no program at {configured}" if configured else "anvil, the local chain, is not installed",
        expected="anvil from npm, on PATH, or where MEDAUTH_ANVIL says",
        next_step=f"npm install @foundry-rs/anvil@{PINNED_VERSION}, or set MEDAUTH_RPC_URL; records stay pending meanwhile",
    )


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What must outlive the node: its port, the time its genesis block is made from, and who keeps it now."""

    port: int
    genesis_time: int
    """Seconds since the epoch, a little at random: it also tells our chain from somebody else's on the same port."""
    keeper: int = 0


class AnvilNode:
    """A running local chain. Close it, or leave its `with` block, when it is not needed any more."""

    def __init__(self, url: str, users: IO[bytes] | None, keeper: subprocess.Popen[bytes] | None) -> None:
        self.url = url
        self._users = users
        self._keeper = keeper

    def close(self) -> None:
        """Lets go of the node. It stops when nobody else uses it, and is waited for where this process began it."""
        if self._users is None:
            return
        alone = _is_alone(self._users)
        self._users.close()
        self._users = None
        if self._keeper is not None and alone:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(_STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _is_alone(lock: IO[bytes]) -> bool:
    """Whether no other process holds the lock; the keeper only waits for that of the users."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_anvil(folder: Path, program: Path, *, persist: bool = False, keep_history: bool = False) -> AnvilNode:
    """The chain that lives in `folder`: the one that runs already, or a new one.

    `persist` leaves it running after its users (`stop_anvil` ends it); `keep_history` is for tests that reorganise.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = folder.resolve()  # the node works in this folder, not in ours
    users = (folder / "users.lock").open("ab")
    try:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while an earlier node is saving its state
        with _starting(folder):
            remembered = _remembered(folder)
            if _is_kept(folder) and _answers(remembered):
                return AnvilNode(_url(remembered.port), users, None)
            return _spawn(folder, program, users, persist=persist, keep_history=keep_history)
    except BaseException:
        users.close()
        raise


def stop_anvil(folder: Path) -> bool:
    """Stops the node of `folder`, whoever uses it; False when none runs."""
    if not _is_kept(folder):
        return False
    os.kill(_remembered(folder).keeper, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_S
    while _is_kept(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def _spawn(
    folder: Path, program: Path, users: IO[bytes], *, persist: bool, keep_history: bool, tries: int = 3
) -> AnvilNode:
    state = folder / "anvil.json"
    for _ in range(tries):
        known = _remembered(folder)
        fresh = not state.exists()
        wanted = _Remembered(_free_port(known.port), known.genesis_time or _new_genesis_time())
        command = _command(folder, program, wanted.port, wanted.genesis_time, keep_history)
        keeper = _start_keeper(folder, "-" if persist else str(folder / "users.lock"), command)
        started = replace(wanted, keeper=keeper.pid)
        _remember(folder, started)
        if _wait_for(keeper, started):
            # The genesis block is dated in the past, and anvil's clock with it.
            JsonRpc(_url(started.port)).call("evm_setTime", int(time.time()))
            if not fresh:
                shutil.copyfile(state, folder / "anvil.previous.json")
            return AnvilNode(_url(started.port), users, None if persist else keeper)
        if "--state" in _last_words(folder):
            _set_aside(folder)
    raise LedgerUnreachable(
        f"anvil does not start: {_last_words(folder) or 'no message'}",
        expected=f"an answer within {_START_S:.0f} s",
        next_step=f"look into {folder / 'anvil.log'}; records stay pending meanwhile",
    )


def _command(folder: Path, program: Path, port: int, genesis_time: int, keep_history: bool) -> list[str]:
    command = [str(program), "--quiet", "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(LOCAL_CHAIN_ID)]
    command += ["--hardfork", "prague", "--accounts", "0", "--no-cors", "--cache-path", str(folder / "cache")]
    command += ["--state", str(folder / "anvil.json"), "--state-interval", str(_STATE_INTERVAL_S)]
    # Also where there is a state to load: anvil makes a genesis block first and keeps it beside the loaded one. Were it
    # another, either of the two would be block 0, by chance (seen with 1.7.1).
    command += ["--timestamp", str(genesis_time)]
    if not keep_history:
        command.append("--prune-history")  # else it leaves gigabytes behind
    return command


def _start_keeper(folder: Path, users_lock: str, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / "anvil.log").open("wb") as log:
        keeper = subprocess.Popen(  # noqa: S603 (our own program, no shell)
            [sys.executable, "-I", "-S", str(_KEEPER), str(folder / "keeper.lock"), users_lock, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.defpath},
            # Ctrl-C in a terminal goes to all its programs; this one must outlive the others to save its state.
            start_new_session=True,
        )
    # It may outlive its AnvilNode, for other users: somebody must be there to take note of its end.
    threading.Thread(target=keeper.wait, daemon=True, name="anvil keeper").start()
    return keeper


def _wait_for(keeper: subprocess.Popen[bytes], started: _Remembered) -> bool:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if keeper.poll() is not None:
            return False
        if _answers(started):
            return True
        time.sleep(0.01)
    keeper.terminate()
    keeper.wait(_STOP_S)
    return False


def _is_kept(folder: Path) -> bool:
    """Whether a keeper is at work here: it holds its lock, whatever became of the process id that was noted."""
    with (folder / "keeper.lock").open("ab") as lock:
        return not _is_alone(lock)


def _answers(node: _Remembered) -> bool:
    """Whether our own chain answers there, and not another program that took the port."""
    try:
        rpc = JsonRpc(_url(node.port), timeout_s=2.0)
        first = rpc.call("eth_getBlockByNumber", "0x0", False)
        return isinstance(first, dict) and rpc.parse_quantity("", first.get("timestamp")) == node.genesis_time
    except LedgerError:
        return False


def _new_genesis_time() -> int:
    return int(time.time()) - 1 - secrets.randbelow(_GENESIS_SPREAD_S)


def _free_port(wanted: int) -> int:
    """The remembered port where it is free, else any."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise LedgerUnreachable("no free port on 127.0.0.1", next_step="close some programs and try again")


def _set_aside(folder: Path) -> None:
    """Moves a state that anvil cannot read out of the way; the one it started from last time takes its place."""
    state, previous = folder / "anvil.json", folder / "anvil.previous.json"
    state.replace(folder / f"anvil.damaged-{int(time.time())}.json")
    if previous.exists():
        previous.replace(state)


def _last_words(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return (folder / "anvil.log").read_text(errors="replace").strip()[:300]
    return ""


@contextlib.contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """One process at a time looks for a node and starts one."""
    with (folder / "start.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remembered(folder: Path) -> _Remembered:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return _Remembered(**json.loads((folder / "node.json").read_text()))
    return _Remembered(port=0, genesis_time=_saved_genesis_time(folder))


def _saved_genesis_time(folder: Path) -> int:
    """From the state itself, where only that is left; 0 where there is none."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, IndexError):
        blocks = json.loads((folder / "anvil.json").read_text())["blocks"]
        return next(int(b["header"]["timestamp"], 16) for b in blocks if int(b["header"]["number"], 16) == 0)
    return 0


def _remember(folder: Path, remembered: _Remembered) -> None:
    draft = folder / "node.json.new"
    draft.write_text(json.dumps(asdict(remembered)))
    draft.replace(folder / "node.json")


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
