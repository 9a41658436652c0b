"""Drawings on a frame: what the person sees, and what the operator sees.

The two never mix: the person's view holds the prompt, one hint and how far along the check is; scores and outcomes would
teach an attacker, so they are in the operator's view alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.face_contours import CONTOURS

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE: Colour = (255, 255, 255)
_HINT: Colour = (120, 225, 255)
_DONE: Colour = (115, 158, 0)
_REST: Colour = (150, 150, 150)
_MESH: Colour = (233, 180, 86)
_BLACK: Colour = (0, 0, 0)
_SMALL_SHARE = 0.42
"""Height of the person's picture, of the screen's, while the rest of it shines."""
_LARGEST_SHARE = 0.055
"""Height of the prompt's letters as a share of the picture."""


def draw_person_view(picture: Picture, *, text: str, hint: str = "", done: int = 0, total: int = 0) -> Picture:
    """A copy of a frame (height, width, 3) with the prompt on a dark band, a hint below it, and one dot a step."""
    height, width = picture.shape[:2]
    letters = _LARGEST_SHARE * height
    band = int(letters * (4.2 if hint else 2.6))
    drawn = _darken(picture, 0, band)
    _write(drawn, text, int(letters * 1.7), letters, _WHITE)
    if hint:
        _write(drawn, hint, int(letters * 3.4), letters * 0.75, _HINT)
    radius = max(3, height // 80)
    left = width // 2 - 2 * radius * (total - 1)
    for step in range(total):
        colour = _DONE if step < done else _REST
        cv2.circle(drawn, (left + 4 * radius * step, height - 3 * radius), radius, colour, -1, cv2.LINE_AA)
        cv2.circle(drawn, (left + 4 * radius * step, height - 3 * radius), radius, _WHITE, 1, cv2.LINE_AA)
    return drawn


def draw_under_light(picture: Picture, rgb: Colour, *, text: str) -> Picture:
    """A screen (height of the picture, 16:9) full of one sRGB colour, with the picture small in its middle, so that as
    much of the screen as can be lights the face."""
    height = picture.shape[0]
    width = height * 16 // 9
    drawn = np.full((height, width, 3), rgb[::-1], np.uint8)
    scale = min(_SMALL_SHARE, 0.8 * width / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    drawn[top : top + small.shape[0], left : left + small.shape[1]] = small
    _write(drawn, text, int(0.12 * height), _LARGEST_SHARE * height, _BLACK)
    return drawn


def draw_operator_view(picture: Picture, track: FaceTrack | None, lines: Sequence[str] = ()) -> Picture:
    """A copy of a frame with the face's contours, its pose and quality, and the operator's own lines of text."""
    drawn = draw_landmarks(picture, track) if track is not None else picture.copy()
    return write_lines(drawn, [*_measured(track), *lines])


def write_lines(picture: Picture, lines: Sequence[str]) -> Picture:
    """The picture itself with lines of text in its upper left corner, outlined so that they read on any ground."""
    letters = max(10.0, 0.03 * picture.shape[0])
    for row, line in enumerate(lines):
        base = (int(letters * 0.6), int(letters * 1.7 * (row + 1)))
        put_text(picture, line, base, letters, _WHITE, outline=True)
    return picture


def draw_landmarks(picture: Picture, track: FaceTrack) -> Picture:
    """A copy of a frame with the contours of face, eyes, brows and lips, and both irises."""
    drawn = picture.copy()
    points = track.landmarks[:, :2]
    thick = max(1, round(track.quality.size_px / 130))
    for contour in CONTOURS:
        line = np.round(points[list(contour)]).astype(np.int32)
        cv2.polylines(drawn, [line], isClosed=True, color=_MESH, thickness=thick, lineType=cv2.LINE_AA)
    for centre, edge in ((468, 469), (473, 474)):
        radius = max(1, round(float(np.hypot(*(points[centre] - points[edge])))))
        x, y = np.round(points[centre]).astype(int)
        cv2.circle(drawn, (int(x), int(y)), radius, _HINT, thick, cv2.LINE_AA)
    return drawn


def _measured(track: FaceTrack | None) -> list[str]:
    if track is None:
        return ["no face judged"]
    pose, quality = track.pose, track.quality
    return [
        f"yaw {pose.yaw:+.0f}  pitch {pose.pitch:+.0f}  roll {pose.roll:+.0f}",
        f"size {quality.size_px:.0f}  sharp {quality.sharpness:.0f}  light {quality.brightness:.0f}",
    ]


def _darken(picture: Picture, top: int, bottom: int) -> Picture:
    drawn = picture.copy()
    drawn[top:bottom] = (drawn[top:bottom] * 0.35).astype(np.uint8)
    return drawn


def _write(picture: Picture, text: str, baseline: int, letters: float, colour: Colour) -> None:
    """One centred line, made smaller until it fits."""
    width = picture.shape[1]
    wide = text_width(text, letters)
    if wide > 0.94 * width:
        letters *= 0.94 * width / wide
    put_text(picture, text, (int((width - text_width(text, letters)) / 2), baseline), letters, colour)


def text_width(text: str, letters: float) -> int:
    """How many pixels a line takes whose capital letters are `letters` pixels high."""
    return int(cv2.getTextSize(_plain(text), _FONT, _scale(letters), _thickness(letters))[0][0])


def put_text(
    picture: Picture, text: str, base: tuple[int, int], letters: float, colour: Colour, *, outline: bool = False
) -> None:
    """Writes a line onto the picture itself, its lower left corner at `base`."""
    thick = _thickness(letters)
    if outline:
        cv2.putText(picture, _plain(text), base, _FONT, _scale(letters), (0, 0, 0), thick + 2, cv2.LINE_AA)
    cv2.putText(picture, _plain(text), base, _FONT, _scale(letters), colour, thick, cv2.LINE_AA)


def _plain(text: str) -> str:
    """OpenCV's fonts know ASCII alone and draw question marks for the rest."""
    return text.replace("…", "...").replace("’", "'").encode("ascii", "replace").decode()


def _scale(letters: float) -> float:
    """Capital letters of this font are 21 pixels high at scale 1."""
    return letters / 21.0


def _thickness(letters: float) -> int:
    return max(1, round(letters / 11))
