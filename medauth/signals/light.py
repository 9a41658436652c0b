"""Light: does skin give back the colours that the screen was asked to show, in their order and after their time?

Fails a check only on two findings: skin that follows other colours than those issued, as in a film that was recorded under
an earlier challenge, and skin that follows them before they left the server. Where the room's light drowns the screen's,
where no colours came (an app that shows none), where frames are too few or the delay cannot be measured, it is inconclusive
and says what to do about it.

What it cannot see: a print held before the camera, which is lit as skin is, and a person who sits there for somebody else.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.light import DRAWN, ColourShown, LightSequence
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.interface import Marks, Trace
from medauth.signals.light_model import GAMMA, OPPONENT, Fit, Floats, LightModel, Rivals, Seen, linear_light
from medauth.signals.light_steps import at_pace, strong_steps
from medauth.signals.skin_patches import SkinPatches

HINT = "Dim the room's light, make the screen brighter and come closer to it."
_BEFORE_MS, _AFTER_MS = 1_500.0, 1_700.0
"""What is kept of the time around the colours: a response may come early or late."""
_DARK, _BRIGHT = 8.0, 250.0
"""Mean values of a channel beyond which a camera no longer tells colours."""


@dataclass(frozen=True, slots=True)
class LightTuning:
    """From when on a response is one."""

    least_share: float = 0.75
    """Of the chroma's variance, explained by the issued sequence."""
    least_margin: float = 1.6
    """How many times worse every other sequence must fit, those included that differ in one colour."""
    most_ambient: float = 2.7
    """The room's light on the face, by the screen's, above which a response is not to be relied on."""
    most_rival_margin: float = 0.4
    """Another sequence that explains as much as `least_share`, and leaves this much or less of what the issued one leaves, is
    the one that was shown."""
    most_foreign_share: float = 0.45
    """Of the variance: what the issued sequence may explain by chance of a film under other colours."""
    least_foreign_step: float = 0.05
    least_at_pace: int = 3
    """Sudden changes that follow the one before after `pace_ms`, as colours of a challenge do: other colours have five, the
    cuts of a television that lights the face had two at most (ADR 0500)."""
    pace_ms: tuple[float, float] = (600.0, 1_250.0)
    """Colours stay for 700 to 1,100; a frame at ten a second more or less."""
    most_delay_ms: float = 600.0
    """Screen, eye of the camera and encoding; the round trip is taken off before."""
    most_round_trip_ms: int = 200
    least_fps: float = 14.5
    """A camera of 15 gives a little less when frames are lost."""
    least_seen: float = 0.7
    """Share of the time under the colours in which skin was in view, in frames not further apart than `most_gap_ms`."""
    most_gap_ms: float = 400.0


@dataclass(frozen=True, slots=True)
class _Found:
    """All that the frames say, before it is judged."""

    fps: float
    seen: float
    fit: Fit | None
    rivals: Rivals | None
    ambient: float | None
    steps: int
    at_pace: int
    round_trip_ms: int


class LightSignal:
    """Correlates skin with the screen's colours. A `Signal`."""

    name = "light"

    def __init__(self, patches: SkinPatches | None = None, tuning: LightTuning | None = None) -> None:
        self._patches = patches or SkinPatches()
        self._tuning = tuning or LightTuning()
        self._asked: LightSequence | None = None
        self._shown: list[ColourShown] = []
        self._end_ms: float | None = None
        self._samples: deque[tuple[float, float, float, float]] = deque()
        self._clipped = self._measured = 0
        self._cached: tuple[int, _Found] | None = None

    def start(self, challenge: Challenge | None) -> None:
        self._asked = challenge.light if challenge is not None else None

    def update(self, observation: Observation) -> None:
        if self._asked is None or self._is_over(observation.frame.t_ms):
            return
        # What is signed of a time is its microseconds: judged again, a frame must give the same to the bit.
        t_ms = round(1_000 * observation.frame.t_ms) / 1_000
        light = observation.light
        if light is not None and (not self._shown or self._shown[-1].index != light.index):
            self._shown.append(light)
        if self._shown and light is None and self._end_ms is None:
            self._end_ms = t_ms
        self._sample(observation, t_ms)
        while not self._shown and self._samples and t_ms - self._samples[0][0] > _BEFORE_MS:
            self._samples.popleft()

    def reading(self) -> SignalReading:
        if self._asked is None:
            return self._read(Outcome.INCONCLUSIVE, "light.not_asked", "No colours were asked of the screen.")
        if len(self._shown) < len(self._asked.colours) or self._end_ms is None:
            text = f"{len(self._shown)} of {len(self._asked.colours)} colours were shown."
            return self._read(Outcome.INCONCLUSIVE, "light.unfinished", text)
        found = self._found()
        outcome, code, text = self._judged(found)
        return self._read(outcome, code, text, found)

    def marks(self) -> Marks:
        if not self._samples:
            return Marks()
        times, chroma = self._seen_chroma()
        named = zip(("red against green", "both against blue"), chroma.T, strict=True)
        return Marks(tuple(Trace(f"skin, {name}", "log", tuple(times), tuple(values)) for name, values in named))

    def _is_over(self, t_ms: float) -> bool:
        return self._end_ms is not None and t_ms - self._end_ms > _AFTER_MS

    def _sample(self, observation: Observation, t_ms: float) -> None:
        colours = self._patches.of(observation)
        if colours is None or not np.isfinite(colours).any():
            return
        skin = np.nanmean(colours, axis=0)
        self._measured += 1
        if skin.min() < _DARK or skin.max() > _BRIGHT:
            self._clipped += 1
            return
        self._samples.append((t_ms, *np.log(skin).tolist()))

    def _seen_chroma(self) -> tuple[Floats, Floats]:
        samples = np.array(self._samples)
        return samples[:, 0], samples[:, 1:] @ OPPONENT.T

    def _found(self) -> _Found:
        if self._cached is None or self._cached[0] != len(self._samples):
            self._cached = (len(self._samples), self._measure())
        return self._cached[1]

    def _measure(self) -> _Found:
        """Fits the issued sequence, and all others at its delay."""
        assert self._end_ms is not None
        under = self._samples_under()
        lasted_ms = self._end_ms - self._shown[0].shown_ms
        gaps = [late - early for early, late in pairwise([self._shown[0].shown_ms, *under, self._end_ms])]
        seen = 1 - sum(gap for gap in gaps if gap > self._tuning.most_gap_ms) / max(lasted_ms, 1.0)
        fps = 1_000 * len(under) / max(lasted_ms, 1.0)
        trip = max(shown.round_trip_ms for shown in self._shown)
        if len(under) < 2 * len(self._shown):
            return _Found(fps, min(seen, 0.0), None, None, None, 0, 0, trip)
        times, chroma = self._seen_chroma()
        model = LightModel(self._shown, self._end_ms, Seen(times, chroma))
        fit = model.fit()
        rivals = model.rivals(fit) if fit is not None else None
        steps = strong_steps(times, chroma, self._tuning.least_foreign_step)
        ambient = None if fit is None else _ambient(fit.contrast)
        return _Found(fps, seen, fit, rivals, ambient, len(steps), at_pace(steps, self._tuning.pace_ms), trip)

    def _samples_under(self) -> list[float]:
        assert self._end_ms is not None
        return [t_ms for t_ms, *_ in self._samples if self._shown[0].shown_ms <= t_ms <= self._end_ms]

    def _judged(self, found: _Found) -> tuple[Outcome, str, str]:
        tuning, fit = self._tuning, found.fit
        if self._clipped > self._measured / 2:
            text = f"Skin was too dark or too bright to tell colours. {HINT}"
            return Outcome.INCONCLUSIVE, "light.clipped", text
        if fit is None or found.rivals is None or found.ambient is None or found.seen < tuning.least_seen:
            text = "Too little of the face was seen while the screen showed its colours."
            return Outcome.INCONCLUSIVE, "light.unseen", text
        followed = fit.share >= tuning.least_share and found.rivals.margin() >= tuning.least_margin
        return self._judged_delay(found, fit, found.ambient) if followed else self._judged_other(found, fit)

    def _judged_delay(self, found: _Found, fit: Fit, ambient: float) -> tuple[Outcome, str, str]:
        """The sequence is the right one: did it come after its time, and not too long after?"""
        tuning, delay_ms = self._tuning, fit.delay_ms - found.round_trip_ms
        if found.fps < tuning.least_fps or found.round_trip_ms > tuning.most_round_trip_ms:
            text = (
                f"{found.fps:.0f} frames a second, {found.round_trip_ms} ms to the screen and back: no delay by that."
            )
            return Outcome.INCONCLUSIVE, "light.delay_not_measured", text
        if fit.delay_ms < -_tolerance_ms(found.fps):
            text = f"Skin changed its colours {-fit.delay_ms:.0f} ms before they had left the server."
            return Outcome.FAIL, "light.before_its_colour", text
        if ambient > tuning.most_ambient:
            return Outcome.INCONCLUSIVE, "light.drowned", f"The room's light drowned the screen's. {HINT}"
        if delay_ms > tuning.most_delay_ms:
            return Outcome.INCONCLUSIVE, "light.late", f"Skin followed the colours {delay_ms:.0f} ms late."
        text = f"Skin followed all {len(self._shown)} colours, {delay_ms:.0f} ms behind."
        return Outcome.PASS, "light.followed", text

    def _judged_other(self, found: _Found, fit: Fit) -> tuple[Outcome, str, str]:
        """What did not follow the colours: other ones, or none."""
        tuning = self._tuning
        assert found.rivals is not None
        margin = found.rivals.margin()
        rival = margin <= tuning.most_rival_margin and 1 - (1 - fit.share) * margin >= tuning.least_share
        if rival and found.at_pace >= tuning.least_at_pace:
            text = f"Skin followed {', '.join(found.rivals.best())}, which is not what the screen was asked for."
            return Outcome.FAIL, "light.other_colours", text
        if fit.share <= tuning.most_foreign_share and found.at_pace >= tuning.least_at_pace:
            text = f"Skin changed its colour {found.steps} times, and not as the screen was asked to."
            return Outcome.FAIL, "light.other_colours", text
        if found.ambient is None or found.ambient > tuning.most_ambient:
            return Outcome.INCONCLUSIVE, "light.drowned", f"The screen's colours were not found on the skin. {HINT}"
        text = f"Skin changed its colours in no way that one sequence explains. {HINT}"
        return Outcome.INCONCLUSIVE, "light.unclear", text

    def _read(self, outcome: Outcome, code: str, text: str, found: _Found | None = None) -> SignalReading:
        score = None if found is None or found.fit is None else to_ppm(found.fit.share)
        return SignalReading(self.name, outcome, code, text, score, self._details(found))

    def _details(self, found: _Found | None) -> dict[str, Json]:
        details: dict[str, Json] = {"colours": len(self._shown), "samples": len(self._samples)}
        if found is None or found.fit is None or found.rivals is None:
            return details
        fit, rivals = found.fit, found.rivals
        margins = rivals.margins([DRAWN.index(shown.colour) for shown in self._shown[1:]])
        return details | {
            "share_ppm": to_ppm(fit.share),
            "rank": int((rivals.unexplained < 1).sum()) + 1,
            "of": len(rivals.unexplained) + 1,
            "margin_milli": _milli(rivals.margin()),
            "by_colour": [
                {"colour": shown.colour.value, "margin_milli": _milli(margin)}
                for shown, margin in zip(self._shown[1:], margins, strict=True)
            ],
            "delay_ms": round(fit.delay_ms),
            "round_trip_ms": found.round_trip_ms,
            "ambient_milli": _milli(found.ambient or 0.0),
            "fps_milli": round(1_000 * found.fps),
            "strong_steps": found.steps,
            "at_pace": found.at_pace,
        }


_MOST_MILLI = 1_000_000


def _tolerance_ms(fps: float) -> float:
    """How much earlier a response may seem: a frame and a half, and the fit's own step."""
    return 1_500 / max(fps, 1.0) + 20


def _ambient(contrast: float) -> float:
    """The room's light by the screen's, from how much a channel changes between holding a colour and not: both through a
    display's usual gamma. Infinite without a change."""
    change = math.exp(GAMMA * max(contrast, 0.0))
    dark = float(linear_light(DRAWN[0])[1])
    return (1 - dark * change) / (change - 1) if change > 1 else math.inf


def _milli(value: float) -> int:
    return round(min(1_000 * value, _MOST_MILLI)) if math.isfinite(value) else _MOST_MILLI
