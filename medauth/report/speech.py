"""What is said in a recording, and whether the words are pleasant: offline, in English, and no better than its parts.

Words come from PocketSphinx with the US English model inside its package (BSD): it hears read speech near a microphone and
guesses at the rest. Their tone comes from VADER's word list (MIT; Hutto & Gilbert, "VADER: A Parsimonious Rule-based Model
for Sentiment Analysis of Social Media Text", ICWSM 2014), by the limits that its authors give. A word list does not know
who says something, nor of irony; it tells pleasant from unpleasant words, not seven emotions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.capture.sound import load_extra
from medauth.protocol.sound import RATE_HZ

_PLAIN = 0.05
"""VADER's authors call a compound score neutral within this."""
_FRAME_MS = 10
_RECOGNISER, _WORD_LIST = ("pocketsphinx", "PocketSphinx"), ("vaderSentiment.vaderSentiment", "VADER")
_QUIET = 60.0
"""Root mean square of the loudest tenth of a second: what is quieter is no speech, but the recogniser hears words in it."""
WORTH = (
    "Words by PocketSphinx (US English), tone by VADER's word list (F1 .96 on its authors' tweets, less on speech that was "
    "misheard). The tone of words, not what anybody feels."
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was heard."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Speech:
    """What was heard. `compound` from -1 (unpleasant) to 1; None where no word was."""

    seconds: float
    words: tuple[Word, ...]
    compound: float | None

    @property
    def text(self) -> str:
        """The words in a row."""
        return " ".join(word.text for word in self.words)

    @property
    def tone(self) -> str:
        """In a word."""
        if self.compound is None:
            return "nothing heard"
        return tone_word(self.compound)

    def to_json(self) -> dict[str, Any]:
        """As `analysis.json` holds it."""
        words = [asdict(word) for word in self.words]
        return {
            "seconds": self.seconds,
            "text": self.text,
            "tone": self.tone,
            "compound": self.compound,
            "words": words,
            "worth": WORTH,
        }


def require_speech() -> None:
    """Raises `MissingTool` where a part of the extra `speech` is not installed: before hours of work, not after."""
    for module, name in (("av", "PyAV"), _RECOGNISER, _WORD_LIST):
        load_extra(module, name)


def hear(samples: NDArray[np.int16]) -> Speech:
    """Speech in (n,) int16 at 16 kHz. Raises `MissingTool` without the extra `speech`."""
    words = tuple(_recognised(samples)) if _loudest(samples) >= _QUIET else ()
    text = " ".join(word.text for word in words)
    return Speech(round(len(samples) / RATE_HZ, 1), words, tone_of(text) if words else None)


def _loudest(samples: NDArray[np.int16]) -> float:
    tenth = RATE_HZ // 10
    whole = samples[: len(samples) // tenth * tenth].astype(np.float64).reshape(-1, tenth)
    return float(np.sqrt((whole**2).mean(axis=1)).max()) if len(whole) else 0.0


def tone_of(text: str) -> float:
    """VADER's compound score of a text."""
    scores = load_extra(*_WORD_LIST).SentimentIntensityAnalyzer().polarity_scores(text)
    return float(scores["compound"])


def tone_word(compound: float) -> str:
    """A compound score by the limits of VADER's authors."""
    return "pleasant" if compound >= _PLAIN else "unpleasant" if compound <= -_PLAIN else "neither"


def _recognised(samples: NDArray[np.int16]) -> list[Word]:
    decoder = load_extra(*_RECOGNISER).Decoder(samprate=RATE_HZ, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
    heard = decoder.seg() if decoder.hyp() is not None else ()
    return [
        Word(piece.word.partition("(")[0], _FRAME_MS * piece.start_frame, _FRAME_MS * (piece.end_frame + 1))
        for piece in heard
        if not piece.word.startswith(("<", "["))
    ]
