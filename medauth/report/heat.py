"""A heat map over the aligned crop, with a colour bar: for operator and auditor, never for the person at the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.interface import HeatMap

_SIDE_PX = 320
_BAR_PX, _GAP_PX, _SCALE_PX, _CAPTION_PX = 16, 12, 64, 44
_STRONGEST = 0.65
"""Opacity of the hottest place: the face stays to be seen under it."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK = (30, 30, 30)


def heat_png(heat_map: HeatMap) -> bytes:
    """PNG of the crop under its heat, scaled to its largest value; beside it the bar, below it what it is of."""
    canvas = np.full((_SIDE_PX + _CAPTION_PX, _SIDE_PX + _GAP_PX + _BAR_PX + _SCALE_PX, 3), 255, np.uint8)
    canvas[:_SIDE_PX, :_SIDE_PX] = overlaid(heat_map, _SIDE_PX)
    _draw_bar(canvas, float(heat_map.heat.max(initial=0.0)))
    lines = (f"{heat_map.signal}: {heat_map.what}", f"{heat_map.method}, {heat_map.model.name}")
    for row, line in enumerate(lines):
        cv2.putText(canvas, line, (4, _SIDE_PX + 17 + 18 * row), _FONT, 0.45, _INK, 1, cv2.LINE_AA)
    done, encoded = cv2.imencode(".png", canvas)
    assert done, "an 8-bit colour picture"
    return bytes(encoded)


def overlaid(heat_map: HeatMap, side_px: int) -> NDArray[np.uint8]:
    """The crop (side_px, side_px, 3) uint8 BGR under its heat; where nothing speaks for the answer it stays as it is."""
    picture = cv2.resize(heat_map.picture, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    if picture.ndim == 2:  # noqa: PLR2004 - a grey crop
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    share = relative_heat(heat_map.heat, side_px)
    colours = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = (_STRONGEST * share)[..., None]
    return np.asarray(picture * (1 - opacity) + colours * opacity, dtype=np.uint8)


def relative_heat(heat: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
    """(side_px, side_px) float32 in 0..1: smoothly enlarged, as a share of the hottest place."""
    highest = float(heat.max(initial=0.0))
    if highest <= 0:
        return np.zeros((side_px, side_px), np.float32)
    enlarged = cv2.resize(heat / np.float32(highest), (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(enlarged, 0.0, 1.0), dtype=np.float32)


def _draw_bar(canvas: NDArray[np.uint8], highest: float) -> None:
    left = _SIDE_PX + _GAP_PX
    ramp = np.linspace(255, 0, _SIDE_PX - 24).round().astype(np.uint8)[:, None]
    canvas[12 : _SIDE_PX - 12, left : left + _BAR_PX] = cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO)
    for share in (0.0, 0.5, 1.0):
        y = int(_SIDE_PX - 12 - share * (_SIDE_PX - 24))
        text = f"{share * highest:.3g}"
        cv2.putText(canvas, text, (left + _BAR_PX + 5, y + 4), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
