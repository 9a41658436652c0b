"""One stretch of sound: what came since a prompt, when it was said, and how loud a voice is over the room.

Sound comes in pieces whose arrival jitters. Its samples do not: sample k was taken k / 16 ms after the first, and the first
no later than the earliest arrival says. So the stretch begins where its quickest piece puts it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.sound import SAMPLES_PER_MS, Sound

FRAME = 10 * SAMPLES_PER_MS
WINDOW = 15
"""Frames of 10 ms over which loudness is a median: a click is shorter, a syllable longer."""
FLOOR_DB = -64.0
"""Of full scale: less is what a muted microphone gives."""
NOISY_DB = -38.0
"""A room above this is loud; a voice that does not stand out from it says nothing, not even that nobody spoke."""
LOST_MS = 300.0
"""Pieces that never came again as early as before: sound is missing between them, and later times are wrong."""
RECENT = 6
STALE_MS = 700.0


class Stretch:
    """The sound of one step."""

    def __init__(self, shown_ms: float) -> None:
        self.shown_ms = shown_ms
        self.began_ms = np.inf
        """When the first sample was taken, on the server's clock."""
        self._parts: list[NDArray[np.int16]] = []
        self._count = 0
        self._arrivals: list[tuple[float, int]] = []
        self._levels: list[float] = []
        self._rest = np.empty(0, np.int16)
        self._quietest = np.inf
        self._loudest = -np.inf

    def add(self, sound: Sound) -> None:
        """Takes in the next piece."""
        self._parts.append(sound.samples)
        self._count += len(sound.samples)
        self._arrivals.append((sound.t_ms, self._count))
        self.began_ms = min(self.began_ms, sound.t_ms - self._count / SAMPLES_PER_MS)
        self._measure(sound.samples)

    @property
    def samples(self) -> NDArray[np.int16]:
        """(n,) int16 so far."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, np.int16)

    @property
    def seconds(self) -> float:
        """How much sound there is."""
        return self._count / SAMPLES_PER_MS / 1_000

    @property
    def contrast_db(self) -> float:
        """The loudest moment over the quietest; 0 before there is one."""
        return max(0.0, self._loudest - self._quietest) if self._levels else 0.0

    def has_gap(self) -> bool:
        """Whether sound was lost on the way."""
        late = [t_ms - count / SAMPLES_PER_MS - self.began_ms for t_ms, count in self._arrivals[-RECENT:]]
        return bool(late) and min(late) > LOST_MS

    def loudness(self, t_ms: float) -> float | None:
        """Decibels of a voice over the room now; None where nothing came of late, or the room drowns what is said."""
        if not self._levels or t_ms - self._arrivals[-1][0] > STALE_MS:
            return None
        now = self._now()
        over = now - self._quietest
        drowned = self._quietest > NOISY_DB and self.contrast_db < 10  # noqa: PLR2004 - the onset of a voice
        return None if drowned else over

    def _now(self) -> float:
        return float(np.median(self._levels[-WINDOW:]))

    def _measure(self, samples: NDArray[np.int16]) -> None:
        whole = np.concatenate([self._rest, samples])
        frames = whole[: len(whole) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
        self._rest = whole[len(frames) * FRAME :]
        for power in (frames**2).mean(axis=1):
            level = 10 * np.log10(max(power, 1e-3) / 32_768**2)
            self._levels.append(max(FLOOR_DB, float(level)))
            if len(self._levels) >= WINDOW:
                now = self._now()
                self._quietest, self._loudest = min(self._quietest, now), max(self._loudest, now)
            elif len(self._levels) == 1:
                self._quietest = self._loudest = self._levels[0]
