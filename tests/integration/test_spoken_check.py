"""A whole check by voice: a program says the digits, a portrait's mouth moves with them, on a simulated clock.

Nobody speaks in the recording: `espeak-ng -v en-us+f2 -s 120 "seven one five three"`, at 16 kHz, cut 50 ms before and
after. The mouth opens by its loudness: simulated, and no claim about people's voices or lips.
"""

from __future__ import annotations

import random as plain_random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import medauth
from medauth.bootstrap import Medauth, Sources
from medauth.errors import MissingTool
from medauth.evaluation.attacks.driver import Driver
from medauth.evaluation.attacks.look import Look, show
from medauth.evaluation.attacks.victims import Casting, Victim, portraits
from medauth.evidence.archive import SOUND_FILE, KeepFrames
from medauth.evidence.verifier import StepState
from medauth.protocol.digits import sequence, sequence_count
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.sound import RATE_HZ
from medauth.protocol.verdict import Verdict
from medauth.replaying import replayer
from medauth.signals.digit_recogniser import DigitRecogniser

pytestmark = pytest.mark.media
RECORDING = Path(__file__).with_name("digits_7153.wav")
SAID = "7153"
FRAME_MS, PIECE_MS = 60.0, 60
REACTION_MS = 900


@pytest.fixture(autouse=True)
def needs_the_extra() -> None:
    for module in ("pocketsphinx", "av"):
        pytest.importorskip(module, reason="no recogniser: pip install 'medauth[speech]'")


@pytest.fixture(scope="module")
def voice() -> NDArray[Any]:
    import wave

    with wave.open(str(RECORDING), "rb") as file:
        said = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    before, after = np.zeros(REACTION_MS * 16, np.int16), np.zeros(4_000 * 16, np.int16)
    room = np.random.default_rng(1).normal(0, 12, len(before) + len(said) + len(after))
    return np.asarray(np.concatenate([before, said, after]) + room, np.int16)


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    casting = Casting()
    try:
        found = (casting.victim(portrait) for portrait in portraits([]))
        yield next((one for one in found if one is not None), None) or pytest.skip("no portrait: npm ci")
    finally:
        casting.close()


def number_of(digits: str) -> int:
    return next(number for number in range(sequence_count()) if sequence(number) == digits)


@dataclass
class Player:
    """Plays one check; `asked` is what every step asks for."""

    folder: Path
    victim: Victim
    voice: NDArray[Any]
    asked: str = SAID
    moves: bool = True
    speaks: bool = True
    keep: KeepFrames = KeepFrames.NONE
    now_ms: float = 0.0

    def auth(self) -> Medauth:
        draws = plain_random.Random(5)
        number = number_of(self.asked)
        sources = Sources(
            now_ms=lambda: 1_700_000_000_000 + round(self.now_ms),
            monotonic_ms=lambda: self.now_ms,
            randbelow=lambda limit: number if limit == sequence_count() else draws.randrange(limit),
        )
        return Medauth(medauth.Settings(data_dir=self.folder, keep_frames=self.keep), sources)

    def play(self, auth: Medauth) -> Verdict:
        sway, loud, shown, at = Driver(np.random.default_rng(2)), self._loudness(), -1.0, 0
        with auth.start(subject="user-1", policy="by-voice") as session:
            for _ in range(600):
                self.now_ms += FRAME_MS
                prompt = session.prompt
                if prompt is not None and prompt.shown_ms != shown:
                    shown, at = prompt.shown_ms, 0
                mouth = 0.0
                if prompt is not None:
                    into_ms = self.now_ms - shown
                    mouth = float(np.interp(into_ms, 10.0 * np.arange(len(loud)), loud)) if self.moves else 0.0
                    while self.speaks and at + PIECE_MS <= into_ms:
                        session.hear(self.voice[at * 16 : (at + PIECE_MS) * 16])
                        at += PIECE_MS
                look = sway.look_at(self.now_ms, None)
                picture = show(self.victim.sheet, Look(yaw=look.yaw, pitch=look.pitch, shift=look.shift, mouth=mouth))
                if session.push(picture).done:
                    break
            return session.finish()

    def _loudness(self) -> Any:
        frames = self.voice[: len(self.voice) // 160 * 160].astype(float).reshape(-1, 160)
        loud = np.sqrt((frames**2).mean(axis=1))
        return np.convolve(np.clip(loud / np.percentile(loud, 98), 0, 1) ** 0.7, np.hanning(11) / 5, "same")


def speech(verdict: Verdict) -> SignalReading:
    return next(reading for reading in verdict.readings if reading.signal == "speech")


def challenge(verdict: Verdict) -> SignalReading:
    return next(reading for reading in verdict.readings if reading.signal == "challenge")


def test_a_voice_is_heard_and_other_digits_fit_worse(voice: NDArray[Any]) -> None:
    recogniser = DigitRecogniser()
    heard = recogniser.hear(voice)
    assert heard.digits == SAID
    starts = [word.start_ms for word in heard.words]
    assert starts == sorted(starts)
    assert REACTION_MS <= starts[0] <= REACTION_MS + 400
    assert recogniser.hear_asked(voice, SAID).likelihood > recogniser.hear_asked(voice, "0123").likelihood
    names = [phone.name for phone in recogniser.sounds(voice, SAID) if phone.name != "SIL"]
    assert names == ["S", "EH", "V", "AH", "N", "HH", "W", "AH", "N", "F", "AY", "V", "TH", "R", "IY"]


@pytest.mark.parametrize("length", [0, 1, 159, RATE_HZ])
def test_silence_and_noise_hold_no_digits_and_end_nothing(length: int) -> None:
    recogniser, random = DigitRecogniser(), np.random.default_rng(length)
    for samples in (np.zeros(length, np.int16), random.integers(-32_768, 32_767, length).astype(np.int16)):
        assert not recogniser.hear(samples).digits
        assert recogniser.sounds(samples, SAID) == ()


def test_a_whole_check_by_voice_is_answered_and_judged_again_from_what_was_kept(
    tmp_path: Path, victim: Victim, voice: NDArray[Any]
) -> None:
    player = Player(tmp_path, victim, voice, keep=KeepFrames.ALL)
    with player.auth() as auth:
        verdict = player.play(auth)
        said = speech(verdict)
        assert challenge(verdict).code == "challenge.answered", verdict.reasons
        assert (said.outcome, said.code) == (Outcome.PASS, "speech.said"), said
        assert said.details["heard"] == [SAID, SAID]
        again = replayer(auth).replay(verdict.evidence_id)
        assert again.state is StepState.HOLDS, again.text
        damaged = auth.settings.data_dir / "evidence"
        (sealed,) = [path for path in damaged.rglob("*") if path.is_file() and path.name.startswith(SOUND_FILE)]
        content = bytearray(sealed.read_bytes())
        content[len(content) // 2] ^= 1
        sealed.write_bytes(content)
        assert replayer(auth).replay(verdict.evidence_id).state is StepState.FAILS


def test_other_digits_than_asked_never_pass(tmp_path: Path, victim: Victim, voice: NDArray[Any]) -> None:
    player = Player(tmp_path, victim, voice, asked="0816")
    with player.auth() as auth:
        verdict = player.play(auth)
    assert not verdict.is_live
    assert speech(verdict).code == "speech.other_digits", speech(verdict)


def test_a_voice_beside_a_mouth_that_stays_shut_does_not_pass(
    tmp_path: Path, victim: Victim, voice: NDArray[Any]
) -> None:
    player = Player(tmp_path, victim, voice, moves=False)
    with player.auth() as auth:
        verdict = player.play(auth)
    assert not verdict.is_live
    assert speech(verdict).outcome is not Outcome.PASS


def test_without_sound_nobody_has_failed(tmp_path: Path, victim: Victim, voice: NDArray[Any]) -> None:
    player = Player(tmp_path, victim, voice, speaks=False)
    with player.auth() as auth:
        verdict = player.play(auth)
    assert challenge(verdict).code == "challenge.unseen"
    assert speech(verdict).code == "speech.no_sound"


def test_a_policy_that_listens_does_not_start_without_its_recogniser(
    tmp_path: Path, victim: Victim, voice: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("medauth.signals.digit_recogniser.importlib.import_module", missing)
    player = Player(tmp_path, victim, voice)
    with player.auth() as auth, pytest.raises(MissingTool, match="pip install"):
        auth.start(subject="user-1", policy="by-voice")
