"""`medauth check`: one check of the person in front of the camera."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_title, print_verdict, reporting, verdict_json
from medauth.cli.prompts import TerminalPrompts
from medauth.errors import InputError
from medauth.protocol.verdict import Decision
from medauth.sensing import microphone_for, source_of, webcam
from medauth.session import AuthenticationSession, OnProgress

EXIT_CODES = {Decision.LIVE: 0, Decision.REHEARSED: 0, Decision.NOT_LIVE: 1, Decision.INCONCLUSIVE: 3}


def check(
    subject: Annotated[str, typer.Option(help="Your app's id of the account being checked.")],
    purpose: Annotated[str, typer.Option(help="What the check is for.")] = "login",
    policy: Annotated[str, typer.Option(help="Rules to decide by; see `medauth policy`.")] = "standard",
    camera: Annotated[int, typer.Option(help="Number of the camera.", min=0, max=99)] = 0,
    video: Annotated[
        Path | None, typer.Option(help="Play this file in place of a camera, at its own pace (to try an attack).")
    ] = None,
    sound: Annotated[
        Path | None, typer.Option(help="Play this recording in place of the microphone, from the first digits on.")
    ] = None,
    window: Annotated[
        bool, typer.Option(help="Show picture and prompts in a window; else prompts in the terminal.")
    ] = True,
    receipt_out: Annotated[
        Path | None,
        typer.Option(help="Write the signed receipt of the start here; `medauth audit --receipt` holds it to the log."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a live person is in front of the camera.

    Draws a fresh challenge, shows one prompt at a time, records the verdict with its evidence. Exit code: 0 live,
    1 not live, 3 inconclusive, 2 trouble.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        source = source_of(video, realtime=True) if video else webcam(camera)
        microphone = microphone_for(policy, sound)  # what is missing is said before a start is on record
        with auth.start(subject=subject, purpose=purpose, policy=policy) as session:
            if receipt_out is not None:
                _write_receipt(receipt_out, session)
            verdict = session.run(source, on_progress(session, window=window), microphone)
        if as_json:
            print_json(verdict_json(verdict))
        else:
            print_title("Verdict")
            print_verdict(verdict)
            console.print(f"\n  evidence {verdict.evidence_id}\n  audit it with: medauth audit {verdict.evidence_id}")
    raise typer.Exit(EXIT_CODES[verdict.decision])


def _write_receipt(path: Path, session: AuthenticationSession) -> None:
    """Before the first frame: whatever becomes of the check, its start can be held to the log."""
    try:
        path.write_bytes(session.receipt.to_bytes() + b"\n")
    except OSError as error:
        raise InputError(f"the receipt cannot be written: {error.strerror}", expected=f"a path like {path}") from error


def has_screen() -> bool:
    """Whether a window could be opened."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def on_progress(session: AuthenticationSession, *, window: bool) -> OnProgress:
    """Prompts in a window where there is a screen, else in the terminal."""
    if window and has_screen():
        from medauth.desktop.window import CheckWindow

        return CheckWindow(f"medauth check {session.check_id}").show
    return TerminalPrompts().show
