"""What stands before the camera: from a victim, a species and a seed to one scene after the other.

An act is asked for every moment in order, with the prompt on show, as the attacker sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.driver import Driver, Gains
from medauth.evaluation.attacks.held_sheet import draw_grip, laid
from medauth.evaluation.attacks.look import Look, placed, show
from medauth.evaluation.attacks.mesh_warp import Picture
from medauth.evaluation.attacks.painted_face import blended_with_itself, draw_brush, swapped
from medauth.evaluation.attacks.painted_lids import lids_over
from medauth.evaluation.attacks.paper import draw_printout, held_up, printed
from medauth.evaluation.attacks.screen import draw_display, refilmed
from medauth.evaluation.attacks.victims import Victim
from medauth.protocol.observation import Prompt

Random = np.random.Generator
Act = Callable[[float, Prompt | None], Picture]
"""(time in ms, prompt on show) to the scene."""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """Who plays: the victim, others to swap with, and how the driver is tuned to the victim's face."""

    victim: Victim
    others: Sequence[Victim]
    random: Random
    gains: Gains = field(default_factory=dict)
    performs: bool = True
    """False: nothing is asked, so nothing is performed; the film shows the cue alone what it is to find."""


Staging = Callable[[Cast], Act]


def bona_fide(cast: Cast) -> Act:
    """Stand-in for a person: the picture itself as if it were the person, moved as a whole. What it cannot do is blink."""
    sway = Driver(cast.random)

    def act(t_ms: float, _: Prompt | None) -> Picture:
        look = sway.look_at(t_ms, None)
        return _moved(cast.victim.picture, look, cast.victim.sheet.eye_distance)

    return act


def still_photo(cast: Cast) -> Act:
    """One photograph without frame or texture, moved as by a hand."""
    grip, room = draw_grip(cast.random, 1.02), _room(cast.victim.picture, cast.random)
    width, height = cast.victim.picture.shape[1::-1]
    return lambda t_ms, _: laid(cast.victim.picture, room, grip.view((width, height), t_ms))


def photo_cutout(cast: Cast) -> Act:
    """A photograph with holes for eyes: of all that is asked only blinks come; the rest is a hand's motion."""
    driver = _driver(cast)
    grip, room = draw_grip(cast.random, 1.02), _room(cast.victim.picture, cast.random)
    width, height = cast.victim.picture.shape[1::-1]

    def act(t_ms: float, prompt: Prompt | None) -> Picture:
        lids = driver.look_at(t_ms, prompt).lids if cast.performs else _idle_lids(t_ms)
        sheet = show(cast.victim.sheet, Look(lids=lids)) if lids else cast.victim.picture
        return laid(sheet, room, grip.view((width, height), t_ms))

    return act


def photo_animated(cast: Cast) -> Act:
    """One photograph whose mesh follows every prompt."""
    driver = _driver(cast)
    return lambda t_ms, prompt: show(cast.victim.sheet, _asked(cast, driver, t_ms, prompt))


def reenactment(cast: Cast) -> Act:
    """The photograph driven by somebody's face in real time: later, smoothed, with the jitter of landmarks."""
    driver = _driver(cast)
    driver.delay_ms = float(cast.random.uniform(80, 260))
    jitter, held = float(cast.random.uniform(0.15, 0.5)), _Lagging(float(cast.random.uniform(0.35, 0.7)))

    def act(t_ms: float, prompt: Prompt | None) -> Picture:
        look = held.follow(_asked(cast, driver, t_ms, prompt))
        shaken = cast.random.normal(0, jitter, 3)
        return show(
            cast.victim.sheet,
            replace(look, yaw=look.yaw + shaken[0], pitch=look.pitch + shaken[1], roll=look.roll + 0.5 * shaken[2]),
        )

    return act


def paper(cast: Cast) -> Act:
    """A print in a hand."""
    printout = draw_printout(cast.random)
    sheet = printed(cast.victim.picture, printout, cast.random)
    room = _room(cast.victim.picture, cast.random)
    return lambda t_ms, _: held_up(sheet, room, printout, t_ms)


def screen_replay(cast: Cast) -> Act:
    """A display that shows the animated photograph: the strongest film an attacker could put on it."""
    display, room = draw_display(cast.random), _room(cast.victim.picture, cast.random)
    film = photo_animated(cast) if cast.performs else bona_fide(cast)

    def act(t_ms: float, prompt: Prompt | None) -> Picture:
        shown_ms = np.floor(t_ms * display.shown_fps / 1_000) * 1_000 / display.shown_fps
        return refilmed(film(float(shown_ms), prompt), room, display, t_ms)

    return act


def face_swap(cast: Cast) -> Act:
    """One face painted over another, frame by frame: in a check over the victim's, to whom the driver is tuned."""
    brush, other = draw_brush(cast.random), cast.others[int(cast.random.integers(len(cast.others)))]
    actor, donor = (cast.victim, other) if cast.performs else (other, cast.victim)
    return _painted(
        replace(cast, victim=actor),
        lambda scene, marks: swapped(scene, marks, donor.sheet, brush, cast.random),
    )


def self_blend(cast: Cast) -> Act:
    """A face painted over itself: traces of pasting without a second person."""
    brush = draw_brush(cast.random)
    return _painted(cast, lambda scene, marks: blended_with_itself(scene, marks, brush, cast.random))


def identity_switch(cast: Cast) -> Act:
    """One person for the first steps, another for the rest."""
    other = cast.others[int(cast.random.integers(len(cast.others)))]
    driver, after = _driver(cast), int(cast.random.integers(1, 4))
    cut_ms = float(cast.random.uniform(500, 900))

    def act(t_ms: float, prompt: Prompt | None) -> Picture:
        look = _asked(cast, driver, t_ms, prompt)
        gone = driver.steps_seen > after if cast.performs else t_ms > cut_ms
        return show((other if gone else cast.victim).sheet, look)

    return act


def two_faces(cast: Cast) -> Act:
    """A second, smaller face over the shoulder."""
    other = cast.others[int(cast.random.integers(len(cast.others)))]
    film = photo_animated(cast) if cast.performs else bona_fide(cast)
    scale, side = float(cast.random.uniform(0.42, 0.6)), int(cast.random.integers(2))
    cut = _head_of(other, scale)

    def act(t_ms: float, prompt: Prompt | None) -> Picture:
        scene = film(t_ms, prompt).copy()
        height, width = cut.shape[:2]
        left = scene.shape[1] - width if side else 0
        scene[-height:, left : left + width] = cut
        return scene

    return act


STAGED: Mapping[str, Staging] = {
    "bona_fide": bona_fide,
    "still_photo": still_photo,
    "photo_cutout": photo_cutout,
    "photo_animated": photo_animated,
    "reenactment": reenactment,
    "print": paper,
    "screen_replay": screen_replay,
    "face_swap": face_swap,
    "self_blend": self_blend,
    "identity_switch": identity_switch,
    "two_faces": two_faces,
}
"""By species: how it is staged."""


@dataclass(slots=True)
class _Lagging:
    """Numbers that follow others with a lag, as a filter against jitter makes them."""

    share: float
    _last: Look | None = None

    def follow(self, look: Look) -> Look:
        last = self._last or look
        mixed = {n: getattr(last, n) + self.share * (getattr(look, n) - getattr(last, n)) for n in _MIXED}
        self._last = replace(look, **mixed)
        return self._last


_MIXED = ("yaw", "pitch", "roll", "size", "smile", "brows", "mouth", "lids")


def _driver(cast: Cast) -> Driver:
    return Driver(cast.random, dict(cast.gains))


def _asked(cast: Cast, driver: Driver, t_ms: float, prompt: Prompt | None) -> Look:
    """What the driver makes of the prompt; without a challenge, a blink every two seconds, a little smile."""
    look = driver.look_at(t_ms, prompt if cast.performs else None)
    if cast.performs:
        return look
    return replace(
        look, lids=_idle_lids(t_ms), smile=0.35 * (1 + np.sin(t_ms / 700)), yaw=look.yaw + 5 * np.sin(t_ms / 800)
    )


def _idle_lids(t_ms: float) -> float:
    into = t_ms % 2_000 - 700
    return float(np.clip(1 - abs(into - 130) / 130, 0, 1))


def _painted(cast: Cast, paint: Callable[[Picture, NDArray[np.float32]], Picture]) -> Act:
    """A film of the cast's victim with something painted on every frame, where the face then is."""
    driver, sheet = _driver(cast), cast.victim.sheet

    def act(t_ms: float, prompt: Prompt | None) -> Picture:
        if cast.performs:
            look = driver.look_at(t_ms, prompt)
            # What is pasted over eyes has lids of its own.
            bare, marks = replace(look, lids=0.0), placed(sheet, look)
            return lids_over(paint(show(sheet, bare), marks), marks, look.lids)
        look = driver.look_at(t_ms, None)
        matrix = _shift(look, sheet.eye_distance)
        marks = sheet.points.copy()
        marks[:, :2] += matrix[:, 2]
        return paint(_moved(cast.victim.picture, look, sheet.eye_distance), marks)

    return act


def _shift(look: Look, unit: float) -> NDArray[np.float64]:
    return np.array([[1, 0, look.shift[0] * unit], [0, 1, look.shift[1] * unit]], np.float64)


def _moved(picture: Picture, look: Look, unit: float) -> Picture:
    """The whole picture shifted by a look's sway, by parts of a pixel."""
    size = picture.shape[1::-1]
    return np.asarray(
        cv2.warpAffine(picture, _shift(look, unit), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _room(picture: Picture, random: Random) -> Picture:
    """What is behind a sheet: a blurred room of other colours than the photograph's."""
    height, width = picture.shape[:2]
    coarse = random.uniform(40, 190, (4, 5, 1)) + random.uniform(-25, 25, (4, 5, 3))
    room = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(cv2.GaussianBlur(room, (0, 0), 6), 0, 255), np.uint8)


def _head_of(victim: Victim, scale: float) -> Picture:
    """The middle of the other person's picture, where the head is."""
    height, width = victim.picture.shape[:2]
    head = victim.picture[round(0.1 * height) :, round(0.2 * width) : round(0.8 * width)]
    return np.asarray(cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
