"""What the live picture shows, and where."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.report.live_overlay import Arrow, LiveOverlay, LiveView, Pace
from medauth.report.smoothing import Exponential

PACE = Pace(30, 60, 3, 12, "10:00:00")
ARROW = Arrow("upper lip", "up-left", 40, (300, 200), (280, 180))


def drawn(view: LiveView, overlay: LiveOverlay | None = None, pace: Pace = PACE) -> NDArray[np.uint8]:
    return (overlay or LiveOverlay()).drawn(np.full((450, 800, 3), 100, np.uint8), view, pace)


def view(happiness: float = 0.2, t_ms: float = 0.0, **more: object) -> LiveView:
    return LiveView(t_ms, (250, 100, 400, 300), {"happiness": happiness, "neutral": 1 - happiness}, **more)  # type: ignore[arg-type]


def test_bars_grow_with_their_probability() -> None:
    low, high = drawn(view(0.2)), drawn(view(0.8))
    yellow = [(picture[:20, 60:130].astype(int)[..., 1] > 180).sum() for picture in (low, high)]
    assert yellow[1] > 3 * yellow[0]


def test_history_is_along_the_lower_edge_and_moves_on() -> None:
    overlay, before = LiveOverlay(), np.zeros((450, 800, 3), np.uint8)
    for k in range(40):
        picture = drawn(view(0.5 + 0.4 * float(np.sin(k / 4)), 100.0 * k), overlay)
        assert k < 4 or (picture[-60:] != before[-60:]).any()
        before = picture
    assert len(overlay._history) == 40
    drawn(view(0.5, 60_000), overlay)
    assert len(overlay._history) == 1


def test_history_is_smoothed_so_that_a_tremble_is_no_zigzag() -> None:
    """Values that jump by two fifths of the strip at every look are drawn within a fifth of it."""
    overlay = LiveOverlay()
    for k in range(100):
        picture = drawn(view(0.3 + 0.4 * (k % 2), 100.0 * k), overlay)
    strip = picture[-70:, 300:700].astype(int)
    yellow = np.flatnonzero(((strip[..., 1] > 150) & (strip[..., 0] < 100)).any(axis=1))
    assert 0 < yellow.max() - yellow.min() < 0.2 * 70


def test_motion_is_an_arrow_and_a_word() -> None:
    plain, moved = drawn(view()), drawn(view(arrows=(ARROW,)))
    apart = (plain != moved).any(axis=-1)
    assert apart[175:205, 275:305].any()
    assert apart[30:60, :160].any()


def test_pace_and_problems_are_in_the_other_corner() -> None:
    one = drawn(view())
    for other in (drawn(view(), pace=Pace(12, 60, 99, 12, "10:00:00")), drawn(view(problem="Come closer."))):
        assert (one != other)[:80, 500:].any()


def test_movements_are_words_above_the_history_and_only_if_asked_for() -> None:
    plain = drawn(view())
    some = drawn(view(movements=("jaw dropped (AU 26)",), against="against this face at rest"))
    none = drawn(view(movements=(), against="against this face at rest"))
    for picture in (some, none):
        apart = (plain != picture).any(axis=-1)
        assert apart[300:380, :200].any()
        assert not apart[:300].any()
        assert not apart[380:].any()
    assert (some != none).any()
    assert (drawn(LiveView(0.0, movements=())) == drawn(LiveView(0.0))).all(), "no face, no words"


def test_points_of_the_mesh_are_dots_where_they_lie_and_none_outside() -> None:
    points = np.array([[300, 150], [350, 250], [-5, 20], [5_000, 20]], np.int32)
    apart = (drawn(view()) != drawn(view(points=points))).any(axis=-1)
    assert apart[150, 300]
    assert apart[250, 350]
    assert apart.sum() <= 8
    half = view(points=points).scaled(0.5).points
    assert half is not None
    assert half[:2].tolist() == [[150, 75], [175, 125]]


def test_a_caption_stands_in_the_lower_right_corner() -> None:
    apart = (drawn(view()) != drawn(view(), LiveOverlay("by the makers"))).any(axis=-1)
    assert apart[-20:, 600:].any()
    assert not apart[:-40].any()
    assert not apart[:, :600].any()


def test_nothing_found_is_still_drawn() -> None:
    assert (drawn(LiveView(0.0, problem="Look into the camera.")) != 100).any()


def test_an_exponential_filter_knows_time_and_not_frames() -> None:
    """Twice the values at half the distance come to the same."""
    smooth = [Exponential(200.0), Exponential(200.0)]
    for constant, step in zip(smooth, (100, 50), strict=True):
        constant.feed(0, np.zeros(1, np.float32))
        for t_ms in range(step, 401, step):
            value = constant.feed(t_ms, np.ones(1, np.float32))
    last = [constant.feed(400, np.ones(1, np.float32))[0] for constant in smooth]
    assert abs(last[0] - last[1]) < 1e-6
    assert abs(value[0] - (1 - np.exp(-2))) < 1e-6
