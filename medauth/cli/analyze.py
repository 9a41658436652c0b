"""`medauth analyze`: every signal over a recording; nothing was asked, so nobody is found live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from medauth.bootstrap import open as open_medauth
from medauth.cli.bundle import write_file
from medauth.cli.console import JsonOption, console, print_json, print_readings, print_title, reporting
from medauth.sensing import source_of
from medauth.service.analysis import Analysis


def analyze(
    media: Annotated[Path, typer.Argument(help="A video file or a picture.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for plot and JSON; default: the file's name and -analysis.")
    ] = Path(),
    start: Annotated[float, typer.Option(help="Seconds into the clip to begin at.", min=0)] = 0.0,
    end: Annotated[float, typer.Option(help="Seconds into the clip to stop at; 0: its end.", min=0)] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Measure blinks, expressions, gestures and continuity in a recording; print, plot and save them.

    A recording cannot answer a challenge: the result is never *live*.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        source = source_of(media, start_ms=1_000 * start, end_ms=1_000 * end or None)
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            TextColumn("{task.fields[at]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("analysing", total=source.duration_ms or None, at="")
            found = auth.analyze(
                source,
                lambda seen: progress.update(
                    task, completed=seen.frame.t_ms - 1_000 * start, at=f"{seen.frame.t_ms / 1_000:.1f} s"
                ),
            )
        folder = out if out != Path() else Path(f"{media.stem}-analysis")
        report = _save(found, folder)
        if as_json:
            print_json(report)
        else:
            _print(found, folder)


def _save(found: Analysis, folder: Path) -> dict[str, Any]:
    """Writes analysis.json and timeline.png; returns what the JSON holds."""
    from medauth.cli.console import json_bytes
    from medauth.report.timeline import timeline_png

    report = {
        "source": found.source,
        "live": False,
        "frames": found.frames,
        "judged": found.judged,
        "duration_ms": found.duration_ms,
        "readings": [reading.to_json() for reading in found.readings],
        "files": ["analysis.json", "timeline.png"],
    }
    write_file(folder / "analysis.json", json_bytes(report))
    write_file(folder / "timeline.png", timeline_png(found.marks))
    return report


def _print(found: Analysis, folder: Path) -> None:
    print_title(f"{found.source}: {found.frames} frames, {found.duration_ms / 1_000:.1f} s, {found.judged} judged")
    print_readings(found.readings)
    for reading in found.readings:
        for name, value in reading.details.items():
            if isinstance(value, int | str):
                console.print(f"  {reading.signal + '.' + name:<32}{value}", style="dim")
    console.print(f"\n  {folder / 'timeline.png'}\n  {folder / 'analysis.json'}")
    console.print("  A recording: nothing was asked, so nobody is found live.", style="dim")
