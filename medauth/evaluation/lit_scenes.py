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
_WIDE = 1.2
"""By a face's half width squared."""
_SPECULAR = 0.015
"""Of any light, whatever the tone: skin's oily film mirrors it."""
_GLASS = 0.04
_SHOT_MS = (500.0, 4_000.0)
_CURVE = 4_096
_FIELDS, _SLIDE = 6, 64
_TO_LINEAR = np.where(  # IEC 61966-2-1
    np.arange(256) / 255 <= 0.04045,  # noqa: PLR2004 - the standard's
    np.arange(256) / 255 / 12.92,
    ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4,
).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One frame of a person, set into the view: BGR picture, landmarks (478, 3) in its pixels, eye distance."""

    picture: Picture
    landmarks: Floats
    eyes_px: float


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
"""Linear red, green and blue of a screen or a lamp (3,) at a time; 1 is the screen's white."""


def steady(room: Room) -> Light:
    """The room's light as it always is."""
    level = room.ambient * np.array(room.ambient_rgb, np.float32)
    return lambda _: level


def television(room: Room, random: np.random.Generator, lasts_ms: float) -> Light:
    """A room lit by a television alone: a new brightness and colour every half to four seconds, and flicker between."""
    cuts = np.cumsum(random.uniform(*_SHOT_MS, 2 + int(lasts_ms / _SHOT_MS[0])))
    levels = (
        room.ambient * random.uniform(0.35, 1.65, (len(cuts) + 1, 1)) * random.uniform(0.75, 1.25, (len(cuts) + 1, 3))
    )

    def at(t_ms: float) -> Floats:
        return np.asarray(levels[int(np.searchsorted(cuts, t_ms))] * (1 + 0.08 * np.sin(t_ms / 90)), np.float32)

    return at


def screen(glows: Sequence[Glow], end_ms: float) -> Light:
    """A screen that shows colours one after the other, and its page around them."""
    starts = np.array([glow.from_ms for glow in glows])
    colours = np.array([_TO_LINEAR[list(glow.rgb)] for glow in glows], np.float32)

    def at(t_ms: float) -> Floats:
        if not glows or not starts[0] <= t_ms < end_ms:
            return np.array(_PAGE, np.float32)
        return np.asarray(colours[int(np.searchsorted(starts, t_ms, side="right")) - 1])

    return at


Scene = Callable[[Take, Floats, Floats], Floats]
"""What reaches the lens of one frame, linear (3, h, w) blue, green, red, under the lamp's and the screen's light (3,) red,
green, blue each. Planes, not pixels: three times as fast."""


class Skin:
    """A person: reflectance by tone, brought from the clip's own colours; the screen lights the middle of the face most.

    Without a tone the person keeps their own, and the face has no rim.
    """

    def __init__(self, first: Take, tone: str = "") -> None:
        seen = _cheeks(first)
        self._behind = np.float32(0.25 / max(float(seen.mean()), 0.01))
        goal = np.array(TONES[tone], np.float32)[::-1] / np.maximum(seen, 0.01) if tone else np.full(3, self._behind)
        self._more = np.asarray(goal - self._behind, np.float32)

    def __call__(self, take: Take, lamp: Floats, light: Floats) -> Floats:
        mask, reach, scene = _face(take), _reach(take), _linear(take.picture)
        oil = _SPECULAR * mask
        tones = zip(scene, self._more, lamp[::-1], light[::-1], strict=True)
        for channel, (linear, more, around, coloured) in enumerate(tones):
            reflectance = np.minimum(linear * (self._behind + mask * more), 0.95) + oil
            scene[channel] = reflectance * (around + reach * coloured)
        return scene


class Print:
    """A photograph of the person, held flat before the camera: it is lit as skin is, evenly."""

    def __init__(self, first: Take, tone: str = "III") -> None:
        self._gain = (np.array(TONES[tone], np.float32)[::-1] / np.maximum(_cheeks(first), 0.01)).astype(np.float32)

    def __call__(self, take: Take, lamp: Floats, light: Floats) -> Floats:
        paper = np.minimum(_linear(take.picture) * _planes(self._gain), 0.9)
        return np.asarray(paper * _planes((lamp + light)[::-1]), np.float32)


class Display:
    """The clip on another screen: it shines by itself, and its glass mirrors a little of what is before it."""

    def __init__(self, first: Take, _tone: str = "") -> None:
        self._gain = np.float32(0.35 / max(float(_cheeks(first).mean()), 0.01))

    def __call__(self, take: Take, lamp: Floats, light: Floats) -> Floats:
        shining = np.minimum(_linear(take.picture) * self._gain, 1.0)
        return np.asarray(shining + _planes(_GLASS * (lamp + light)[::-1]), np.float32)


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame as a camera delivers it: when it arrives, the picture after JPEG, and which take it shows."""

    t_ms: float
    picture: Picture
    take: Take


def filmed(
    takes: Sequence[Take],
    scene: Scene,
    screen: Light,
    room: Room,
    lasts_ms: float,
    random: np.random.Generator,
    lamp: Light | None = None,
) -> Iterator[Shot]:
    """A film of that length. A clip that is too short is played back and forth; `lamp` is by default the room's.

    The screen is asked for its colour as of each exposure, which lies before the frame's arrival.
    """
    camera, lit, t_ms = _Camera(room, random), lamp or steady(room), 0.0
    while t_ms < lasts_ms:
        take = takes[_back_and_forth(round(t_ms * 30 / 1_000), len(takes))]
        moments = [t_ms - room.delay_ms - part * room.exposure_ms for part in (0.0, 0.5, 1.0)]
        light = np.mean([screen(moment) for moment in moments], axis=0)
        yield Shot(t_ms, camera.take(scene(take, lit(moments[1]), light), t_ms), take)
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
        self._curve = _tone_curve(room.contrast)
        self._grain: list[Floats] = []

    def take(self, scene: Floats, t_ms: float) -> Picture:
        """One picture, uint8 BGR."""
        self._follow(scene.mean(axis=(1, 2)), t_ms - self._before_ms)
        self._before_ms = t_ms
        assert self._gain is not None
        exposed = scene * np.float32(self._gain)
        spread = np.sqrt(
            exposed * np.float32(self._gain / _SENSOR_ELECTRONS) + np.float32((_READ_NOISE * self._gain) ** 2)
        )
        exposed += spread * self._noise(*scene.shape[1:])
        coloured = (self._mix * self._white) @ exposed.reshape(3, -1)
        steps = np.clip(coloured * (_CURVE - 1) + 0.5, 0, _CURVE - 1).astype(np.uint16)
        picture = cv2.merge(list(self._curve[steps].reshape(scene.shape)))
        return through_jpeg(np.asarray(picture, np.uint8), self._room.quality)

    def _noise(self, height: int, width: int) -> Floats:
        """A few fields drawn once; every picture takes another piece of another one."""
        if not self._grain:
            shape = (3, height + _SLIDE, width + _SLIDE)
            self._grain = [self._random.standard_normal(shape, np.float32) for _ in range(_FIELDS)]
        top, left = self._random.integers(0, _SLIDE, 2)
        field = self._grain[int(self._random.integers(_FIELDS))]
        return np.asarray(field[:, top : top + height, left : left + width])

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


def _tone_curve(contrast: float) -> Picture:
    """(4096,) uint8: sRGB's curve (IEC 61966-2-1), bent a little."""
    light = np.linspace(0, 1, _CURVE)
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)  # noqa: PLR2004
    curved += contrast * (curved * curved * (3 - 2 * curved) - curved)
    return np.asarray(np.round(255 * curved), np.uint8)


def _linear(picture: Picture) -> Floats:
    """(3, h, w) blue, green, red."""
    return np.stack([np.asarray(cv2.LUT(plane, _TO_LINEAR), np.float32) for plane in cv2.split(picture)])


def _planes(colour: Floats) -> Floats:
    return np.asarray(colour, np.float32)[:, None, None]


def _cheeks(take: Take) -> Floats:
    """(3,) linear BGR of the middle of the face, where there is skin in every clip."""
    inner = cv2.erode((_face(take) > 0.9).astype(np.uint8), np.ones((9, 9), np.uint8))  # noqa: PLR2004
    values = _linear(take.picture)[:, inner > 0]
    return np.asarray(np.median(values, axis=1) if values.size else np.full(3, 0.2), np.float32)


def _face(take: Take) -> Floats:
    """(h, w) 1 on the face, 0 beside it."""
    mask = np.zeros(take.picture.shape[:2], np.float32)
    hull = cv2.convexHull(np.round(take.landmarks[:468, :2]).astype(np.int32))
    cv2.fillConvexPoly(mask, np.asarray(hull), [1.0])
    blur = max(3, round(take.eyes_px / 12) | 1)
    return np.asarray(cv2.GaussianBlur(mask, (blur, blur), 0), np.float32)


def _reach(take: Take) -> Floats:
    """(h, w) how much of the screen's light arrives: all in the middle of the face, half at its rim, little behind."""
    height, width = take.picture.shape[:2]
    x, y = take.landmarks[:468, 0].mean(), take.landmarks[:468, 1].mean()
    radius = 1.15 * float(np.ptp(take.landmarks[:468, 0])) / 2
    across = (np.arange(width, dtype=np.float32) - x) / radius
    down = (np.arange(height, dtype=np.float32) - y) / (1.5 * radius)
    near = np.exp(-(across**2) / _WIDE)[None, :] * np.exp(-(down**2) / _WIDE)[:, None]
    return np.asarray(_BEHIND + (1 - _BEHIND) * near, np.float32)


def _back_and_forth(index: int, count: int) -> int:
    place = index % max(1, 2 * count - 2)
    return place if place < count else 2 * count - 2 - place
