"""Thousands of tries of one attack before the cue that is made for it: how often the cue said what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from medauth.evaluation.metrics import wilson_rate
from medauth.protocol.reading import Outcome, SignalReading

HONEST = "honest"
"""Begins the name of what is no attack: shown to the cue beside the tries, so that it is seen to pass something."""
Counts = Mapping[str, Mapping[str, int]]
"""By kind of try: how often each `outcome code`."""


class Tally:
    """Counts readings by what was tried."""

    def __init__(self) -> None:
        self._found: dict[str, Counter[str]] = {}

    def add(self, kind: str, reading: SignalReading) -> None:
        """Takes in one."""
        self._found.setdefault(kind, Counter())[f"{reading.outcome.value} {reading.code}"] += 1

    def counts(self) -> Counts:
        """All so far."""
        return {kind: dict(said.most_common()) for kind, said in self._found.items()}


def tries_table(found: Sequence[Counts]) -> dict[str, Any]:
    """Rows of tries to one table: how many, how many the cue passed, and what it said by kind; empty of none."""
    by_kind: dict[str, Counter[str]] = {}
    for counts in found:
        for kind, said in counts.items():
            by_kind.setdefault(kind, Counter()).update(said)
    attacks = [said for kind, said in by_kind.items() if not kind.startswith(HONEST)]
    tries, passed = sum(said.total() for said in attacks), sum(map(_passed, attacks))
    if not tries:
        return {}
    return {
        "tries": tries,
        "passed": passed,
        "interval95": wilson_rate(passed, tries).interval(),
        "kinds": {
            kind: {"tries": said.total(), "passed": _passed(said), "said": dict(said.most_common())}
            for kind, said in by_kind.items()
        },
    }


def _passed(said: Counter[str]) -> int:
    return sum(count for what, count in said.items() if what.startswith(f"{Outcome.PASS.value} "))
