"""From mean colours of skin to a pulse wave, from a wave to its rate, and whether a film comes again.

POS as published (Wang, den Brinker, Stuijk, de Haan: Algorithmic principles of remote PPG, IEEE TBME 64, 2017, algorithm
1), on frames brought to an even clock. The band-pass has the squared response of a Butterworth filter, once forwards and
once backwards, applied to the spectrum: no phase, no start-up. Signal-to-noise is that of de Haan and Jeanne (IEEE TBME 60,
2013): the rate and its double against all else in the band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATE_HZ = 30.0
_WINDOW_S = 1.6
_LOW_HZ, _HIGH_HZ = 0.7, 3.0
"""42 to 180 beats a minute."""
_ORDER = 3
_NEAR_HZ = 0.1
_BINS = 4_096
_TOP_HZ = 4.5
_LEAST_LAG = 20
_LEAST_OVERLAP = 60
"""Frames: a film shorter than 0.7 s shows no person; two seconds are compared at least."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Rate:
    """Beats a minute; how far they stand above the rest, in decibel and as a share of the power in the band."""

    bpm: float
    snr_db: float
    share: float


def pos(times_ms: Floats, colours: Floats) -> tuple[Floats, Floats]:
    """Even times (m,) in ms and the pulse wave (m,) of mean colours (n, 3) red, green, blue at `times_ms` (n,)."""
    even = np.arange(times_ms[0], times_ms[-1], 1_000 / RATE_HZ)
    rgb = np.stack([np.interp(even, times_ms, channel) for channel in colours.T])
    length = round(_WINDOW_S * RATE_HZ)
    wave = np.zeros(even.size)
    if even.size < length:
        return even, wave
    parts = np.lib.stride_tricks.sliding_window_view(rgb, length, axis=1)
    red, green, blue = parts / np.maximum(parts.mean(axis=2, keepdims=True), _TINY)
    across, along = green - blue, green + blue - 2 * red
    beats = across + across.std(axis=1, keepdims=True) / np.maximum(along.std(axis=1, keepdims=True), _TINY) * along
    beats -= beats.mean(axis=1, keepdims=True)
    for start, beat in enumerate(beats):
        wave[start : start + length] += beat
    return even, wave


def rate_of(_times_ms: Floats, wave: Floats) -> Rate:
    """The strongest rate of a wave sampled at `RATE_HZ`."""
    tapered = (wave - wave.mean()) * np.hanning(wave.size)
    size = max(_BINS, wave.size)
    frequencies = np.fft.rfftfreq(size, 1 / RATE_HZ)
    power = np.abs(np.fft.rfft(tapered, size)) ** 2
    filtered = power * _butterworth(frequencies) ** 2
    inside = (frequencies >= _LOW_HZ) & (frequencies <= _HIGH_HZ)
    if not filtered[inside].max(initial=0.0) > 0:
        return Rate(0.0, -np.inf, 0.0)
    best = float(frequencies[inside][filtered[inside].argmax()])
    band = (frequencies >= _LOW_HZ) & (frequencies <= _TOP_HZ)
    beating = (np.abs(frequencies - best) <= _NEAR_HZ) | (np.abs(frequencies - 2 * best) <= _NEAR_HZ)
    signal, noise = float(power[band & beating].sum()), float(power[band & ~beating].sum())
    return Rate(60 * best, float(10 * np.log10(max(signal, _TINY) / max(noise, _TINY))), signal / (signal + noise))


def _butterworth(frequencies: Floats) -> Floats:
    """The squared response of a band-pass of order 3 at `frequencies` (k,) in Hz."""
    with np.errstate(divide="ignore"):
        away = (frequencies**2 - _LOW_HZ * _HIGH_HZ) / (frequencies * (_HIGH_HZ - _LOW_HZ))
    return np.asarray(1 / (1 + away ** (2 * _ORDER)))


def repeats(traces: Floats) -> float:
    """The largest correlation of the finest grain of traces (n, k) with itself, forwards or backwards, 20 frames away or
    more: near 0 for a camera, whose noise never comes again."""
    if len(traces) < _LEAST_LAG + _LEAST_OVERLAP:
        return 0.0
    # Alike forwards and backwards, unlike a difference of two.
    grain = traces[1:-1] - (traces[:-2] + traces[2:]) / 2
    grain = np.clip(grain / np.maximum(1.4826 * np.median(np.abs(grain), axis=0), _TINY), -4, 4)
    count, each = len(grain), float((grain**2).sum(axis=1).mean())
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(grain, size, axis=0)
    later = np.fft.irfft(spectrum * spectrum.conj(), size, axis=0).sum(axis=1)[:count]
    turned = np.fft.irfft(spectrum * spectrum, size, axis=0).sum(axis=1)[: 2 * count - 1]
    lags, sums = np.arange(count), np.arange(2 * count - 1)
    overlaps = np.minimum(sums + 1, 2 * count - 1 - sums)
    forwards = (later / np.maximum(count - lags, 1))[(lags >= _LEAST_LAG) & (count - lags >= _LEAST_OVERLAP)]
    backwards = (turned / overlaps)[overlaps >= 2 * _LEAST_OVERLAP]
    return float(max(forwards.max(initial=0.0), backwards.max(initial=0.0)) / max(each, _TINY))
