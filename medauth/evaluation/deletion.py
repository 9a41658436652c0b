"""Does a heat map matter? What it calls hottest is covered, and the answer must fall by more than under a random cover.

The deletion test of Petsiuk et al., "RISE" (BMVC 2018), at one share of the picture. The random cover is as large and as
smooth as the hot one (a map of noise of the same grid, enlarged alike), so that only its place differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import Trials, resampled
from medauth.signals.calibration import log_odds
from medauth.signals.explain import Answering, Explainer

SHARE = 0.2
_DRAWS = 5


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far the log-odds of the answer fell on each picture: float64 [N], under the hot and under random covers."""

    hot: NDArray[np.float64]
    random: NDArray[np.float64]
    skipped: int
    """Pictures where nothing spoke for the answer, so that there is no hottest part."""

    def to_json(self) -> dict[str, Any]:
        """Medians, and the share of pictures on which the hot cover moved the answer more, with 95 % intervals."""
        n = len(self.hot)
        wins = (self.hot > self.random).astype(np.float64)
        return {
            "covered_share": SHARE,
            "n": n,
            "skipped": self.skipped,
            "median_drop_hot": _bootstrapped(self.hot),
            "median_drop_random": _bootstrapped(self.random),
            "hot_moves_more": _bootstrapped(wins, mean=True),
        }


def delete(
    model: Answering,
    pictures: Sequence[NDArray[np.float32]],
    explainer: Explainer,
    *,
    share: float = SHARE,
    seed: int = 0,
) -> Deletion:
    """Runs the test on `pictures`, each (1, side, side, channels) as the model takes it."""
    rng = np.random.default_rng(seed)
    hot, random, skipped = [], [], 0
    for picture in pictures:
        before = _probabilities(model, picture)
        index = int(before.argmax())
        heat = explainer.heat(model, picture, index)
        if float(heat.max(initial=0.0)) <= 0:
            skipped += 1
            continue
        noise = [rng.random(heat.shape).astype(np.float32) for _ in range(_DRAWS)]
        drops = [_drop(model, picture, index, float(before[index]), m, share) for m in (heat, *noise)]
        hot.append(drops[0])
        random.append(float(np.mean(drops[1:])))
    return Deletion(np.array(hot), np.array(random), skipped)


def hottest(heat: NDArray[np.float32], side_px: int, share: float) -> NDArray[np.bool_]:
    """Mask (side_px, side_px) of the hottest `share` of a picture, exact to a pixel."""
    enlarged = cv2.resize(heat, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    mask = np.zeros(side_px * side_px, bool)
    mask[np.argsort(enlarged, axis=None, kind="stable")[-round(share * side_px**2) :]] = True
    return mask.reshape(side_px, side_px)


def _drop(
    model: Answering, picture: NDArray[np.float32], index: int, before: float, heat: NDArray[np.float32], share: float
) -> float:
    mask = hottest(heat, picture.shape[1], share)[None, :, :, None]
    blank = np.where(mask, picture.mean(axis=(1, 2), keepdims=True), picture).astype(np.float32)
    return log_odds(before) - log_odds(float(_probabilities(model, blank)[index]))


def _probabilities(model: Answering, images: NDArray[np.float32]) -> NDArray[Any]:
    return np.asarray(model.run("predict", images=images)["probabilities"][0])


def _bootstrapped(values: NDArray[np.float64], *, mean: bool = False) -> dict[str, Any]:
    figure = np.mean if mean else np.median
    alone = np.arange(len(values)).astype(str)
    trials = Trials(values, np.zeros(len(values), bool), alone, alone)
    value = round(float(figure(values)), 4) if len(values) else None
    return {"value": value, "interval95": resampled(trials, lambda t: float(figure(t.scores)))}
