"""When frames arrive, and whether each is a new picture: as a camera and a network deliver them, and as forgers do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Random = np.random.Generator
EVERY_MS = 1_000 / 15
Pace = Callable[[int, float, Random], tuple[float, bool]]
"""(index of the frame, time so far, random) to the milliseconds until it arrives and whether it is a new picture."""


def natural(_: int, __: float, random: Random) -> tuple[float, bool]:
    """15 frames a second, some milliseconds early or late, now and then one a lot."""
    late = random.uniform(40, 120) if random.random() < 0.01 else 0.0  # noqa: PLR2004
    return max(8.0, EVERY_MS + random.normal(0, 4) + late), True


def livelier(index: int, t_ms: float, random: Random) -> tuple[float, bool]:
    """The same at 20 frames a second, for policies that ask for nearly as many."""
    wait_ms, fresh = natural(index, t_ms, random)
    return wait_ms * 15 / 20, fresh


def natural_for(min_fps: int) -> Pace:
    """An honest camera that is fast enough for a policy."""
    return livelier if min_fps > 1_000 / EVERY_MS - 2 else natural


def constant(_: int, __: float, ___: Random) -> tuple[float, bool]:
    """A perfect clock."""
    return EVERY_MS, True


def doubled(index: int, _: float, __: Random) -> tuple[float, bool]:
    """Every picture twice: more frames than there are pictures."""
    return EVERY_MS / 2, index % 2 == 0


def frozen(_: int, t_ms: float, random: Random) -> tuple[float, bool]:
    """The player stops on one picture for seven seconds."""
    return max(8.0, EVERY_MS + random.normal(0, 4)), not 4_000 < t_ms < 11_000  # noqa: PLR2004


def in_bursts(index: int, _: float, __: Random) -> tuple[float, bool]:
    """A second's frames at once, and then nothing for a second."""
    return (1.0 if index % 15 else 15 * EVERY_MS - 14), True


def with_gaps(index: int, _: float, random: Random) -> tuple[float, bool]:
    """Every four seconds a second is missing."""
    return (1_100.0 if index % 60 == 59 else EVERY_MS + random.normal(0, 4)), True  # noqa: PLR2004


def at_once(_: int, __: float, ___: Random) -> tuple[float, bool]:
    """All frames a microsecond apart."""
    return 0.001, True


FORGED: Mapping[str, Pace] = {
    "constant clock": constant,
    "every picture twice": doubled,
    "frozen for 7 s": frozen,
    "in bursts": in_bursts,
    "with gaps": with_gaps,
    "1 µs steps": at_once,
}
"""How the clocks and frames of a virtual camera are forged. The server's own clock runs forwards whatever is sent."""
