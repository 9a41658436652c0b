"""How often digits that were said are heard, and other digits are not: recordings of single digits, put in a row.

A folder a speaker, a file a digit (`anna/7.wav`, or `anna/7-2.wav` for a second take). What people say in one go runs
together more than recordings with pauses between them, and has fewer cut edges: neither is better than the other by rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medauth.capture.sound import read_sound
from medauth.errors import InputError
from medauth.protocol.digits import DIGITS, sequence, sequence_count
from medauth.protocol.sound import RATE_HZ
from medauth.signals.digit_recogniser import DigitRecogniser
from medauth.signals.speech import CLEARLY

Samples = NDArray[np.int16]
_BEFORE_MS, _AFTER_MS = 600, 1_200
_PAUSE_MS = (80, 420)
_LOUDNESS = 2_400.0
_EDGE = 0.03
CONDITIONS: Mapping[str, float | None] = {"clean": 45.0, "noise 20 dB": 20.0, "noise 10 dB": 10.0, "telephone": None}
"""By name: white noise so far below the voice; a telephone's band has 20 dB."""


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """Takes of each digit, cut to the voice."""

    name: str
    takes: Mapping[str, tuple[Samples, ...]]

    def say(self, digits: str, random: np.random.Generator, condition: str = "clean") -> Samples:
        """(n,) int16 at 16 kHz: these digits in a row, under a condition."""
        parts: list[NDArray[np.int16]] = [np.zeros(_BEFORE_MS * RATE_HZ // 1_000, np.int16)]
        for digit in digits:
            takes = self.takes[digit]
            parts += [
                takes[int(random.integers(len(takes)))],
                np.zeros(int(random.integers(*_PAUSE_MS)) * 16, np.int16),
            ]
        parts.append(np.zeros(_AFTER_MS * RATE_HZ // 1_000, np.int16))
        return _spoilt(np.concatenate(parts).astype(np.float64), CONDITIONS[condition], random)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one speaker under one condition: how the sequences were heard. `other` would refuse a check, `unsure` not."""

    speaker: str
    condition: str
    right: int
    unsure: int
    other: int
    one_off: int
    """Of those not right, how many were heard with one digit changed: they pass where precisely that was asked. (Another
    sequence by chance is 1 in 7,290: that none of those passes would say nothing.)"""

    @property
    def said(self) -> int:
        """How many."""
        return self.right + self.unsure + self.other


def speakers_in(folder: Path) -> list[Speaker]:
    """Every folder with a recording of each digit. Raises `InputError` where there is none, and `MissingTool`."""
    found = []
    for place in sorted(path for path in folder.glob("*") if path.is_dir()):
        files = {digit: sorted(place.glob(f"{digit}[.-]*")) for digit in DIGITS}
        if all(files.values()):
            takes = {digit: tuple(_voice(read_sound(path)) for path in paths) for digit, paths in files.items()}
            found.append(Speaker(place.name, takes))
    if not found:
        raise InputError(f"no speaker of ten digits in {folder}", expected="SPEAKER/0.wav to SPEAKER/9.wav")
    return found


def heard_of(speaker: Speaker, count: int, seed: int) -> Iterator[Heard]:
    """`count` sequences of a speaker under each condition."""
    recogniser = DigitRecogniser()
    for number, condition in enumerate(CONDITIONS):
        random = np.random.default_rng([seed, number])
        kinds = Counter(_one(recogniser, speaker, random, condition) for _ in range(count))
        one_off = sum(n for (_, off), n in kinds.items() if off)
        how = {name: sum(n for (kind, _), n in kinds.items() if kind == name) for name in ("right", "unsure", "other")}
        yield Heard(speaker.name, condition, how["right"], how["unsure"], how["other"], one_off)


def _one(
    recogniser: DigitRecogniser, speaker: Speaker, random: np.random.Generator, condition: str
) -> tuple[str, bool]:
    """How one sequence is heard, and whether with one digit changed."""
    said = sequence(int(random.integers(sequence_count())))
    samples = speaker.say(said, random, condition)
    heard = recogniser.hear(samples)
    if heard.digits == said:
        return "right", False
    asked = recogniser.hear_asked(samples, said)
    clearly = bool(heard.digits) and heard.likelihood - asked.likelihood >= CLEARLY
    one_off = len(heard.digits) == len(said) and sum(a != b for a, b in zip(heard.digits, said, strict=True)) == 1
    return "other" if clearly else "unsure", one_off


def _voice(samples: Samples) -> Samples:
    """Cut to where it is loud, at one loudness."""
    wide = samples.astype(np.float64)
    level = np.convolve(np.abs(wide), np.ones(160) / 160, "same")
    loud = np.flatnonzero(level > _EDGE * level.max()) if len(wide) else np.empty(0, np.intp)
    if not len(loud):
        raise InputError("a recording without a voice", expected="one digit, said once")
    cut = wide[loud[0] : loud[-1] + 1]
    return _whole(cut * _LOUDNESS / np.sqrt((cut**2).mean()))


def _spoilt(clean: NDArray[np.float64], below_db: float | None, random: np.random.Generator) -> Samples:
    noise = random.normal(0, _LOUDNESS / 10 ** ((20.0 if below_db is None else below_db) / 20), len(clean))
    heard = clean + noise
    if below_db is None:
        spectrum, hertz = np.fft.rfft(heard), np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
        heard = np.fft.irfft(spectrum * ((hertz >= 300) & (hertz <= 3_400)), len(heard))  # noqa: PLR2004 - ITU-T G.712
    return _whole(heard)


def _whole(samples: NDArray[np.float64]) -> Samples:
    return np.asarray(np.clip(samples, -32_768, 32_767), np.int16)
