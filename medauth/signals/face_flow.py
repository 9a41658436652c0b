"""How far each small region of the face moved, in hundredths of a pixel, with the head's motion taken out.

The face is drawn upright and small. Against a reference drawing a few frames old, one linear least-squares problem has
all unknowns at once: a smooth motion of the whole drawing (head, and whatever the landmarks got wrong), a smooth change
of light, and one shift per region: Lucas & Kanade, "An iterative image registration technique" (IJCAI 1981), over all
windows together. Its solution is a matrix that is worked out once per reference, so a frame costs one product. The dense
flow (`dense_flow`, DIS: Kroeger et al., ECCV 2016) is for the two drawings that matter, an event's onset and apex; run
on every frame it costs more and blurs neighbouring regions into each other (docs/adr/0230).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.face_crop import FaceBox, draw_small

Grey = NDArray[np.uint8]
Moves = NDArray[np.float32]
"""(regions, 2) float32: shift in working pixels, x to the right of the picture, y down."""

SIDE_PX = 112
EYES_PX = 52.5
"""Distance between the outer eye corners in the drawing: about 1.7 mm a pixel."""
BOX = FaceBox(eyes_x=0.5, eyes_y=0.36, outer_eyes=EYES_PX / SIDE_PX)

REGIONS = {
    "right brow, inner": (55, 107, 65, 66),
    "right brow, outer": (46, 70, 53, 63),
    "left brow, inner": (285, 336, 295, 296),
    "left brow, outer": (276, 300, 283, 293),
    "right eye": (33, 133, 159, 145),
    "left eye": (362, 263, 386, 374),
    "right nose wing": (48, 64, 98, 129),
    "left nose wing": (278, 294, 327, 358),
    "right mouth corner": (61, 185, 146),
    "left mouth corner": (291, 409, 375),
    "upper lip": (0, 37, 267),
    "lower lip": (17, 84, 314),
    "chin": (199, 175, 152),
}
"""Mesh points whose middle is the middle of the region; sides are the person's own."""
NAMES = tuple(REGIONS)

_HALF_PX = 8
_BLUR_PX = 1.4
_STEP_PX = 2
"""Every second pixel of every second row: after the blur the others say the same."""
_FACE = (0.70, 0.92)
"""Half axes of the ellipse that is looked at, in half sides of the drawing."""
_STIFFNESS = 0.02
"""Weight of *did not move* for a region without texture, as a share of a usual region's texture."""
_OUTER = (33, 263)
_EYES = (33, 133, 362, 263)
_GROUPS = tuple(np.array(points) for points in REGIONS.values())


def draw_face(image: NDArray[np.uint8], track: FaceTrack) -> Grey:
    """The face of a frame (height, width, 3) uint8 BGR as this module looks at it: (SIDE_PX, SIDE_PX) uint8."""
    return draw_small(image, track.landmarks, SIDE_PX, BOX, track.quality.size_px)


def region_middles(track: FaceTrack) -> NDArray[np.float32]:
    """Where the regions lie in the drawing: float32 (regions, 2)."""
    points = track.landmarks[:, :2].astype(np.float64)
    across = points[_OUTER[1]] - points[_OUTER[0]]
    cos, sin = across / max(1e-6, float(np.hypot(*across))) * (EYES_PX / max(1.0, track.quality.size_px))
    turn = np.array([[cos, sin], [-sin, cos]])
    middles = np.stack([points[group].mean(axis=0) for group in _GROUPS]) - points[list(_EYES)].mean(axis=0)
    onto = np.array([BOX.eyes_x, BOX.eyes_y]) * SIDE_PX
    return np.asarray(middles @ turn.T + onto, np.float32)


class RegionMeter:
    """Shifts of the regions against one reference drawing."""

    def __init__(self, reference: Grey, middles: NDArray[np.float32]) -> None:
        """`middles` (regions, 2) as `region_middles` gives them for the same frame."""
        smooth = _smooth(reference)
        labels, used = _label(middles)
        self._used = np.flatnonzero(used)
        self._reference = smooth.ravel()[self._used]
        self._solver = _solver(smooth, labels, self._used)

    def moves(self, grey: Grey) -> Moves:
        """Where each region went since the reference; good to about a pixel and a half, too small beyond."""
        change = _smooth(grey).ravel()[self._used] - self._reference
        return np.asarray(np.einsum("ij,j->i", self._solver, change).reshape(-1, 2), np.float32)


def dense_flow(first: Grey, second: Grey) -> NDArray[np.float32]:
    """Dense flow (SIDE_PX, SIDE_PX, 2) float32 from one drawing to another, the head's motion taken out."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    method.setFinestScale(1)  # half the drawing's resolution; the preset's quarter lets brow and lid share a patch
    flow = method.calc(first, second, None)  # type: ignore[call-overload]  # its stubs know no missing buffer
    return without_head_motion(np.asarray(flow, np.float32))


def without_head_motion(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flow (h, w, 2) less the smooth motion (second order in x and y: a plane that turns) that most of the face shares.

    Two rounds of weighted least squares: what moves on its own loses its say.
    """
    step = 4
    x, y, inside = _coordinates(flow.shape[0])
    base = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    few, seen = base[::step, ::step].reshape(-1, 6), inside[::step, ::step].ravel()
    sparse = flow[::step, ::step].reshape(-1, 2)
    weights = seen.astype(np.float32)
    motion = np.zeros((6, 2), np.float32)
    for _ in range(3):
        weighted = few * weights[:, None]
        motion = np.linalg.solve(weighted.T @ few + 1e-4 * np.eye(6, dtype=np.float32), weighted.T @ sparse)
        residual = np.abs(sparse - few @ motion).sum(axis=1)
        weights = seen / (1.0 + (residual / 0.3) ** 2)
    return np.asarray(flow - base @ motion, np.float32)


def optical_strain(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much skin is stretched or sheared: the norm of the symmetric part of the flow's gradient, (h, w) float32.

    Shreve et al., "Macro- and micro-expression spotting in long videos using spatio-temporal strain" (FG 2011).
    """
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    return np.asarray(np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2), np.float32)


def _smooth(grey: Grey) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (7, 7), _BLUR_PX), np.float32)


def _coordinates(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Coordinates x and y from -1 to 1, and where the face is."""
    at = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) * 2.0
    x, y = np.meshgrid(at, at)
    return x, y, np.hypot(x / _FACE[0], y / _FACE[1]) < 1.0


_X, _Y, _INSIDE = _coordinates(SIDE_PX)


def _label(middles: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which region each pixel belongs to (-1: none), and which pixels are looked at at all."""
    labels = np.full((SIDE_PX, SIDE_PX), -1, np.int64)
    for index, (x, y) in enumerate(np.rint(middles).astype(int).tolist()):
        top, left = max(2, y - _HALF_PX), max(2, x - _HALF_PX)
        labels[top : min(SIDE_PX - 2, y + _HALF_PX), left : min(SIDE_PX - 2, x + _HALF_PX)] = index
    lattice = np.zeros_like(_INSIDE)
    lattice[::_STEP_PX, ::_STEP_PX] = True
    return labels, lattice & (_INSIDE | (labels >= 0))


def _solver(smooth: NDArray[np.float32], labels: NDArray[np.int64], used: NDArray[np.intp]) -> NDArray[np.float32]:
    """(2 * regions, pixels) float32: from a change of grey levels to the regions' shifts."""
    across = (cv2.Scharr(smooth, cv2.CV_32F, 1, 0) / 32).ravel()[used]
    down = (cv2.Scharr(smooth, cv2.CV_32F, 0, 1) / 32).ravel()[used]
    x, y, level = _X.ravel()[used], _Y.ravel()[used], smooth.ravel()[used]
    head = [across * p for p in (1.0, x, y, x * y, x * x)] + [down * p for p in (1.0, x, y, x * y, y * y)]
    light = [level, np.ones_like(level), 20 * x, 20 * y]
    own = [part * (labels.ravel()[used] == index) for index in range(len(REGIONS)) for part in (across, down)]
    system = np.stack([*head, *light, *own]).astype(np.float32)
    # Neither `@` nor `linalg`: they wake the threads of BLAS for this little, and on a busy machine wait for them for
    # tens of milliseconds.
    square = np.einsum("ip,jp->ij", system, system).astype(np.float64)
    shared = len(head) + len(light)
    stiffness = np.full(len(square), 1e-3)
    stiffness[shared:] += _STIFFNESS * float(np.median(np.diag(square)[shared:]))
    # Moving by u changes a pixel by minus its gradient times u.
    _, inverse = cv2.invert(-square - np.diag(stiffness), flags=cv2.DECOMP_LU)
    return np.asarray(np.einsum("ij,jp->ip", inverse[shared:].astype(np.float32), system), np.float32)
