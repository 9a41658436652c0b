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
from dataclasses import astuple
from threading import Timer
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medauth.signals.digit_recogniser import DigitRecogniser, Hearing, Phone, Word, load_sphinx

LONGEST_S = 30.0
"""For one question; digits take a tenth of a second of it, noise half a second."""
_PROGRAM = "from medauth.signals.recogniser_apart import answer; answer()"
_log = logging.getLogger(__name__)


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
        return _hearing(self._asked(samples, "hear"))

    def hear_asked(self, samples: NDArray[np.int16], digits: str) -> Hearing:
        """See `DigitRecogniser`."""
        return _hearing(self._asked(samples, "hear_asked", digits))

    def sounds(self, samples: NDArray[np.int16], digits: str) -> tuple[Phone, ...]:
        """See `DigitRecogniser`."""
        return tuple(Phone(*phone) for phone in self._asked(samples, "sounds", digits) or ())

    def rest(self) -> None:
        """Ends the process; the next question begins another one."""
        process, self._process, self._gone = self._process, None, False
        if process is not None:
            process.kill()
            process.communicate()

    def _asked(self, samples: NDArray[np.int16], *question: str) -> Any:
        """The answer; None where there is none, and then for every question until `rest`."""
        said = b"" if self._gone else self._answer(samples.astype("<i2").tobytes(), question)
        try:
            return json.loads(said)
        except ValueError:
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
                return process.stdout.readline()
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
    if said is None:
        return Hearing((), -math.inf)
    words, likelihood = said
    return Hearing(tuple(Word(*word) for word in words), likelihood)
