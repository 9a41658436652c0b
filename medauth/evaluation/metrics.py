"""Error rates of detectors in the terms of ISO/IEC 30107-3:2023, with sample sizes and 95 % intervals.

A score says how strongly a presentation looks like an attack; at a threshold, everything at or above it is called one.
APCER is the share of attack presentations called bona fide, of one species; the figure of a detector is that of its worst
species. BPCER is the share of bona fide presentations called attacks. Their mean (ACER) is no figure here: it hides which
of the two fails. For detectors of other things (a closed eye) the same words stand for missed and false detections.

Frames of one person or set-up are no independent trials. So intervals come from resampling whole groups (cluster
bootstrap: Efron & Tibshirani 1993, chapter 8; for biometrics ISO/IEC 19795-1), and from Wilson's formula ("Probable
Inference", JASA 1927) where every presentation is a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]
_Z95 = 1.959964
_ROUNDS = 1_000
_LEAST_SHARE = 0.5
"""An interval is given where at least this share of the resamples had both kinds in it."""
_FEW_GROUPS = 8
"""Up to so many groups, drawings are remembered: the same come again and again."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share `hits` / `n` with its 95 % interval."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; 0 when nothing was counted."""
        return self.hits / self.n if self.n else 0.0

    def as_json(self) -> dict[str, Any]:
        """Rounded, for manifests and reports."""
        return {"value": round(self.value, 4), "hits": self.hits, "n": self.n, "interval95": self.interval()}

    def interval(self) -> list[float]:
        """Lower and upper end, rounded."""
        return [round(self.low, 4), round(self.high, 4)]

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.n})"


@dataclass(frozen=True, slots=True)
class Trials:
    """Scored presentations: `scores` float64 [N], `attack` bool [N], `species` and `groups` one text each.

    `species` of a bona fide presentation is not looked at.
    """

    scores: Scores
    attack: Mask
    species: NDArray[np.str_]
    groups: NDArray[np.str_]

    def select(self, keep: NDArray[np.int64] | Mask) -> Trials:
        """Those at `keep`: indices, which may repeat, or a mask."""
        return Trials(self.scores[keep], self.attack[keep], self.species[keep], self.groups[keep])

    @property
    def grouped(self) -> bool:
        """Whether any group holds more than one presentation."""
        return len(np.unique(self.groups)) < len(self.groups)

    @property
    def separable(self) -> bool:
        """Whether there are attacks and bona fide presentations at all."""
        return bool(self.attack.any() and not self.attack.all())


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """APCER and BPCER (float64 [T]) by ascending `thresholds`: the detection error trade-off."""

    thresholds: Scores
    apcer: Scores
    bpcer: Scores


def wilson_rate(hits: int, n: int) -> Rate:
    """Share with Wilson's 95 % score interval, which stays honest for few trials and for shares near 0 and 1."""
    if n == 0:
        return Rate(0, 0, 0.0, 1.0)
    share = hits / n
    middle = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * float(np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n)))
    return Rate(hits, n, max(0.0, middle - half), min(1.0, middle + half))


def area_under_curve(scores: Scores, attack: Mask) -> float:
    """Chance that an attack scores above a bona fide presentation, ties counting half (Mann-Whitney); NaN without both."""
    positives, negatives = int(attack.sum()), int((~attack).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return float((ranks[attack].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def error_curve(scores: Scores, attack: Mask) -> ErrorCurve:
    """Both error rates at every threshold that changes one, and above the highest score."""
    thresholds = np.append(np.unique(scores), np.inf)
    attacks, bona_fide = np.sort(scores[attack]), np.sort(scores[~attack])
    missed = np.searchsorted(attacks, thresholds, side="left") / max(1, len(attacks))
    alarmed = (len(bona_fide) - np.searchsorted(bona_fide, thresholds, side="left")) / max(1, len(bona_fide))
    return ErrorCurve(thresholds, missed, alarmed)


def equal_error_rate(scores: Scores, attack: Mask) -> float:
    """Where APCER and BPCER cross, between the two nearest thresholds; NaN without both kinds."""
    if not attack.any() or attack.all():
        return float("nan")
    curve = error_curve(scores, attack)
    gap = curve.apcer - curve.bpcer
    after = int(np.argmax(gap >= 0))
    if after == 0 or gap[after] == 0:
        return float((curve.apcer[after] + curve.bpcer[after]) / 2)
    share = gap[after] / (gap[after] - gap[after - 1])
    return float(curve.apcer[after] + share * (curve.apcer[after - 1] - curve.apcer[after]))


def threshold_at_bpcer(scores: Scores, attack: Mask, target: float) -> float:
    """The lowest threshold at which at most `target` of the bona fide presentations are called attacks."""
    curve = error_curve(scores, attack)
    return float(curve.thresholds[int(np.argmax(curve.bpcer <= target + 1e-12))])


def worst_species(trials: Trials, threshold: float) -> tuple[str, float]:
    """The species that is missed most often at `threshold`, and its APCER; ("", NaN) without attacks."""
    rates = {str(name): float(missed.mean()) for name, missed in _missed_by_species(trials, threshold).items()}
    return max(rates.items(), key=lambda item: item[1]) if rates else ("", float("nan"))


def resampled(
    trials: Trials, figure: Callable[[Trials], float], *, rounds: int = _ROUNDS, seed: int = 0
) -> list[float] | None:
    """95 % interval of a figure by drawing whole groups with replacement; None where it cannot be had.

    A group may hold both kinds. Fewer than two groups, or too many resamples with one kind alone, say nothing.
    """
    names, place = np.unique(trials.groups, return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004
        return None
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    alone = np.concatenate(members) if len(names) == len(place) else None
    rng = np.random.default_rng(seed)
    seen: dict[bytes, float] = {}  # of few groups the same are drawn again and again
    found = []
    for _ in range(rounds):
        drawn = np.sort(rng.integers(0, len(names), len(names)))
        value = seen.get(drawn.tobytes())
        if value is None:
            value = figure(
                trials.select(alone[drawn] if alone is not None else np.concatenate([members[i] for i in drawn]))
            )
            if len(names) <= _FEW_GROUPS:
                seen[drawn.tobytes()] = value
        if np.isfinite(value):
            found.append(value)
    if len(found) < _LEAST_SHARE * rounds:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]


def rate_json(trials: Trials, wrong: Callable[[Trials], Mask]) -> dict[str, Any]:
    """A share of wrong answers with its sample size and interval: over groups where there are any, else Wilson's.

    Where no answer, or every answer, was wrong, all resamples are alike and would claim certainty: each group then counts
    as one trial of Wilson's.
    """
    mask = wrong(trials)
    written = wilson_rate(int(mask.sum()), len(mask)).as_json()
    if not trials.grouped:
        return written
    groups = len(np.unique(trials.groups))
    interval = resampled(trials, lambda drawn: _share(wrong(drawn)))
    if interval is not None and len(np.unique(mask)) == 1:
        interval = wilson_rate(groups if mask[0] else 0, groups).interval()
    return written | {"interval95": interval, "over": "groups", "groups": groups}


def operating_point(trials: Trials, threshold: float) -> dict[str, Any]:
    """BPCER, and APCER by species with the worst one named, at a threshold that is given."""
    bona_fide = trials.select(~trials.attack)
    species = {
        str(name): rate_json(trials.select(trials.attack & (trials.species == name)), lambda t: t.scores < threshold)
        for name in np.unique(trials.species[trials.attack])
    }
    worst, apcer = worst_species(trials, threshold)
    return {
        "threshold": _rounded(threshold),
        "bpcer": rate_json(bona_fide, lambda t: t.scores >= threshold),
        "apcer": {"worst": worst, "value": _rounded(apcer), "species": species},
    }


def detection_figures(trials: Trials, targets: Sequence[float], fixed: Mapping[str, float]) -> dict[str, Any]:
    """AUC, equal error rate, and operating points: at BPCER `targets` on these data, and at `fixed` thresholds by name.

    A threshold found on the judged data flatters: `apcer_interval95` therefore finds it anew in each resample.
    """
    figures: dict[str, Any] = {
        "n_attack": int(trials.attack.sum()),
        "n_bona_fide": int((~trials.attack).sum()),
        "groups": len(np.unique(trials.groups)),
        "auc": _with_interval(trials, lambda t: area_under_curve(t.scores, t.attack)),
        "eer": _with_interval(trials, lambda t: equal_error_rate(t.scores, t.attack)),
        "at_bpcer": {},
        "at_threshold": {name: operating_point(trials, value) for name, value in fixed.items()},
    }
    for target in targets if trials.separable else ():
        point = operating_point(trials, threshold_at_bpcer(trials.scores, trials.attack, target))
        point["apcer_interval95"] = resampled(trials, lambda t, target=target: _apcer_at(t, target))  # type: ignore[misc]
        figures["at_bpcer"][f"{target:g}"] = point
    return figures


def by_group(trials: Trials, targets: Sequence[float]) -> dict[str, Any]:
    """Each group alone: sample sizes, AUC and APCER at its own BPCER targets, where it holds both kinds."""
    found: dict[str, Any] = {}
    for name in np.unique(trials.groups):
        part = trials.select(trials.groups == name)
        entry: dict[str, Any] = {"n_attack": int(part.attack.sum()), "n_bona_fide": int((~part.attack).sum())}
        if part.separable:
            entry["auc"] = _rounded(area_under_curve(part.scores, part.attack))
            entry["apcer_at_bpcer"] = {f"{target:g}": _rounded(_apcer_at(part, target)) for target in targets}
        found[str(name)] = entry
    return found


def _apcer_at(trials: Trials, target: float) -> float:
    if not trials.separable:
        return float("nan")
    return worst_species(trials, threshold_at_bpcer(trials.scores, trials.attack, target))[1]


def _missed_by_species(trials: Trials, threshold: float) -> dict[str, Mask]:
    attacks = trials.select(trials.attack)
    return {str(n): attacks.scores[attacks.species == n] < threshold for n in np.unique(attacks.species)}


def _with_interval(trials: Trials, figure: Callable[[Trials], float]) -> dict[str, Any]:
    value = figure(trials)
    interval = resampled(trials, figure) if np.isfinite(value) else None
    return {"value": _rounded(value), "interval95": interval, "over": "groups" if trials.grouped else "presentations"}


def _share(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else float("nan")


def _rounded(value: float) -> float | None:
    """JSON knows neither NaN nor infinity: none, then."""
    return round(value, 6) if np.isfinite(value) else None
