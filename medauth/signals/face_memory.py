"""What the faces of one check looked like to an embedding: the same person all along, and the one of the reference?

Beside the chain of aligned patches, which asks whether a face goes on from frame to frame, this asks whether it still is
the one that began the check: a morph too slow for the chain, or a swap to a face posed alike, shows here. One look says
little (blur, a hand, a profile); a second of looks that are all strange says that somebody else is there.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from medauth.signals.face_embedder import Embedding

BEGINNING = 4
"""Looks that say who began the check; they are never forgotten."""
CAPACITY = 24
STRANGE_LOOKS = 5
STRANGE_MS = 1_000.0
"""So many looks in a row, over so long, must be strange."""
NOVEL = 0.97
"""A look nearer to a remembered one than this adds nothing."""


@dataclass(slots=True)
class FaceMemory:
    """Takes in looks in order; pure."""

    stranger: float
    match: float
    changes: int = 0
    likeness: float | None = None
    """Of the last look to the nearest remembered one."""
    _known: list[Embedding] = field(default_factory=list)
    _strange: list[tuple[float, Embedding]] = field(default_factory=list)

    def add(self, t_ms: float, look: Embedding) -> None:
        """One look; remembers it where it is surely the same person's and shows something new."""
        if len(self._known) < BEGINNING:
            self._begin(look)
            return
        self.likeness = max(float(known @ look) for known in self._known)
        if self.likeness >= self.stranger:
            self._strange.clear()
            # By the beginning alone: were looks vouched for by looks, a slow morph would be walked along with.
            vouched = max(float(known @ look) for known in self._known[:BEGINNING])
            if vouched >= self.match and self.likeness < NOVEL:
                self._remember(look)
            return
        self._strange.append((t_ms, look))
        if len(self._strange) >= STRANGE_LOOKS and t_ms - self._strange[0][0] >= STRANGE_MS:
            self.changes += 1
            self._known = [strange for _, strange in self._strange[-BEGINNING:]]
            self._strange.clear()

    def _begin(self, look: Embedding) -> None:
        """The first looks count as known whatever they are: nobody was there before."""
        self.likeness = max((float(known @ look) for known in self._known), default=1.0)
        self._known.append(look)

    def _remember(self, look: Embedding) -> None:
        if len(self._known) == CAPACITY:
            del self._known[BEGINNING]
        self._known.append(look)


@dataclass(slots=True)
class Comparison:
    """Every look beside the reference that the app gave; pure."""

    reference: Embedding
    _likenesses: list[float] = field(default_factory=list)

    def add(self, look: Embedding) -> None:
        """One look."""
        self._likenesses.append(float(self.reference @ look))

    @property
    def likeness(self) -> float | None:
        """Median over the looks; None before there are enough."""
        return statistics.median(self._likenesses) if len(self._likenesses) >= BEGINNING else None
