"""When each colour of a light challenge leaves the server: one after the other, never before its time.

Pure, like the ceremony that drives it: a colour is due with the first frame at or after its time, and that frame's time
is stated as its own. So the same frames give the same times to whoever judges them again.
"""

from __future__ import annotations

from medauth.protocol.light import ColourShown, LightSequence

SEEN_MS = 400.0
"""For this long a face must be in view before the first colour is shown: without one nothing would be read."""
MOST_ROUND_TRIP_MS = 10_000
"""A round trip that is stated; what is longer says no more."""


class Lighting:
    """Shows one sequence, frame by frame."""

    def __init__(self, sequence: LightSequence | None) -> None:
        self._sequence = sequence
        self._shown: list[ColourShown] = []
        self._seen_since: float | None = None
        self._ended_ms: float | None = None

    @property
    def now(self) -> ColourShown | None:
        """The colour that the screen is to show; later ones exist for nobody yet."""
        return self._shown[-1] if self._shown and self._ended_ms is None else None

    @property
    def shown(self) -> tuple[ColourShown, ...]:
        """Colours that have left the server."""
        return tuple(self._shown)

    @property
    def ended_ms(self) -> float:
        """When the last colour was taken away; 0 before."""
        return self._ended_ms or 0.0

    def is_due(self, step: int) -> bool:
        """Whether the colours come, or go on, ahead of this step."""
        return self._sequence is not None and self._ended_ms is None and self._sequence.before_step == step

    def advance(self, t_ms: float, round_trip_ms: float, *, seen: bool) -> None:
        """Takes in one frame while the colours are due."""
        assert self._sequence is not None
        if self._shown:
            self._follow(self._sequence, t_ms, round_trip_ms)
            return
        self._seen_since = None if not seen else t_ms if self._seen_since is None else self._seen_since
        if self._seen_since is not None and t_ms - self._seen_since >= SEEN_MS:
            self._show(self._sequence, t_ms, round_trip_ms)

    def _follow(self, sequence: LightSequence, t_ms: float, round_trip_ms: float) -> None:
        last = self._shown[-1]
        if t_ms - last.shown_ms < sequence.colours[last.index].lasts_ms:
            return
        if len(self._shown) < len(sequence.colours):
            self._show(sequence, t_ms, round_trip_ms)
        else:
            self._ended_ms = t_ms

    def _show(self, sequence: LightSequence, t_ms: float, round_trip_ms: float) -> None:
        index = len(self._shown)
        bounded = round(min(max(round_trip_ms, 0.0), MOST_ROUND_TRIP_MS))
        self._shown.append(ColourShown(index, sequence.colours[index].colour, t_ms, bounded))
