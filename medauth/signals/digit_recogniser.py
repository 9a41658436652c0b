"""Which digits are said in a stretch of sound, and when each of their sounds: English, offline, by ten words and no others.

Words and sounds come from PocketSphinx with the US English model inside its package (BSD; extra `speech`). The grammar is
as many of the ten words as a step asks for: of recorded people a free row of them was heard worse, with digits put in at the
ends of words. So everything is heard as digits; by how much those that were asked fit worse than those heard, `likelihood`
tells.
"""

from __future__ import annotations

import hashlib
import importlib
import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import MissingTool
from medauth.protocol.digits import COUNT
from medauth.protocol.sound import RATE_HZ
from medauth.signals.interface import ModelUse

_FRAME_MS = 10
_LEAST = 1e-300
"""Likelihoods are numbers between 0 and 1; this is as good as none."""
WORDS: tuple[str, ...] = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SOUNDS: tuple[tuple[str, str], ...] = (
    ("zero", "Z IH R OW"),
    ("zero(2)", "Z IY R OW"),
    ("one", "W AH N"),
    ("one(2)", "HH W AH N"),
    ("two", "T UW"),
    ("three", "TH R IY"),
    ("four", "F AO R"),
    ("five", "F AY V"),
    ("six", "S IH K S"),
    ("seven", "S EH V AH N"),
    ("eight", "EY T"),
    ("nine", "N AY N"),
)
"""As in the CMU pronouncing dictionary."""
_ANY, _ASKED = "any", "asked"


@dataclass(frozen=True, slots=True)
class Word:
    """One digit as it was heard, in milliseconds from the first sample."""

    digit: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound (CMU names; `SIL` is none), in milliseconds from the first sample."""

    name: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard. `likelihood` is a natural logarithm per second of sound: only differences mean something."""

    words: tuple[Word, ...]
    likelihood: float

    @property
    def digits(self) -> str:
        """In a row."""
        return "".join(word.digit for word in self.words)


class DigitRecogniser:
    """Hears digits. Not thread-safe; one serves one check. Raises `MissingTool` without the extra `speech`."""

    def __init__(self) -> None:
        sphinx = load_sphinx()
        self._decoder = sphinx.Decoder(samprate=RATE_HZ, loglevel="FATAL", lm=None, dict=None)
        for number, (word, sounds) in enumerate(_SOUNDS, 1):
            self._decoder.add_word(word, sounds, number == len(_SOUNDS))
        row = " ".join([f"({' | '.join(WORDS)})"] * COUNT)
        self._decoder.add_jsgf_string(_ANY, f"#JSGF V1.0; grammar any; public <said> = {row};")

    def hear(self, samples: NDArray[np.int16]) -> Hearing:
        """Any digits, as many as a step asks for, in (n,) int16 at 16 kHz."""
        self._decoder.activate_search(_ANY)
        return self._decoded(samples)

    def hear_asked(self, samples: NDArray[np.int16], digits: str) -> Hearing:
        """These digits and no others: how likely they are, wherever they fit best."""
        words = " ".join(WORDS[int(digit)] for digit in digits)
        self._decoder.add_jsgf_string(_ASKED, f"#JSGF V1.0; grammar asked; public <said> = {words};")
        self._decoder.activate_search(_ASKED)
        return self._decoded(samples)

    def sounds(self, samples: NDArray[np.int16], digits: str) -> tuple[Phone, ...]:
        """When each sound of these digits was made; empty where they do not fit at all. Where sounds cannot be told apart,
        those of a word share its time."""
        words = self.hear_asked(samples, digits).words
        if not words:
            return ()
        self._decoder.set_alignment()
        found = self._decoder.get_alignment() if self._run(samples) else None
        if found is None:
            return tuple(phone for word in words for phone in _spread(word))
        return tuple(
            Phone(phone.name, _FRAME_MS * phone.start, _FRAME_MS * (phone.start + phone.duration))
            for phone in found.phones()
        )

    def rest(self) -> None:
        """Nothing to end: it listens on the caller's thread."""

    def _decoded(self, samples: NDArray[np.int16]) -> Hearing:
        found = self._decoder.hyp() if len(samples) and self._run(samples) else None
        if found is None:
            return Hearing((), -math.inf)
        names = [(piece.word.partition("(")[0], piece) for piece in self._decoder.seg()]
        words = tuple(
            Word(str(WORDS.index(name)), _FRAME_MS * piece.start_frame, _FRAME_MS * (piece.end_frame + 1))
            for name, piece in names
            if name in WORDS
        )
        return Hearing(words, math.log(max(found.score, _LEAST)) / (len(samples) / RATE_HZ))

    def _run(self, samples: NDArray[np.int16]) -> bool:
        """False where the search came to no end: what was heard fits no row of digits."""
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(samples.astype("<i2").tobytes(), full_utt=True)
        finally:
            ended = self._ended()
        return ended

    def _ended(self) -> bool:
        try:
            self._decoder.end_utt()
        except RuntimeError:
            return False
        return True


def _spread(word: Word) -> list[Phone]:
    """A word's sounds, each as long as the others."""
    names = next(sounds for name, sounds in _SOUNDS if name == WORDS[int(word.digit)]).split()
    edges = np.linspace(word.start_ms, word.end_ms, len(names) + 1)
    return [Phone(name, round(one), round(other)) for name, (one, other) in zip(names, pairwise(edges), strict=True)]


def load_sphinx() -> Any:
    """The library. Raises `MissingTool` that says where it comes from."""
    try:
        return importlib.import_module("pocketsphinx")
    except ImportError as error:
        raise MissingTool(
            "PocketSphinx is not installed, and this policy listens to digits",
            expected="the extra `speech`",
            next_step="pip install 'medauth[speech]', or use another policy",
        ) from error


@cache
def recogniser_use() -> ModelUse:
    """The recogniser as a statement names it: SHA-256 over its acoustic model's files and the ten words."""
    folder = Path(load_sphinx().get_model_path()) / "en-us" / "en-us"
    digest = hashlib.sha256(repr(_SOUNDS).encode())
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return ModelUse("pocketsphinx-en-us-digits", digest.hexdigest())
