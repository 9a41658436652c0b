"""Company of the tracked face, with a detector that sees what a picture of numbers holds: when and where it is looked for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.coverage import SEVERAL_FACES_MS
from medauth.signals.face_quality import Box
from medauth.signals.second_face import EVERY_MS, SecondFace, is_another

TRACKED = Box(100, 100, 200, 240)
LEAST = 0.12


@pytest.mark.parametrize(
    ("other", "company"),
    [
        (Box(105, 110, 195, 220), False),  # the tracked face itself
        (Box(300, 100, 390, 200), True),
        (Box(300, 100, 335, 140), True),
        (Box(300, 100, 325, 130), False),  # far behind
    ],
)
def test_company_is_another_face_of_some_size(other: Box, *, company: bool) -> None:
    assert is_another(other, TRACKED) is company


def squinting(rgb: NDArray[np.uint8]) -> list[Box]:
    """Sees white squares that are an eighth as wide as what it is given, or wider."""
    ys, xs = np.nonzero(rgb[:, :, 0])
    if not len(xs) or np.ptp(xs) + 1 < LEAST * rgb.shape[1]:
        return []
    return [Box(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))]


def picture(*, left: int, top: int, side: int, shape: tuple[int, int] = (480, 640)) -> NDArray[np.uint8]:
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[top : top + side, left : left + side] = 255
    return rgb


@pytest.mark.parametrize(("left", "top"), [(5, 5), (590, 5), (5, 430), (590, 430), (300, 5)])
def test_a_face_too_small_for_the_whole_picture_is_seen_within_a_second(left: int, top: int) -> None:
    rgb, tracked = picture(left=left, top=top, side=45), Box(250, 200, 390, 340)
    assert squinting(rgb) == []
    company = SecondFace(squinting, squinting)
    seen = [company.seen(rgb, tracked, look * EVERY_MS) for look in range(12)]
    assert not seen[0], "the first look is at the whole picture alone"
    assert any(seen[1:5])
    assert all(seen[seen.index(True) :]), "the quarter that shows it is looked at again before any other"
    alone = [company.seen(np.zeros_like(rgb), tracked, look * EVERY_MS) for look in range(12, 17)]
    assert not any(alone[1:])


GHOST = Box(420, 60, 560, 200)
FACE = Box(250, 200, 390, 340)


def nobody(_: NDArray[np.uint8]) -> list[Box]:
    return []


@pytest.mark.parametrize("looked_at", [(480, 640), (352, 352)])
def test_what_only_one_detector_sees_is_nobody(looked_at: tuple[int, int]) -> None:
    """Half of the tracked face and what is soft beside it look like one, in a quarter and in the whole picture."""
    left = 288 if looked_at == (352, 352) else 0

    def find(rgb: NDArray[np.uint8]) -> list[Box]:
        return [GHOST.moved(-left, 0)] if rgb.shape[:2] == looked_at else []

    shapes = set()

    def confirm(rgb: NDArray[np.uint8]) -> list[Box]:
        shapes.add(rgb.shape[:2])
        return []

    rgb = np.zeros((480, 640, 3), np.uint8)
    company = SecondFace(find, confirm)
    assert not any(company.seen(rgb, FACE, look * EVERY_MS) for look in range(9))
    assert shapes == {(420, 420)}, "it was looked at in the middle of a picture three times as wide"
    agreeing = SecondFace(find, lambda _: [GHOST.moved(-220, 0)])  # the square is moved into the picture: 220 to 640
    assert any(agreeing.seen(rgb, FACE, look * EVERY_MS) for look in range(9))


def test_what_the_other_detector_takes_for_the_tracked_face_is_nobody() -> None:
    """A box half beside the face, whose second look finds the face itself."""
    beside, itself = Box(360, 130, 500, 270), Box(310, 140, 450, 280)

    def find(rgb: NDArray[np.uint8]) -> list[Box]:
        return [beside] if rgb.shape[:2] == (480, 640) else []

    def seen(again: Box) -> bool:
        company = SecondFace(find, lambda _: [again.moved(-220, 0)])  # where the square about the box begins
        return any(company.seen(np.zeros((480, 640, 3), np.uint8), FACE, look * EVERY_MS) for look in range(9))

    assert seen(beside)
    assert not seen(itself)


def test_nobody_asks_the_other_detector_about_the_tracked_face() -> None:
    def confirm(_: NDArray[np.uint8]) -> list[Box]:
        raise AssertionError("asked")

    company = SecondFace(lambda rgb: [FACE] if rgb.shape[:2] == (480, 640) else [], confirm)
    assert not any(company.seen(np.zeros((480, 640, 3), np.uint8), FACE, look * EVERY_MS) for look in range(9))


def test_the_tracked_face_that_a_quarter_cuts_is_no_other() -> None:
    """Seen whole its box is where it belongs."""
    tracked = Box(250, 120, 390, 260)

    def find(rgb: NDArray[np.uint8]) -> list[Box]:
        left, top = int(rgb[0, 0, 1]), int(rgb[0, 0, 0])
        if rgb.shape[:2] == (352, 352):  # a quarter: pushed aside where its border cuts the face
            return [Box(328, 120, 468, 260).moved(-left, -top)] if (left, top) == (288, 0) else []
        return [tracked.moved(-left, -top)]

    y, x = np.mgrid[:480, :640]
    where = np.stack([y, x, y], axis=2)  # numbers beyond 255 say where
    company = SecondFace(find, find)
    assert not any(company.seen(where, tracked, look * EVERY_MS) for look in range(9))


def test_one_look_at_a_quarter_is_no_person() -> None:
    """Whoever is seen in one look alone was a flicker of the detector, and a check is not refused for it."""
    rgb, tracked = picture(left=5, top=5, side=45), Box(250, 200, 390, 340)
    company, longest, run = SecondFace(squinting, squinting), 0, 0
    for t_ms in range(0, 3_000, 50):
        there = 1_000 <= t_ms < 1_250
        run = run + 50 if company.seen(rgb if there else np.zeros_like(rgb), tracked, t_ms) else 0
        longest = max(longest, run)
    assert longest == 250
    assert longest < SEVERAL_FACES_MS


def test_between_looks_nothing_is_looked_at() -> None:
    looked: list[tuple[int, ...]] = []

    def find(rgb: NDArray[np.uint8]) -> list[Box]:
        looked.append(rgb.shape)
        return []

    company, most = SecondFace(find, nobody), 0
    for t_ms in range(0, 1_001, 50):
        before = len(looked)
        company.seen(np.zeros((480, 640, 3), np.uint8), TRACKED, t_ms)
        most = max(most, len(looked) - before)
    assert looked.count((480, 640, 3)) == 5
    assert len(looked) == 5 + 4
    assert most == 1, "no frame is looked at twice"


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (400, 400)])
def test_the_quarters_cover_the_picture_and_a_face_on_their_border_is_whole_in_one(shape: tuple[int, int]) -> None:
    height, width = shape
    seen = np.zeros(shape, int)

    def find(rgb: NDArray[np.uint8]) -> list[Box]:
        if rgb.shape[:2] != shape:
            rows, columns = np.unique(rgb[:, :, 0]), np.unique(rgb[:, :, 1])
            seen[np.ix_(rows, columns)] += 1
        return []

    y, x = np.mgrid[:height, :width]
    where = np.stack([y, x, y], axis=2)
    company = SecondFace(find, nobody)
    for look in range(5):
        company.seen(where, TRACKED, look * EVERY_MS)  # numbers beyond 255 say where
    assert seen.min() >= 1
    assert seen[height // 2, width // 2] == 4


def test_who_comes_back_is_looked_at_anew() -> None:
    rgb, tracked = picture(left=5, top=5, side=45), Box(250, 200, 390, 340)
    company = SecondFace(squinting, squinting)
    assert [company.seen(rgb, tracked, look * EVERY_MS) for look in range(2)] == [False, True]
    company.forget()
    assert not company.seen(rgb, tracked, 2 * EVERY_MS)
