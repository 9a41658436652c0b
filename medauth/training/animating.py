"""One photograph made to move: heads turned, mouths, lids, brows and corners of mouths moved by warping, drawn from a seed.

A program that answers prompts for a photograph moves points of the face and lets the picture follow. Three ways of
letting it follow are drawn by turns, so that none is learned by heart: every place goes with the points near it (Gaussian
weights, as in first-order motion models; Siarohin et al., NeurIPS 2019), along a thin-plate spline, or in flat pieces between
the points. What a photograph does not hold is painted (`painting`), and some programs draw the face anew (`redrawing`). Moving
goes both ways (a smile is taken away as often as put on), so that no expression and no pose says what was done; some movements
are small, as a blink or a nod in passing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from medauth.signals.face_contours import FACE_OVAL, INNER_LIPS, LEFT_EYE, RIGHT_EYE
from medauth.training.moved_points import Motion, move_points, ring, shape_change_px
from medauth.training.painting import Paint, draw_paint, paint
from medauth.training.redrawing import Redrawing, draw_redrawing, redraw
from medauth.training.warping import KEY_POINTS, grid, remap, spline_field

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
Field = Callable[[Points, Points, int], NDArray[np.float32]]

_STEP = 8  # the smooth field is computed this coarsely and drawn out in between
_MOVED_PX = 1.8  # what is moved less is no forgery to learn from
_TRIES = 6
_SMALL_SHARE = 0.35
_REDRAWN = 0.4


@dataclass(frozen=True)
class Animation:
    """One program's way of moving one photograph: the same for all frames of a film."""

    motion: Motion
    field: Field
    follow: float  # how much of the head's motion hair and neck take part in, 0..1
    depth: float  # of the head, in outer eye distances
    paint: Paint
    redrawing: Redrawing | None  # None: the photograph's own picture is moved


def draw_animation(marks: Points, rng: np.random.Generator) -> Animation:
    """Draw who moves what, and how, for a face with `marks` (478, 2): something that can be seen, not a shut mouth shut."""
    drawn = _draw(rng)
    for _ in range(_TRIES):
        if shape_change_px(marks, move_points(marks, drawn.motion, drawn.depth)) >= _MOVED_PX:
            break
        drawn = _draw(rng)
    return drawn


def _draw(rng: np.random.Generator) -> Animation:
    fields_ = (cloud(rng.uniform(2.5, 9.0)), spline_of_key_points, pieces(int(rng.integers(2**31))))
    return Animation(
        motion=_smaller(draw_motion(rng), rng),
        field=fields_[int(rng.choice(3, p=(0.4, 0.25, 0.35)))],
        follow=float(rng.uniform(0.2, 1.0)),
        depth=float(rng.uniform(0.55, 1.0)),
        paint=draw_paint(rng),
        redrawing=draw_redrawing(rng) if rng.random() < _REDRAWN else None,
    )


def draw_motion(rng: np.random.Generator) -> Motion:
    """One to three movements of a face, each either way."""
    way = rng.choice((-1.0, 1.0), 6)
    whole = Motion(
        yaw=way[0] * rng.uniform(7, 32),
        pitch=way[1] * rng.uniform(6, 18),
        roll=float(rng.normal(0, 5)),
        jaw=rng.uniform(0.05, 0.32) if way[2] > 0 else -rng.uniform(0.5, 1.0),
        smile=way[3] * rng.uniform(0.04, 0.14),
        brows=way[4] * rng.uniform(0.05, 0.15),
        lids=rng.uniform(0.5, 1.05),
        zoom=float(np.exp(way[5] * rng.uniform(0.02, 0.14))),
    )
    return _only(whole, rng)


def _smaller(motion: Motion, rng: np.random.Generator) -> Motion:
    """One motion in three only hinted at; lids shut whole all the same."""
    if rng.random() >= _SMALL_SHARE:
        return motion
    return replace(motion.part(float(rng.uniform(0.3, 0.7))), lids=motion.lids)


def animate(image: Image, marks: Points, animation: Animation, share: float = 1.0) -> tuple[Image, Points]:
    """The picture (S, S, 3) with its face moved by `share` of the motion, and where its marks (478, 2) now lie."""
    motion = animation.motion.part(share)
    moved = move_points(marks, motion, animation.depth)
    around, around_moved = ring(marks, moved, animation.follow, image.shape[0])
    start, end = np.concatenate([marks, around]), np.concatenate([moved, around_moved])
    drawn = remap(image, *animation.field(start, end, image.shape[0]))
    drawn = paint(drawn, moved, animation.paint, lids=motion.lids, jaw=motion.jaw)
    if animation.redrawing is not None:
        drawn = redraw(drawn, moved, animation.redrawing)
    return drawn, moved


def spline_of_key_points(start: Points, end: Points, side: int) -> NDArray[np.float32]:
    """Where each pixel comes from, float32 (2, S, S), by a thin-plate spline through the outline and the features."""
    chosen = np.concatenate([KEY_POINTS, np.arange(478, len(start))])
    return spline_field(start[chosen], end[chosen], side)


def cloud(reach_px: float) -> Field:
    """Every place goes as the mean of the points near it does."""

    def field(start: Points, end: Points, side: int) -> NDArray[np.float32]:
        ticks = np.arange(0, side + _STEP, _STEP, dtype=np.float32)
        places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
        far = ((places[:, None] - end[None]) ** 2).sum(axis=-1) / reach_px**2
        weights = np.exp(-far / 2) + 1e-4 / (1 + far)
        moves = (weights @ (start - end)) / weights.sum(axis=1, keepdims=True)
        return _drawn_out(moves.reshape(len(ticks), len(ticks), 2), side)

    return field


def pieces(seed: int) -> Field:
    """Flat pieces between some of the points: the classic morph."""

    def field(start: Points, end: Points, side: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        some = rng.choice(478, int(rng.integers(60, 479)), replace=False)
        chosen = np.unique(
            np.concatenate([some, FACE_OVAL, RIGHT_EYE, LEFT_EYE, INNER_LIPS, np.arange(478, len(start))])
        )
        places = grid(side)
        moves = LinearNDInterpolator(end[chosen], start[chosen] - end[chosen], fill_value=0.0)(places[0], places[1])
        return np.asarray(places + np.moveaxis(moves, -1, 0), np.float32)

    return field


def _drawn_out(moves: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """Moves at every `_STEP`th pixel to where each pixel comes from."""
    places = grid(side)
    at = (places / _STEP).astype(np.float32)
    dense = [cv2.remap(moves[..., axis].astype(np.float32), at[0], at[1], cv2.INTER_LINEAR) for axis in (0, 1)]
    return np.asarray(places + np.stack(dense), np.float32)


def _only(whole: Motion, rng: np.random.Generator) -> Motion:
    """One to three parts of a motion, heads first: that is where most of what is moved lies; tilt and size come along."""
    names = ("yaw", "jaw", "smile", "pitch", "brows", "lids")
    kept = set(rng.choice(names, int(rng.integers(1, 4)), replace=False, p=(0.3, 0.2, 0.17, 0.11, 0.11, 0.11)))
    kept |= {name for name in ("roll", "zoom") if rng.random() < 0.4}  # noqa: PLR2004
    return replace(Motion(), **{name: getattr(whole, name) for name in kept})
