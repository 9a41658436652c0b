"""What the window of a check shows after a frame: prompts on the picture, or a colour all over the screen."""

from __future__ import annotations

import numpy as np

from medauth.desktop.window import view_of
from medauth.protocol.ceremony import Phase
from medauth.protocol.light import Colour, ColourShown
from medauth.protocol.observation import CaptureProblem, Frame, Observation
from medauth.session import Progress

SEEN = Observation(Frame(0, 0.0, b"", b"", np.full((480, 640, 3), 128, np.uint8)), None, CaptureProblem.NO_FACE, None)


def test_the_screen_shines_in_the_colour_of_now() -> None:
    lit = Progress(Phase.LIGHT, None, "", 1, 6, ColourShown(2, Colour.CYAN, 900.0))
    corners = view_of(lit, SEEN)[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == (255, 255, 110)).all()  # BGR


def test_without_a_colour_the_picture_fills_the_window() -> None:
    view = view_of(Progress(Phase.PAUSE, None, "", 1, 6), SEEN)
    assert view.shape == (540, 720, 3)
    assert (view[300] == 128).all()
