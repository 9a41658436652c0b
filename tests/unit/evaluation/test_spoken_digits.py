"""How digits heard are counted, over recordings that are tones and a recogniser whose answers are set."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from medauth.errors import InputError
from medauth.evaluation import spoken_digits
from medauth.evaluation.spoken_digits import CONDITIONS, Samples, Speaker, heard_of, speakers_in
from medauth.protocol.digits import DIGITS
from medauth.protocol.sound import RATE_HZ
from medauth.signals.digit_recogniser import Hearing, Word
from medauth.signals.speech import CLEARLY

HERTZ = {digit: 400 + 200 * int(digit) for digit in DIGITS}


def _tone(digit: str, seconds: float = 0.3) -> Samples:
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(8_000 * np.sin(2 * np.pi * HERTZ[digit] * times), np.int16)


def _speaker() -> Speaker:
    return Speaker("tones", {digit: (_tone(digit),) for digit in DIGITS})


def _digits_in(samples: Samples) -> str:
    """The tones in a row, each by its strongest frequency; a pause ends one."""
    loud = np.convolve(np.abs(samples.astype(np.float64)), np.ones(320) / 320, "same") > 2_000
    edges = np.flatnonzero(np.diff(np.r_[0, loud.astype(int), 0]))
    heard = ""
    for start, end in edges.reshape(-1, 2):
        spectrum = np.abs(np.fft.rfft(samples[start:end].astype(np.float64)))
        peak = np.fft.rfftfreq(end - start, 1 / RATE_HZ)[spectrum.argmax()]
        heard += min(HERTZ, key=lambda digit: abs(HERTZ[digit] - peak))
    return heard


class _Recogniser:
    """Hears tones; `wrong` changes the first digit, `margin` is how much better that then fits than what was said."""

    wrong = False
    margin = 0.0

    def hear(self, samples: Samples) -> Hearing:
        heard = _digits_in(samples)
        return _hearing(DIGITS[int(heard[0]) - 1] + heard[1:] if self.wrong else heard, -4.0)

    def hear_asked(self, _samples: Samples, digits: str) -> Hearing:
        return _hearing(digits, -4.0 - self.margin)


def _hearing(digits: str, likelihood: float) -> Hearing:
    return Hearing(tuple(Word(digit, 0, 0) for digit in digits), likelihood)


@pytest.mark.parametrize(
    ("wrong", "margin", "kind"), [(False, 0.0, "right"), (True, CLEARLY / 2, "unsure"), (True, 2 * CLEARLY, "other")]
)
def test_a_sequence_is_right_unsure_or_another(
    wrong: bool, margin: float, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Recogniser, "wrong", wrong)
    monkeypatch.setattr(_Recogniser, "margin", margin)
    monkeypatch.setattr(spoken_digits, "DigitRecogniser", _Recogniser)
    counts = list(heard_of(_speaker(), 6, seed=1))
    assert [one.condition for one in counts] == list(CONDITIONS)
    assert [(getattr(one, kind), one.said) for one in counts if one.condition == "clean"] == [(6, 6)]
    assert [one.one_off for one in counts if one.condition == "clean"] == [6 if wrong else 0]


def test_digits_are_said_in_a_row_with_pauses() -> None:
    said = _speaker().say("2934", np.random.default_rng(3))
    assert _digits_in(said) == "2934"


def test_a_telephone_has_no_low_and_no_high_sounds() -> None:
    said = _speaker().say("0123", np.random.default_rng(3), "telephone").astype(np.float64)
    power, hertz = np.abs(np.fft.rfft(said)) ** 2, np.fft.rfftfreq(len(said), 1 / RATE_HZ)
    assert power[(hertz < 280) | (hertz > 3_420)].sum() < 1e-4 * power.sum()


def test_a_folder_a_speaker_and_a_file_a_digit(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "incomplete").mkdir()
    for digit in DIGITS:
        _write(tmp_path / "anna" / f"{digit}.wav", np.r_[np.zeros(8_000, np.int16), _tone(digit)])
    _write(tmp_path / "anna" / "7-2.wav", _tone("7"))
    (speaker,) = speakers_in(tmp_path)
    assert (speaker.name, len(speaker.takes["7"]), len(speaker.takes["1"])) == ("anna", 2, 1)
    assert len(speaker.takes["1"][0]) == pytest.approx(len(_tone("1")), abs=200), "cut to the voice"


def test_no_speaker_and_no_folder_are_said(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no speaker of ten digits"):
            speakers_in(folder)


def _write(path: Path, samples: Samples) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
