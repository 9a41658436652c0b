"""Other colours than those asked for on skin, thousands of times: what the light signal says of each, by what fell on it.

Room, screen, camera and film are those of `medauth evaluate light`; in the place of a face stands a small sheet of skin of
the same tones, which makes thousands of tries cheap. It keeps still and is lit evenly: harder for the signal to refuse than a
head, since nothing else moves. *Accepted* is what passes: `strict`, which light decides, takes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medauth.evaluation.attacks.cue_tries import HONEST, Counts, Tally
from medauth.evaluation.light_films import FILMS, RULE
from medauth.evaluation.light_run import TRIP_MS, watch
from medauth.evaluation.lit_scenes import TONES, Floats, Skin, Take, room_for
from medauth.protocol.challenge import Challenge
from medauth.protocol.light import draw_light
from medauth.protocol.reading import SignalReading
from medauth.signals.light import LightSignal

_ISSUED = "issued"
KINDS: Sequence[str] = (
    "other colours",
    "other colours, in time",
    "one wrong",
    "no colours",
    "no colours, television",
    "late",
    "early",
)
"""Of `light_films.FILMS`."""
_HONEST_EVERY = 10
_AMBIENT = (0.2, 5.0)
_FPS = (10.0, 30.0)
_SIDE = 36
_EYES_PX = 28.0
_PATCHES = {151: (18, 7), 9: (18, 9), 50: (9, 22), 205: (9, 24), 280: (27, 22), 425: (27, 24)}
"""Where forehead and cheeks lie on the sheet, by landmark."""
_BLOTCHED = 0.08


class SheetOfSkin(Skin):
    """Nothing but skin of one tone, a little blotched: (36, 36)."""

    def __init__(self, first: Take, tone: str = "") -> None:  # its texture comes with the take
        self._skin = np.array(TONES[tone or "III"], np.float32)[::-1, None, None]
        self._texture = first.picture[None, :, :, 0].astype(np.float32) / 128

    def __call__(self, _: Take, lamp: Floats, light: Floats) -> Floats:
        lit = np.asarray(lamp + light, np.float32)[::-1, None, None]
        return np.asarray(self._skin * self._texture * lit, np.float32)


def tried(random: np.random.Generator, tries: int) -> Counts:
    """What the signal says of `tries` films, kinds in turns, and now and then of one under the colours that were asked."""
    tally = Tally()
    for index in range(tries):
        name = KINDS[index % len(KINDS)]
        tally.add(name, judged(name, random))
        if index % _HONEST_EVERY == 0:
            tally.add(f"{HONEST}: {_ISSUED}", judged(_ISSUED, random))
    return tally.counts()


def judged(name: str, random: np.random.Generator) -> SignalReading:
    """One film, its room, skin, camera, rate and round trip drawn."""
    asked = draw_light(RULE, 2, lambda limit: int(random.integers(limit)))
    tone = list(TONES)[int(random.integers(len(TONES)))]
    ambient = float(np.exp(random.uniform(*np.log(_AMBIENT))))
    room, signal = room_for(tone, ambient, float(random.uniform(*_FPS)), random), LightSignal()
    signal.start(Challenge("tried", (), bytes(32), light=asked))
    film = replace(FILMS[name], scene=SheetOfSkin)
    watch(signal, film, [_sheet(random)], asked, room, random, int(random.integers(*TRIP_MS)))
    return signal.reading()


def _sheet(random: np.random.Generator) -> Take:
    marks = np.full((478, 3), _SIDE / 2, np.float32)
    for index, place in _PATCHES.items():
        marks[index, :2] = place
    blotches = 128 * (1 + random.normal(0.0, _BLOTCHED, (_SIDE, _SIDE, 1)))
    return Take(np.broadcast_to(np.clip(blotches, 0, 255), (_SIDE, _SIDE, 3)).astype(np.uint8), marks, _EYES_PX)
