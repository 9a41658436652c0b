"""Movements put into pictures, and the figures about them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.evaluation.action_units import ACTION_UNITS, CLASSES, COMBINATIONS, point_moves
from medauth.evaluation.micro_motion import MicroMotion, insert_motion, warp_locally
from medauth.evaluation.spotting import BUILT_ON, Quiet, Trial, plan_motions, summarise, table

MOTION = MicroMotion(1000, 1100, 1240, {12: 1.0}, 2.0, "positive")


def level_face() -> NDArray[np.float32]:
    points = np.random.default_rng(0).uniform(80, 220, (478, 3)).astype(np.float32)
    points[33], points[263] = (100, 120, 0), (200, 120, 0)
    return points


def test_a_motion_rises_and_falls_within_its_time() -> None:
    assert MOTION.strength_at(1000) == MOTION.strength_at(1240) == 0.0
    assert MOTION.strength_at(1100) == pytest.approx(1.0)
    assert 0.0 < MOTION.strength_at(1050) < 1.0


def test_left_and_right_are_the_persons_own_and_mirror_each_other() -> None:
    points, moves = point_moves(level_face(), {12: 1.0})
    shift = dict(zip(points.tolist(), moves, strict=True))
    assert shift[291][0] > 0 > shift[61][0]
    assert shift[291][1] == pytest.approx(shift[61][1])
    assert shift[291][1] < 0
    one_sided = dict(zip(*point_moves(level_face(), {12: 1.0}, (0.0, 1.0)), strict=True))
    assert not one_sided[61].any()


def test_only_the_picture_near_the_movement_changes() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    warped = warp_locally(picture, np.array([[150.0, 150.0]]), np.array([[3.0, 0.0]]), 30.0)
    changed = np.argwhere((warped != picture).any(axis=-1))
    assert len(changed)
    assert np.abs(changed - 150).max() <= 34
    assert (warp_locally(picture, np.array([[150.0, 150.0]]), np.zeros((1, 2)), 30.0) == picture).all()


def test_no_strength_no_change() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    assert (insert_motion(picture, level_face(), MOTION, 0.0) == picture).all()


def test_every_combination_is_of_known_units_and_classes() -> None:
    assert set(COMBINATIONS) == set(CLASSES)
    assert {unit for group in COMBINATIONS.values() for units in group for unit in units} <= set(ACTION_UNITS)


def test_planned_motions_do_not_touch_each_other_and_repeat_with_the_seed() -> None:
    planned = plan_motions(np.random.default_rng(5), 0.0, 60_000.0)
    assert planned == plan_motions(np.random.default_rng(5), 0.0, 60_000.0)
    assert all(b.onset_ms - a.offset_ms >= 1200 for a, b in pairwise(planned))
    assert len(planned) > 15


def test_figures_keep_judging_clips_and_unobservable_movements_apart() -> None:
    trials = [
        Trial("other", 33.3, 200, 2.0, "positive", found=True, named="positive"),
        Trial("other", 33.3, 200, 1.0, "negative", found=False, named=""),
        Trial("other", 33.3, 80, 2.0, "negative", found=False, named=""),
        Trial(BUILT_ON[0], 33.3, 200, 2.0, "positive", found=True, named="surprise"),
    ]
    figures = summarise(trials, [Quiet("other", 33.3, 0.5, 1)], {"noise": 0}) | {"passes": 1}
    judging = figures["parts"]["judging, 25 to 30 fps"]
    assert (judging["observable"]["hits"], judging["observable"]["n"]) == (1, 2)
    assert judging["unobservable"]["n"] == 1
    assert judging["clear"]["n"] == 1
    assert judging["named_right"]["hits"] == 1
    assert judging["false_events"]["a_minute"] == 2.0
    assert judging["false_events"]["a_minute_at_most"] > 5.0
    assert "judging, 25 to 30 fps" in table(figures)
