"""A face on paper: dots of ink, the white rim of the sheet, its gloss and its bend.

Colour by Neugebauer's equations (1937): on a square of paper each of the eight overprints of cyan, magenta and yellow
covers its share, and the eye, or a camera pixel, sees their mean. The dots themselves come from a clustered threshold
tile (Bayer's idea, Holladay's angles) at twice the camera's resolution; each ink has its own tile angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.held_sheet import Grip, draw_grip, laid

Picture = NDArray[np.uint8]
Random = np.random.Generator
# What paper under no ink, and under each overprint of (cyan, magenta, yellow), sends back: linear blue, green, red.
_PAPER = np.array([0.80, 0.82, 0.84])
_SOLID = {"c": np.array([0.72, 0.38, 0.05]), "m": np.array([0.33, 0.07, 0.62]), "y": np.array([0.07, 0.72, 0.83])}
_BLACK = 0.9
_ORDER = np.array([[7, 11, 10, 6], [12, 15, 14, 9], [13, 4, 3, 8], [5, 1, 2, 0]])
"""A cluster that grows from its middle; (rank + 0.5) / 16 is the threshold."""
_ANGLES = {"c": 18.4, "m": 71.6, "y": 0.0}
"""Rational tangents, as Holladay's method needs."""
_OVER = 2


@dataclass(frozen=True, slots=True)
class Printout:
    """One sheet of paper. `dots` camera pixels a cell of dots; 0: a photograph on photographic paper."""

    dots: float
    fade: float
    """How much of the ink's depth is lost: cheap paper, an empty cartridge."""
    rim: float
    """White border, as a share of the width."""
    gloss: float
    bend: float
    grip: Grip


def draw_printout(random: Random) -> Printout:
    """Office ink jet, laser printer, magazine, photograph."""
    return Printout(
        dots=0.0 if random.random() < 0.25 else float(random.uniform(1.6, 4.0)),  # noqa: PLR2004
        fade=float(random.uniform(0.0, 0.3)),
        rim=float(random.uniform(0.0, 0.05)),
        gloss=float(random.uniform(0.0, 0.5)),
        bend=float(random.normal(0.0, 0.05)),
        grip=draw_grip(random, float(random.uniform(0.86, 1.08))),
    )


def printed(picture: Picture, printout: Printout, random: Random) -> Picture:
    """The picture on paper under even light, behind a tone curve of 1/2.2 again; same size."""
    height, width = picture.shape[:2]
    ink = (1 - printout.fade) * (1.0 - (picture / 255.0) ** (2.2 * 0.8))
    if printout.dots:
        ink = _screened(ink, printout.dots * _OVER / 4)
    # Where all three inks lie, printers lay black.
    light = (
        _neugebauer(ink)
        * (1 - _BLACK * ink.min(axis=2, keepdims=True) ** 2)
        * random.normal(1.0, 0.012, (height, width, 1))
    )
    paper = np.asarray(np.clip(255 * np.clip(light, 0, 1) ** (1 / 2.2), 0, 255), np.uint8)
    rim = round(printout.rim * width)
    if rim:
        white = np.asarray(255 * _PAPER ** (1 / 2.2), np.uint8)
        inner = cv2.resize(paper, (width - 2 * rim, height - 2 * rim), interpolation=cv2.INTER_AREA)
        paper = np.broadcast_to(white, paper.shape).copy()
        paper[rim : height - rim, rim : width - rim] = inner
    return _bent(paper, printout.bend)


def held_up(paper: Picture, behind: Picture, printout: Printout, t_ms: float) -> Picture:
    """The sheet in a hand before the room at one moment, with the light of a lamp on it."""
    height, width = behind.shape[:2]
    view = printout.grip.view((width, height), t_ms)
    scene = laid(paper, behind, view)
    if not printout.gloss:
        return scene
    # The lamp's mirror image wanders over the sheet several times as far as the sheet turns.
    at = cv2.perspectiveTransform(np.array([[[0.5 * width, 0.5 * height]]], np.float32), view)[0, 0]
    tilt = view[2, :2] * width * 6
    centre = (at[0] + width * (0.35 + tilt[0]), at[1] - height * (0.4 - tilt[1]))
    columns = np.arange(width, dtype=np.float32)[None]
    rows = np.arange(height, dtype=np.float32)[:, None]
    spot = np.exp(-(((columns - centre[0]) / (0.3 * width)) ** 2) - ((rows - centre[1]) / (0.22 * height)) ** 2)
    return np.asarray(np.clip(scene + 150 * printout.gloss * spot[..., None], 0, 255), np.uint8)


def _screened(ink: NDArray[np.float64], cell: float) -> NDArray[np.float64]:
    """Coverages (h, w, 3: yellow, magenta, cyan) laid down as dots, as a camera's pixels see them."""
    height, width = ink.shape[:2]
    fine = cv2.resize(ink, (width * _OVER, height * _OVER), interpolation=cv2.INTER_LINEAR)
    dots = [_dotted(np.asarray(fine[..., index], np.float64), cell, name) for index, name in enumerate("ymc")]
    seen = cv2.resize(np.stack(dots, 2).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(seen, np.float64)


def _dotted(ink: NDArray[np.float64], cell: float, name: str) -> NDArray[np.uint8]:
    """1 where there is a dot of this ink: coverage (h, w) against the tile at its angle, `cell` pixels a step of it."""
    height, width = ink.shape
    angle = np.radians(_ANGLES[name])
    rows, columns = np.mgrid[0:height, 0:width]
    u = np.floor((columns * np.cos(angle) + rows * np.sin(angle)) / cell).astype(np.int64) % 4
    v = np.floor((rows * np.cos(angle) - columns * np.sin(angle)) / cell).astype(np.int64) % 4
    return np.asarray(ink > (_ORDER[v, u] + 0.5) / 16, np.uint8)


def _neugebauer(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light (h, w, 3) of coverages (h, w, 3: yellow, magenta, cyan)."""
    light = np.zeros(ink.shape, np.float64)
    for laid_down in product((0, 1), repeat=3):
        share = np.ones(ink.shape[:2])
        colour = _PAPER.copy()
        for index, (there, name) in enumerate(zip(laid_down, "ymc", strict=True)):
            share = share * (ink[..., index] if there else 1 - ink[..., index])
            colour = colour * _SOLID[name] if there else colour
        light += share[..., None] * colour
    return light


def _bent(paper: Picture, bend: float) -> Picture:
    """The sheet on a cylinder: rows shift and the light falls off towards the side that turns away."""
    if not bend:
        return paper
    height, width = paper.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)
    lift = np.broadcast_to(bend * height * (across**2), (height, width))
    columns = np.broadcast_to(np.arange(width, dtype=np.float32)[None], (height, width))
    rows = np.arange(height, dtype=np.float32)[:, None] + lift
    bowed = cv2.remap(
        paper, np.ascontiguousarray(columns), np.ascontiguousarray(rows.astype(np.float32)), cv2.INTER_LINEAR
    )
    shade = 1 - 2.2 * abs(bend) * np.clip(across * np.sign(bend), 0, 1)
    return np.asarray(np.clip(bowed * shade[None, :, None], 0, 255), np.uint8)
