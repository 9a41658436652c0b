"""What an analysis of a recording comes to, in the few words and numbers that a table has room for.

The first word is the deepfake net's, with what it is worth beside it: a number between real and forged tempts people to
believe it. Nothing here is a verdict, and nothing here enters one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from medauth.protocol.reading import PPM, SignalReading
from medauth.report.looking_over import LookingOver
from medauth.service.analysis import Analysis

# Bentivoglio et al., "Analysis of blink rate patterns in normal subjects" (Movement Disorders 1997): 4.5 a minute while
# reading; Doughty, "Consideration of three types of spontaneous eyeblink activity" (Optometry and Vision Science 2001):
# up to 32.5 in conversation.
SELDOM, OFTEN = 4.5, 32.5
_RARE = 0.01
"""A count that people between those rates show less often than this is called unusual."""
TREMBLING = 0.81
"""Irregularity above that of every natural clip it was measured on (six, 0.11 to 0.80; `docs/commands.md`)."""
_OPEN_FROM = 0.5


class Impression(StrEnum):
    """What the recording looks like to the deepfake net."""

    REAL = "looks real"
    OPEN = "cannot tell"
    FAKE = "looks fake"


@dataclass(frozen=True, slots=True)
class Summary:
    """One recording in a line. None: not measured."""

    source: str
    impression: Impression
    fake_probability: float | None
    confidence: float | None
    """Probability of the likelier of the two, by the net's own calibration."""
    judged_by: str
    """`16 frames` windows, or a `single frame`, which knows less."""
    blinks: int | None
    blinks_per_minute: float | None
    blink_rate: str
    micro_irregularity: float | None
    micro_irregularity_unusual: bool | None
    expression: str
    expression_share: float | None
    movements: str
    """What the face did at the height of its surest expression, in words."""
    frames: int
    judged: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As `analysis.json` and the table of a folder hold it."""
        return asdict(self) | {"impression": self.impression.value}


def summarise(found: Analysis, over: LookingOver) -> Summary:
    """From the readings of an analysis, and what looked over its shoulder."""
    readings = {reading.signal: reading for reading in found.readings}
    fake, judged_by = _fake(readings.get("deepfake"), over.singles())
    blinks, rate, said = _blinks(readings.get("blink"))
    irregular = over.motion.irregularity()
    expression, share = _expression(readings.get("emotion"))
    moments = over.movements.moments(found.marks.get("emotion"))
    surest = max(moments, key=lambda moment: moment.probability, default=None)
    return Summary(
        source=found.source,
        impression=_impression(fake, _threshold(readings.get("deepfake"))),
        fake_probability=_rounded(fake),
        confidence=None if fake is None else _rounded(max(fake, 1 - fake)),
        judged_by=judged_by,
        blinks=blinks,
        blinks_per_minute=rate,
        blink_rate=said,
        micro_irregularity=None if irregular is None else _rounded(irregular.share),
        micro_irregularity_unusual=None if irregular is None else irregular.share > TREMBLING,
        expression=expression,
        expression_share=share,
        movements="" if surest is None else f"{surest.expression}: {surest.movements.text}",
        frames=found.frames,
        judged=found.judged,
        seconds=round(found.duration_ms / 1000, 1),
    )


def worth(metrics: Mapping[str, Any], clips: bool = True) -> str:
    """What the deepfake net's answer is worth, from the `metrics` of its manifest."""
    try:
        if clips:
            tested = metrics["test"]["sequences"]["all"]
            false = metrics["natural_clips"]["points"]["standard"]
            alarms = f"; false alarms on {false['hits']} of {false['n']} natural clips"
        else:
            tested, alarms = metrics["test"]["dataset"]["as they are"]["all"], ""
        low, high = tested["interval95"]
        area = f"area under the ROC curve {tested['auc']:.2f} [{low:.2f}, {high:.2f}]"
        counts = f"{tested['real']} real and {tested['fake']} forged {'sequences' if clips else 'pictures'}"
    except (KeyError, TypeError, ValueError):
        return "This model's manifest does not say how good it is: its answer is worth nothing."
    return f"On persons it was not made from: {area} ({counts}){alarms}. A hint, never a proof."


def usual_rate(blinks: int, seconds: float) -> str:
    """`usual`, `too seldom`, `too often`, or `too short to tell`: a Poisson test against the rates that people have."""
    least, most = SELDOM * seconds / 60, OFTEN * seconds / 60
    if _at_most(blinks, least) < _RARE:
        return "too seldom"
    if blinks > 0 and 1 - _at_most(blinks - 1, most) < _RARE:
        return "too often"
    return "usual" if blinks >= max(1, least) or _at_most(0, least) < _RARE else "too short to tell"


def _at_most(count: int, mean: float) -> float:
    """Probability of `count` events or fewer, where `mean` are expected (Poisson)."""
    return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)) if mean > 0 else 1.0


def _fake(reading: SignalReading | None, singles: Sequence[float]) -> tuple[float | None, str]:
    if reading is not None and reading.score_ppm is not None:
        return reading.score_ppm / PPM, "16 frames"
    return (statistics.fmean(singles), "single frame") if singles else (None, "")


def _threshold(reading: SignalReading | None) -> float:
    stated = reading.details.get("threshold_ppm") if reading is not None else None
    return stated / PPM if isinstance(stated, int) else 1.0


def _impression(fake: float | None, threshold: float) -> Impression:
    """Fake from the threshold that the net's manifest records, real below one half."""
    if fake is None:
        return Impression.OPEN
    return Impression.FAKE if fake >= threshold else Impression.REAL if fake < _OPEN_FROM else Impression.OPEN


def _blinks(reading: SignalReading | None) -> tuple[int | None, float | None, str]:
    watched = reading.details.get("watched_ms") if reading is not None else None
    if reading is None or not isinstance(watched, int) or watched <= 0:
        return None, None, "not measured"
    count = sum(len(found) for name in ("events", "too_fast") if isinstance(found := reading.details[name], list))
    return count, round(count * 60_000 / watched, 1), usual_rate(count, watched / 1000)


def _expression(reading: SignalReading | None) -> tuple[str, float | None]:
    shares = reading.details.get("shares_ppm") if reading is not None else None
    if not isinstance(shares, Mapping) or not shares:
        return "", None
    name = max(shares, key=lambda key: int(str(shares[key])))
    return name, _rounded(int(str(shares[name])) / PPM)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
