"""`medauth analyze`: every signal over a recording, or over a folder of them; nothing was asked, so nobody is found live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.analysis_files import Analysed, Wanted, analyse_file, median_of, row_of, table
from medauth.cli.bundle import write_file
from medauth.cli.console import JsonOption, console, print_json, print_readings, print_table, print_title, reporting
from medauth.cli.picture_faces import PictureFaces, in_words
from medauth.errors import CaptureError, InputError
from medauth.report.recording_summary import Summary
from medauth.report.speech import WORTH, require_speech
from medauth.sensing import recordings_in, source_of


def analyze(
    media: Annotated[Path, typer.Argument(help="A video file, a picture, or a folder of them.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for what is written; default: the file's name and -analysis.")
    ] = Path(),
    start: Annotated[float, typer.Option(help="Seconds into the clip to begin at.", min=0)] = 0.0,
    end: Annotated[float, typer.Option(help="Seconds into the clip to stop at; 0: its end.", min=0)] = 0.0,
    heat: Annotated[bool, typer.Option(help="Grad-CAM of the deepfake net, saved as pictures.")] = True,
    video: Annotated[
        bool | None,
        typer.Option("--video/--no-video", help="An annotated Grad-CAM video; default: for a file, not for a folder."),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Who finds the face: mesh (one face, followed), haar, dnn, mediapipe, auto or every.")
    ] = "mesh",
    speech: Annotated[
        bool, typer.Option("--speech", help="What is said, in English, and the tone of the words (extra `speech`).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Real or fake, blinks, expressions, short movements, motion: printed, plotted and saved, with heat maps.

    A folder gives one CSV and one JSON beside what each file gives. A recording cannot answer a challenge: the result is
    never *live*, and *looks real* is the opinion of one net, with what it is worth beside it.
    """
    with reporting(as_json=as_json), open_medauth() as auth, PictureFaces(auth, detector) as pictures:
        folder = out if out != Path() else Path(f"{media.stem}-analysis")
        many = media.is_dir()
        if speech:
            require_speech()
        wanted = Wanted(
            1_000 * start, 1_000 * end or None, heat, not many if video is None else video, speech, detector
        )
        if many:
            _print_many(_analyse_many(auth, media, folder, wanted, pictures), folder, as_json=as_json)
            return
        analysed = _analyse_one(auth, media, folder, wanted, pictures)
        if as_json:
            print_json(analysed.to_json())
        else:
            _print(analysed)


def _analyse_one(auth: Medauth, media: Path, folder: Path, wanted: Wanted, pictures: PictureFaces) -> Analysed:
    total = source_of(media, start_ms=wanted.start_ms, end_ms=wanted.end_ms).duration_ms
    columns = (TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("analysing", total=total or None, at="")
        return analyse_file(
            auth,
            media,
            folder,
            wanted,
            pictures,
            lambda seen: progress.update(
                task, completed=seen.frame.t_ms - wanted.start_ms, at=f"{seen.frame.t_ms / 1_000:.1f} s"
            ),
        )


def _analyse_many(
    auth: Medauth, media: Path, folder: Path, wanted: Wanted, pictures: PictureFaces
) -> list[dict[str, Any]]:
    """One line a file; a file that cannot be analysed is a line with its error, and keeps no other from its own.

    What is missing or set wrong here would fail every one of them alike: it ends the run.
    """
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    recordings, rows = recordings_in(media), list[dict[str, Any]]()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("analysing", total=len(recordings))
        for path in recordings:
            name = str(path.relative_to(media))
            progress.update(task, description=name[-40:])
            try:
                rows.append(row_of(name, analyse_file(auth, path, folder / f"{name}-analysis", wanted, pictures)))
            except (InputError, CaptureError) as error:
                rows.append(row_of(name, error))
            progress.advance(task)
            write_file(folder / "summary.csv", table(rows))  # what is done stays, whatever comes
    return rows


def _print_many(rows: list[dict[str, Any]], folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    print_title(f"{len(rows)} recordings, {sum('error' in row for row in rows)} not analysed")
    shown = [
        (
            row["file"],
            str(row.get("impression", "")),
            _number(row.get("fake_probability")),
            str(row.get("blinks", "")),
            str(row.get("expression", "")),
            str(row.get("error", "")),
        )
        for row in rows
    ]
    print_table(("file", "impression", "fake", "blinks", "expression", "error"), shown)
    console.print(f"\n  {folder / 'summary.csv'}")


def _print(analysed: Analysed) -> None:
    found, summary = analysed.found, analysed.summary
    print_title(f"{found.source}: {found.frames} frames, {found.duration_ms / 1_000:.1f} s, {found.judged} judged")
    console.print(f"  {'a frame':<14}{median_of(found.frame_ms):.1f} ms, the median; each in frames.csv")
    for line in _lines(summary):
        console.print(f"  {line}")
    if analysed.faces is not None:
        console.print(f"  {'faces':<14}{len(analysed.faces)}: {in_words(analysed.faces) or 'none found'}")
    console.print(f"  {analysed.worth}", style="dim")
    _print_movements(analysed)
    if analysed.speech is not None:
        print_title(f"Said: {analysed.speech.tone}")
        console.print("  " + (analysed.speech.text or "no word was heard"))
        console.print(f"  {WORTH}", style="dim")
    print_title("Signals")
    print_readings(found.readings)
    for reading in found.readings:
        for name, value in reading.details.items():
            if isinstance(value, int | str):
                console.print(f"  {reading.signal + '.' + name:<32}{value}", style="dim")
    console.print()
    for file in analysed.files:
        console.print(f"  {analysed.folder / file}")
    console.print("  A recording: nothing was asked, so nobody is found live.", style="dim")


def _print_movements(analysed: Analysed) -> None:
    """What the face did at the height of each expression."""
    if not analysed.moments:
        return
    against = analysed.moments[0].movements.against
    print_title(f"Movements (FACS), against {'this face at rest' if against == 'own rest' else 'other people at rest'}")
    for moment in analysed.moments:
        console.print(
            f"  {moment.t_ms / 1000:6.1f} s  {moment.expression} {moment.probability:.2f}: {moment.movements.text}"
        )
        missing = ", ".join(str(number) for number in moment.movements.missing(moment.expression))
        if missing:
            console.print(f"            usual, and not seen: AU {missing}", style="dim")


def _lines(summary: Summary) -> list[str]:
    """The findings in words."""
    unusual = {True: " (unusual)", False: "", None: ""}[summary.micro_irregularity_unusual]
    rate = (
        "" if summary.blinks_per_minute is None else f", {summary.blinks_per_minute:g} a minute: {summary.blink_rate}"
    )
    judged = f" by {summary.judged_by}" if summary.judged_by else ""
    fake, confidence = _number(summary.fake_probability), _number(summary.confidence)
    return [
        f"{'impression':<14}{summary.impression.value}, fake probability {fake}, confidence {confidence}{judged}",
        f"{'blinks':<14}{'not measured' if summary.blinks is None else summary.blinks}{rate}",
        f"{'irregularity':<14}{_number(summary.micro_irregularity)}{unusual} of the face's small movements",
        f"{'expression':<14}{summary.expression or 'not measured'} {_number(summary.expression_share)}",
    ]


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "not measured"
