"""A face before a screen, simulated: skin of any tone under room light and the screen's colours, seen through a camera.

Real clips give shape, texture and motion; their linear values, brought to a reflectance, are lit anew. The camera is one
that a browser delivers: exposure and white balance follow, colours mix, a tone curve bends them, light comes as photons,
JPEG rounds. Shares no code with the detector. All figures made with it read *simulated*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.jpeg import through_jpeg

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

TONES: Mapping[str, tuple[float, float, float]] = {
    "I": (0.62, 0.46, 0.37),
    "II": (0.54, 0.37, 0.28),
    "III": (0.44, 0.28, 0.20),
    "IV": (0.32, 0.19, 0.125),
    "V": (0.19, 0.105, 0.068),
    "VI": (0.105, 0.058, 0.041),
}
"""Linear reflectance of cheeks in red, green and blue by Fitzpatrick type, rounded from published sRGB swatches."""
_PAGE = (0.45, 0.45, 0.45)
"""What the screen shows before and after the colours."""
_SENSOR_ELECTRONS = 4_000.0
_READ_NOISE = 0.002
_GREY = 0.18
_MOST_GAIN = 12.0
_BEHIND = 0.12
"""How much of the screen's light reaches what is behind the person."""
_SPECULAR = 0.015
"""Of any light, whatever the tone: skin's oily film mirrors it."""
_GLASS = 0.04
_TO_LINEAR = np.where(  # IEC 61966-2-1
    np.arange(256) / 255 <= 0.04045,  # noqa: PLR2004 - the standard's
    np.arange(256) / 255 / 12.92,
    ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4,
).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One frame of a clip, cut to the face: BGR picture, landmarks (478, 3) in its pixels, eye distance and yaw."""

    picture: Picture
    landmarks: Floats
    eyes_px: float
    yaw: float


@dataclass(frozen=True, slots=True)
class Glow:
    """A colour of the screen in sRGB, from a time on, in milliseconds."""

    from_ms: float
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Room:
    """Light and camera of one check. `ambient` is the room's light on the face, by that of the white screen."""

    tone: str = "III"
    ambient: float = 1.0
    ambient_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fps: float = 30.0
    delay_ms: float = 90.0
    exposure_ms: float = 25.0
    exposure_follows_ms: float = 500.0
    white_follows: float = 0.3
    white_follows_ms: float = 1_500.0
    mixing: float = 0.08
    contrast: float = 0.15
    quality: int = 80


def room_for(tone: str, ambient: float, fps: float, random: np.random.Generator) -> Room:
    """A camera and a lamp as they come."""
    warm = random.uniform(-0.25, 0.25)
    return Room(
        tone,
        ambient,
        (1 + warm, 1.0, 1 - warm),
        fps,
        delay_ms=random.uniform(40, 260),
        exposure_ms=min(random.uniform(8, 33), 900 / fps),
        exposure_follows_ms=random.uniform(250, 1_200),
        white_follows=random.uniform(0, 0.6),
        white_follows_ms=random.uniform(800, 2_500),
        mixing=random.uniform(0, 0.15),
        contrast=random.uniform(0, 0.3),
        quality=int(random.integers(55, 93)),
    )


Light = Callable[[float], Floats]
"""Linear red, green and blue of the screen (3,) at a time; 1 is its white."""


def screen(glows: Sequence[Glow], end_ms: float) -> Light:
    """A screen that shows colours one after the other, and its page around them."""
    starts = np.array([glow.from_ms for glow in glows])
    colours = np.array([_TO_LINEAR[list(glow.rgb)] for glow in glows], np.float32)

    def at(t_ms: float) -> Floats:
        if not glows or not starts[0] <= t_ms < end_ms:
            return np.array(_PAGE, np.float32)
        return np.asarray(colours[int(np.searchsorted(starts, t_ms, side="right")) - 1])

    return at


Scene = Callable[[Take, Floats, Room], Floats]
"""What reaches the lens of one frame, linear BGR, under the screen's light (3,) RGB."""


class Skin:
    """A person: reflectance by tone, brought from the clip's own colours; the screen lights the middle of the face most."""

    def __init__(self, first: Take, tone: str) -> None:
        seen = _cheeks(first)
        self._gain = (np.array(TONES[tone], np.float32)[::-1] / np.maximum(seen, 0.01)).astype(np.float32)
        self._behind = np.float32(0.25 / max(float(seen.mean()), 0.01))

    def __call__(self, take: Take, light: Floats, room: Room) -> Floats:
        linear, mask = _TO_LINEAR[take.picture], _face(take)
        reflectance = linear * (mask * self._gain + (1 - mask) * self._behind)
        reach = mask * _towards_screen(take) + (1 - mask) * _BEHIND
        lit = room.ambient * np.array(room.ambient_rgb, np.float32)[::-1] + reach * light[::-1]
        return np.asarray(np.minimum(reflectance, 0.95) * lit + _SPECULAR * mask * lit, np.float32)


class Print:
    """A photograph of the person, held flat before the camera: it is lit as skin is, evenly."""

    def __init__(self, first: Take, tone: str) -> None:
        self._gain = (np.array(TONES[tone], np.float32)[::-1] / np.maximum(_cheeks(first), 0.01)).astype(np.float32)

    def __call__(self, take: Take, light: Floats, room: Room) -> Floats:
        lit = room.ambient * np.array(room.ambient_rgb, np.float32)[::-1] + light[::-1]
        return np.asarray(np.minimum(_TO_LINEAR[take.picture] * self._gain, 0.9) * lit, np.float32)


class Display:
    """The clip on another screen: it shines by itself, and its glass mirrors a little of what is before it."""

    def __init__(self, first: Take, _tone: str) -> None:
        self._gain = np.float32(0.35 / max(float(_cheeks(first).mean()), 0.01))

    def __call__(self, take: Take, light: Floats, room: Room) -> Floats:
        mirrored = _GLASS * (room.ambient * np.array(room.ambient_rgb, np.float32)[::-1] + light[::-1])
        return np.asarray(np.minimum(_TO_LINEAR[take.picture] * self._gain, 1.0) + mirrored, np.float32)


def filmed(
    takes: Sequence[Take], scene: Scene, light: Light, room: Room, lasts_ms: float, random: np.random.Generator
) -> Iterator[tuple[float, Picture, Take]]:
    """Frames as a camera delivers them: time in milliseconds when they arrive, picture after JPEG, and whose they are.

    A clip that is too short is played back and forth.
    """
    camera = _Camera(room, random)
    t_ms = 0.0
    while t_ms < lasts_ms:
        take = takes[_back_and_forth(round(t_ms * 30 / 1_000), len(takes))]
        shown = [light(t_ms - room.delay_ms - part * room.exposure_ms) for part in (0.0, 0.5, 1.0)]
        yield t_ms, camera.take(scene(take, np.mean(shown, axis=0), room), t_ms), take
        t_ms += 1_000 / room.fps * random.uniform(0.92, 1.08)


class _Camera:
    """Exposure, white balance, colour mixing, tone curve, noise, JPEG."""

    def __init__(self, room: Room, random: np.random.Generator) -> None:
        self._room, self._random = room, random
        self._gain: float | None = None
        self._white = np.ones(3, np.float32)
        self._first: Floats | None = None
        self._before_ms = 0.0
        mix = np.full((3, 3), room.mixing / 2, np.float32)
        np.fill_diagonal(mix, 1 - room.mixing)
        self._mix = mix

    def take(self, scene: Floats, t_ms: float) -> Picture:
        """One picture, uint8 BGR."""
        mean = scene.mean(axis=(0, 1))
        self._follow(mean, t_ms - self._before_ms)
        self._before_ms = t_ms
        assert self._gain is not None
        exposed = scene * np.float32(self._gain)
        noise = np.sqrt(np.maximum(exposed, 0) * self._gain / _SENSOR_ELECTRONS + (_READ_NOISE * self._gain) ** 2)
        exposed += noise * self._random.standard_normal(exposed.shape, np.float32)
        coloured = np.clip((exposed * self._white) @ self._mix, 0, 1)
        curved = np.where(coloured <= 0.0031308, 12.92 * coloured, 1.055 * coloured ** (1 / 2.4) - 0.055)  # noqa: PLR2004
        curved += self._room.contrast * (curved * curved * (3 - 2 * curved) - curved)
        return through_jpeg(np.round(255 * curved).astype(np.uint8), self._room.quality)

    def _follow(self, mean: Floats, passed_ms: float) -> None:
        wanted = min(_GREY / max(float(mean.mean()), 1e-4), _MOST_GAIN)
        if self._gain is None or self._first is None:
            lamp = np.array(self._room.ambient_rgb, np.float32)[::-1] * self._room.ambient + np.float32(_PAGE[0])
            self._gain, self._first, self._white = wanted, mean, (lamp.mean() / lamp).astype(np.float32)
            self._still = self._white
            return
        rate = 1 - np.exp(-passed_ms / self._room.exposure_follows_ms)
        self._gain *= float((wanted / self._gain) ** rate)
        drift = (self._first / self._first.mean()) / (mean / mean.mean())
        target = self._still * drift**self._room.white_follows
        self._white = self._white + (target - self._white) * np.float32(
            1 - np.exp(-passed_ms / self._room.white_follows_ms)
        )


def _cheeks(take: Take) -> Floats:
    """(3,) linear BGR of the middle of the face, where there is skin in every clip."""
    inner = cv2.erode((_face(take)[..., 0] > 0.9).astype(np.uint8), np.ones((9, 9), np.uint8))  # noqa: PLR2004
    values = _TO_LINEAR[take.picture][inner > 0]
    return np.asarray(np.median(values, axis=0) if len(values) else np.full(3, 0.2), np.float32)


def _face(take: Take) -> Floats:
    """(h, w, 1) 1 on the face, 0 beside it."""
    mask = np.zeros(take.picture.shape[:2], np.float32)
    hull = cv2.convexHull(np.round(take.landmarks[:468, :2]).astype(np.int32))
    cv2.fillConvexPoly(mask, np.asarray(hull), [1.0])
    blur = max(3, round(take.eyes_px / 12) | 1)
    return np.asarray(cv2.GaussianBlur(mask, (blur, blur), 0)[..., None], np.float32)


def _towards_screen(take: Take) -> Floats:
    """(h, w, 1) how far the skin faces the screen: a ball of the face's width."""
    height, width = take.picture.shape[:2]
    x, y = take.landmarks[:468, 0].mean(), take.landmarks[:468, 1].mean()
    radius = 1.15 * float(np.ptp(take.landmarks[:468, 0])) / 2
    across = (np.arange(width, dtype=np.float32) - x) / radius
    down = (np.arange(height, dtype=np.float32) - y) / (1.5 * radius)
    facing = 1 - np.minimum(across[None, :] ** 2 + down[:, None] ** 2, 1.0)
    return np.asarray((0.35 + 0.65 * np.sqrt(facing))[..., None], np.float32)


def _back_and_forth(index: int, count: int) -> int:
    place = index % max(1, 2 * count - 2)
    return place if place < count else 2 * count - 2 - place
