"""What the console draws of one check: curves on one axis, stripes along it, arrows over a face."""

from __future__ import annotations

from typing import Any

from medauth.web.console.course import course, panels
from medauth.web.console.lanes import WIDTH, lanes
from medauth.web.console.movements import movements

TRACES: Any = {
    "pulse": [{"name": "pulse", "unit": "share", "times_ms": [0, 100], "values_milli": [1, 2]}],
    "gesture": [
        {"name": "smile", "unit": "percent", "times_ms": [0, 200], "values_milli": [1_000, None]},
        {"name": "turn_left", "unit": "degrees", "times_ms": [0, 200], "values_milli": [3_000, 4_000]},
        {"name": "closer", "unit": "percent", "times_ms": [100, 300], "values_milli": [5_000, 6_000]},
    ],
    "emotion": [
        {"name": "neutral", "unit": "probability", "times_ms": [0, 500, 1_000], "values_milli": [900, 100, 100]},
        {"name": "happiness", "unit": "probability", "times_ms": [0, 500, 1_000], "values_milli": [100, 900, 900]},
    ],
}
BLINK = {"onset_ms": 100, "closed_ms": 150, "reopened_ms": 200}
SHORT = {
    "onset_ms": 300, "apex_ms": 400, "offset_ms": 500, "class": "surprise", "strength_milli": 7,
    "directions": {"chin": "down", "left brow, inner": "up-right", "a part of later": "up"},
    "classes_ppm": {"surprise": 600_000},
}  # fmt: skip
STATEMENT: Any = {
    "frames": {"last_ms": 1_000},
    "steps": [
        {"action": "smile", "outcome": "answered", "shown_ms": 200, "closed_ms": 700},
        {"action": "blink", "outcome": "no_response", "shown_ms": None, "closed_ms": 900},
    ],
    "readings": [
        {"signal": "blink", "details": {"events": [BLINK]}},
        {"signal": "micro_expression", "details": {"events": [SHORT]}},
    ],
    "light": [{"colour": "white", "shown_ms": 400}, {"colour": "cyan", "shown_ms": 600}],
}


def test_curves_of_one_unit_share_times_and_have_nothing_where_nothing_was_measured() -> None:
    found = {(panel.title, panel.unit): panel for panel in panels(TRACES)}
    assert list(found) == [("Expression", ""), ("Gestures", "%"), ("Gestures", "°"), ("Pulse", "")]
    percent = found["Gestures", "%"]
    assert percent.times_s == [0, 0.1, 0.2, 0.3]
    assert [(name, values) for name, _, values in percent.curves] == [
        ("smile", [1.0, None, None, None]),
        ("closer", [None, 5.0, None, 6.0]),
    ]


def test_what_was_asked_when_comes_with_the_curves() -> None:
    told = course(STATEMENT, TRACES)
    assert told["steps"] == [{"name": "smile", "from": 0.2, "to": 0.7, "outcome": "answered"}]
    assert (told["blinks"], told["colours"][1], told["ends"]) == ([0.15], {"colour": "cyan", "at": 0.6}, 1.0)


def test_stripes_keep_to_the_time_of_the_check() -> None:
    found = {lane.name: lane.stripes for lane in lanes(STATEMENT, TRACES)}
    assert [(stripe.x, stripe.width) for stripe in found["Asked"]] == [(200, 500)]
    assert [(stripe.said.split(",")[0], stripe.x) for stripe in found["Expression"]] == [
        ("neutral", 0),
        ("happiness", 500),
    ]
    assert [stripe.x / WIDTH for stripe in found["Screen"]] == [0.4, 0.6]
    assert len(found["Blinks"]) == len(found["Short movements"]) == 1
    without = {key: value for key, value in STATEMENT.items() if key != "light"} | {"readings": []}
    assert [lane.name for lane in lanes(without, {})] == ["Asked"]


def test_arrows_point_where_the_parts_went() -> None:
    (movement,) = movements([SHORT])
    assert (movement.at_s, movement.lasted_ms, movement.name, movement.share) == (0.4, 200, "surprise", 0.6)
    chin, brow = movement.arrows
    assert (chin.x1, chin.y1 > chin.y0) == (chin.x0, True)
    assert brow.x1 > brow.x0
    assert brow.y1 < brow.y0
