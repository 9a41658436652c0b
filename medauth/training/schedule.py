"""How the learning rate and the stopping point are decided: pure functions of the history, so a resume repeats them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def cosine_rate(step: int, *, total_steps: int, warmup_steps: int, peak: float, floor: float = 0.01) -> float:
    """Learning rate at `step`: linear warm-up to `peak`, then half a cosine down to `floor` * `peak`."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    done = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


def plateau_rate(scores: Sequence[float], *, peak: float, patience: int, factor: float = 0.5) -> float:
    """Learning rate after epochs with these validation `scores` (higher is better): cut when none improved.

    Every `patience` epochs without a new best score multiply the rate by `factor` once.
    """
    rate, best, waited = peak, -math.inf, 0
    for score in scores:
        if score > best:
            best, waited = score, 0
            continue
        waited += 1
        if waited == patience:
            rate, waited = rate * factor, 0
    return rate


def should_stop(scores: Sequence[float], *, patience: int) -> bool:
    """Early stopping: has the best of `scores` stood for `patience` epochs or more?"""
    if patience <= 0 or not scores:
        return False
    return len(scores) - 1 - max(range(len(scores)), key=scores.__getitem__) >= patience
