"""What cameras, light, networks and spectacles do to a recording of a face: pictures made worse, repeatably.

Written for judging, with formulas and ranges of their own: nothing in training imports these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.jpeg import through_jpeg

Picture = NDArray[np.uint8]
Landmarks = NDArray[np.float32]

_RIGHT_EYE, _LEFT_EYE = (33, 133), (362, 263)
_RIM_COLOUR = (28, 24, 30)


@dataclass(frozen=True, slots=True)
class Spectacles:
    """A pair of glasses, in distances between a grown-up's outer eye corners (about 95 mm)."""

    rim: float = 0.035
    """Thickness of the frame: 3 mm."""
    lens: tuple[float, float] = (0.27, 0.215)
    """Half the width and half the height of a lens: 51 by 41 mm."""
    glare: tuple[float, float] = (0.045, 0.03)
    """Half axes of the window that each lens mirrors: 9 by 6 mm."""
    brightness: float = 110.0
    """Grey levels that the mirrored window adds."""


COMMON = Spectacles()
HEAVY = Spectacles(rim=0.055, lens=(0.235, 0.19), glare=(0.09, 0.05), brightness=130.0)
"""Thick rims close to the lids, and a mirrored window of 17 by 10 mm that hides an eye for moments."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame as it was recorded: its picture, the face's landmarks (478, 3) where one was found, and its time."""

    picture: Picture
    landmarks: Landmarks | None
    t_ms: float


Degrade = Callable[[Moment], Picture]


def unchanged(moment: Moment) -> Picture:
    """The picture itself."""
    return moment.picture


def blurred(moment: Moment) -> Picture:
    """Out of focus by 2 pixels (standard deviation)."""
    return _picture(cv2.GaussianBlur(moment.picture, (0, 0), 2.0))


def dim_and_noisy(moment: Moment) -> Picture:
    """Under 0.45 of the light, with the noise of a small sensor: shot noise and read noise. Where this leaves too little,
    the check asks for more light instead of judging."""
    random = np.random.default_rng(round(moment.t_ms))
    light = moment.picture * 0.45
    noise = random.normal(0, 1, light.shape) * np.sqrt(0.6 * light + 20.0)
    return _picture(np.clip(light + noise, 0, 255))


def compressed(moment: Moment) -> Picture:
    """JPEG of quality 40."""
    return through_jpeg(moment.picture, 40)


def small(moment: Moment) -> Picture:
    """A camera of 320 x 240: the picture made to fit, and stretched to nothing."""
    height, width = moment.picture.shape[:2]
    scale = min(320 / width, 240 / height)
    return _picture(cv2.resize(moment.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def turning(moment: Moment) -> Picture:
    """The picture's plane tilts to 18° in itself, turns to 22° and nods to 14°, each at its own pace."""
    t_s = moment.t_ms / 1000
    angles = (14 * np.sin(2.1 * t_s + 1), 22 * np.sin(1.7 * t_s), 18 * np.sin(1.3 * t_s + 2))
    return warp_plane(moment.picture, angles, (0.0, 0.0), 1.0)


def bespectacled(moment: Moment, worn: Spectacles = COMMON) -> Picture:
    """Dark rims around both eyes, a bridge, and a mirrored window that wanders over the lenses."""
    if moment.landmarks is None:
        return moment.picture
    drawn, glare = moment.picture.copy(), np.zeros(moment.picture.shape[:2], np.float32)
    points = moment.landmarks[:, :2]
    across = points[263] - points[33]
    apart = float(np.hypot(*across))
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    rim, centres = max(1, round(worn.rim * apart)), []
    for corners in (_RIGHT_EYE, _LEFT_EYE):
        centre = points[list(corners)].mean(axis=0)
        centres.append(centre)
        cv2.ellipse(drawn, _at(centre), _axes(worn.lens, apart), angle, 0, 360, _RIM_COLOUR, rim, cv2.LINE_AA)
        sway = 0.1 * apart * np.array([np.sin(moment.t_ms / 900), 0.4 * np.cos(moment.t_ms / 700)])
        spot = _at(centre + sway + (0.05 * apart, -0.06 * apart))
        cv2.ellipse(glare, spot, _axes(worn.glare, apart), angle - 30, 0, 360, (1.0,), -1)
    reach = across * worn.lens[0]
    cv2.line(drawn, _at(centres[0] + reach), _at(centres[1] - reach), _RIM_COLOUR, rim, cv2.LINE_AA)
    soft = cv2.GaussianBlur(glare, (0, 0), max(1.0, 0.02 * apart))[..., None]
    return _picture(np.clip(drawn + worn.brightness * soft, 0, 255))


def heavily_bespectacled(moment: Moment) -> Picture:
    """Glasses that hide the lids for moments."""
    return bespectacled(moment, HEAVY)


WORN = (bespectacled, heavily_bespectacled)
"""What needs to know where the face is."""

VERSIONS: Mapping[str, tuple[float, Degrade]] = {
    "plain": (60, unchanged),
    "15 fps": (15, unchanged),
    "10 fps": (10, unchanged),
    "blur": (60, blurred),
    "low light and noise": (60, dim_and_noisy),
    "glasses": (60, bespectacled),
    "heavy glasses": (60, heavily_bespectacled),
    "head turns": (60, turning),
    "JPEG 40": (60, compressed),
    "320x240": (60, small),
}
"""By name: the most frames a second that the camera gives, and what happens to each."""


def warp_plane(
    picture: Picture, angles_deg: tuple[float, float, float], shift: tuple[float, float], nearness: float
) -> Picture:
    """The picture as a sheet in space: nodded, turned and tilted by degrees, shifted by shares of its width, and brought
    nearer (above 1) or farther."""
    height, width = picture.shape[:2]
    view = sheet_view((width, height), angles_deg, shift, nearness)
    return _picture(cv2.warpPerspective(picture, view, (width, height), borderMode=cv2.BORDER_REPLICATE))


def sheet_view(
    size: tuple[int, int], angles_deg: tuple[float, float, float], shift: tuple[float, float], nearness: float
) -> NDArray[np.float64]:
    """The 3 x 3 homography of such a sheet, seen from 1.6 widths away."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.Rodrigues(np.radians([angles_deg[0], 0, 0]))[0]
    turn = cv2.Rodrigues(np.radians([0, angles_deg[1], 0]))[0] @ turn
    turn = cv2.Rodrigues(np.radians([0, 0, angles_deg[2]]))[0] @ turn
    away = 1.6 * width
    placed = np.column_stack([corners - [width / 2, height / 2], np.zeros(4)]) @ turn.T
    placed += [shift[0] * width, shift[1] * width, away / nearness]
    seen = placed[:, :2] / placed[:, 2:] * away + [width / 2, height / 2]
    return np.asarray(cv2.getPerspectiveTransform(corners, seen.astype(np.float32)), np.float64)


def _at(point: NDArray[np.floating[Any]]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _axes(shares: tuple[float, float], apart: float) -> tuple[int, int]:
    return round(shares[0] * apart), round(shares[1] * apart)


def _picture(values: object) -> Picture:
    return np.asarray(values).astype(np.uint8, copy=False)
