"""Faces as a network draws them: what a small decoder leaves out of a face, and what it adds.

Programs that answer prompts for a photograph increasingly draw the face anew, at 64 to 256 pixels, and paste it over the
frame (first-order motion models and their followers; Siarohin et al., NeurIPS 2019). No such program is needed for what they
have in common: pores and single hairs are lost inside the drawn part while the surroundings keep theirs, edges are sharpened
again, and upsampling layers leave a faint regular pattern (Odena et al., *Deconvolution and Checkerboard Artifacts*, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL
from medauth.training.degrading import rescale, smooth_skin

Image = NDArray[np.uint8]
Points = NDArray[np.float32]


@dataclass(frozen=True)
class Redrawing:
    """How one network draws: the same for all frames of a film."""

    share: float  # of the side at which it draws
    smooth: float  # how far skin loses its texture, 0..1
    sharpen: float
    pattern: float  # grey levels of the upsampling layers' pattern
    period_px: int
    grow: float | None  # of the face's outline, as a factor; None: it draws the whole picture
    soft_px: float  # of the edge


def draw_redrawing(rng: np.random.Generator) -> Redrawing:
    """Draw a way of drawing."""
    return Redrawing(
        share=float(rng.uniform(0.35, 0.8)),
        smooth=float(rng.uniform(0, 0.9)),
        sharpen=float(rng.uniform(0, 0.8)),
        pattern=float(rng.exponential(1.0)),
        period_px=int(rng.choice((2, 4, 8))),
        grow=None if rng.random() < 0.3 else float(rng.uniform(0.9, 1.35)),  # noqa: PLR2004
        soft_px=float(rng.uniform(1, 8)),
    )


def redraw(image: Image, marks: Points, how: Redrawing) -> Image:
    """The picture (S, S, 3) with the face at `marks` (478, 2) drawn anew."""
    drawn = rescale(image, how.share, cv2.INTER_CUBIC)
    drawn = smooth_skin(drawn, how.smooth)
    blurred = cv2.GaussianBlur(drawn, (0, 0), 1.5)
    sharp = cv2.addWeighted(drawn, 1 + how.sharpen, blurred, -how.sharpen, 0).astype(np.float32)
    sharp += _pattern(image.shape[0], how)
    share = _where(image.shape[0], marks, how)
    return np.asarray(np.clip(image * (1 - share) + sharp * share, 0, 255), np.uint8)


def _pattern(side: int, how: Redrawing) -> NDArray[np.float32]:
    """A regular lattice (S, S, 1), zero on average."""
    wave = np.cos(2 * np.pi * np.arange(side, dtype=np.float32) / how.period_px)
    return np.asarray(how.pattern * wave[:, None, None] * wave[None, :, None], np.float32)


def _where(side: int, marks: Points, how: Redrawing) -> NDArray[np.float32]:
    """How much of each place is drawn anew, (S, S, 1) in 0..1."""
    if how.grow is None:
        return np.ones((side, side, 1), np.float32)
    oval = marks[list(FACE_OVAL)]
    middle = oval.mean(axis=0)
    mask = np.zeros((side, side), np.float32)
    cv2.fillPoly(mask, [np.round(middle + (oval - middle) * how.grow).astype(np.int32)], (1.0,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), how.soft_px)[..., None], np.float32)
