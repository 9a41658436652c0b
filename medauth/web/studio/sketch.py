"""What the studio's page draws over a recording: outlines of the face, where it was, short movements, where the net looked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import Observation
from medauth.report.looking_over import Look, LookingOver
from medauth.report.recording_summary import Summary
from medauth.service.analysis import Analysis
from medauth.signals.face_contours import CONTOURS
from medauth.signals.face_flow import REGIONS
from medauth.signals.interface import Marks
from medauth.signals.micro_spotter import DIRECTIONS

EVERY_MS = 80.0
"""A face is kept so often: more the eye does not follow."""
MOST = 800
_ARROW = 0.12
"""An arrow's length as a share of the face's width."""


class Sketch:
    """Gathers while an analysis runs."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self._faces: list[tuple[float, NDArray[np.int32]]] = []

    def see(self, observation: Observation) -> None:
        """One frame, after the signals did."""
        height, width = observation.frame.image.shape[:2]
        self.size = (width, height)
        t_ms, track = observation.frame.t_ms, observation.track
        due = not self._faces or t_ms - self._faces[-1][0] >= EVERY_MS
        if track is not None and due and len(self._faces) < MOST:
            self._faces.append((t_ms, track.landmarks[:, :2].round().astype(np.int32)))

    def faces(self) -> list[dict[str, Any]]:
        """By time: box and outlines in pixels of the picture."""
        return [
            {
                "t": round(t_ms),
                "box": [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()],
                "outlines": [points[list(outline)].ravel().tolist() for outline in CONTOURS],
            }
            for t_ms, points in self._faces
        ]

    def arrows(self, event: Mapping[str, Any]) -> list[list[int]]:
        """Where an arrow for each part that moved begins and ends, at the movement's apex."""
        if not self._faces:
            return []
        _, points = min(self._faces, key=lambda face: abs(face[0] - event["apex_ms"]))
        long, found = _ARROW * float(np.ptp(points[:, 0])), []
        for region, direction in event["directions"].items():
            x, y = points[list(REGIONS[region])].mean(axis=0)
            angle = DIRECTIONS.index(direction) * math.pi / 4
            found.append([round(v) for v in (x, y, x + long * math.cos(angle), y + long * math.sin(angle))])
        return found


def result_of(found: Analysis, summary: Summary, worth: str, sketch: Sketch, over: LookingOver) -> dict[str, Any]:
    """Everything that the page shows, as JSON. Times in milliseconds of the recording."""
    readings = {reading.signal: reading for reading in found.readings}
    return {
        "summary": summary.to_json(),
        "worth": worth,
        "size": list(sketch.size),
        "faces": sketch.faces(),
        "emotions": _curves(found.marks.get("emotion", Marks())),
        "eyes": _curves(found.marks.get("blink", Marks())),
        "blinks": _events(readings.get("blink")),
        "movements": [{**event, "arrows": sketch.arrows(event)} for event in _events(readings.get("micro_expression"))],
        "actions": [moment.to_json() for moment in over.movements.moments(found.marks.get("emotion"))],
        "looks": [_look(look) for look in over.looks],
        "readings": [
            {"signal": r.signal, "outcome": r.outcome.value, "score_ppm": r.score_ppm, "reason": r.reason}
            for r in found.readings
        ],
    }


def _curves(marks: Marks) -> list[dict[str, Any]]:
    return [
        {
            "name": trace.name,
            "times": [round(t) for t in trace.times_ms],
            "values": [round(float(v), 4) if math.isfinite(v) else None for v in trace.values],
        }
        for trace in marks.traces
    ]


def _events(reading: Any) -> Sequence[Mapping[str, Any]]:
    return reading.details.get("events", ()) if reading is not None else ()


def _look(look: Look) -> dict[str, Any]:
    """`place` leads from pixels of the heat map to those of the picture, as a canvas takes it."""
    told: dict[str, Any] = {"t": round(look.t_ms), "fake": round(look.single, 4)}
    highest = float(look.heat.max(initial=0.0))
    if look.side <= 1 or highest <= 0:
        return told
    back = np.asarray(cv2.invertAffineTransform(look.place), np.float64)
    rows, columns = look.heat.shape
    back[:, 0] *= look.side / columns
    back[:, 1] *= look.side / rows
    heat = np.clip(255 * look.heat / highest, 0, 255).astype(int).tolist()
    return told | {"heat": heat, "place": [round(float(v), 4) for v in back.T.ravel()]}
