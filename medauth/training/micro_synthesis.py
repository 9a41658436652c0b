"""Small movements drawn on still faces: two camera frames, onset and apex, and the flow between them.

No recording of a real micro-expression is used: the licensed sets may not shape weights that are shipped. What differs
between any two frames of a camera is drawn as well: the head's motion, noise, focus, light and compression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.action_units import CLASSES, COMBINATIONS, ONE_SIDED, point_moves
from medauth.signals.face_flow import EYES_PX, Grey, draw_face
from medauth.signals.micro_classifier import MAP_PX, movement_map
from medauth.training.micro_faces import StillFace

AMPLITUDE_PX = (0.5, 3.0)
"""Of the strongest point at the apex, in working pixels."""
_OUTER_RIGHT, _OUTER_LEFT = 33, 263
_STEP_PX = 6


@dataclass(frozen=True, slots=True, eq=False)
class MovementMaps:
    """`maps` float32 [N, 28, 28, 3], `labels` int64 [N], `amplitudes` float32 [N] in working pixels."""

    maps: NDArray[np.float32]
    labels: NDArray[np.int64]
    amplitudes: NDArray[np.float32]


def draw_movements(stills: Sequence[StillFace], copies: int, seed: int) -> MovementMaps:
    """`copies` movements on each face, classes in turn; the same seed gives the same maps."""
    count = len(stills) * copies
    maps = np.empty((count, MAP_PX, MAP_PX, 3), np.float32)
    labels, amplitudes = np.empty(count, np.int64), np.empty(count, np.float32)
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        labels[index] = index % len(CLASSES)
        maps[index], amplitudes[index] = _movement(stills[index // copies], CLASSES[int(labels[index])], rng)
    return MovementMaps(maps, labels, amplitudes)


def _movement(still: StillFace, label: str, rng: np.random.Generator) -> tuple[NDArray[np.float32], float]:
    units = COMBINATIONS[label][int(rng.integers(len(COMBINATIONS[label])))]
    amplitude = float(np.exp(rng.uniform(*np.log(AMPLITUDE_PX))))
    strengths = {unit: float(rng.uniform(0.5, 1.0)) for unit in units}
    moved = _move_face(still, strengths, _sides(units, rng), amplitude, rng)
    onset, apex = (_film(image, still, rng) for image in (still.image, moved))
    return movement_map(onset, apex), amplitude


def _sides(units: tuple[int, ...], rng: np.random.Generator) -> tuple[float, float]:
    """Faces are a little uneven, and a few movements belong to one side."""
    if units in ONE_SIDED and rng.random() < 0.35:  # noqa: PLR2004 - as many as a third
        return (1.0, 0.1) if rng.random() < 0.5 else (0.1, 1.0)  # noqa: PLR2004 - either side
    weaker = float(rng.uniform(0.6, 1.0))
    return (1.0, weaker) if rng.random() < 0.5 else (weaker, 1.0)  # noqa: PLR2004 - either side


def _move_face(
    still: StillFace,
    strengths: dict[int, float],
    sides: tuple[float, float],
    amplitude: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The face with the movement at its apex. Gaussian weights of random width: skin is not equally loose in all."""
    landmarks = still.track.landmarks
    eyes_px = float(np.hypot(*(landmarks[_OUTER_LEFT, :2] - landmarks[_OUTER_RIGHT, :2])))
    points, moves = point_moves(landmarks, strengths, sides)
    moves = moves + rng.normal(0.0, 0.06, moves.shape) * (np.hypot(moves[:, :1], moves[:, 1:]) > 0)
    moves *= amplitude * eyes_px / EYES_PX / max(1e-6, float(np.hypot(moves[:, 0], moves[:, 1]).max()))
    centres = landmarks[points, :2] + rng.normal(0.0, 0.015 * eyes_px, (len(points), 2))
    return _warp(still.image, centres, moves, eyes_px * float(rng.uniform(0.09, 0.17)))


def _warp(
    image: NDArray[np.uint8], centres: NDArray[np.float64], moves: NDArray[np.float64], width_px: float
) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    x, y = (np.arange(0, limit, _STEP_PX) + 0.5 * _STEP_PX for limit in (width, height))
    square = (x[None, :, None] - centres[:, 0]) ** 2 + (y[:, None, None] - centres[:, 1]) ** 2
    weights = np.exp(-square / (2 * width_px**2))
    field = (weights @ moves / (weights.sum(axis=-1, keepdims=True) + 0.3)).astype(np.float32)
    shift = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        image, columns - shift[..., 0], rows - shift[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.uint8)


def _film(image: NDArray[np.uint8], still: StillFace, rng: np.random.Generator) -> Grey:
    """One frame of a camera, drawn by landmarks that tremble: the head between two frames never is where it was."""
    side = image.shape[0]
    zoom, turn = 0.75 * float(np.exp(rng.normal(0.0, 0.01))), float(np.deg2rad(rng.normal(0.0, 0.7)))
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    bend = rng.normal(0.0, 2e-5, 2)  # perspective: a nod or a turn of a degree or so
    centre = np.array([[1, 0, -side / 2], [0, 1, -side / 2], [0, 0, 1.0]])
    matrix = np.array([[cos, -sin, rng.normal(0.0, 1.0)], [sin, cos, rng.normal(0.0, 1.0)], [*bend, 1.0]]) @ centre
    matrix = np.array([[1, 0, 0.375 * side], [0, 1, 0.375 * side], [0, 0, 1.0]]) @ matrix
    small = (round(0.75 * side), round(0.75 * side))
    frame = cv2.warpPerspective(image, matrix, small, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    track = still.track
    points = cv2.perspectiveTransform(track.landmarks[None, :, :2].astype(np.float64), matrix)[0]
    points += rng.normal(0.0, 0.25, points.shape)
    landmarks = np.column_stack([points, zoom * track.landmarks[:, 2]]).astype(np.float32)
    size_px = track.quality.size_px * zoom * float(np.exp(rng.normal(0.0, 0.004)))
    seen = replace(track, landmarks=landmarks, quality=replace(track.quality, size_px=size_px))
    filmed = cv2.cvtColor(_camera(np.asarray(frame, np.uint8), rng), cv2.COLOR_GRAY2BGR)
    return draw_face(np.asarray(filmed, np.uint8), seen)


def _camera(frame: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    blurred = cv2.GaussianBlur(frame, (0, 0), float(rng.uniform(0.3, 1.1))).astype(np.float32)
    noise = rng.standard_normal(frame.shape, np.float32) * np.float32(rng.uniform(0.4, 3.0))
    lit = np.clip(blurred * np.float32(rng.normal(1.0, 0.02)) + noise, 0, 255).astype(np.uint8)
    _, stored = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))])
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)
