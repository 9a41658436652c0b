"""The chain of custody on synthetic patches: random textures stand for people."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.observation import FaceQuality, FaceTrack, Pose
from medauth.protocol.reading import Outcome
from medauth.signals.identity import SIDE, Custody, IdentitySignal, Patch, Sight, cut_patch, normalise
from tests.unit.signals.heads import observed, track

FRONT = Pose(0.0, 0.0, 0.0)


def person(seed: int) -> NDArray[np.float32]:
    texture = np.random.default_rng(seed).uniform(0, 255, (SIDE, SIDE)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(texture, (0, 0), 1.5), dtype=np.float32)


def patch(seed: int, noise: float, at: int) -> Patch:
    grey = person(seed)
    jitter = np.random.default_rng(1000 * seed + at).normal(0, noise, grey.shape)
    return normalise(np.asarray(grey + jitter, dtype=np.float32))


def follow(custody: Custody, seed: int, start_ms: float, frames: int, pose: Pose = FRONT, noise: float = 2.0) -> float:
    t_ms = start_ms
    for n in range(frames):
        t_ms = start_ms + 33.3 * n
        custody.add(Sight(t_ms, pose, patch(seed, noise, n)))
    return t_ms


def test_one_person_is_never_in_doubt():
    custody = Custody()
    follow(custody, 1, 0, 100)
    assert (custody.breaks, custody.strangers, custody.in_doubt, custody.likeness) == (0, 0, False, None)


def test_a_person_who_comes_back_is_recognised():
    custody = Custody()
    end = follow(custody, 1, 0, 60)
    follow(custody, 1, end + 5_000, 60)
    assert (custody.breaks, custody.strangers, custody.in_doubt) == (1, 0, False)
    assert custody.likeness is not None
    assert custody.likeness > 0.9


@pytest.mark.parametrize("gap_ms", [33.3, 2_000.0])
def test_another_person_is_found_after_a_cut_and_after_a_gap(gap_ms):
    custody = Custody()
    end = follow(custody, 1, 0, 60)
    follow(custody, 2, end + gap_ms, 60)
    assert custody.strangers == 1


def test_a_glimpse_of_something_else_is_not_another_person():
    custody = Custody()
    end = follow(custody, 1, 0, 60)
    end = follow(custody, 2, end + 33.3, 6)
    follow(custody, 1, end + 33.3, 30)
    assert custody.strangers == 0
    assert not custody.in_doubt


def test_a_pose_never_seen_before_decides_nothing():
    custody = Custody()
    end = follow(custody, 1, 0, 60)
    end = follow(custody, 2, end + 2_000, 60, Pose(40, 0, 0))
    assert custody.strangers == 0
    assert custody.in_doubt
    follow(custody, 2, end + 33.3, 40, Pose(5, 0, 0))
    assert custody.strangers == 1


def test_the_first_person_is_remembered_through_many_poses():
    custody = Custody()
    end = follow(custody, 1, 0, 10)
    for k in range(60):
        end = follow(custody, 1, end + 33.3, 3, Pose(-45 + 1.5 * k, 0, 0), noise=14.0)
    follow(custody, 1, end + 3_000, 30)
    assert custody.strangers == 0
    assert not custody.in_doubt


def picture(seed: int, exposure: float = 1.0, slope: float = 0.0) -> NDArray[np.uint8]:
    texture = cv2.resize(person(seed), (400, 300), interpolation=cv2.INTER_CUBIC)
    lit = texture * exposure + slope * np.arange(400, dtype=np.float32)
    return np.repeat(np.clip(lit, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def test_light_changes_a_patch_little():
    seen = track()
    usual = cut_patch(picture(1), seen)
    assert usual.shape == (SIDE * SIDE,)
    assert float(np.linalg.norm(usual)) == pytest.approx(1, abs=1e-4)
    assert float(usual @ cut_patch(picture(1, 0.6, 0.1), seen)) > 0.9
    assert float(usual @ cut_patch(picture(2), seen)) < 0.5


def test_a_patch_follows_the_face():
    near, far = track(size_px=80), track(size_px=40)
    shrunk = np.array([[0.5, 0, 100], [0, 0.5, 75]], np.float32)
    picture_far = np.asarray(cv2.warpAffine(picture(1), shrunk, (400, 300), flags=cv2.INTER_AREA), dtype=np.uint8)
    assert float(cut_patch(picture(1), near) @ cut_patch(picture_far, far)) > 0.9


def test_a_flat_picture_is_no_person():
    flat = FaceTrack(np.zeros((478, 3), np.float32), FRONT, FaceQuality(80, 0, 0))
    assert np.isfinite(cut_patch(np.zeros((80, 80, 3), np.uint8), flat)).all()


@pytest.mark.simulated
def test_readings():
    def seen(*people: int, gap_ms: float = 0.0) -> IdentitySignal:
        signal = IdentitySignal()
        signal.start(None)
        t_ms = 0.0
        for seed in people:
            for _ in range(40):
                signal.update(observed(t_ms, track(), image=picture(seed)))
                t_ms += 33.3
            t_ms += gap_ms
        return signal

    assert IdentitySignal().reading().code == "identity.too_few_frames"
    same = seen(1, 1, gap_ms=2_000).reading()
    assert (same.outcome, same.code) == (Outcome.PASS, "identity.same")
    changed = seen(1, 2).reading()
    assert (changed.outcome, changed.code) == (Outcome.FAIL, "identity.changed")
    assert changed.details["changes"] == 1
    blind = seen(1)
    blind.update(observed(9_000.0, None))
    assert blind.reading().code == "identity.same"
    (trace,) = blind.marks().traces
    assert len(trace.values) == 40
