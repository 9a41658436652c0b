"""Where the points of a face come to lie when it turns, speaks, smiles, blinks: the geometry of animated photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL, LEFT_BROW, RIGHT_BROW
from medauth.signals.face_crop import OUTER_LEFT, OUTER_RIGHT

Points = NDArray[np.float32]

# Upper and lower rims that meet when they shut, right and left; in pairs, corners left out.
_LIDS = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382)),
)
_INNER = ((191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324))
_LOWER_LIP = (146, 91, 181, 84, 17, 314, 405, 321, 375, *_INNER[1])
_CHIN = (152, 148, 176, 377, 400, 199, 200, 175, 18, 83, 313, 201, 421)
_JAW = (149, 150, 136, 172, 378, 379, 365, 397)
_CORNERS = ((61, 78, 146, 185, 95, 191), (291, 308, 375, 409, 324, 415))
_CHEEKS = (205, 50, 187, 207, 425, 280, 411, 427)
_FRAME = 8


@dataclass(frozen=True)
class Motion:
    """What moves: degrees of the head; jaw, corners and brows in outer eye distances; lids and a jaw below zero as a share
    of what stands open, 1 = shut; `zoom` as a factor."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    jaw: float = 0.0
    smile: float = 0.0
    brows: float = 0.0
    lids: float = 0.0
    zoom: float = 1.0

    def part(self, share: float) -> Motion:
        """`share` of the way there."""
        values = {name: value * share for name, value in vars(self).items() if name != "zoom"}
        return Motion(**values, zoom=self.zoom**share)


def eyes_px(marks: Points) -> float:
    """Distance between the outer eye corners in a picture."""
    return float(np.hypot(*(marks[OUTER_RIGHT] - marks[OUTER_LEFT])[:2]))


def move_points(marks: Points, motion: Motion, depth: float) -> Points:
    """Marks (478, 2) after the motion; the head's `depth` in outer eye distances."""
    size = eyes_px(marks)
    moved = marks.astype(np.float64)
    _move_jaw(moved, motion.jaw, size)
    _move_corners(moved, motion.smile * size)
    moved[[*RIGHT_BROW, *LEFT_BROW], 1] -= motion.brows * size
    for upper, lower in _LIDS:
        moved[list(upper)] += motion.lids * (moved[list(lower)] - moved[list(upper)])
    return _turned(moved, motion, depth * size).astype(np.float32)


def shape_change_px(marks: Points, moved: Points) -> float:
    """How far the marks move that move most (nineteen in twenty move less), beside shift, tilt and size of the whole."""
    here, there = (points - points.mean(axis=0) for points in (marks.astype(np.float64), moved.astype(np.float64)))
    turned = (
        complex(
            *np.sum(
                [
                    here[:, 0] * there[:, 0] + here[:, 1] * there[:, 1],
                    here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0],
                ],
                axis=1,
            )
        )
        / (here**2).sum()
    )
    fitted = (here[:, 0] + 1j * here[:, 1]) * turned
    return float(np.quantile(np.abs(there[:, 0] + 1j * there[:, 1] - fitted), 0.95))


def ring(marks: Points, moved: Points, follow: float, side: int) -> tuple[Points, Points]:
    """Points around the face that go with it by `follow`, then half as much, and the picture's border, which stays: where
    they are and where they come to lie, each (n, 2)."""
    oval, oval_moved = marks[list(FACE_OVAL)], moved[list(FACE_OVAL)]
    middle = oval.mean(axis=0)
    ticks = np.linspace(0, side - 1, _FRAME, dtype=np.float32)
    border = np.array([p for t in ticks for p in ((t, 0), (t, side - 1), (0, t), (side - 1, t))], np.float32)
    border = np.unique(border, axis=0)
    here, there = [border], [border]
    for out, share in ((1.25, follow), (1.6, 0.5 * follow)):
        around = middle + (oval - middle) * out
        inside = ((around > 2) & (around < side - 3)).all(axis=1)  # noqa: PLR2004
        here.append(around[inside])
        there.append((around + share * (oval_moved - oval))[inside])
    return np.concatenate(here).astype(np.float32), np.concatenate(there).astype(np.float32)


def _move_jaw(moved: NDArray[np.float64], jaw: float, size: float) -> None:
    upper, lower = (list(row) for row in _INNER)
    if jaw < 0:  # shut what stands open
        gap = moved[lower] - moved[upper]
        moved[upper] -= 0.5 * jaw * gap
        moved[lower] += 0.5 * jaw * gap
        return
    moved[list(_LOWER_LIP), 1] += jaw * size
    moved[list(_CHIN), 1] += 0.8 * jaw * size
    moved[list(_JAW), 1] += 0.3 * jaw * size


def _move_corners(moved: NDArray[np.float64], up: float) -> None:
    for corner, way in zip(_CORNERS, (-1.0, 1.0), strict=True):
        moved[list(corner)] += (way * up, -0.7 * up)
    moved[list(_CHEEKS), 1] -= 0.4 * up


def _turned(moved: NDArray[np.float64], motion: Motion, depth: float) -> NDArray[np.float64]:
    """Turned about a point within the head; how far out a mark lies is guessed: an ellipsoid with a nose."""
    oval = moved[list(FACE_OVAL)]
    middle, half = oval.mean(axis=0), np.ptp(oval, axis=0) / 2
    within = (moved - middle) / half
    nose = (moved - moved[4]) / (0.22 * half)
    out = depth * (np.sqrt(np.clip(1 - (within**2).sum(axis=1), 0.0, 1.0)) + 0.3 * np.exp(-(nose**2).sum(axis=1) / 2))
    yaw, pitch, roll = np.radians([motion.yaw, motion.pitch, motion.roll])
    x, y = (moved - middle).T
    x, out = x * np.cos(yaw) + out * np.sin(yaw), out * np.cos(yaw) - x * np.sin(yaw)
    y = y * np.cos(pitch) - out * np.sin(pitch)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    return np.asarray(middle + motion.zoom * np.stack([x, y], axis=1))
