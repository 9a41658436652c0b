"""How often speech is misheard: word errors of recordings whose words are known, and whether the tone survives.

The word error rate is substitutions, insertions and omissions over the words that were said, by the shortest way from one
to the other (Levenshtein's distance on words). It may exceed 1. Its interval resamples recordings, or speakers where there
are enough of them: sentences of one voice are no independent trials.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medauth.capture.sound import read_sound
from medauth.errors import InputError
from medauth.evaluation.metrics import wilson_rate
from medauth.report.speech import hear, tone_of, tone_word

LIST = "transcripts.csv"
_COLUMNS = ("file", "speaker", "words")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ROUNDS, _LEAST_SPEAKERS = 1_000, 8


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording and what is said in it, by whom."""

    path: Path
    speaker: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeardRow:
    """What was heard of it. `tones`: of the words said, and of those heard."""

    speaker: str
    said: tuple[str, ...]
    heard: tuple[str, ...]
    tones: tuple[str, str]

    @property
    def errors(self) -> int:
        """Words to change, add and leave out."""
        return word_distance(self.said, self.heard)


def read_list(folder: Path) -> tuple[Spoken, ...]:
    """The rows of `transcripts.csv` in a folder: file, speaker, words. Raises `InputError`."""
    try:
        with (folder / LIST).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or not set(_COLUMNS) <= set(reader.fieldnames):
                raise InputError(f"{folder / LIST} has other columns", expected=", ".join(_COLUMNS))
            rows = [Spoken(folder / row["file"], row["speaker"] or "", words_of(row["words"] or "")) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{folder / LIST} cannot be read: {error}", expected="CSV: file, speaker, words") from error
    if not any(row.words for row in rows):
        raise InputError(f"{folder / LIST} holds no words", expected="a row a recording: file, speaker, words")
    return tuple(row for row in rows if row.words)


def words_of(text: str) -> tuple[str, ...]:
    """Small letters, digits spelled one by one, hyphens apart, no punctuation: as the recogniser writes."""
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit[0])]} ", text.lower())
    return tuple(re.findall(r"[a-z]+(?:'[a-z]+)*", spelled.replace("’", "'")))


def word_distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest substitutions, insertions and omissions that make one of the other."""
    row = list(range(len(heard) + 1))
    for k, word in enumerate(said, start=1):
        before, row[0] = row[0], k
        for j, other in enumerate(heard, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def listen(rows: Sequence[Spoken], on_row: Callable[[], None] = lambda: None) -> list[HeardRow]:
    """Every recording as `medauth analyze --speech` hears it. Raises `MissingTool`, `InputError`."""
    found = []
    for row in rows:
        speech = hear(read_sound(row.path))
        tones = tone_word(tone_of(" ".join(row.words))), speech.tone
        found.append(HeardRow(row.speaker, row.words, words_of(speech.text), tones))
        on_row()
    return found


def word_report(rows: Sequence[HeardRow], seed: int = 0) -> dict[str, Any]:
    """Word error rate whole and by speaker, and how often the tone of what was heard is that of what was said."""
    speakers = sorted({row.speaker for row in rows})
    toned = [row for row in rows if row.tones[0] != "neither"]
    return {
        "format": "medauth word errors v1",
        "recordings": len(rows),
        "words": sum(len(row.said) for row in rows),
        "word_error_rate": _rate(rows),
        "interval95": _interval(rows, np.random.default_rng(seed)),
        "speakers": {
            name: {"recordings": len(own), "words": sum(len(row.said) for row in own), "word_error_rate": _rate(own)}
            for name in speakers
            if (own := [row for row in rows if row.speaker == name])
        },
        "tone_kept": wilson_rate(sum(row.tones[0] == row.tones[1] for row in rows), len(rows)).as_json(),
        "toned_kept": wilson_rate(sum(row.tones[0] == row.tones[1] for row in toned), len(toned)).as_json(),
        "tone_turned": sum({"pleasant", "unpleasant"} == set(row.tones) for row in rows),
    }


def _rate(rows: Sequence[HeardRow]) -> float:
    return round(sum(row.errors for row in rows) / max(1, sum(len(row.said) for row in rows)), 4)


def _interval(rows: Sequence[HeardRow], rng: np.random.Generator) -> list[float]:
    """Bootstrap over speakers where there are eight or more, else over recordings, which is too narrow for other voices."""
    names = sorted({row.speaker for row in rows})
    key = (lambda k: names.index(rows[k].speaker)) if len(names) >= _LEAST_SPEAKERS else (lambda k: k)
    groups = np.array([key(k) for k in range(len(rows))])
    errors, words = np.array([row.errors for row in rows]), np.array([len(row.said) for row in rows])
    totals = np.stack([np.bincount(groups, errors), np.bincount(groups, words)])
    drawn = totals[:, rng.integers(0, totals.shape[1], (_ROUNDS, totals.shape[1]))].sum(axis=2)
    low, high = np.percentile(drawn[0] / np.maximum(drawn[1], 1), [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]
