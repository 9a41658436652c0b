"""What a face can be made to show, as numbers, and where the points of its mesh then lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.mesh_warp import MESH, OUTLINE, FaceSheet, Picture, Points, draw
from medauth.evaluation.attacks.painted_lids import lids_over

# FaceMesh rows across each eye: upper lid, lower lid (corner to corner); lips: upper row, lower row, inner and outer.
_UPPER_LIDS = ((246, 161, 160, 159, 158, 157, 173), (466, 388, 387, 386, 385, 384, 398))
_LOWER_LIDS = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))
_INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
_UPPER_LIP = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308,
    76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292,
)  # fmt: skip
_BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
_MOUTH_DARK = (28, 22, 52)
_LEAST_OPENING = 0.12
OPENED = 0.3
"""How far a clear opening takes the lower lip down, in distances between the outer eye corners."""


@dataclass(frozen=True, slots=True)
class Look:
    """One moment of a face. Angles in degrees as in `observation.Pose`; `size` 1 is as in the picture; the rest are shares
    of a clear expression (`lids` 1: shut)."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    size: float = 1.0
    smile: float = 0.0
    brows: float = 0.0
    mouth: float = 0.0
    lids: float = 0.0
    hand: float | None = None
    """A hand before the face: -1 it comes in at one side, 1 it has left at the other; None: no hand."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Of the whole head, in distances between the outer eye corners."""

    def with_sway(self, yaw: float, pitch: float, shift: tuple[float, float]) -> Look:
        """The same, with a little motion of the head on top."""
        return replace(self, yaw=self.yaw + yaw, pitch=self.pitch + pitch, shift=shift)


def show(sheet: FaceSheet, look: Look) -> Picture:
    """The picture of the sheet's face with that look."""
    moved = placed(sheet, look)
    picture = draw(sheet, moved)
    if look.mouth > _LEAST_OPENING:
        picture = _with_dark_mouth(picture, moved, look.mouth)
    picture = lids_over(picture, moved, look.lids)
    return picture if look.hand is None else _with_hand(picture, moved, look.hand)


def placed(sheet: FaceSheet, look: Look) -> Points:
    """(n, 3) where the sheet's points lie under a look: first expressions, then the turn of the head. Of lids the places
    are those of open ones."""
    unit = sheet.eye_distance
    points = sheet.points.astype(np.float64).copy()
    offsets = _pulls(sheet.points[:MESH].tobytes(), unit)
    for name in ("smile", "brows", "mouth"):
        amount = getattr(look, name)
        if amount:
            points[:MESH, :2] += amount * offsets[name]
    away = (points - sheet.pivot) @ _rotation(look).T * look.size
    away[:, :2] += np.array(look.shift) * unit
    share = sheet.share[:, None].astype(np.float64)
    return np.asarray(points + share * (away + sheet.pivot - points), np.float32)


def _rotation(look: Look) -> NDArray[np.float64]:
    """(3, 3) in image axes (x right, y down, z away): roll in the picture, then nod, then turn."""
    yaw, pitch, roll = np.radians([look.yaw, look.pitch, look.roll])
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float64)


@lru_cache(maxsize=64)
def _pulls(face: bytes, unit: float) -> dict[str, NDArray[np.float64]]:
    """By expression: how far each landmark (468, 2) moves in pixels for a clear one. `face` are the landmarks' bytes."""
    points = np.frombuffer(face, np.float32).reshape(MESH, 3)[:, :2].astype(np.float64)
    return {
        "smile": _smile(points, unit),
        "brows": _brows(points, unit),
        "mouth": _mouth(points, unit),
    }


def _near(points: NDArray[np.float64], centre: int, reach: float) -> NDArray[np.float64]:
    """(468, 1): 1 at a landmark, falling off around it."""
    apart = np.hypot(*(points - points[centre]).T)
    return np.asarray(np.exp(-((apart / reach) ** 2))[:, None])


def _smile(points: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Corners of the mouth out and up, cheeks a little up."""
    pull = np.zeros_like(points)
    for corner, cheek, way in ((61, 205, -1.0), (291, 425, 1.0)):
        pull += _near(points, corner, 0.2 * unit) * np.array([way * 0.075, -0.065]) * unit
        pull += _near(points, cheek, 0.2 * unit) * np.array([0.0, -0.02]) * unit
    return pull


def _brows(points: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Brows up, the skin of forehead and upper lid after them."""
    apart = np.min(np.hypot(*(points[:, None] - points[list(_BROWS)][None]).transpose(2, 0, 1)), axis=1)
    weight = np.exp(-((apart / (0.11 * unit)) ** 2))
    weight[[i for row in (*_UPPER_LIDS, *_LOWER_LIDS) for i in row]] = 0.0
    return np.asarray(weight[:, None] * np.array([0.0, -0.07]) * unit)


def _mouth(points: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """The jaw down: lower lip and chin all the way, cheeks less."""
    line = float(points[list(_UPPER_LIP)[1:10], 1].mean())
    below = np.clip((points[:, 1] - line) / (0.12 * unit), 0.0, 1.0)
    beside = np.exp(-(((points[:, 0] - points[14, 0]) / (0.55 * unit)) ** 2))
    weight = below * beside
    weight[list(_UPPER_LIP)] = 0.0
    weight[[61, 291, 78, 308, 76, 306, 62, 292]] = 0.35
    weight[list(_INNER_LIPS[11:])] = 1.0
    return np.asarray(weight[:, None] * np.array([0.0, OPENED]) * unit)


def _with_hand(picture: Picture, moved: Points, at: float) -> Picture:
    """What a photograph does not have either: a hand, four fingers and a palm in the colour of the cheek."""
    outline = moved[list(OUTLINE), :2]
    middle, span = outline.mean(axis=0), float(np.ptp(outline[:, 0]))
    cheek = moved[205, :2].round().astype(int)
    colour = (
        picture[max(0, cheek[1] - 3) : cheek[1] + 3, max(0, cheek[0] - 3) : cheek[0] + 3].reshape(-1, 3).mean(axis=0)
    )
    mask = np.zeros(picture.shape[:2], np.uint8)
    palm = middle + np.array([1.4 * at * span, 0.25 * span])
    cv2.ellipse(mask, _at(palm), (round(0.33 * span), round(0.36 * span)), 0, 0, 360, (255,), -1)
    for index, reach in enumerate((0.78, 0.9, 0.86, 0.7)):
        root = palm + np.array([(index - 1.5) * 0.17 * span, -0.1 * span])
        tip = root + np.array([(index - 1.5) * 0.05 * span, -reach * span])
        cv2.line(mask, _at(root), _at(tip), (255,), max(3, round(0.14 * span)), cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float32)[..., None] / 255
    shade = cv2.GaussianBlur(mask, (0, 0), 0.08 * span).astype(np.float32)[..., None] / 255
    return np.asarray(colour * (0.6 + 0.4 * shade) * soft + picture * (1 - soft), np.uint8)


def _at(point: NDArray[np.floating[Any]]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _with_dark_mouth(picture: Picture, moved: Points, amount: float) -> Picture:
    """What a photograph does not have: the inside of an open mouth, painted dark."""
    mask = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(mask, [np.round(moved[list(_INNER_LIPS), :2]).astype(np.int32)], (1.0,), cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.2)[..., None] * min(1.0, 1.6 * amount)
    painted = picture * (1 - soft) + np.array(_MOUTH_DARK, np.float32) * soft
    return np.asarray(painted, np.uint8)
