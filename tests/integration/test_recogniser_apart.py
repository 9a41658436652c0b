"""The recogniser in a process of its own says what it says in this one, and harms nothing when it breaks."""

from __future__ import annotations

import logging
import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.digit_recogniser import DigitRecogniser
from medauth.signals.recogniser_apart import RecogniserApart

pytestmark = pytest.mark.media
SAID = "7153"


@pytest.fixture(autouse=True)
def needs_the_extra() -> None:
    pytest.importorskip("pocketsphinx", reason="no recogniser: pip install 'medauth[speech]'")


@pytest.fixture(scope="module")
def voice() -> NDArray[Any]:
    with wave.open(str(Path(__file__).with_name(f"digits_{SAID}.wav")), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def test_it_hears_the_same_as_in_this_process(voice: NDArray[Any]) -> None:
    here, apart = DigitRecogniser(), RecogniserApart()
    noise = np.random.default_rng(1).normal(0, 3_000, 8_000).astype(np.int16)
    for samples in (voice, noise, np.empty(0, np.int16)):
        assert apart.hear(samples) == here.hear(samples)
        assert apart.hear_asked(samples, "0816") == here.hear_asked(samples, "0816")
        assert apart.sounds(samples, SAID) == here.sounds(samples, SAID)
    assert apart.hear(voice).digits == SAID
    process = apart._process
    assert process is not None
    apart.rest()
    assert process.returncode is not None, "nothing of it is left"
    assert apart.hear(voice).digits == SAID, "another one begins"
    apart.rest()


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "import os; os.abort()",
        "import time; time.sleep(60)",
        "import sys; sys.stdin.buffer.readline(); print(flush=True)",
        "import sys; sys.stdin.buffer.readline(); print('5', flush=True)",
        "import sys; sys.stdin.buffer.readline(); print('[[[\"one\"]], {}]', flush=True)",
        "import sys; sys.stdin.buffer.readline(); print('[' * 30_000 + ']' * 30_000, flush=True)",
        "import sys; sys.stdin.buffer.readline(); print('[' + '0,' * 10**6 + '0]', flush=True)",
    ],
)
def test_one_that_breaks_has_heard_nothing(program: str, voice: NDArray[Any], caplog: pytest.LogCaptureFixture) -> None:
    apart = RecogniserApart(program, longest_s=1.0)
    with caplog.at_level(logging.WARNING):
        heard = apart.hear(voice)
    assert (heard.words, heard.likelihood) == ((), -math.inf)
    assert apart.sounds(voice, SAID) == ()
    assert "no answer" in caplog.text
    apart.rest()
