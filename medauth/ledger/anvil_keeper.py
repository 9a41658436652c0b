"""Keeps one anvil running for as long as any process uses it; started by `anvil.py` as a program of its own.

Every user holds a shared lock on a file. The keeper asks for the exclusive one and gets it when the last user is gone,
however it went: the kernel releases the locks of a killed process. Then it stops anvil, which saves its state, and goes.
It imports nothing but the standard library, so that it starts in milliseconds and stays small.

    python anvil_keeper.py OWN_LOCK USERS_LOCK|- ANVIL [OPTION ...]      ("-": run until SIGTERM)

OWN_LOCK is held as long as the keeper runs, and tells that it does: a process id may be another program's by now.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_SAVING_S = 30.0


def _die_with_keeper() -> None:
    """Asks Linux to stop anvil when the keeper is killed; other systems leave that to the next start."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop_when_unused(users: IO[bytes], anvil: subprocess.Popen[bytes]) -> None:
    fcntl.flock(users, fcntl.LOCK_EX)
    # Held until this program ends: whoever wants a node now waits for the lock, and then starts a new one.
    anvil.terminate()
    try:
        anvil.wait(_SAVING_S)
    except subprocess.TimeoutExpired:
        anvil.kill()


def main(arguments: list[str]) -> int:
    """Runs until anvil ends; returns its exit status."""
    own_lock, users_lock, *command = arguments
    # First of all, and held to the end.
    own = Path(own_lock).open("ab")  # noqa: SIM115
    fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    users = None if users_lock == "-" else Path(users_lock).open("rb")  # noqa: SIM115
    anvil = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_keeper)  # noqa: S603, PLW1509 (one thread so far)
    signal.signal(signal.SIGTERM, lambda *_: anvil.terminate())
    if users is not None:
        threading.Thread(target=_stop_when_unused, args=(users, anvil), daemon=True).start()
    return anvil.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
