"""`medauth desktop`: a window with the live picture, a gallery of captures, and folders of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.check import has_screen
from medauth.cli.console import reporting
from medauth.errors import CaptureError, MissingTool


def desktop(
    camera: Annotated[int, typer.Option(help="Number of the camera.", min=0, max=99)] = 0,
    video: Annotated[Path | None, typer.Option(help="Play this clip as if it were a camera.")] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Folder of captures; default: `gallery` in the data directory.")
    ] = None,
    movements: Annotated[
        bool, typer.Option("--movements", help="Say which facial movements (FACS action units) the face shows.")
    ] = False,
    detector: Annotated[
        str, typer.Option(help="Who finds faces in pictures: haar, dnn, mediapipe, auto or every.")
    ] = "every",
) -> None:
    """A window: live expressions, captures with the face cut out, folders of pictures, and the expressions over time.

    Space captures, `q` quits. It decides nothing. Captures are pictures of people: they stay in the folder until you
    delete them.
    """
    with reporting(as_json=False), open_medauth() as auth:
        if not has_screen():
            raise CaptureError("no window can be opened", expected="a screen", next_step="use medauth analyze FOLDER")
        try:
            from medauth.desktop.app import DesktopWindow
        except ImportError as error:
            raise MissingTool(
                f"Tk is not installed: {error}", expected="Python with Tk", next_step="apt-get install python3-tk"
            ) from error
        from medauth.capture.played_clip import PlayedClip
        from medauth.capture.webcam import Webcam
        from medauth.desktop.feed import Feed
        from medauth.desktop.gallery import Gallery
        from medauth.desktop.live_findings import LiveAnalysis, LiveTuning
        from medauth.desktop.picture_reader import PictureReader
        from medauth.sensing import emotion_reader, face_finder, face_tracker

        reader = emotion_reader(auth.settings, auth.models)
        pictures = PictureReader(face_finder(auth.settings, detector), reader)
        analysis = LiveAnalysis(face_tracker(auth.settings), reader, LiveTuning(movements=movements))
        source = Webcam(camera, open_device=(lambda _: PlayedClip(video)) if video is not None else None)
        folder = gallery if gallery is not None else auth.settings.data_dir / "gallery"
        try:
            DesktopWindow(Feed(source), analysis.look, pictures, Gallery(folder)).run()
        finally:
            analysis.close()
            pictures.close()
