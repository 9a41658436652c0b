"""Films as a program plays them to a virtual camera, and as honest cameras and networks deliver them: seeded, no data.

Attacks follow the species `virtual_camera`, `gesture_loop` and `still_photo`. Formulas and ranges are this module's own:
the signal that is judged shares none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.degraded import Moment, Picture, blurred, compressed, dim_and_noisy, small
from medauth.evaluation.held_photo import GENTLE, held
from medauth.evaluation.jpeg import through_jpeg
from medauth.protocol.observation import FaceTrack

Random = np.random.Generator
_STALL_SHARE = 0.01
_LOST_SHARE = 0.1
_THERE_MS = 4_000.0
_HELD = 480
_SLIDE = 64
_ATTACK_MS = 21_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One frame as it leaves its source: the picture (height, width, 3) uint8 BGR, when it arrives, in ms, and the face
    that was found in it as filmed, in shares of the picture's sides: no change of this module moves it."""

    picture: Picture
    t_ms: float
    face: FaceTrack | None = None


Film = Sequence[Shot]
Change = Callable[[Film, Film, Random], Film]
"""(film, another person's film, random) to the film that is judged. Raises `TooShort`."""


class TooShort(Exception):
    """This film is too short for this change."""


def arriving(film: Film, random: Random) -> Film:
    """As a network delivers it: late by some milliseconds each, now and then by a lot, and then several at once."""
    late, now = 0.0, -1.0
    shots = []
    for shot in film:
        late = random.uniform(80.0, 400.0) if random.random() < _STALL_SHARE else max(0.0, late - 30.0)
        now = max(now + random.uniform(3.0, 5.0), shot.t_ms + late + abs(random.normal(0.0, 3.0)))
        shots.append(replace(shot, t_ms=now))
    return shots


def at_most(fps: float) -> Change:
    """A camera of so many frames a second."""

    def change(film: Film, _: Film, __: Random) -> Film:
        kept, due = [], 0.0
        for shot in film:
            if shot.t_ms >= due - 1.0:
                kept.append(shot)
                due += 1_000.0 / fps
        return kept

    return change


def redrawn(draw: Callable[[Moment], Picture]) -> Change:
    """Every picture changed by itself."""
    return lambda film, _, __: [replace(shot, picture=draw(Moment(shot.picture, None, shot.t_ms))) for shot in film]


def dropped(film: Film, _: Film, random: Random) -> Film:
    """One frame in ten is lost."""
    return [shot for shot in film if random.random() >= _LOST_SHARE]


def doubled(film: Film, _: Film, __: Random) -> Film:
    """Low light: half the pictures, each delivered twice."""
    return [replace(film[index - index % 2], t_ms=shot.t_ms) for index, shot in enumerate(film)]


def flickering(film: Film, _: Film, random: Random) -> Film:
    """A lamp on the mains against a rolling shutter: brightness beats by up to 8 %."""
    beat = random.uniform(3.0, 12.0)
    return [_lit(shot, 1.0 + 0.08 * np.sin(beat * shot.t_ms / 1_000)) for shot in film]


def screen_lit(film: Film, _: Film, random: Random) -> Film:
    """The light challenge: the screen takes a new colour every 400 ms, and face and middle shine in it."""
    colours = random.uniform(0.9, 1.12, (int(film[-1].t_ms / 400) + 2, 3))
    height, width = film[0].picture.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    near = np.exp(-(((rows / height - 0.5) / 0.35) ** 2) - ((columns / width - 0.5) / 0.25) ** 2)[..., None]
    return [_lit(shot, 1.0 + near * (colours[int(shot.t_ms / 400)] - 1.0)) for shot in film]


def lamp_switched(film: Film, _: Film, __: Random) -> Film:
    """A lamp on the left goes on in mid-check."""
    width = film[0].picture.shape[1]
    lamp = np.linspace(1.9, 1.1, width)[None, :, None]
    return [_lit(shot, lamp) if shot.t_ms > film[-1].t_ms / 2 else shot for shot in film]


def stalled(film: Film, _: Film, __: Random) -> Film:
    """The camera stands still for 1.5 s and goes on where the person then is."""
    return _frozen(film, 1_500.0)


def looped(period_s: float, *, again: Callable[[Picture, Random], Picture] | None = None) -> Change:
    """The first seconds over and over; `again` is what the player does to every picture it shows."""

    def change(film: Film, _: Film, random: Random) -> Film:
        count = sum(shot.t_ms - film[0].t_ms < 1_000 * period_s for shot in film)
        if count >= len(film) - 1:
            raise TooShort
        length = _length(film)
        played = [film[index % count] for index in range(length)]
        if again:
            played = [replace(shot, picture=again(shot.picture, random)) for shot in played]
        return _timed(film, played)

    return change


def back_and_forth(film: Film, _: Film, random: Random) -> Film:
    """Four seconds forwards, backwards, forwards: no seam, a little noise."""
    count = sum(shot.t_ms - film[0].t_ms < _THERE_MS for shot in film)
    if count >= len(film) - 1:
        raise TooShort
    course = [*range(count), *range(count - 2, 0, -1)]
    played = [film[course[n % len(course)]] for n in range(_length(film))]
    return _timed(film, [replace(shot, picture=grainy(shot.picture, random)) for shot in played])


def still(film: Film, _: Film, __: Random) -> Film:
    """One picture, to the bit."""
    return _timed(film, [film[0]] * _length(film))


def still_with_noise(film: Film, _: Film, random: Random) -> Film:
    """One picture, every frame with grain of its own."""
    return _timed(film, [replace(film[0], picture=grainy(film[0].picture, random)) for _ in range(_length(film))])


def moved_still(film: Film, _: Film, random: Random) -> Film:
    """One picture moved as by a hand, with a camera's noise."""
    seed = int(random.integers(1 << 30))
    return [replace(film[0], picture=picture, t_ms=t) for t, picture in held(film[0].picture, GENTLE, _HELD, seed)]


def frozen(film: Film, _: Film, __: Random) -> Film:
    """The player holds one picture for six seconds."""
    return _frozen(film, 6_000.0)


def cut_to_another(film: Film, other: Film, random: Random) -> Film:
    """In mid-check another clip, brought to the size of the first."""
    height, width = film[0].picture.shape[:2]
    fitted = [replace(s, picture=np.asarray(cv2.resize(s.picture, (width, height)), np.uint8)) for s in other]
    return cut_to_another_size(film, fitted, random)


def cut_to_another_size(film: Film, other: Film, _: Random) -> Film:
    """In mid-check another clip as it is."""
    half = len(film) // 2
    return [*film[:half], *(replace(b, t_ms=a.t_ms) for a, b in zip(film[half:], other, strict=False))]


def cut_to_the_same_camera(film: Film, _: Film, __: Random) -> Film:
    """A leap of a third of the film: the same person, camera and size."""
    third = len(film) // 3
    return _timed(film[: 2 * third], [*film[:third], *film[2 * third :]][: 2 * third])


def denoised(film: Film, _: Film, __: Random) -> Film:
    """Grain smoothed away (bilateral filter), as before a deepfake is laid over it."""
    return [replace(s, picture=np.asarray(cv2.bilateralFilter(s.picture, 7, 25, 5), np.uint8)) for s in film]


def counted(film: Film, _: Film, __: Random) -> Film:
    """A perfect clock: 33.333 ms from frame to frame."""
    return [replace(shot, t_ms=index * 100 / 3) for index, shot in enumerate(film)]


def microseconds_apart(film: Film, _: Film, __: Random) -> Film:
    """All frames within a moment."""
    return [replace(shot, t_ms=index / 1_000) for index, shot in enumerate(film)]


def running_back(film: Film, _: Film, __: Random) -> Film:
    """Times that go down once."""
    half = len(film) // 2
    return [replace(s, t_ms=s.t_ms - (500.0 if i >= half else 0.0)) for i, s in enumerate(film)]


def standing_still(film: Film, _: Film, __: Random) -> Film:
    """Every second frame at the time of the one before."""
    return [replace(shot, t_ms=film[index - index % 2].t_ms) for index, shot in enumerate(film)]


def grainy(picture: Picture, random: Random) -> Picture:
    """Noise of 2 grey levels and JPEG of quality 70: how a player hides that it repeats itself."""
    height, width = picture.shape[:2]
    field = _grain(height + _SLIDE, width + _SLIDE)
    top, left = random.integers(0, _SLIDE, 2)
    noisy = cv2.add(picture, field[top : top + height, left : left + width], dtype=cv2.CV_8U)
    return through_jpeg(np.asarray(noisy, np.uint8), 70)


@cache
def _grain(height: int, width: int) -> NDArray[np.int16]:
    """Drawn once, since drawing takes longer than all else; every frame takes another piece of it."""
    drawn = np.random.default_rng(height * width).normal(0.0, 2.0, (height, width, 3))
    return np.asarray(np.round(drawn), np.int16)


def jpeg(quality: int) -> Callable[[Moment], Picture]:
    """Coded once more at that quality."""

    def draw(moment: Moment) -> Picture:
        return through_jpeg(moment.picture, quality)

    return draw


NATURAL: Mapping[str, Change] = {
    "as filmed": lambda film, _, __: film,
    "15 fps": at_most(15),
    "10 fps": at_most(10),
    "JPEG 40": redrawn(compressed),
    "JPEG 70": redrawn(jpeg(70)),
    "320x240": redrawn(small),
    "blurred": redrawn(blurred),
    "low light and noise": redrawn(dim_and_noisy),
    "one frame in ten lost": dropped,
    "every frame twice": doubled,
    "flicker": flickering,
    "screen colours": screen_lit,
    "lamp switched on": lamp_switched,
    "stalled for 1.5 s": stalled,
}
"""What honest people send; all of it arrives as a network delivers it."""
ATTACKS: Mapping[str, Change] = {
    "loop of 2 s": looped(2),
    "loop of 4 s": looped(4),
    "loop of 7 s": looped(7),
    "loop of 10 s": looped(10),
    "loop of 2 s, noise and JPEG 70": looped(2, again=grainy),
    "loop of 4 s, noise and JPEG 70": looped(4, again=grainy),
    "loop of 7 s, noise and JPEG 70": looped(7, again=grainy),
    "loop of 10 s, noise and JPEG 70": looped(10, again=grainy),
    "back and forth, noise and JPEG 70": back_and_forth,
    "still": still,
    "still with noise": still_with_noise,
    "still moved by hand": moved_still,
    "frozen for 6 s": frozen,
    "cut to another clip, other size": cut_to_another_size,
    "cut to another clip, same size": cut_to_another,
    "cut within the clip": cut_to_the_same_camera,
    "denoised": denoised,
}
"""What a program plays; it arrives as a network delivers it."""
CLOCKS: Mapping[str, Change] = {
    "clock: constant": counted,
    "clock: 1 µs steps": microseconds_apart,
    "clock: backwards": running_back,
    "clock: standing still": standing_still,
}
"""What a program does to the times."""


def _frozen(film: Film, for_ms: float) -> Film:
    first = film[len(film) // 3]
    if film[-1].t_ms < first.t_ms + for_ms + 500.0:
        raise TooShort
    held_on = first.t_ms + for_ms
    return [replace(first, t_ms=s.t_ms) if first.t_ms <= s.t_ms < held_on else s for s in film]


def _length(film: Film) -> int:
    """Frames of a check of at least 21 s at the film's pace: attacks last as long as they have to."""
    return max(len(film), round(_ATTACK_MS * (len(film) - 1) / max(1.0, film[-1].t_ms - film[0].t_ms)))


def _timed(film: Film, shots: Sequence[Shot]) -> Film:
    """The shots at the film's pace."""
    step = (film[-1].t_ms - film[0].t_ms) / max(1, len(film) - 1)
    return [replace(shot, t_ms=index * step) for index, shot in enumerate(shots)]


def _lit(shot: Shot, gain: object) -> Shot:
    lit = shot.picture * np.asarray(gain, np.float32)
    return replace(shot, picture=np.clip(lit, 0, 255, out=lit).astype(np.uint8))
