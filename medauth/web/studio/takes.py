"""Recordings being looked at: one for each person signed in, few at once, each in a process and a folder of its own.

The upload is removed as soon as it was looked at, findings and annotated film after a quarter of an hour or when the next
take begins. Nothing of it enters mirror, log or evidence.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from medauth.errors import InputError, NotFound
from medauth.protocol.canonical import require_flat
from medauth.service.records import new_id
from medauth.web.problems import Problem

MAX_UPLOAD_BYTES = 64 << 20
MOST_AT_ONCE = 2
LONGEST_S = 600.0
"""Then a process is ended, whatever it is doing."""
KEPT_MS = 15 * 60_000
_CHUNK = 1 << 18
_USUAL = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
"""No passphrase, no secret and no address of a database or node goes on."""
RESULT, FILM = "result.json", "annotated.webm"


class TakeState(StrEnum):
    """Where it stands."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Take:
    """One upload, and what came of it."""

    take_id: str
    owner: str
    folder: Path
    began_ms: float
    state: TakeState = TakeState.WORKING
    told: dict[str, Any] = field(default_factory=dict)
    """What the process said last."""
    process: subprocess.Popen[bytes] | None = None
    follower: threading.Thread | None = None
    """Reads what the process says; ends after it."""

    def to_json(self) -> dict[str, Any]:
        """For the page that waits."""
        return {"id": self.take_id, "state": self.state.value, **self.told}


Command = Callable[[Path, str], Sequence[str]]
"""What looks at the upload in a folder, with the face detector of that name."""


def _worker(folder: Path, detector: str) -> Sequence[str]:
    return (sys.executable, "-m", "medauth.web.studio.work", str(folder), detector)


class Takes:
    """All takes of one server process. Thread-safe."""

    def __init__(
        self, clock_ms: Callable[[], float], settings: Mapping[str, str] | None = None, command: Command = _worker
    ) -> None:
        """`settings`: the few variables that a process which looks at strangers' films may know."""
        self._clock_ms = clock_ms
        usual = {name: os.environ[name] for name in _USUAL if name in os.environ}
        own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        self._environ = usual | own | dict(settings or {})
        self._command = command
        self._takes: dict[str, Take] = {}
        self._lock = threading.RLock()

    def begin(self, owner: str, upload: BinaryIO, length: int, detector: str = "mesh") -> Take:
        """Takes an upload in and begins to look at it, faces found by `detector`. Raises `Problem` where the person or the server has one under way."""
        take = self._entered(owner)
        try:
            _receive(upload, length, take.folder / "upload")
            take.process = subprocess.Popen(  # noqa: S603 - this interpreter, a module of ours, a folder of ours
                self._command(take.folder, detector),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environ,
            )
        except BaseException:
            self._drop(take)
            raise
        take.follower = threading.Thread(target=self._follow, args=(take,), name="medauth-studio", daemon=True)
        take.follower.start()
        return take

    def of(self, owner: str, take_id: str) -> Take:
        """A take of this person's. Raises `NotFound` for another's, and for one that is no longer kept."""
        self.sweep()
        take = self._takes.get(take_id)
        if take is None or take.owner != owner:
            raise NotFound("no such take", expected="one of yours, of the last quarter of an hour")
        return take

    def stop(self, take: Take) -> None:
        """Ends it and removes all of it."""
        self._drop(take)

    def sweep(self) -> None:
        """Removes what is past its time."""
        now = self._clock_ms()
        for take in list(self._takes.values()):
            if now - take.began_ms > KEPT_MS:
                self._drop(take)

    def close(self) -> None:
        """Ends and removes all: the server stops."""
        for take in list(self._takes.values()):
            self._drop(take)

    def _entered(self, owner: str) -> Take:
        self.sweep()
        with self._lock:
            own = [take for take in self._takes.values() if take.owner == owner]
            working = [take for take in self._takes.values() if take.state is TakeState.WORKING]
            if any(take.state is TakeState.WORKING for take in own):
                raise Problem(409, "busy", "one recording at a time", "wait until yours is done, or stop it")
            if len(working) >= MOST_AT_ONCE:
                raise Problem(503, "busy", "others are being looked at", "try again", retry_after_ms=15_000)
            take = Take(new_id("tak"), owner, Path(tempfile.mkdtemp(prefix="medauth-")), self._clock_ms())
            self._takes[take.take_id] = take
        for earlier in own:
            self._drop(earlier)
        return take

    def _follow(self, take: Take) -> None:
        """Reads what the process says until it ends, and sees to it that it does."""
        process = take.process
        assert process is not None
        assert process.stdout is not None
        timer = threading.Timer(LONGEST_S, process.kill)
        timer.daemon = True
        timer.start()
        try:
            for line in process.stdout:
                take.told = _line(line) or take.told
            code = process.wait()
        finally:
            timer.cancel()
            process.stdout.close()
        with suppress(FileNotFoundError):  # stopped meanwhile: the folder goes, or has gone
            for file in take.folder.glob("upload*"):
                file.unlink(missing_ok=True)
        if code == 0 and (take.folder / RESULT).is_file():
            take.state = TakeState.DONE
        else:
            reason = {"trouble": "it could not be analysed", "expected": "a shorter or smaller recording"}
            take.told = take.told if "trouble" in take.told else reason
            take.state = TakeState.FAILED

    def _drop(self, take: Take) -> None:
        with self._lock:
            self._takes.pop(take.take_id, None)
        if take.process is not None:
            take.process.kill()
            take.process.wait()
        shutil.rmtree(take.folder, ignore_errors=True)


def _receive(upload: BinaryIO, length: int, path: Path) -> None:
    """Exactly `length` bytes: what breaks off is no upload."""
    left = length
    with path.open("xb") as file:
        while left and (chunk := upload.read(min(left, _CHUNK))):
            file.write(chunk)
            left -= len(chunk)
    if left:
        raise Problem(400, "upload", "an upload that broke off", "send it again")


def _line(line: bytes) -> dict[str, Any]:
    try:
        require_flat(line)
        told = json.loads(line)
    except (InputError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
