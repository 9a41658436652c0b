"""Digits that were to be said, judged again from a statement alone.

The sound is sealed or gone; its count and digest chain are there where digits were asked for, and nowhere else. That a
reading says the digits came without sound, or with other digits than those asked, is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.asked import ROUNDING_MS, whole
from medauth.evidence.filmed import require_digest
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.sound import MOST_SAMPLES

SIGNAL = "speech"
_FIELDS = {"count", "samples", "chain", "kept"}


def require_sound(statement: Mapping[str, Any]) -> None:
    """Sound where digits were asked for, and none elsewhere; its numbers fit one another. Raises `EvidenceError`."""
    spoken = bool(_digits(statement))
    if ("sound" in statement) is not spoken:
        raise EvidenceError("sound that nobody asked for, or none", expected="sound exactly where digits are asked for")
    if not spoken:
        return
    sound = statement["sound"]
    if set(sound) != _FIELDS:
        raise EvidenceError("a summary of sound with more or less than its fields", expected=", ".join(sorted(_FIELDS)))
    count, samples = whole(sound["count"]), whole(sound["samples"])
    if not 0 <= count <= samples <= count * MOST_SAMPLES:
        raise EvidenceError(f"{samples} samples in {count} pieces", expected=f"1 to {MOST_SAMPLES} a piece")
    require_digest(sound["chain"], "the sound's chain")
    _require_kept(sound["kept"], count, statement["frames"])


def require_spoken(statement: Mapping[str, Any], readings: Sequence[SignalReading]) -> None:
    """No speech passes without sound, or by other digits than those committed to. Raises `EvidenceError`."""
    asked = _digits(statement)
    for reading in readings:
        if reading.signal != SIGNAL or reading.outcome is not Outcome.PASS:
            continue
        heard = reading.details.get("heard")
        if not asked or not statement["sound"]["count"] or heard != asked:
            raise EvidenceError(f"speech passes by {heard}", expected=f"the digits asked for, {asked}, in sound")


def _digits(statement: Mapping[str, Any]) -> list[str]:
    return [plan["digits"] for plan in statement["challenge"]["opening"]["challenge"]["steps"] if "digits" in plan]


def _require_kept(kept: Any, count: int, frames: Mapping[str, Any]) -> None:
    """Every piece once, in order, in the time of the check and among its frames."""
    if not isinstance(kept, list):
        raise EvidenceError("kept sound that is no list", expected="one entry a piece")
    before, frames_before, earlier_us = -1, 0, 0
    last_us = 1_000 * (whole(frames["last_ms"]) + ROUNDING_MS)
    for index, among, t_us, digest in kept:
        if not (before < whole(index) < count and frames_before <= whole(among) <= whole(frames["count"])):
            raise EvidenceError(f"kept sound {index} of {count}", expected="each piece once, in order, among frames")
        if not earlier_us <= whole(t_us) or (whole(among) < whole(frames["count"]) and t_us > last_us):
            raise EvidenceError(f"kept sound {index} at {t_us} µs", expected="a time within the check, in order")
        require_digest(digest, f"kept sound {index}")
        before, frames_before, earlier_us = index, among, t_us
