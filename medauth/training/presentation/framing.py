"""How a face is cut out and what surrounds a sheet or a display: the same cut for every class."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.presentation.camera import Light, Picture, happens

NARROWEST = 0.6  # of the width of the face: texture of the skin
WIDEST = 2.2


@dataclass(frozen=True)
class FaceBox:
    """Where a face lies in its picture, in pixels: centre, and width of the face (ear to ear)."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Cut:
    """A square cut: side `scale` times the width of the face, seen on `canvas_px` pixels of the camera."""

    scale: float
    shift: tuple[float, float]  # in widths of the face
    turn_deg: float
    lean: tuple[float, float]  # perspective
    mirrored: bool
    canvas_px: int


def draw_cut(box: FaceBox, shape: tuple[int, ...], rng: np.random.Generator) -> Cut:
    """Draw a cut that stays inside a picture of `shape`."""
    room = 2 * min(box.x, box.y, shape[1] - box.x, shape[0] - box.y) / box.width
    widest = float(np.clip(room, NARROWEST + 0.05, WIDEST))
    return Cut(
        scale=float(np.exp(rng.uniform(np.log(NARROWEST), np.log(widest)))),
        shift=(float(rng.normal(0, 0.05)), float(rng.normal(0, 0.05))),
        turn_deg=float(rng.normal(0, 5)),
        lean=(float(rng.normal(0, 0.02)), float(rng.normal(0, 0.02))),
        mirrored=happens(rng, 0.5),
        canvas_px=int(np.exp(rng.uniform(np.log(64), np.log(144)))) // 2 * 2,
    )


def cut_out(picture: Picture, box: FaceBox, cut: Cut) -> Picture:
    """The cut as uint8 [canvas_px, canvas_px, 3]; beyond the picture its edge is mirrored."""
    half = cut.scale * box.width / 2
    centre = np.array([box.x, box.y]) + np.array(cut.shift) * box.width
    turn = np.deg2rad(cut.turn_deg)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    depth = 1 + corners @ np.array(cut.lean)
    source = centre + (corners * half * depth[:, None]) @ axes.T
    side = float(cut.canvas_px)
    target = np.array([[0, 0], [side, 0], [side, side], [0, side]])
    if cut.mirrored:
        target[:, 0] = side - target[:, 0]
    shrink = 2 * half / side
    if shrink > 1.3:  # noqa: PLR2004  # average before sampling, or the cut itself would alias
        factor = 1 / shrink
        picture = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        source = source * factor
    onto = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    return np.asarray(
        cv2.warpPerspective(
            picture, onto, (cut.canvas_px, cut.canvas_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


def to_crop(canvas: Picture, size_px: int) -> Picture:
    """The canvas as uint8 [size_px, size_px, 3], averaged down or interpolated up."""
    smaller = size_px < canvas.shape[0]
    return np.asarray(
        cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )


def surround(light: Light, rng: np.random.Generator, *, sheet: bool) -> Light:
    """Let one to three edges of the sheet or display show, with its margin or bezel, the room behind, perhaps fingers."""
    height, width = light.shape[:2]
    edges = rng.uniform(0.0, 0.2, 4) * (rng.permutation(4) < rng.integers(1, 4))
    left, top, right, bottom = edges * width - 3 * (edges == 0) * width
    corners = np.array([[left, top], [width - right, top], [width - right, height - bottom], [left, height - bottom]])
    turn = np.deg2rad(rng.normal(0, 4))
    middle = np.array([width, height]) / 2
    corners = (corners - middle) @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T + middle
    rim = rng.uniform(0.0, 0.1) if sheet else rng.uniform(0.01, 0.14)
    outer = middle + (corners - middle) * (1 + 2 * rim)
    rim_light = rng.uniform(0.5, 0.95) if sheet or happens(rng, 0.15) else rng.uniform(0.0, 0.06)
    seen = _room((height, width), rng)
    _fill(seen, outer, np.full(3, rim_light, np.float32))
    _fill(seen, corners, light)
    if happens(rng, 0.35):
        _add_fingers(seen, rng)
    return seen


def _room(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Smooth random light behind: walls, furniture, out of focus."""
    coarse = np.exp(rng.normal(-1.8, 0.8, (int(rng.integers(2, 7)), int(rng.integers(2, 7)), 1)))
    coarse = coarse * np.exp(rng.normal(0, 0.2, (*coarse.shape[:2], 3)))
    how = cv2.INTER_NEAREST if happens(rng, 0.3) else cv2.INTER_CUBIC
    room = cv2.resize(coarse.astype(np.float32), shape[::-1], interpolation=how)
    return np.asarray(np.maximum(room, 0.0), np.float32)


def _fill(seen: Light, corners: NDArray[np.float64], content: NDArray[np.float32]) -> None:
    """Lay `content` (a colour, or light of the same shape) over `seen` inside the corners."""
    mask = np.zeros(seen.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), (255,), lineType=cv2.LINE_AA)
    share = mask[..., None].astype(np.float32) / 255
    seen += share * (content - seen)


def _add_fingers(seen: Light, rng: np.random.Generator) -> None:
    """One to four fingertips that come in from an edge, skin of any tone."""
    side = seen.shape[0]
    tone = np.array([0.25, 0.35, 0.6], np.float32) * np.float32(np.exp(rng.normal(-0.3, 0.5)))
    mask = np.zeros(seen.shape[:2], np.float32)
    edge, at = int(rng.integers(0, 4)), float(rng.uniform(0.1, 0.8))
    for finger in range(int(rng.integers(1, 5))):
        place = (at + 0.09 * finger) * side
        inwards = float(rng.uniform(0.0, 0.1)) * side
        x, y = ((place, inwards), (place, side - inwards), (inwards, place), (side - inwards, place))[edge]
        long, short = (0.14 * side, 0.045 * side) if edge > 1 else (0.045 * side, 0.14 * side)
        cv2.ellipse(mask, (int(x), int(y)), (int(long) + 1, int(short) + 1), 0, 0, 360, (1.0,), -1, cv2.LINE_AA)
    shade = cv2.GaussianBlur(mask, (0, 0), 0.02 * side + 0.5)[..., None]
    seen += mask[..., None] * (tone * (0.5 + 0.5 * shade) - seen)
