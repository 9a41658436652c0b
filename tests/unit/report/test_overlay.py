"""What is drawn on a frame for the person and for the operator."""

from __future__ import annotations

import inspect

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceQuality, FaceTrack, Pose
from medauth.report.overlay import draw_landmarks, draw_operator_view, draw_person_view, draw_under_light


def frame(height: int = 480, width: int = 640) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 128, np.uint8)


def track(shift: float = 0.0) -> FaceTrack:
    mesh = np.random.default_rng(1).uniform(100, 300, (478, 3)).astype(np.float32) + np.float32(shift)
    return FaceTrack(mesh, Pose(1, 2, 3), FaceQuality(120, 500, 130))


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((before != after).any(axis=-1))


def test_frame_itself_is_left_alone() -> None:
    picture = frame()
    draw_person_view(picture, text="Smile", hint="Come closer.", done=1, total=3)
    draw_operator_view(picture, track(), ["line"])
    assert (picture == 128).all()


def test_person_sees_prompt_above_and_steps_below_and_the_face_between() -> None:
    touched = changed(frame(), draw_person_view(frame(), text="Smile", hint="Come closer.", done=1, total=3))
    assert touched[:100].any()
    assert touched[-40:].any()
    assert not touched[130:-60].any()


def test_steps_done_are_told_apart() -> None:
    one, two = (draw_person_view(frame(), text="Smile", done=done, total=3) for done in (1, 2))
    assert (one != two).any()


def test_long_text_fits_into_the_picture() -> None:
    picture = frame(240, 320)
    drawn = draw_person_view(picture, text="Raise your eyebrows and hold it for 2 seconds, please, " * 2)
    edges = np.concatenate([drawn[:60, :3], drawn[:60, -3:]])
    assert edges.max() < 200


def test_person_view_has_no_place_for_scores_or_faces() -> None:
    assert set(inspect.signature(draw_person_view).parameters) == {"picture", "text", "hint", "done", "total"}


def test_operator_sees_the_contours() -> None:
    assert changed(frame(), draw_landmarks(frame(), track())).sum() > 500


def test_operator_view_without_a_face_says_so() -> None:
    assert changed(frame(), draw_operator_view(frame(), None)).any()


def test_face_partly_outside_draws() -> None:
    assert draw_operator_view(frame(200, 200), track(shift=-150)).shape == (200, 200, 3)


def test_letters_beyond_ascii_do_not_break_the_drawing() -> None:
    assert changed(frame(), draw_person_view(frame(), text="Lächeln … 😀")).any()


def test_under_light_the_screen_is_of_that_colour_around_a_small_picture() -> None:
    drawn = draw_under_light(frame(), (255, 110, 30), text="Keep still.")
    lit = (drawn == (30, 110, 255)).all(axis=-1)
    assert lit.mean() > 0.75
    edges = (lit[0], lit[-1], lit[:, 0], lit[:, -1])
    assert all(edge.all() for edge in edges)
    assert (drawn[220:260, 380:470] == 128).all()


def test_a_tall_picture_fits_under_light() -> None:
    assert draw_under_light(frame(960, 540), (255, 255, 255), text="").shape == (960, 1706, 3)
    assert draw_under_light(frame(100, 900), (255, 255, 255), text="").shape == (100, 177, 3)
