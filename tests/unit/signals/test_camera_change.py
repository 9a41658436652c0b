"""A cut with another camera behind it, and all that looks like one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.signals.camera_change import CALM, CameraChange, Sight

Numbers = NDArray[Any]

_RANDOM = np.random.default_rng(4)
ONE, OTHER = (pattern / np.linalg.norm(pattern) for pattern in _RANDOM.normal(0, 1, (2, 192)))
Change = Callable[[Sight], Sight]


def sight(
    n: int,
    pattern: Numbers = ONE,
    face: tuple[float, float] | None = (0.5, 0.4),
    size: tuple[int, int] = (480, 640),
    noise: float = 1.0,
    t_ms: float | None = None,
) -> Sight:
    """A calm frame: the picture and the face move a little."""
    jitter = np.random.default_rng(n)
    seen = np.asarray(pattern + jitter.normal(0, 0.0003, 192), np.float32)
    place = None if face is None else np.array(face) + jitter.normal(0, 0.001, 2)
    return Sight(33.0 * n if t_ms is None else t_ms, seen, place, size, noise)


def after_cut(**changed) -> CameraChange:
    """Thirty frames, and thirty of something else."""
    change = CameraChange()
    for n in range(60):
        change.add(sight(n) if n < 30 else sight(n, **changed))
    return change


ELSEWHERE = {"pattern": OTHER, "face": (0.4, 0.55)}


def test_a_cut_to_another_size_or_another_grain_is_another_camera():
    for changed in ({"size": (720, 1280)}, {"noise": 2.0}, {"noise": 0.3}):
        change = after_cut(**ELSEWHERE, **changed)
        assert change.changed_ms == 33.0 * 30, changed
        assert change.cuts == 1


def test_a_cut_alone_is_told_and_not_judged():
    change = after_cut(**ELSEWHERE)
    assert (change.cuts, change.changed_ms) == (1, None)


def test_a_lamp_moves_no_face():
    change = after_cut(pattern=OTHER, noise=2.0)
    assert (change.cuts, change.changed_ms) == (0, None)


def test_a_stream_that_adapts_its_size_is_no_other_camera():
    change = after_cut(size=(240, 320), noise=0.4)
    assert (change.sizes, change.cuts, change.changed_ms) == (1, 0, None)


def test_a_telephone_on_its_side_is_the_same_camera():
    change = after_cut(**ELSEWHERE, size=(640, 480))
    assert (change.sizes, change.cuts, change.changed_ms) == (0, 1, None)


def test_noise_that_differs_little_is_the_same_cameras():
    assert after_cut(**ELSEWHERE, noise=1.5).changed_ms is None
    change = CameraChange()
    for n in range(60):
        change.add(sight(n, noise=0.1) if n < 30 else sight(n, noise=0.3, **ELSEWHERE))
    assert change.changed_ms is None, "a fifth of a grey level is compression's"


def test_after_a_gap_nobody_knows_how_far_a_person_moved():
    change = CameraChange()
    for n in range(60):
        late = 0.0 if n < 30 else 400.0
        change.add(sight(n, t_ms=33.0 * n + late, **({} if n < 30 else ELSEWHERE | {"noise": 2.0})))
    assert change.cuts == 0


def test_a_fast_head_is_not_calm():
    change = CameraChange()
    for n in range(60):
        way = min(1.0, max(0.0, (n - 28) / 4))
        change.add(sight(n, pattern=(1 - way) * ONE + way * OTHER, face=(0.5 - 0.1 * way, 0.4), noise=1.0 + way))
    assert change.cuts == 0


def test_a_face_out_of_view_makes_no_cut_unless_the_size_changes_with_the_picture():
    assert after_cut(pattern=OTHER, face=None, noise=2.0).cuts == 0
    assert after_cut(pattern=OTHER, face=None, size=(720, 1280)).changed_ms == 33.0 * 30


def test_only_the_frames_around_a_cut_are_remembered():
    change = after_cut()
    assert len(change._sights) == 2 * CALM + 2
