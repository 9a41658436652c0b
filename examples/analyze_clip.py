"""Every signal over a recording. Nothing was asked, so nobody is found live.

python examples/analyze_clip.py clip.mp4
"""

from __future__ import annotations

import sys

import medauth


def blinks_and_expressions(auth: medauth.Medauth, clip: str, seconds: float) -> dict[str, str]:
    """What each signal says about the first seconds of a clip."""
    found = auth.analyze(medauth.VideoFile(clip, end_ms=1_000 * seconds))
    return {reading.signal: f"{reading.outcome.value}: {reading.reason}" for reading in found.readings}


if __name__ == "__main__":
    with medauth.open() as opened:
        for signal, sentence in blinks_and_expressions(opened, sys.argv[1], seconds=10).items():
            print(f"{signal:<12} {sentence}")
