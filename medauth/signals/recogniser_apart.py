"""The recogniser of digits in a process of its own, for as long as one check is judged.

PocketSphinx holds Python's one lock while it listens: in the server's own process every other check would stand still
meanwhile, for 0.4 s of CPU time where somebody sends 15 s of noise. And what it is given comes from strangers: a process that
dies of it, or takes too long, has heard nothing, and the check is inconclusive.
"""

from __future__ import annotations

import json
import logging
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import astuple
from threading import Timer
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.protocol.canonical import require_flat
from medauth.signals.digit_recogniser import DigitRecogniser, Hearing, Phone, Word, load_sphinx

LONGEST_S = 30.0
"""For one question; digits take a tenth of a second of it, noise half a second."""
_MOST_BYTES = 65_536
"""Of one answer: some hundred phones at most."""
_PROGRAM = "from medauth.signals.recogniser_apart import answer; answer()"
_NOTHING = Hearing((), -math.inf)
_log = logging.getLogger(__name__)

A = TypeVar("A")


class RecogniserApart:
    """As `DigitRecogniser`. Its process begins with the first question and ends with `rest`. Raises `MissingTool`."""

    def __init__(self, program: str = _PROGRAM, longest_s: float = LONGEST_S) -> None:
        load_sphinx()
        self._program = program
        self._longest_s = longest_s
        self._process: subprocess.Popen[bytes] | None = None
        self._gone = False

    def hear(self, samples: NDArray[np.int16]) -> Hearing:
        """See `DigitRecogniser`."""
        return self._asked(_hearing, samples, "hear") or _NOTHING

    def hear_asked(self, samples: NDArray[np.int16], digits: str) -> Hearing:
        """See `DigitRecogniser`."""
        return self._asked(_hearing, samples, "hear_asked", digits) or _NOTHING

    def sounds(self, samples: NDArray[np.int16], digits: str) -> tuple[Phone, ...]:
        """See `DigitRecogniser`."""
        return self._asked(_phones, samples, "sounds", digits) or ()

    def rest(self) -> None:
        """Ends the process; the next question begins another one."""
        process, self._process, self._gone = self._process, None, False
        if process is not None:
            process.kill()
            process.communicate()

    def _asked(self, read: Callable[[Any], A], samples: NDArray[np.int16], *question: str) -> A | None:
        """The answer; None where there is none, and then for every question until `rest`."""
        said = b"" if self._gone else self._answer(samples.astype("<i2").tobytes(), question)
        try:
            require_flat(said)  # whoever broke into that process is not to end this one
            return read(json.loads(said))
        except (ValueError, TypeError, InputError):
            self._gone = True
            _log.warning("the recogniser of digits gave no answer to %s", question[0])
            return None

    def _answer(self, pcm: bytes, question: tuple[str, ...]) -> bytes:
        try:
            process = self._process = self._process or _begun(self._program)
            assert process.stdin is not None
            assert process.stdout is not None
            limit = Timer(self._longest_s, process.kill)
            limit.start()
            try:
                process.stdin.write(json.dumps([*question, len(pcm)]).encode() + b"\n" + pcm)
                process.stdin.flush()
                return process.stdout.readline(_MOST_BYTES)
            finally:
                limit.cancel()
        except OSError:
            return b""


def answer(asked: BinaryIO | None = None, said: BinaryIO | None = None) -> None:
    """The other process: a line of JSON and so many bytes of sound in, a line of JSON out, until nothing more comes."""
    asked, said = asked or sys.stdin.buffer, said or sys.stdout.buffer
    recogniser = DigitRecogniser()
    while line := asked.readline():
        name, *digits, length = json.loads(line)
        samples = np.frombuffer(asked.read(length), "<i2").astype(np.int16)
        found = getattr(recogniser, name)(samples, *digits)
        plain = astuple(found) if isinstance(found, Hearing) else [astuple(phone) for phone in found]
        said.write(json.dumps(plain).encode() + b"\n")
        said.flush()


def _begun(program: str) -> subprocess.Popen[bytes]:
    known = os.pathsep.join(path for path in sys.path if path)
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-c", program],
        stdin=pipe, stdout=pipe, stderr=nowhere, env=os.environ | {"PYTHONPATH": known},
    )  # fmt: skip


def _hearing(said: Any) -> Hearing:
    words, likelihood = said
    return Hearing(tuple(Word(str(digit), int(start), int(end)) for digit, start, end in words), float(likelihood))


def _phones(said: Any) -> tuple[Phone, ...]:
    return tuple(Phone(str(name), int(start), int(end)) for name, start, end in said)
