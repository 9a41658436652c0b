"""Lips against sound, on portraits whose mouth is opened by the loudness of a recording. Simulated, and named so.

Nobody's lips are that obedient: a real mouth shuts for an *f* and rounds for an *o*. The driver knows loudness and no
sounds, so that it shares nothing with what judges it; each mouth opens by an amount, a delay and an unrest of its own. What
the figures show is how far another sound, a shifted one and a mouth of another take stay away from its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.evaluation.attacks.look import Look, show
from medauth.evaluation.attacks.victims import Casting, Victim, portraits
from medauth.evaluation.spoken_digits import Samples, Speaker
from medauth.protocol.digits import sequence, sequence_count
from medauth.protocol.sound import RATE_HZ
from medauth.signals.digit_recogniser import DigitRecogniser, Phone
from medauth.signals.expression_shape import expression_shape
from medauth.signals.interface import FaceTracker
from medauth.signals.lip_sync import match_lips

Floats = NDArray[np.float64]
STEPS = 2
SHIFTS_MS = (400, 700)
KINDS = ("own sound", "other digits", "same digits, another take", *(f"{s} ms late" for s in SHIFTS_MS), "still mouth")
_OPENING = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """One whole check's score: the mean of its steps, or None where one had none."""

    person: str
    speaker: str
    kind: str
    score: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Take:
    digits: str
    samples: Samples
    phones: tuple[Phone, ...]
    times: Floats
    openings: Floats


def lips_of(
    folders: Sequence[Path], most: int, speakers: Sequence[Speaker], seed: int, tracker: FaceTracker
) -> Iterator[Scored]:
    """Every portrait speaks once, with one speaker's voice after the other."""
    casting, recogniser = Casting(), DigitRecogniser()
    try:
        for number, portrait in enumerate(portraits(folders, (), most)):
            victim = casting.victim(portrait)
            if victim is not None:
                random = np.random.default_rng([seed, number])
                yield from _checked(victim, speakers[number % len(speakers)], recogniser, tracker, random)
    finally:
        casting.close()


def _checked(
    victim: Victim, speaker: Speaker, recogniser: DigitRecogniser, tracker: FaceTracker, random: np.random.Generator
) -> Iterator[Scored]:
    takes = [_take(victim, speaker, recogniser, tracker, random) for _ in range(STEPS)]
    scores: dict[str, list[float | None]] = {kind: [] for kind in KINDS}
    for take in takes:
        other = _phones(speaker, _drawn(random, take.digits), recogniser, random)
        again = _phones(speaker, take.digits, recogniser, random)
        still = np.full(len(take.times), take.openings.min()) + random.normal(0, 0.004, len(take.times))
        scores["own sound"].append(match_lips(take.times, take.openings, take.phones).score)
        scores["other digits"].append(match_lips(take.times, take.openings, other).score)
        scores["same digits, another take"].append(match_lips(take.times, take.openings, again).score)
        for shift in SHIFTS_MS:
            scores[f"{shift} ms late"].append(match_lips(take.times + shift, take.openings, take.phones).score)
        scores["still mouth"].append(match_lips(take.times, still, take.phones).score)
    for kind, found in scores.items():
        known = [score for score in found if score is not None]
        yield Scored(victim.person, speaker.name, kind, float(np.mean(known)) if len(known) == STEPS else None)


def _drawn(random: np.random.Generator, but: str = "") -> str:
    drawn = but
    while drawn == but:
        drawn = sequence(int(random.integers(sequence_count())))
    return drawn


def _phones(
    speaker: Speaker, digits: str, recogniser: DigitRecogniser, random: np.random.Generator
) -> tuple[Phone, ...]:
    return recogniser.sounds(speaker.say(digits, random), digits)


def _take(
    victim: Victim, speaker: Speaker, recogniser: DigitRecogniser, tracker: FaceTracker, random: np.random.Generator
) -> _Take:
    """A portrait that says digits, filmed at 12 to 25 frames a second, as the face mesh sees it."""
    digits = _drawn(random)
    samples = speaker.say(digits, random)
    opened = _driven(samples, random)
    every_ms, most = 1_000 / float(random.uniform(12, 25)), 1_000 * len(samples) / RATE_HZ
    times, openings = [], []
    for index, t_ms in enumerate(np.arange(0, most, every_ms)):
        look = Look(yaw=float(np.sin(t_ms / 700)), mouth=float(np.interp(t_ms, *opened)))
        frame = read_frame(CapturedFrame(show(victim.sheet, look)), index, float(t_ms))
        track, _ = tracker.track(frame)
        if track is not None:
            times.append(float(t_ms))
            openings.append(float(expression_shape(track)[_OPENING]))
    return _Take(digits, samples, recogniser.sounds(samples, digits), np.array(times), np.array(openings))


def _driven(samples: Samples, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Times and how far the mouth is open then, as a share of a clear opening: loudness, smoothed, late and uneven."""
    frames = samples[: len(samples) // 160 * 160].astype(np.float64).reshape(-1, 160)
    loud = np.sqrt((frames**2).mean(axis=1))
    loud = np.clip(loud / np.percentile(loud, 97), 0, 1) ** float(random.uniform(0.5, 1.0))
    width = int(random.integers(6, 14))
    smooth = np.convolve(loud, np.hanning(width + 2) / np.hanning(width + 2).sum(), "same")
    unrest = np.convolve(random.normal(0, 1, len(smooth)), np.ones(12) / 12, "same")
    course = float(random.uniform(0.45, 0.95)) * np.clip(smooth + 0.2 * unrest, 0, 1.2)
    return 10.0 * np.arange(len(course)) + float(random.uniform(-60, 90)), course
