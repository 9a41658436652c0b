"""Lessons, heads and folds of the presentation attack net: need TensorFlow, but neither data nor trained weights."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the extra `train`")

from medauth.training.presentation.camera import Picture
from medauth.training.presentation.folds import Crops, HeadChoice, fit_without, leave_one_out
from medauth.training.presentation.framing import FaceBox
from medauth.training.presentation.head import Examples, fit_head
from medauth.training.presentation.lessons import Mixture, Presentations, simulate
from medauth.training.presentation.sets import GROUPS, StoredFace
from tests.unit.training.drawn_face import drawn_face

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore")]  # TensorFlow warns about itself


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def face() -> Picture:
    return drawn_face()


def stored(face: Picture, kind: str = "live", source: str = "faces_lfw", group: str = "a") -> Any:
    _, data = cv2.imencode(".jpg", face)
    return StoredFace(data.tobytes(), FaceBox(48, 48, 50), kind, source, group)


@pytest.mark.parametrize("kind", ["live", "print", "replay"])
def test_a_simulation_repeats_itself(face, kind):
    one, two, other = (simulate(stored(face), kind, rng(seed)) for seed in (4, 4, 5))
    assert one.shape == (96, 96, 3)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_batches_repeat_and_hold_what_the_mixture_says(face):
    mixture = Mixture(size=12, live=5, print_=2, bases={"faces_lfw": 1.0})
    lessons = Presentations([stored(face)], mixture, seed=1, batches=2)
    one, two = list(lessons.epoch(0)), list(lessons.epoch(0))
    assert len(one) == 2
    assert np.array_equal(one[1].images, two[1].images)
    assert np.bincount(one[0].targets.argmax(axis=1)).tolist() == [5, 2, 5]
    assert not np.array_equal(one[0].images, next(iter(lessons.epoch(1))).images)


def test_a_head_finds_what_separates_and_folds_leave_their_group_out():
    draw = rng(2)
    count = 20 * len(GROUPS)
    labels = np.tile([0, 2], count // 2)
    groups = np.repeat(GROUPS, 20)
    views = draw.normal(0, 0.3, (count, 2, 4)) + labels[:, None, None] * np.array([1.0, 0, 0, 0])
    views[groups == "p07", :, 1] += 50 * (labels[groups == "p07"] > 0)[:, None]  # p07 alone shows it here too
    simulated = draw.normal(0, 1, (30, 4))
    examples = Examples(
        np.concatenate([views.reshape(-1, 4), views[:, 0], simulated]),
        np.concatenate([np.repeat(labels, 2), labels, np.arange(30) % 3]),
        np.ones(3 * count + 30),
        np.concatenate([np.repeat(groups, 2), groups, np.full(30, "simulated")]),
    )
    head = fit_head(examples, 1e-3)
    assert (head.logits(views[:, 0]).argmax(axis=1) == labels).mean() > 0.9
    without = fit_without(examples, {"p07"}, HeadChoice(1e-3, 0.7))
    assert abs(without.kernel[1, 2] - without.kernel[1, 0]) < 5
    tile = np.zeros((count, 2, 1, 1, 3), np.uint8)
    crops = Crops(tile, tile[:, 0], labels, groups, tile[:30, 0], np.arange(30) % 3)
    folds = leave_one_out(examples, views, crops)
    assert set(folds.choices) == set(GROUPS)
    assert ((folds.logits[:, 0].argmax(axis=1) > 0) == (labels > 0)).mean() > 0.85
