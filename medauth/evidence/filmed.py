"""What the statement says of its frames, held against itself: a verdict that nobody was filmed for is none.

The pictures are sealed or gone; what is left of them are counts, times and digests. They must carry what was decided: no
decision without a frame, no answer after the last one, no clear view by fewer frames than the rules ask for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.asked import ROUNDING_MS, whole
from medauth.protocol.ceremony import StepOutcome
from medauth.protocol.coverage import CAPTURE
from medauth.protocol.policy import Policy
from medauth.protocol.reading import PPM, Outcome, SignalReading
from medauth.protocol.verdict import Decision

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"count", "chain", "first_ms", "last_ms", "judged", "kept"}


def require_frames(statement: Mapping[str, Any], policy: Policy, readings: Sequence[SignalReading]) -> None:
    """Counts, times and digests fit one another, the steps and the decision. Raises `EvidenceError`."""
    frames = statement["frames"]
    count, judged, first_ms, last_ms = (whole(frames[name]) for name in ("count", "judged", "first_ms", "last_ms"))
    fits = 0 <= judged <= count and 0 <= first_ms <= last_ms and (count > 1 or first_ms == last_ms)
    if set(frames) != _FIELDS or not fits:
        raise EvidenceError(f"{judged} of {count} frames judged, from {first_ms} to {last_ms} ms", expected="frames")
    require_digest(frames["chain"], "the frames' chain")
    _require_kept(frames["kept"], count, first_ms, last_ms)
    decision = statement["verdict"]["decision"]
    if not count and decision != Decision.INCONCLUSIVE:
        raise EvidenceError(f"{decision} without a frame", expected="inconclusive: nobody was seen")
    for step in statement["steps"]:
        if step["outcome"] == StepOutcome.ANSWERED and not _filmed(step, count, last_ms, policy):
            raise EvidenceError(f"step {step['index']} was answered after the last frame", expected=f"{last_ms} ms")
    _require_capture(policy, readings, (count, judged, last_ms - first_ms))
    _require_time(statement, policy, last_ms)


def require_files(statement: Mapping[str, Any]) -> Mapping[str, str]:
    """Sealed files beside the statement, traces and heat maps: any name, each with the SHA-256 of what it holds."""
    files = statement["blobs"]
    if not isinstance(files, dict) or not all(files):
        raise EvidenceError("files without names", expected="a name and a digest for each sealed file")
    for name, digest in files.items():
        require_digest(digest, f"file {name[:40]}")
    return files


def require_digest(value: object, what: str) -> None:
    """64 hexadecimal digits in small letters. Raises `EvidenceError`."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise EvidenceError(f"{what} has no digest", expected="SHA-256 in hexadecimal")


def _require_kept(kept: Any, count: int, first_ms: int, last_ms: int) -> None:
    before, earlier_us = -1, 1_000 * (first_ms - ROUNDING_MS)
    if not isinstance(kept, list):
        raise EvidenceError("kept frames that are no list", expected="one entry a kept frame")
    for index, t_us, digest in kept:
        if not before < whole(index) < count:
            raise EvidenceError(f"kept frame {index} of {count}", expected="each frame once, in order")
        if not earlier_us <= whole(t_us) <= 1_000 * (last_ms + ROUNDING_MS):
            raise EvidenceError(f"kept frame {index} at {t_us} µs", expected="a time within the check, in order")
        require_digest(digest, f"kept frame {index}")
        before, earlier_us = index, t_us


def _filmed(step: Mapping[str, Any], count: int, last_ms: int, policy: Policy) -> bool:
    """A step closes upon a frame, and no frame is judged after the check's time."""
    return count > 0 and whole(step["closed_ms"]) <= min(last_ms, policy.timing.session_max_ms) + ROUNDING_MS


def _require_capture(policy: Policy, readings: Sequence[SignalReading], seen: tuple[int, int, int]) -> None:
    """A clear view is what the rules call one: enough frames judged, and enough of them a second."""
    count, judged, duration_ms = seen
    if not any(reading.signal == CAPTURE and reading.outcome is Outcome.PASS for reading in readings):
        return
    enough = count > 0 and (judged * PPM) >= (policy.min_judged_ppm - 1) * count
    if not enough or 1_000 * (count - 1) < policy.min_fps * (duration_ms - ROUNDING_MS):
        raise EvidenceError(
            f"a clear view by {judged} of {count} frames in {duration_ms} ms",
            expected=f"{policy.min_judged_ppm} ppm judged, {policy.min_fps} frames a second",
        )


def _require_time(statement: Mapping[str, Any], policy: Policy, last_ms: int) -> None:
    """A check ends after it began, and no sooner than its last frame; a recording takes no time."""
    started_ms, finished_ms = whole(statement["started_ms"]), whole(statement["finished_ms"])
    least_ms = started_ms + (0 if policy.rehearsal else last_ms - ROUNDING_MS)
    if finished_ms < max(started_ms, least_ms):
        raise EvidenceError(
            f"finished {finished_ms - started_ms} ms after the start, with frames up to {last_ms} ms",
            expected="an end after the start and the last frame",
        )
