"""What `medauth analyze` leaves on disk for one recording: JSON, plot, curves, heat maps, annotated video."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medauth.bootstrap import Medauth
from medauth.cli.bundle import write_file
from medauth.cli.console import json_bytes
from medauth.cli.picture_faces import FILE as FACES
from medauth.cli.picture_faces import PictureFaces, in_words
from medauth.errors import MedauthError
from medauth.protocol.observation import Observation
from medauth.report.looking_over import LookingOver
from medauth.report.movement_moments import Moment
from medauth.report.recording_summary import Summary, summarise, worth
from medauth.report.speech import Speech, hear
from medauth.sensing import deepfake_metrics, is_picture, source_of
from medauth.service.analysis import Analysis

COLUMNS = (
    "file", "impression", "fake_probability", "confidence", "judged_by", "blinks", "blinks_per_minute", "blink_rate",
    "micro_irregularity", "micro_irregularity_unusual", "expression", "expression_share", "faces", "movements", "speech", "speech_tone", "frames", "judged", "seconds",
    "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which stretch of a recording, and which of the files that take time."""

    start_ms: float = 0.0
    end_ms: float | None = None
    heat: bool = True
    video: bool = True
    speech: bool = False
    detector: str = "mesh"


@dataclass(frozen=True, slots=True)
class Analysed:
    """One recording, its findings and its files."""

    found: Analysis
    detector: str
    summary: Summary
    worth: str
    moments: tuple[Moment, ...]
    faces: tuple[dict[str, Any], ...] | None
    """Of a picture, all of them; None of a film."""
    speech: Speech | None
    folder: Path
    files: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """What `analysis.json` holds."""
        return {
            "source": self.found.source,
            "detector": self.detector,
            "live": False,
            "frames": self.found.frames,
            "judged": self.found.judged,
            "duration_ms": self.found.duration_ms,
            "frame_ms": median_of(self.found.frame_ms),
            "summary": self.summary.to_json(),
            "worth": self.worth,
            **({} if self.faces is None else {"faces": list(self.faces)}),
            **({} if self.speech is None else {"speech": self.speech.to_json()}),
            "movements": [moment.to_json() for moment in self.moments],
            "models": {use.name: use.sha256 for mark in self.found.marks.values() for use in mark.models},
            "readings": [reading.to_json() for reading in self.found.readings],
            "files": list(self.files),
        }


def analyse_file(
    auth: Medauth,
    media: Path,
    folder: Path,
    wanted: Wanted,
    pictures: PictureFaces,
    on_frame: Callable[[Observation], None] | None = None,
) -> Analysed:
    """Analyses one recording and writes everything about it into `folder`."""
    speech = _speech(media, wanted) if wanted.speech and not is_picture(media) else None
    over = LookingOver(heat=wanted.heat)
    source = source_of(media, start_ms=wanted.start_ms, end_ms=wanted.end_ms)
    found = auth.analyze(source, on_frame, over, wanted.detector)
    summary = summarise(found, over)
    files = [*_curves(found, over, folder), *_heat_maps(over, folder)]
    if wanted.video and not is_picture(media):
        files.append(_video(media, wanted, found, over, summary, folder))
    faces = tuple(pictures.look(media, folder)) if is_picture(media) else None
    files += [FACES] if faces else []
    files.append("analysis.json")
    said = worth(deepfake_metrics(auth.models), clips=summary.judged_by != "single frame")
    moments = tuple(over.movements.moments(found.marks.get("emotion")))
    analysed = Analysed(found, wanted.detector, summary, said, moments, faces, speech, folder, tuple(files))
    write_file(folder / "analysis.json", json_bytes(analysed.to_json()))
    return analysed


def _speech(media: Path, wanted: Wanted) -> Speech:
    from medauth.capture.sound import read_sound

    return hear(read_sound(media, wanted.start_ms, wanted.end_ms))


def median_of(frame_ms: Sequence[tuple[float, float]]) -> float:
    """How long a frame took, in ms."""
    return round(statistics.median(spent for _, spent in frame_ms), 2) if frame_ms else 0.0


def table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Summaries, one a line, as CSV."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return written.getvalue().encode()


def row_of(name: str, analysed: Analysed | MedauthError) -> dict[str, Any]:
    """A line of that table; what could not be analysed says why."""
    if isinstance(analysed, MedauthError):
        return {"file": name, "error": str(analysed)}
    said = {} if analysed.speech is None else {"speech": analysed.speech.text, "speech_tone": analysed.speech.tone}
    faces = {} if analysed.faces is None else {"faces": in_words(analysed.faces)}
    return {"file": name, **analysed.summary.to_json(), **faces, **said}


def _curves(found: Analysis, over: LookingOver, folder: Path) -> list[str]:
    from medauth.report.timeline import timeline_png

    marks = {**found.marks, "motion": over.marks()}
    write_file(folder / "timeline.png", timeline_png(marks))
    times = ["time_ms,frame_ms", *(f"{t:.0f},{spent:.2f}" for t, spent in found.frame_ms)]
    write_file(folder / "frames.csv", ("\n".join(times) + "\n").encode())
    rows = over.motion_rows()
    if not rows:
        return ["timeline.png", "frames.csv"]
    lines = ["time_ms,brows,nose,mouth", *(",".join(f"{value:g}" for value in row) for row in rows)]
    write_file(folder / "motion.csv", ("\n".join(lines) + "\n").encode())
    return ["timeline.png", "frames.csv", "motion.csv"]


def _heat_maps(over: LookingOver, folder: Path) -> list[str]:
    from medauth.report.heat import heat_png

    names = []
    for number, painted in enumerate(over.frames(), start=1):
        names.append(f"gradcam-{number}.png")
        write_file(folder / names[-1], heat_png(painted.heat_map))
    return names


def _video(media: Path, wanted: Wanted, found: Analysis, over: LookingOver, summary: Summary, folder: Path) -> str:
    from medauth.capture.encoding import read_frame
    from medauth.report.annotated_video import AnnotatedVideo, write_annotated

    again = source_of(media, start_ms=wanted.start_ms, end_ms=wanted.end_ms)
    write_annotated(again, read_frame, AnnotatedVideo(summary, over, found.marks), folder / "gradcam.mp4")
    return "gradcam.mp4"
