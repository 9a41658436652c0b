"""`medauth live`: the camera's picture with expressions, motion and pace drawn on it. No check, and nothing is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.check import has_screen
from medauth.cli.console import JsonOption, console, print_json, print_title, reporting
from medauth.errors import CaptureError, InputError

if TYPE_CHECKING:
    from medauth.desktop.live import LiveReport, Screen
    from medauth.desktop.live_findings import LiveTuning


def live(
    *,
    camera: Annotated[int, typer.Option(help="Number of the camera.", min=0, max=99)] = 0,
    video: Annotated[Path | None, typer.Option(help="Play this clip as if it were a camera.")] = None,
    size: Annotated[
        str, typer.Option(help="Ask the camera for this size; default: 1920x1080, of a clip its own.")
    ] = "",
    fps: Annotated[
        int, typer.Option(help="Ask for so many frames a second; default: 60, of a clip its own.", min=0, max=240)
    ] = 0,
    interval: Annotated[float, typer.Option(help="Seconds from one analysis to the next, at least.", min=0)] = 0.1,
    confidence: Annotated[float, typer.Option(help="Name an expression from this probability on.", min=0, max=1)] = 0.5,
    motion: Annotated[
        float, typer.Option(help="Show motion from so many thousandths of the eye distance on.", min=0)
    ] = 25.0,
    movements: Annotated[
        bool, typer.Option("--movements", help="Say which facial movements (FACS action units) the face shows.")
    ] = False,
    landmarks: Annotated[bool, typer.Option("--landmarks", help="Show the 478 points of the face mesh.")] = False,
    caption: Annotated[str, typer.Option(help="A line for the lower right corner.")] = "",
    detector: Annotated[
        str, typer.Option(help="Who finds the face: mesh (one face, followed), haar, dnn, mediapipe, auto or every.")
    ] = "mesh",
    sound: Annotated[
        list[str] | None,
        typer.Option(help="EXPRESSION or EXPRESSION=FILE: heard as it comes up; may be given more than once."),
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Write the annotated picture to this MP4 file.")] = None,
    seconds: Annotated[float, typer.Option(help="End after so long; 0: when `q` is pressed.", min=0)] = 0.0,
    window: Annotated[bool, typer.Option(help="Show the picture.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Expressions and small movements of the person at the camera, drawn on the picture as it comes; `q` quits.

    Camera, picture and analysis each have a thread: the picture shows every frame it can, whatever the analysis takes.
    Ends with how many frames were shown, dropped and analysed. It decides nothing and keeps nothing but `--record`.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        if not window and not record and not seconds:
            raise InputError("nothing to do", expected="--window, --record or --seconds")
        from medauth.desktop.live_findings import LiveTuning

        report = _run(
            auth,
            camera=camera,
            video=video,
            size=size,
            fps=fps,
            interval=interval,
            tuning=LiveTuning(confidence, motion, movements=movements, landmarks=landmarks),
            detector=detector,
            sound=sound or [],
            record=record,
            seconds=seconds,
            window=window,
            caption=caption,
        )
        if as_json:
            print_json(report.to_json())
        print_title(f"{report.seconds:.1f} s: {report.shown} frames shown ({report.shown_fps:g} a second)")
        console.print(f"  camera {report.captured} frames ({report.captured_fps:g} a second), {report.dropped} dropped")
        drawing = f"drawing {report.draw_ms:g} ms, {report.draw_cpu_ms:g} of them CPU"
        console.print(
            f"  {report.analysed} analysed, {report.analysis_ms:g} ms each; {drawing}; {report.cores:g} cores"
        )
        if record is not None:
            console.print(f"  {record}: {report.recorded} frames, {report.record_left_out} left out")


def _run(
    auth: Medauth,
    *,
    camera: int,
    video: Path | None,
    size: str,
    fps: int,
    interval: float,
    tuning: LiveTuning,
    detector: str,
    sound: list[str],
    record: Path | None,
    seconds: float,
    window: bool,
    caption: str,
) -> LiveReport:
    from medauth.capture.played_clip import PlayedClip
    from medauth.capture.webcam import Webcam
    from medauth.desktop.live import LiveRun
    from medauth.desktop.live_findings import LiveAnalysis
    from medauth.report.video_writer import VideoWriter
    from medauth.sensing import emotion_reader, face_tracker

    clip = PlayedClip(video, _size(size) if size else None, fps) if video is not None else None
    source = Webcam(camera, *_size(size or "1920x1080"), fps or 60, open_device=(lambda _: clip) if clip else None)
    reader, heard = emotion_reader(auth.settings, auth.models), None
    if sound:
        from medauth.desktop.sounds import Sounds, chosen_sounds

        heard = Sounds(chosen_sounds(sound), reader.classes).hear
    analysis = LiveAnalysis(face_tracker(auth.settings, detector), reader, tuning)
    try:
        film = VideoWriter(record) if record is not None else None
        run = LiveRun(
            source, analysis.look, _screen(window=window), interval_s=interval, film=film, heard=heard,
            ended=lambda: clip is not None and clip.ended, caption=caption,
        )  # fmt: skip
        return run.run(seconds)
    finally:
        analysis.close()


def _screen(*, window: bool) -> Screen:
    if not window:
        from medauth.desktop.live import NoScreen

        return NoScreen()
    if not has_screen():
        raise CaptureError(
            "no window can be opened", expected="a screen", next_step="use --no-window with --record or --seconds"
        )
    from medauth.desktop.live_screen import LiveScreen

    return LiveScreen("medauth live")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"a size of {text!r}", expected="WIDTHxHEIGHT, e.g. 1920x1080")
    return int(width), int(height)
