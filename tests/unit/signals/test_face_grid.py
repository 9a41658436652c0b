"""A face is known again wherever it is in the picture, and whatever is around and over it: on pictures of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.observation import CaptureProblem, FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.signals.face_grid import FaceGrid
from medauth.signals.interface import Lead
from medauth.signals.replay import ReplaySignal, ReplayTuning
from tests.unit.signals.test_replay_memory import alone, code_of, looked_up

pytestmark = pytest.mark.simulated

Numbers = NDArray[Any]
HEIGHT, WIDTH = 72, 96
RIM = {10: (0.0, -1.0), 152: (0.0, 1.0), 234: (-0.8, 0.0), 454: (0.8, 0.0)}
"""Landmarks: where they are on a face, in halves of its height."""
Seen = tuple[float, Numbers, FaceTrack]
Change = Callable[[float, Numbers], Numbers]
ROWS_DOWN, COLUMNS_ACROSS = np.mgrid[0:HEIGHT, 0:WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]


def face_film(
    seed: int,
    *,
    seconds: float = 7.0,
    x: float = 48.0,
    size: float = 24.0,
    degrees: float = 0.0,
    growth: float = 0.0,
    room: int = 0,
    pace: float = 1.0,
    change: Change | None = None,
) -> list[Seen]:
    """(72, 96) pictures of a round face in which two spots wander, before blots that stand still; 15 a second."""
    courses = (
        np.random.default_rng(seed).uniform(2.0, 18.0, (4, 4)),
        np.random.default_rng(seed + 1).uniform(0, 6.3, (4, 4)),
    )
    behind = cv2.GaussianBlur(np.random.default_rng(room).uniform(0, 255, (HEIGHT, WIDTH)), (0, 0), 4)
    behind = 20 + 200 * (behind - behind.min()) / np.ptp(behind)
    tremble = np.random.default_rng(seed + 2)
    shown = []
    for index in range(round(15 * seconds)):
        t_s = index / 15
        wander = 0.05 * np.sin(courses[0] * t_s * pace + courses[1]).sum(axis=1)
        half = size * (1 + growth * index / (15 * seconds))
        turn = np.deg2rad(degrees)
        ways = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * half
        picture = _drawn(wander, ways, x, behind)
        if change is not None:
            picture = change(1_000 * t_s, picture)
        marks = np.zeros((478, 3), np.float32)
        for number, place in RIM.items():
            marks[number, :2] = ways @ place + [x, HEIGHT / 2] + tremble.normal(0, 0.15, 2)
        shown.append((1_000 * t_s, picture, FaceTrack(marks, Pose(0, 0, 0), FaceQuality(40.0, 300.0, 120.0))))
    return shown


def _drawn(wander: Numbers, ways: Numbers, x: float, behind: Numbers) -> Numbers:
    places = np.stack([COLUMNS_ACROSS * WIDTH - x, ROWS_DOWN * HEIGHT - HEIGHT / 2], -1) @ np.linalg.inv(ways).T
    across, down = places[..., 0], places[..., 1]
    face = np.full(across.shape, 120.0)
    for spot, (left, top) in enumerate(((-0.25, -0.2), (0.2, 0.25))):
        at = wander[2 * spot] + left, wander[2 * spot + 1] + top
        face += (60 - 110 * spot) * np.exp(-((across - at[0]) ** 2 + (down - at[1]) ** 2) / 0.05)
    inside = 1 / (1 + np.exp(np.minimum(30 * ((across / 0.8) ** 2 + down**2 - 1), 50)))
    return np.asarray(inside * face + (1 - inside) * behind)


def signal(shown: list[Seen], tuning: ReplayTuning | None = None, *, faces: bool = True) -> ReplaySignal:
    found = ReplaySignal(tuning)
    for index, (t_ms, picture, track) in enumerate(shown):
        image = np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
        problem = None if faces else CaptureProblem.NO_FACE
        found.update(Observation(Frame(index, t_ms, b"", b"", image), track if faces else None, problem, None))
    return found


EARLIER = signal(face_film(1))


def bands(t_ms: float, picture: Numbers) -> Numbers:
    return np.asarray(picture * (1 + 0.03 * np.sin(9.4 * ROWS_DOWN + 0.0107 * t_ms)))


def upright_bands(t_ms: float, picture: Numbers) -> Numbers:
    return np.asarray(picture * (1 + 0.03 * np.sin(9.4 * COLUMNS_ACROSS + 0.013 * t_ms)))


def drift(t_ms: float, picture: Numbers) -> Numbers:
    return np.asarray(picture * (0.8 + 0.2 * np.sin(0.002 * t_ms)))


def swaying(t_ms: float, picture: Numbers) -> Numbers:
    """All but the middle sways."""
    other = 128 + 100 * np.sin(9 * COLUMNS_ACROSS + 7 * ROWS_DOWN + 0.004 * t_ms)
    inside = ((COLUMNS_ACROSS - 0.5) * WIDTH / 19) ** 2 + ((ROWS_DOWN - 0.5) * HEIGHT / 24) ** 2 < 1
    return np.where(inside, picture, other)


HIDDEN: dict[str, list[Seen]] = {
    "moved aside": face_film(1, x=36.0, room=3),
    "smaller": face_film(1, size=18.0, room=3),
    "turned": face_film(1, degrees=9.0, room=3),
    "zoomed": face_film(1, size=20.0, growth=0.3, room=3),
    "bands": face_film(1, change=bands),
    "upright bands": face_film(1, change=upright_bands),
    "another background that moves": face_film(1, change=swaying),
    "moved aside, another background, bands": face_film(1, x=40.0, room=3, change=bands),
}

UNSEEN = [name for name in HIDDEN if name not in {"smaller", "turned", "zoomed"}]
"""By the whole picture."""


@pytest.mark.parametrize("name", HIDDEN)
def test_film_hidden_from_the_whole_picture_is_known_by_its_face(name: str) -> None:
    ours = signal(HIDDEN[name])
    recalled = looked_up(ours, EARLIER)
    assert code_of(ours, recalled) == "replay.seen_before"
    if name in UNSEEN:
        blind = signal(HIDDEN[name], faces=False)
        assert code_of(blind, looked_up(blind, EARLIER)) == "replay.not_seen"


@pytest.mark.parametrize("change", [drift, None])
def test_drifting_light_does_not_hide_it(change: Change | None) -> None:
    ours = signal(face_film(1, room=4, change=change))
    assert code_of(ours, looked_up(ours, EARLIER)) == "replay.seen_before"


def test_a_face_in_a_mirror_is_known() -> None:
    flipped = [(t_ms, picture[:, ::-1], _flipped(track)) for t_ms, picture, track in HIDDEN["bands"]]
    recalled = looked_up(signal(flipped), EARLIER)
    assert recalled.best is not None
    assert recalled.best.mirrored
    assert recalled.best.stretches >= ReplayTuning().in_step


def _flipped(track: FaceTrack) -> FaceTrack:
    """As a mesh sees a mirror's picture: it has the left side on the left."""
    marks = track.landmarks.copy()
    marks[:, 0] = WIDTH - 1 - marks[:, 0]
    marks[[234, 454]] = marks[[454, 234]]
    return FaceTrack(marks, track.pose, track.quality)


@pytest.mark.parametrize(("pace", "lag"), [(0.9, 8), (1.1, -8)])
def test_a_face_at_another_pace_is_known_where_it_is_compared(pace: float, lag: int) -> None:
    shown, stored = face_film(1, pace=pace, room=3), EARLIER.offer().fingerprint
    found = alone(signal(shown), stored, lag, mirrored=False)
    assert (found.face, found.stretches >= ReplayTuning().in_step) == (True, True)
    for rigid in (ReplayTuning(maybe_face=0.99), ReplayTuning(slack_paced=0)):
        assert alone(signal(shown, rigid), stored, lag, mirrored=False).stretches < found.stretches


def test_of_many_faces_the_likest_are_compared_at_other_paces() -> None:
    """However late the film is among those that are somewhat like it."""
    film = face_film(1, pace=0.9, room=3)
    same = Lead("evd_same", EARLIER.offer().fingerprint, 8, mirrored=False)
    others = [
        replace(same, record_id=f"evd_{seed}", stored=signal(face_film(seed)).offer().fingerprint) for seed in (11, 12)
    ]
    for most, known in ((0, False), (1, True)):
        ours = signal(film, ReplayTuning(maybe_face=-1.0, most_paced=most))
        *_, found = ours.compared([*others, same])
        assert found is not None
        assert (found.stretches >= ReplayTuning().in_step) is known


def test_where_a_film_is_known_at_its_own_pace_no_other_is_tried() -> None:
    slower = Lead("evd_slower", signal(face_film(1, pace=0.9)).offer().fingerprint, -8, mirrored=False)
    same = Lead("evd_same", EARLIER.offer().fingerprint, 0, mirrored=False)
    alone_found, (beside, _) = EARLIER.compared([slower])[0], EARLIER.compared([slower, same])
    assert alone_found is not None
    assert beside is not None
    assert beside.stretches < ReplayTuning().in_step <= alone_found.stretches


def test_behind_a_still_picture_a_known_face_is_refused_though_little_moves() -> None:
    ours = signal(HIDDEN["moved aside"], ReplayTuning(least_motion=9.0))
    recalled = looked_up(ours, EARLIER)
    assert ours.reading().code == "replay.too_still"
    assert code_of(ours, recalled) == "replay.seen_before"


@pytest.mark.parametrize("seed", [11, 12])
def test_other_faces_are_not_taken_for_it(seed: int) -> None:
    other = signal(face_film(seed))
    stored = EARLIER.offer().fingerprint
    found = [alone(other, stored, lag, mirrored=flip) for lag in range(-55, 56, 11) for flip in (False, True)]
    assert max(likeness.stretches for likeness in found if likeness.face) < ReplayTuning().in_step
    assert code_of(other, looked_up(other, EARLIER)) == "replay.not_seen"


@pytest.mark.parametrize("tuning", [ReplayTuning(alike_face=1.0), ReplayTuning(least_face=99.0)])
def test_every_option_of_the_face_changes_the_outcome(tuning: ReplayTuning) -> None:
    ours = signal(HIDDEN["another background that moves"], tuning)
    assert code_of(ours, looked_up(ours, EARLIER)) == "replay.not_seen"


def levels(grid: FaceGrid, t_ms: float, seen: Seen, rows: int = 1) -> Numbers:
    picture = np.clip(seen[1], 0, 255).astype(np.uint8)[::rows]
    return grid.levels(t_ms, np.asarray(cv2.integral(picture), np.int32), HEIGHT, seen[2])


def test_every_other_row_gives_the_same_levels() -> None:
    seen = face_film(1)[0]
    np.testing.assert_allclose(levels(FaceGrid(), 0.0, seen, rows=2), levels(FaceGrid(), 0.0, seen), atol=0.05)


def test_the_grid_follows_slowly_and_leaps_with_a_cut() -> None:
    here, near, far = (face_film(1, x=x)[0] for x in (48.0, 51.0, 75.0))
    fresh = levels(FaceGrid(), 0.0, far)
    grid = FaceGrid()
    at_rest = levels(grid, 0.0, here)
    assert np.abs(levels(grid, 33.0, near) - at_rest).max() > 0.02
    np.testing.assert_allclose(levels(grid, 66.0, far), fresh, atol=1e-6)
    again = FaceGrid()
    levels(again, 0.0, here)
    np.testing.assert_allclose(levels(again, 5_000.0, near), levels(FaceGrid(), 0.0, near), atol=1e-6)


def test_a_face_at_the_edge_or_outside_gives_numbers() -> None:
    for x in (0.0, 96.0, 500.0, -500.0):
        assert np.isfinite(levels(FaceGrid(), 0.0, face_film(1, x=x)[0])).all()
