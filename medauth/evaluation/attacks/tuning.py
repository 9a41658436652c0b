"""How an attacker prepares: the product is open, so the driver is tuned on a copy of it until each gesture reads as asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.driver import STRENGTH, Gains, performance
from medauth.evaluation.attacks.look import OPENED, Look, show
from medauth.evaluation.attacks.mesh_warp import FaceSheet, Picture, cut_sheet
from medauth.protocol.challenge import RULES, Action, Category, scripted_step
from medauth.protocol.observation import FaceQuality, FaceTrack
from medauth.signals.face_track import StillMesh
from medauth.signals.gesture import OPENING, amounts_of, measure
from medauth.signals.head_pose import fit_head
from medauth.silence import native_silence

_ROUNDS = 2
_LEAST, _MOST = 0.6, 2.4
_SEEN_AT_ALL = 0.15
_SHUT_ROUNDS = 3
_SHUT_BELOW = 0.045
"""Between the inner lips, in distances of the eyes' outer corners."""


def tuned(sheet: FaceSheet, mesh: StillMesh) -> Gains:
    """A gain for each action and outcome; what the mesh does not see at all keeps 1."""
    rest = _measured(sheet.picture, mesh)
    if rest is None:
        return {}
    gains: dict[tuple[Action, int], float] = {}
    for action in Action:
        if action is Action.BLINK or RULES[action].category in {Category.BREAKER, Category.SPEECH}:
            continue
        for index, outcome in enumerate(RULES[action].outcomes):
            key = (action, outcome.low)
            if key in gains:
                continue
            step = scripted_step(action, index, pause_ms=0)
            wanted = 100 * STRENGTH[action] if action in STRENGTH else float(step.target)
            gains[key] = 1.0
            for _ in range(_ROUNDS):
                done = performance(step, gains)
                seen = _measured(show(sheet, done.look(done.length_ms / 2)), mesh)
                amount = 0.0 if seen is None else amounts_of(seen, rest).get(action, 0.0)
                if amount < _SEEN_AT_ALL * wanted:
                    break
                gains[key] = float(np.clip(gains[key] * wanted / amount, _LEAST, _MOST))
    return gains


def rested(sheet: FaceSheet, mesh: StillMesh) -> FaceSheet:
    """The portrait with its mouth shut, where it is open: whoever drives a picture picks one of a face at rest, or makes
    it one; a mouth that is open from the first frame on is no rest that gestures could be measured against."""
    look, before = Look(), sheet.picture
    for _ in range(_SHUT_ROUNDS):
        seen = _measured(before, mesh)
        if seen is None or seen[OPENING] <= _SHUT_BELOW:
            break
        look = replace(look, mouth=look.mouth - float(seen[OPENING]) / OPENED)
        before = show(sheet, look)
    with native_silence():
        marks = mesh.landmarks(before)
    return sheet if marks is None or look.mouth == 0.0 else cut_sheet(before, marks)


def _measured(picture: Picture, mesh: StillMesh) -> NDArray[np.float64] | None:
    with native_silence():
        marks = mesh.landmarks(picture)
    if marks is None:
        return None
    head = fit_head(marks)
    return measure(FaceTrack(marks, head.pose, replace(_ANY, size_px=head.size_px)))


_ANY = FaceQuality(size_px=1.0, sharpness=0.0, brightness=0.0)
