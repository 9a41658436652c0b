"""Pulse: does the skin's colour beat as blood makes it? Reported with its signal-to-noise; alone it never decides.

Remote photoplethysmography by POS, the plane orthogonal to skin (Wang, den Brinker, Stuijk, de Haan, IEEE TBME 2017): in
windows of 1.6 s the mean colour of skin is divided by its average and projected where neither the tone of skin nor a change
of brightness shows; what is left is the pulse. A band-pass of Butterworth's response keeps 42 to 180 beats a minute, and
the spectrum says how far one rate and its double stand above all else.

It claims a pulse only where forehead and both cheeks, each by itself, beat at the same rate as their mean: noise does not
agree with itself. A looped clip beats as its own frames do: whoever plays a living person's film plays their pulse, too.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.interface import Marks, Trace
from medauth.signals.pulse_wave import Rate, pos, rate_of, repeats
from medauth.signals.skin_patches import SkinPatches

_GREYS = 30.0


@dataclass(frozen=True, slots=True)
class PulseTuning:
    """What a claim needs."""

    window_ms: float = 8_000.0
    """The calmest stretch of this length is judged: chosen by motion, never by how well it beats."""
    hop_ms: float = 1_000.0
    most_gap_ms: float = 250.0
    settle_ms: float = 600.0
    """After the screen showed colours, white balance is on its way back."""
    least_fps: float = 14.0
    most_motion: float = 0.12
    """Standard deviation of the head's place in eye distances, plus that of its turn in radians."""
    least_snr_db: float = 2.0
    least_patch_snr_db: float = -3.0
    most_apart_bpm: float = 5.0
    """Between the rates of forehead, either cheek and their mean."""
    most_repeated: float = 0.45
    """Correlation of the finest grain of skin colour with itself at any distance: a film that comes again has 1."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Frames `first` to `last`, and how much the head moved meanwhile."""

    first: int
    last: int
    motion: float


class PulseSignal:
    """Measures beats a minute. A `Signal` that confirms or stays inconclusive."""

    name = "pulse"

    def __init__(self, patches: SkinPatches | None = None, tuning: PulseTuning | None = None) -> None:
        self._patches = patches or SkinPatches()
        self._tuning = tuning or PulseTuning()
        self._times = array("d")
        self._colours = array("d")
        self._heads = array("d")
        self._lit_ms = -math.inf

    def start(self, challenge: Challenge | None) -> None:
        """Needs to know nothing of what is asked."""

    def update(self, observation: Observation) -> None:
        # What is signed of a time is its microseconds: judged again, a frame must give the same to the bit.
        t_ms = round(1_000 * observation.frame.t_ms) / 1_000
        if observation.light is not None:
            self._lit_ms = t_ms
        colours, track = self._patches.of(observation), observation.track
        if colours is None or track is None or t_ms - self._lit_ms < self._tuning.settle_ms or np.isnan(colours).any():
            return
        self._times.append(t_ms)
        self._colours.extend(colours.ravel())
        x, y = ((track.landmarks[33, :2] + track.landmarks[263, :2]) / (2 * track.quality.size_px)).tolist()
        self._heads.extend((x, y, math.radians(track.pose.yaw), math.radians(track.pose.pitch)))

    def reading(self) -> SignalReading:
        times, colours, heads = self._arrays()
        stretch = self._calmest(times, heads)
        if stretch is None:
            text = f"No {self._tuning.window_ms / 1_000:.0f} s of skin without a break were seen."
            return self._read("pulse.short", text)
        details: dict[str, Json] = {"motion_milli": round(1_000 * stretch.motion)}
        part = slice(stretch.first, stretch.last)
        if stretch.motion > self._tuning.most_motion:
            return self._read("pulse.moving", "The head moved too much to see a pulse.", details)
        if colours[part].mean() < _GREYS:
            return self._read("pulse.dark", "Skin was too dark to see a pulse.", details)
        repeated = repeats(np.log(np.maximum(colours, 1.0)).reshape(len(times), -1))
        details["repeated_milli"] = round(1_000 * repeated)
        if repeated > self._tuning.most_repeated:
            return self._read("pulse.repeated", "The film came again: what beats in it beat before.", details)
        return self._beating(times[part], colours[part], details)

    def marks(self) -> Marks:
        times, colours, heads = self._arrays()
        stretch = self._calmest(times, heads)
        if stretch is None:
            return Marks()
        part = slice(stretch.first, stretch.last)
        wave_ms, wave = pos(times[part], colours[part].mean(axis=1))
        return Marks((Trace("pulse", "share", tuple(wave_ms), tuple(wave)),))

    def _arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Times (n,), colours (n, 3 patches, 3), heads (n, 4)."""
        times = np.array(self._times)
        return times, np.array(self._colours).reshape(-1, 3, 3), np.array(self._heads).reshape(-1, 4)

    def _calmest(self, times: NDArray[np.float64], heads: NDArray[np.float64]) -> _Stretch | None:
        tuning, found = self._tuning, list[_Stretch]()
        if len(times) < 2:  # noqa: PLR2004 - a stretch has two ends
            return None
        breaks = np.flatnonzero(np.diff(times) > tuning.most_gap_ms) + 1
        for run in np.split(np.arange(len(times)), breaks):
            start_ms = times[run[0]]
            while start_ms + tuning.window_ms <= times[run[-1]] + tuning.most_gap_ms:
                first, last = np.searchsorted(times, [start_ms, start_ms + tuning.window_ms])
                last = min(int(last), int(run[-1]) + 1)
                if last - first >= tuning.least_fps * tuning.window_ms / 1_000:
                    found.append(_Stretch(int(first), last, _motion(heads[first:last])))
                start_ms += tuning.hop_ms
        return min(found, key=lambda stretch: stretch.motion, default=None)

    def _beating(
        self, times: NDArray[np.float64], colours: NDArray[np.float64], details: dict[str, Json]
    ) -> SignalReading:
        whole = rate_of(*pos(times, colours.mean(axis=1)))
        patches = [rate_of(*pos(times, colours[:, patch])) for patch in range(colours.shape[1])]
        details |= {
            "bpm_milli": round(1_000 * whole.bpm),
            "snr_milli_db": round(1_000 * whole.snr_db),
            "patches": [
                {"bpm_milli": round(1_000 * patch.bpm), "snr_milli_db": round(1_000 * patch.snr_db)}
                for patch in patches
            ],
        }
        if whole.snr_db < self._tuning.least_snr_db or not all(self._agrees(patch, whole) for patch in patches):
            return self._read("pulse.not_found", "No one rate stood out on forehead and cheeks.", details, whole)
        text = f"Skin beat {whole.bpm:.0f} times a minute, {whole.snr_db:.1f} dB above the rest."
        return self._read("pulse.found", text, details, whole, Outcome.PASS)

    def _agrees(self, patch: Rate, whole: Rate) -> bool:
        near = abs(patch.bpm - whole.bpm) <= self._tuning.most_apart_bpm
        return near and patch.snr_db >= self._tuning.least_patch_snr_db

    def _read(
        self,
        code: str,
        text: str,
        details: dict[str, Json] | None = None,
        rate: Rate | None = None,
        outcome: Outcome = Outcome.INCONCLUSIVE,
    ) -> SignalReading:
        score = None if rate is None else to_ppm(rate.share)
        return SignalReading(self.name, outcome, code, text, score, {"frames": len(self._times), **(details or {})})


def _motion(heads: NDArray[np.float64]) -> float:
    """Of places (n, 2) in eye distances and turns (n, 2) in radians: how far they stray, without a slow drift."""
    steady = heads - heads.mean(axis=0)
    return float(np.hypot(*steady[:, :2].std(axis=0)) + np.hypot(*steady[:, 2:].std(axis=0)))
