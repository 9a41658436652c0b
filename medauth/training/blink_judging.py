"""What the eye-state net adds to blinks: the table of `medauth train judge-blinks`.

Events on clips with blinks checked by hand, plain and made worse, by three ways: outline and net as a check runs them,
the outline alone, and the common fixed threshold. And photographs of other people, held, moved, and with lids moved by a
warp, where every blink is false.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medauth.evaluation.blinks import Count, count, read_clips, watch
from medauth.evaluation.degraded import VERSIONS, Landmarks, Picture
from medauth.evaluation.held_photo import GENTLE, STILL, WILD, filmed, held, lids_moving
from medauth.evaluation.metrics import Rate, wilson_rate
from medauth.signals.blink import BlinkSignal
from medauth.signals.eye_state import EyeStateModel
from medauth.signals.face_track import StillMesh
from medauth.signals.models import ModelLibrary
from medauth.training.card import write_card
from medauth.training.face_images import LFW, list_faces, read_picture

WAYS = ("outline and net", "outline alone", "fixed threshold")
_PHOTO_PX, _FRAMES, _SEED = 256, 60, 5
Film = Callable[[Picture, Landmarks, int], Iterator[tuple[float, Picture]]]

PHOTOS: dict[str, Film] = {
    "held still": lambda photo, _, seed: held(photo, STILL, _FRAMES, seed),
    "moved by hand": lambda photo, _, seed: held(photo, GENTLE, _FRAMES, seed),
    "moved wildly": lambda photo, _, seed: held(photo, WILD, _FRAMES, seed),
    "lids squeezed by warp": lambda photo, points, seed: filmed(
        lids_moving(photo, points, _FRAMES, squeezed=True), STILL, seed
    ),
    "lids drawn over by warp": lambda photo, points, seed: filmed(
        lids_moving(photo, points, _FRAMES, squeezed=False), STILL, seed
    ),
}


def judge_blinks(data: Path, models: Path, persons: int, report: Callable[[str], None]) -> dict[str, Any]:
    """Writes `blinks.json` beside the eye-state model, and its card; returns the content.

    Written after every line of the table: an interrupted run goes on with what is missing. Another model file, or another
    number of persons, begins afresh.
    """
    model = ModelLibrary([models]).load("eye_state")
    path = models / "eye_state" / "blinks.json"
    found = _begun(path, {"eye_state_sha256": model.manifest.sha256, "persons": persons})
    makers = (lambda: BlinkSignal(EyeStateModel(model)), BlinkSignal)
    clips = list(read_clips(data / "blink_clips").values())
    for version in [name for name in VERSIONS if name not in found["clips"]]:
        ours, fixed = count(clips, *VERSIONS[version], makers)
        tallies = dict(zip(WAYS, (*ours, fixed), strict=True))
        found["clips"][version] = {way: tally.as_json() for way, tally in tallies.items()}
        report(f"{version}: " + ", ".join(f"{way} F1 {_f1(tally)}" for way, tally in tallies.items()))
        path.write_text(json.dumps(found, indent=2) + "\n")
    chosen = list(_photos(data, persons)) if set(PHOTOS) - set(found["photos"]) else []
    for kind in [name for name in PHOTOS if name not in found["photos"]]:
        rates = _on_photos(chosen, PHOTOS[kind], makers)
        found["photos"][kind] = {way: rate.as_json() for way, rate in rates.items()}
        report(f"{kind}: " + ", ".join(f"{way} {rate}" for way, rate in rates.items()))
        path.write_text(json.dumps(found, indent=2) + "\n")
    write_card(models / "eye_state")
    return found


def _begun(path: Path, stamp: dict[str, Any]) -> dict[str, Any]:
    """What an interrupted run under the same `stamp` left, lines in the table's order."""
    before: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    kept = before if all(before.get(key) == value for key, value in stamp.items()) else {}
    return {**stamp, "clips": dict(kept.get("clips", {})), "photos": dict(kept.get("photos", {}))}


def _f1(tally: Count) -> str:
    return f"{tally.f1:.3f} ({tally.blinks - tally.hits} missed, {tally.false} false)"


def _on_photos(
    chosen: Sequence[tuple[Picture, Landmarks]], film: Film, makers: Sequence[Callable[[], BlinkSignal]]
) -> dict[str, Rate]:
    """Share of the photographs in which each way saw a blink."""
    blinked = np.zeros((len(chosen), len(WAYS)), bool)
    for index, (photo, points) in enumerate(chosen):
        ours, fixed = watch(film(photo, points, index), [make() for make in makers])
        blinked[index] = [bool(events) for events in (*ours, fixed)]
    return {way: wilson_rate(int(column.sum()), len(chosen)) for way, column in zip(WAYS, blinked.T, strict=True)}


def _photos(data: Path, persons: int) -> Iterator[tuple[Picture, Landmarks]]:
    """Photographs of persons of whom the set has one, enlarged, with their landmarks."""
    listed = [file.path for file in list_faces(data) if file.path.startswith(LFW) and file.split == "selfblend_train"]
    mesh = StillMesh()
    try:
        for index in np.random.default_rng(_SEED).permutation(len(listed)):
            if persons == 0:
                return
            small = read_picture(data / listed[index])
            photo = np.asarray(cv2.resize(small, (_PHOTO_PX, _PHOTO_PX), interpolation=cv2.INTER_CUBIC), np.uint8)
            points = mesh.landmarks(photo)
            if points is not None:
                persons -= 1
                yield photo, points
    finally:
        mesh.close()
