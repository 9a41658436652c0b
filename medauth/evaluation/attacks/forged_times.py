"""What a virtual camera sends, every time another one: honest times and pictures in order, and then what a forger makes of them.

An honest camera and network are drawn first: rate, jitter, lateness, stalls, how finely the client's clock counts. A forger
then changes when frames arrive, when the client says that they were taken, or which pictures come: from the first frame on or
from a drawn moment, to the end or for a while. What a real camera and network do as well is no forgery and is not drawn here:
a bunch of frames after a stall, one picture given twice or three times in low light, times of the client that are merely late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator
FILM_FPS = 30.0
MOST_MS = 20_000.0
_LASTS_MS = (9_000.0, MOST_MS)
_FPS = (10.0, 30.0)
_CLOCK_STEPS_MS = (0.0, 0.005, 0.1, 1.0)
"""How finely browsers let a page read its clock."""
_STALLS = 0.005
"""Share of frames with which a network stalls."""
_LEAST_MS = 4_000.0
"""For so long a forgery lasts at least, where it lasts for a while."""


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """Frames in the order in which they come, n of them. Times in ms."""

    came_ms: Floats
    """(n,) by the server's clock."""
    said_ms: Floats | None
    """(n,) by the client's; None where it says nothing, which is no fault."""
    shows: NDArray[np.intp]
    """(n,) which picture of a film of 30 a second."""


Forger = Callable[[Sent, Random], Sent]


def honest(random: Random) -> Sent:
    """A camera behind a network."""
    step_ms = 1_000.0 / random.uniform(*_FPS)
    count = int(random.uniform(*_LASTS_MS) / step_ms)
    jitter_ms = float(np.exp(random.uniform(np.log(0.3), np.log(4.0))))
    taken = step_ms * np.arange(count) + np.clip(random.normal(0.0, jitter_ms, count), -step_ms / 3, step_ms / 3)
    taken = taken[random.random(count) >= random.choice((0.0, 0.02, 0.1))]
    late = np.abs(random.normal(0.0, random.uniform(1.0, 12.0), taken.size))
    for at in np.flatnonzero(random.random(taken.size) < _STALLS):
        stalled = taken[at] + random.uniform(80.0, 900.0) - taken
        late[at:] = np.maximum(late[at:], stalled[at:])
    came = np.maximum.accumulate(taken + late) + 0.02 * np.arange(taken.size)
    finest = float(random.choice(_CLOCK_STEPS_MS))
    said = taken + random.uniform(0.0, 1e12)
    said = np.floor(said / finest) * finest if finest else said
    shows = np.floor(np.maximum(taken - taken[0], 0.0) * FILM_FPS / 1_000).astype(np.intp)
    return Sent(came - came[0], said, shows)


def _span(sent: Sent, random: Random, least_ms: float = _LEAST_MS) -> slice:
    """Where a forgery begins and ends: half of them are of the whole check."""
    count, whole = len(sent.came_ms), random.random()
    if whole < 0.5:  # noqa: PLR2004
        return slice(0, count)
    lasts_ms = random.uniform(least_ms, max(least_ms, 0.7 * sent.came_ms[-1]))
    begins_ms = random.uniform(0.0, max(0.0, sent.came_ms[-1] - lasts_ms))
    first, last = np.searchsorted(sent.came_ms, (begins_ms, begins_ms + lasts_ms))
    return slice(int(first), count if whole < 0.75 else int(last))  # noqa: PLR2004


def _moment(sent: Sent, random: Random) -> int:
    """A frame that is neither the first nor the last few."""
    return int(random.integers(2, len(sent.came_ms) - 2))


def _spaced(times_ms: Floats, span: slice, steps_ms: Floats | float) -> Floats:
    """The times with others within the span; what comes after keeps its distances."""
    steps = np.diff(times_ms)
    steps[span.start : span.stop - 1] = steps_ms
    return np.concatenate([times_ms[:1], times_ms[0] + np.cumsum(steps)])


def _even(times_ms: Floats, span: slice, random: Random) -> Floats:
    """A program that counts: 33.333 ms, or another interval, and up to some microseconds of its own."""
    step_ms = 100.0 / 3 if random.random() < 0.3 else 1_000.0 / random.uniform(*_FPS)  # noqa: PLR2004
    count = max(0, span.stop - span.start - 1)
    return _spaced(times_ms, span, step_ms + random.uniform(-0.004, 0.004, count))


def _tiny(times_ms: Floats, span: slice, random: Random) -> Floats:
    """A tenth of a microsecond to more than a millisecond."""
    return _spaced(times_ms, span, float(np.exp(random.uniform(np.log(1e-4), np.log(1.5)))))


def _in_heaps(times_ms: Floats, span: slice, random: Random, least: int) -> Floats:
    """So many frames each at one and the same time, up to nine."""
    heap, times = int(random.integers(least, 10)), times_ms.copy()
    part = times[span]
    times[span] = part[np.arange(part.size) // heap * heap]
    return times


def _back(times_ms: Floats, random: Random, count: int) -> Floats:
    """So many steps back, by a tenth of a millisecond to some seconds; then on from there."""
    steps = np.diff(times_ms)
    chosen = random.choice(np.arange(1, steps.size), count, replace=False)
    steps[chosen] = -np.exp(random.uniform(np.log(0.1), np.log(5_000.0), count))
    return np.concatenate([times_ms[:1], times_ms[0] + np.cumsum(steps)])


def silent(sent: Sent, random: Random) -> Sent:
    """Three of ten clients say nothing of their times."""
    return replace(sent, said_ms=None) if random.random() < 0.3 else sent  # noqa: PLR2004


def _claiming(forge: Callable[[Sent, Floats, Random], Floats]) -> Forger:
    """A forger of the client's times alone."""

    def forged(sent: Sent, random: Random) -> Sent:
        assert sent.said_ms is not None
        return replace(sent, said_ms=forge(sent, sent.said_ms, random))

    return forged


def _reversed(sent: Sent, said: Floats, random: Random) -> Floats:
    """From the last to the first, within the span."""
    times, span = said.copy(), _span(sent, random)
    times[span] = times[span][::-1]
    return times


def _leap(sent: Sent, said: Floats, random: Random, from_ms: float, to_ms: float) -> Floats:
    """From a moment on, later by that much."""
    times = said.copy()
    times[_moment(sent, random) :] += np.exp(random.uniform(np.log(from_ms), np.log(to_ms)))
    return times


def _outrunning(sent: Sent, said: Floats, random: Random) -> Floats:
    """More is filmed than time passes: by six seconds at least, little by little."""
    span = _span(sent, random)
    lasts_ms = float(np.ptp(sent.came_ms[span]))
    faster = random.uniform(6_000.0, 30_000.0) / max(lasts_ms, 1.0)
    steps = np.diff(said)
    steps[span.start : span.stop - 1] += faster * np.diff(sent.came_ms[span])
    return np.concatenate([said[:1], said[0] + np.cumsum(steps)])


def _frozen(sent: Sent, random: Random) -> Sent:
    """One picture for two and a half seconds to twelve."""
    lasts_ms = random.uniform(2_500.0, 12_000.0)
    begins_ms = random.uniform(0.0, max(0.0, sent.came_ms[-1] - lasts_ms))
    first, last = np.searchsorted(sent.came_ms, (begins_ms, begins_ms + lasts_ms))
    shows = sent.shows.copy()
    shows[first:last] = shows[first]
    return replace(sent, shows=shows)


def _repeated(sent: Sent, random: Random) -> Sent:
    """Every picture four to twelve times: more frames than there are pictures."""
    times, shows, span = int(random.integers(4, 13)), sent.shows.copy(), _span(sent, random)
    part = shows[span]
    shows[span] = part[np.arange(part.size) // times * times]
    return replace(sent, shows=shows)


def _looped(sent: Sent, random: Random) -> Sent:
    """A stretch of 1.2 to 8 s of the film over and over."""
    period = round(random.uniform(1.2, 8.0) * FILM_FPS)
    return replace(sent, shows=sent.shows[0] + (sent.shows - sent.shows[0]) % period)


FORGED_TIMES: Mapping[str, Forger] = {
    "arrivals at a constant interval": lambda s, r: replace(silent(s, r), came_ms=_even(s.came_ms, _span(s, r), r)),
    "arrivals microseconds apart": lambda s, r: replace(silent(s, r), came_ms=_tiny(s.came_ms, _span(s, r), r)),
    "arrivals in heaps": lambda s, r: replace(silent(s, r), came_ms=_in_heaps(s.came_ms, _span(s, r), r, 2)),
    "arrivals backwards": lambda s, r: replace(silent(s, r), came_ms=_back(s.came_ms, r, int(r.integers(1, 6)))),
    "claims at a constant interval": _claiming(lambda s, said, r: _even(said, _span(s, r), r)),
    "claims microseconds apart": _claiming(lambda s, said, r: _tiny(said, _span(s, r), r)),
    "claims in heaps": _claiming(lambda s, said, r: _in_heaps(said, _span(s, r), r, 3)),
    "claims reversed": _claiming(_reversed),
    "claims set back": _claiming(lambda _, said, r: _back(said, r, int(r.integers(1, 3)))),
    "claims of the future": _claiming(lambda s, said, r: _leap(s, said, r, 5_500.0, 1e8)),
    "claims with gaps": _claiming(lambda s, said, r: _leap(s, said, r, 1_100.0, 4_900.0)),
    "claims of more than time allows": _claiming(_outrunning),
}
"""By name: whose clock, and how."""
FORGED_PICTURES: Mapping[str, Forger] = {
    "a frozen picture": lambda s, r: _frozen(silent(s, r), r),
    "repeated pictures": lambda s, r: _repeated(silent(s, r), r),
    "a looped stretch": lambda s, r: _looped(silent(s, r), r),
}
"""By name: pictures that come again, at honest times."""
