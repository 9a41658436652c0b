"""Where the head points, from landmarks alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.protocol.observation import Pose
from medauth.signals.head_pose import RIGID, fit_head, in_head_frame
from tests.unit.signals.heads import FRONT, mesh, shape, track

ANGLES = st.floats(-50, 50)


@given(ANGLES, ANGLES, ANGLES, st.floats(20, 400))
def test_pose_and_size_come_back(yaw, pitch, roll, size_px):
    head = fit_head(mesh(shape(), Pose(yaw, pitch, roll), size_px))
    assert (head.pose.yaw, head.pose.pitch, head.pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.01)
    assert head.size_px == pytest.approx(size_px, rel=1e-4)
    assert head.misfit < 1e-3


def test_the_persons_left_is_the_right_side_of_the_picture():
    front, left = mesh(shape()), mesh(shape(), Pose(20.0, 0.0, 0.0))
    assert left[4, 0] > front[4, 0]  # the tip of the nose
    up = mesh(shape(), Pose(0.0, 20.0, 0.0))
    assert up[4, 1] < front[4, 1]
    tilted = mesh(shape(), Pose(0.0, 0.0, 20.0))
    assert tilted[263, 1] > tilted[33, 1]  # the eye over the left shoulder comes down


@given(ANGLES, ANGLES, ANGLES)
def test_the_head_frame_takes_turn_place_and_size_away(yaw, pitch, roll):
    points = np.array([61, 291, 13, 14], dtype=np.intp)
    turned = in_head_frame(track(Pose(yaw, pitch, roll), 120.0, smile=0.1), points)
    np.testing.assert_allclose(turned, in_head_frame(track(FRONT, 80.0, smile=0.1), points), atol=1e-3)


def test_what_is_no_head_does_not_fit():
    nothing = np.random.default_rng(0).uniform(0, 200, (478, 3)).astype(np.float32)
    assert fit_head(nothing).misfit > 0.3
    assert fit_head(np.zeros((478, 3), np.float32)).misfit >= 0


def test_noise_of_a_pixel_moves_the_pose_by_little():
    random = np.random.default_rng(1)
    poses = []
    for _ in range(50):
        noisy = mesh(shape(), Pose(10.0, 5.0, -5.0))
        noisy[RIGID] += random.normal(0, 1, (len(RIGID), 3)).astype(np.float32)
        poses.append(fit_head(noisy).pose.yaw)
    assert np.std(poses) < 0.7
