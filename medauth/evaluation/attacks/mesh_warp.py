"""A picture of a face on the mesh of its landmarks, drawn again with the mesh turned, tilted or pulled.

Piecewise affine: the plane is cut into triangles between landmarks (Delaunay), each triangle carries its piece of the
picture along, and what turns away is hidden by what lies nearer. This is what a program does that animates one
photograph; nothing of the face beyond the picture is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]

# FaceMesh: outline of the face, clockwise from the top; outer eye corners; inner lips, upper and lower row.
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
OUTER_CORNERS = (33, 263)
MESH = 468
"""Landmarks without the irises: lids must be free to close over those."""
_RINGS = ((1.32, 0.85), (1.75, 0.45), (2.4, 0.12))
"""Hair, neck and what lies behind: how far out from the middle, and how much of the head's motion they take part in."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceSheet:
    """A picture (h, w, 3) uint8 BGR cut along a face: `points` (n, 3) float32 pixels, the first 468 the landmarks.

    `share` (n,) says how far a point follows the head; `triangles` (m, 3) index the points.
    """

    picture: Picture
    points: Points
    share: NDArray[np.float32]
    triangles: NDArray[np.int32]

    @property
    def eye_distance(self) -> float:
        """Between the outer corners of the eyes, in pixels."""
        right, left = self.points[list(OUTER_CORNERS), :2]
        return float(np.hypot(*(left - right)))

    @property
    def pivot(self) -> Points:
        """(3,) what the head turns about: behind the middle between the eyes and the chin."""
        outline = self.points[list(OUTLINE)]
        middle = outline.mean(axis=0)
        return np.array([middle[0], middle[1], outline[:, 2].mean()], np.float32)


def cut_sheet(picture: Picture, landmarks: NDArray[np.floating[Any]]) -> FaceSheet:
    """Cuts `picture` along landmarks (478 or 468, 3) in its pixels."""
    height, width = picture.shape[:2]
    face = np.asarray(landmarks[:MESH], np.float32)
    outline = face[list(OUTLINE)]
    middle = outline.mean(axis=0)
    points, shares = [face], [np.ones(MESH, np.float32)]
    for out, share in _RINGS:
        ring = middle + (outline - middle) * np.array([out, out, 1.0], np.float32)
        ring[:, 2] += (out - 1.0) * 0.3 * np.ptp(outline[:, 0])
        inside = (ring[:, 0] > 1) & (ring[:, 0] < width - 2) & (ring[:, 1] > 1) & (ring[:, 1] < height - 2)
        points.append(ring[inside])
        shares.append(np.full(int(inside.sum()), share, np.float32))
    frame = _frame(width, height, float(face[:, 2].max()) * 2 + width)
    points.append(frame)
    shares.append(np.zeros(len(frame), np.float32))
    every = np.concatenate(points)
    return FaceSheet(picture, every, np.concatenate(shares), _triangles(every[:, :2], width, height))


def draw(sheet: FaceSheet, moved: Points) -> Picture:
    """The sheet with its points at `moved` (n, 3): the nearer triangles over the farther ones."""
    height, width = sheet.picture.shape[:2]
    corners = moved[sheet.triangles]
    order = np.argsort(-corners[:, :, 2].mean(axis=1))  # z grows away from the camera
    shapes = np.round(corners[:, :, :2] * 16).astype(np.int32)
    numbers = np.full((height, width), -1, np.int32)
    for index, shape in zip(order.tolist(), list(shapes[order]), strict=True):
        cv2.fillConvexPoly(numbers, shape, (index,), lineType=cv2.LINE_8, shift=4)
    matrices = np.ascontiguousarray(_back(sheet.points[sheet.triangles][:, :, :2], corners[:, :, :2]).T)
    from_x, from_y = _origins(matrices[:3], numbers), _origins(matrices[3:], numbers)
    drawn = cv2.remap(sheet.picture, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, np.uint8)


def _origins(terms: NDArray[np.float32], numbers: NDArray[np.int32]) -> NDArray[np.float32]:
    """(h, w): one coordinate of where each pixel came from, by `terms` (3, m + 1) of the triangle that covers it."""
    height, width = numbers.shape
    found: NDArray[np.float32] = terms[0].take(numbers)
    found *= np.arange(width, dtype=np.float32)[None, :]
    down = terms[1].take(numbers)
    down *= np.arange(height, dtype=np.float32)[:, None]
    found += down
    found += terms[2].take(numbers)
    return found


def _triangles(points: NDArray[np.float32], width: int, height: int) -> NDArray[np.int32]:
    """(m, 3) Delaunay triangles of points (n, 2) that lie in a picture of that size."""
    net = cv2.Subdiv2D((-1, -1, width + 2, height + 2))
    known: dict[tuple[float, float], int] = {}
    for index, (x, y) in enumerate(points.tolist()):
        if known.setdefault((x, y), index) == index:
            net.insert((x, y))
    corners = np.asarray(net.getTriangleList()).reshape(-1, 3, 2).tolist()
    found = [[known.get((x, y), -1) for x, y in triangle] for triangle in corners]
    return np.array([three for three in found if min(three) >= 0], np.int32)


def _back(rest: Points, moved: Points) -> NDArray[np.float32]:
    """(m + 1, 6): for each triangle the map from where it is drawn to where it came from; the last one, for places that no
    triangle covers, changes nothing."""
    ones = np.ones((len(moved), 3, 1), np.float64)
    goal = np.concatenate([moved.astype(np.float64), ones], axis=2)
    flat = np.abs(np.linalg.det(goal)) < 0.05  # noqa: PLR2004 - a triangle seen from its edge
    goal[flat] += np.array([[0.5, 0, 0], [0, 0.5, 0], [-0.5, -0.5, 0]])
    flat = np.abs(np.linalg.det(goal)) < 1e-6  # noqa: PLR2004
    goal[flat] = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1]])
    solved = np.linalg.solve(goal, rest.astype(np.float64))  # (m, 3, 2)
    matrices = solved.transpose(0, 2, 1).reshape(len(moved), 6)
    return np.asarray(np.concatenate([matrices, [[1, 0, 0, 0, 1, 0]]]), np.float32)


def _frame(width: int, height: int, depth: float) -> Points:
    """The picture's border, which stays where it is."""
    across, down = np.linspace(0, width - 1, 6), np.linspace(0, height - 1, 6)
    rows = [(x, y, depth) for x in across for y in (0.0, height - 1.0)]
    rows += [(x, y, depth) for y in down[1:-1] for x in (0.0, width - 1.0)]
    return np.array(rows, np.float32)
