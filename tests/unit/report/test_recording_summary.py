"""What an analysis comes to in a line: the words follow the numbers, and a number that was not measured is none."""

from __future__ import annotations

import pytest

from medauth.protocol.canonical import Json
from medauth.protocol.reading import Outcome, SignalReading
from medauth.report.looking_over import LookingOver
from medauth.report.recording_summary import Impression, Summary, summarise, usual_rate, worth
from medauth.service.analysis import Analysis


def summary(*readings: SignalReading) -> Summary:
    return summarise(Analysis("clip.mp4", 100, 90, 4_000, readings, {}), LookingOver())


def deepfake(ppm: int | None) -> SignalReading:
    return SignalReading("deepfake", Outcome.PASS, "deepfake.x", "", ppm, {"threshold_ppm": 750_000})


@pytest.mark.parametrize(
    ("ppm", "impression", "confidence"),
    [
        (900_000, Impression.FAKE, 0.9),
        (750_000, Impression.FAKE, 0.75),
        (600_000, Impression.OPEN, 0.6),
        (100_000, Impression.REAL, 0.9),
    ],
)
def test_the_word_follows_the_recorded_threshold(ppm: int, impression: Impression, confidence: float) -> None:
    found = summary(deepfake(ppm))
    assert (found.impression, found.confidence, found.judged_by) == (impression, confidence, "16 frames")


def test_without_a_measurement_nothing_is_said() -> None:
    for found in (summary(), summary(deepfake(None))):
        assert found.impression is Impression.OPEN
        assert found.fake_probability is found.confidence is found.blinks is found.micro_irregularity is None
        assert found.blink_rate == "not measured"


@pytest.mark.parametrize(
    ("blinks", "seconds", "said"),
    [
        (0, 30, "too short to tell"),
        (0, 90, "too seldom"),
        (5, 60, "usual"),
        (17, 60, "usual"),
        (32, 60, "usual"),
        (60, 60, "too often"),
        (12, 10, "too often"),
        (3, 10, "usual"),
        (2, 53, "too short to tell"),
        (1, 200, "too seldom"),
    ],
)
def test_blink_rates_are_held_against_those_of_people(blinks: int, seconds: float, said: str) -> None:
    assert usual_rate(blinks, seconds) == said


def test_blinks_too_fast_for_lids_are_counted_too() -> None:
    details: dict[str, Json] = {"watched_ms": 60_000, "events": [{}] * 9, "too_fast": [{}]}
    found = summary(SignalReading("blink", Outcome.PASS, "blink.natural", "", None, details))
    assert (found.blinks, found.blinks_per_minute, found.blink_rate) == (10, 10.0, "usual")


def test_the_likeliest_expression_is_named_with_its_share() -> None:
    shares: dict[str, Json] = {"shares_ppm": {"neutral": 300_000, "happiness": 700_000}}
    found = summary(SignalReading("emotion", Outcome.INCONCLUSIVE, "emotion.no_challenge", "", None, shares))
    assert (found.expression, found.expression_share) == ("happiness", 0.7)


def test_a_model_that_was_never_judged_is_worth_nothing() -> None:
    assert "worth nothing" in worth({})
    area = {"auc": 0.81, "interval95": [0.75, 0.88], "real": 60, "fake": 90}
    said = worth({"test": {"sequences": {"all": area}}, "natural_clips": {"points": {"standard": {"hits": 0, "n": 6}}}})
    assert "0.81 [0.75, 0.88] (60 real and 90 forged sequences); false alarms on 0 of 6" in said
    assert "never a proof" in said
