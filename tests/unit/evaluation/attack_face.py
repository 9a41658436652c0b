"""A drawn face with landmarks where FaceMesh would put them, near enough for the warps of the attack generators."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.mesh_warp import MESH, OUTLINE, FaceSheet, cut_sheet

WIDTH, HEIGHT = 200, 180
_CENTRE = np.array([100.0, 90.0])


def landmarks() -> NDArray[np.float32]:
    """(478, 3): an ellipse of points, nearer in the middle, with the outline and the eyes' corners in their places."""
    golden = np.pi * (3 - np.sqrt(5))
    order = np.arange(478)
    radius = 0.92 * np.sqrt((order + 0.5) / 478)
    points = np.stack([radius * np.cos(order * golden), radius * np.sin(order * golden)], axis=1)
    ring = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False)
    points[list(OUTLINE)] = np.stack([np.sin(ring), -np.cos(ring)], axis=1)
    points[33], points[263] = (-0.55, -0.2), (0.55, -0.2)
    depth = -30 * np.sqrt(np.clip(1 - (points**2).sum(axis=1), 0, None))
    placed = np.column_stack([_CENTRE + points * (40, 52), depth])
    return placed.astype(np.float32)


def picture(shade: int = 0) -> NDArray[np.uint8]:
    """(180, 200, 3) uint8: a face before a wall; another `shade`, another person."""
    drawn = np.full((HEIGHT, WIDTH, 3), (150, 140, 120), np.uint8)
    cv2.ellipse(drawn, (100, 90), (40, 52), 0, 0, 360, (130 + shade, 160, 200 - shade), -1)
    for x in (82, 118):
        cv2.circle(drawn, (x, 80), 5, (60, 50, 40), -1)
    cv2.ellipse(drawn, (100, 115), (14, 4), 0, 0, 360, (90, 80, 170), -1)
    noise = np.random.default_rng(shade).normal(0, 3, drawn.shape)
    return np.clip(cv2.GaussianBlur(drawn, (0, 0), 1.0) + noise, 0, 255).astype(np.uint8)


def sheet(shade: int = 0) -> FaceSheet:
    """The drawn face, cut."""
    assert MESH == 468
    return cut_sheet(picture(shade), landmarks())
