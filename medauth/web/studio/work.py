"""The process that looks at one upload: bounded in memory, time and files, and gone when it is done.

`python -m medauth.web.studio.work FOLDER DETECTOR` reads `upload` in the folder and leaves `result.json` and `annotated.webm` there.
It says how far it is on standard output, a JSON object a line.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medauth.errors import InputError, MedauthError

LONGEST_MS = 60_000
"""Of a clip so much is looked at, from its beginning."""
MEMORY_BYTES = 6 << 30
"""Address space; FaceMesh and its friends reserve far more than they use."""
CPU_S = 240
FILE_BYTES = 96 << 20
_SAY_EVERY = 10
_PICTURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"BM", ".bmp"),
    (8, b"WEBP", ".webp"),
)


def suffix_of(head: bytes) -> str:
    """By its first bytes whether an upload is a picture or a clip: its name is the client's and says nothing.

    Raises `InputError` for what is neither. A list of films to be played (HLS, ffconcat) is a clip for the decoder, which
    would open other files of this machine that the list names, and their pictures would stand in the findings.
    """
    from medauth.capture.video_file import is_container

    for at, magic, suffix in _PICTURES:
        if head[at : at + len(magic)] == magic:
            return suffix
    if not is_container(head):
        raise InputError("neither a picture nor a film", expected="JPEG, PNG, WebP, MP4, WebM, AVI or GIF")
    return ".mp4"


def bound() -> None:
    """No more memory, time or disk than that; no core dump with a face in it; containers open no address."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "protocol_whitelist;file"
    os.nice(5)


def work(folder: Path, say: Callable[[dict[str, Any]], None], detector: str = "mesh") -> None:
    """Analyses the upload, faces found by `detector`. Raises a `MedauthError`."""
    from medauth.bootstrap import open as open_medauth
    from medauth.config import Settings
    from medauth.protocol.observation import Observation
    from medauth.report.looking_over import LookingOver
    from medauth.report.recording_summary import summarise, worth
    from medauth.sensing import deepfake_metrics, is_picture, source_of
    from medauth.web.studio.sketch import Sketch, result_of

    with (folder / "upload").open("rb") as file:
        named = (folder / "upload").with_suffix(suffix_of(file.read(16)))
    (folder / "upload").rename(named)
    end_ms = None if is_picture(named) else float(LONGEST_MS)
    whole_ms = source_of(named, end_ms=end_ms).duration_ms
    sketch, over, seen = Sketch(), LookingOver(heat=True), [0]

    def _seen(observation: Observation) -> None:
        sketch.see(observation)
        seen[0] += 1
        if seen[0] % _SAY_EVERY == 1:
            say({"t_ms": round(observation.frame.t_ms), "whole_ms": whole_ms and round(whole_ms)})

    # Nothing is recorded: no key and no mirror is opened, and the data directory is only where models may lie.
    with open_medauth(Settings.from_env()) as auth:
        found = auth.analyze(source_of(named, end_ms=end_ms), _seen, over, detector)
        summary = summarise(found, over)
        said = worth(deepfake_metrics(auth.models), clips=summary.judged_by != "single frame")
    result = result_of(found, summary, said, sketch, over) | {"detector": detector}
    if not is_picture(named):
        say({"stage": "film"})
        result["film"] = _film(named, end_ms, folder / "annotated.webm", summary, over, found.marks)
    (folder / "result.json").write_text(json.dumps(result))


def _film(source: Path, end_ms: float | None, target: Path, summary: Any, over: Any, marks: Any) -> bool:
    from medauth.capture.encoding import read_frame
    from medauth.report.annotated_video import AnnotatedVideo, write_annotated
    from medauth.sensing import source_of

    try:
        write_annotated(source_of(source, end_ms=end_ms), read_frame, AnnotatedVideo(summary, over, marks), target)
    except MedauthError:
        return False  # the findings are there all the same
    return True


def main() -> int:
    """For the command line; 3 where the upload is to blame."""
    bound()

    def _say(told: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    try:
        work(Path(sys.argv[1]), _say, sys.argv[2])
    except InputError as error:
        _say({"trouble": error.got[:200], "expected": error.expected[:200]})
        return 3
    except MedauthError as error:
        _say({"trouble": "it cannot be analysed", "expected": error.code})
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
