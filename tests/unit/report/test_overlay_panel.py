"""A panel darkens its part of every picture, and draws its letters only when they change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.report.overlay_panel import Panel

BOX = (2, 3, 12, 9)


class Drawing:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self, part: NDArray[np.uint8]) -> None:
        self.times += 1
        part[1, 1] = 200, 100, 50


def put(panel: Panel, draw: Drawing, says: str, ground: int = 100, size: int = 20) -> NDArray[np.uint8]:
    picture = np.full((size, size, 3), ground, np.uint8)
    panel.put(picture, BOX, says, draw)
    return picture


def test_letters_are_drawn_once_and_laid_on_every_picture() -> None:
    panel, draw = Panel(), Drawing()
    for ground in (100, 40, 200):
        picture = put(panel, draw, "happy", ground)
        assert picture[4, 3].tolist() == [200, 100, 50], "the colour itself, whatever lies under it"
        assert picture[5, 5, 0] == round(0.45 * ground)
        assert picture[0, 0, 0] == picture[9, 5, 0] == picture[5, 12, 0] == ground, "nothing outside of the box"
    assert draw.times == 1


def test_another_text_or_size_is_drawn_anew() -> None:
    panel, draw = Panel(), Drawing()
    put(panel, draw, "happy")
    put(panel, draw, "sad")
    put(panel, draw, "sad", size=8)
    assert draw.times == 3


def test_a_box_outside_of_the_picture_is_left_out() -> None:
    picture = np.full((8, 8, 3), 100, np.uint8)
    Panel().put(picture, (9, 0, 20, 4), "", Drawing())
    Panel().put(picture, (4, -30, 8, 0), "", Drawing())
    assert (picture == 100).all()
