"""`medauth evaluate digits`: how well digits are heard, and lips told from those of another sound."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, print_title, reporting
from medauth.evaluation.lips_and_sound import KINDS, Scored, lips_of
from medauth.evaluation.spoken_digits import Heard, heard_of, speakers_in
from medauth.sensing import face_tracker
from medauth.signals.speech import AGREES, ELSEWHERE


def digits(
    recordings: Annotated[Path, typer.Argument(help="Folder of speakers: SPEAKER/0.wav to SPEAKER/9.wav.")],
    sequences: Annotated[int, typer.Option(help="Of each speaker under each condition.", min=1)] = 50,
    faces: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of pictures of faces that speak. Default: those of the registries."),
    ] = None,
    most_faces: Annotated[int, typer.Option(help="At most so many people of --faces. 0: no lips.", min=0)] = 10,
    seed: Annotated[int, typer.Option(help="Another seed, other digits and pauses.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Recorded digits in a row, clean, in noise and through a telephone: heard, not heard, or taken for others.

    Then portraits whose mouth a program opens by the loudness of such a recording (simulated lips), against their own sound,
    other digits, another take, a shifted sound, and with a mouth that stays still.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        speakers = speakers_in(recordings)
        heard = [found for speaker in speakers for found in heard_of(speaker, sequences, seed)]
        scored: list[Scored] = []
        if most_faces:
            tracker = face_tracker(auth.settings)
            try:
                scored = list(lips_of(faces or [], most_faces, speakers, seed, tracker))
            finally:
                tracker.close()
        if as_json:
            print_json({"heard": [asdict(one) for one in heard], "lips": [asdict(one) for one in scored]})
            return
        _print_heard(heard)
        if scored:
            _print_lips(scored)


def _print_heard(heard: list[Heard]) -> None:
    print_title("Digits heard")
    rows = [
        (one.speaker, one.condition, *(f"{n}/{one.said}" for n in (one.right, one.unsure, one.other, one.one_off)))
        for one in heard
    ]
    print_table(
        ("speaker", "condition", "right", "unsure (inconclusive)", "other (refused)", "heard with one digit changed"),
        rows,
    )


def _print_lips(scored: list[Scored]) -> None:
    people = len({one.person for one in scored})
    print_title(f"Lips and sound, simulated: {people} people")
    rows = []
    for kind in KINDS:
        mine = [one.score for one in scored if one.kind == kind]
        known = np.array([score for score in mine if score is not None])
        median = f"{np.median(known):.2f}" if len(known) else "-"
        agree, apart = int((known >= AGREES).sum()), int((known <= ELSEWHERE).sum())
        rows.append((kind, str(len(mine)), median, str(agree), str(len(mine) - agree - apart), str(apart)))
    print_table(("mouth against", "n", "median score", "agree", "unsure", "refused"), rows)
    console.print(f"  agree from {AGREES} on, refused up to {ELSEWHERE}; a mouth that hardly moves is unsure")
