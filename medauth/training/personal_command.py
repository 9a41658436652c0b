"""`medauth train personal`: a head for one person, into the models folder of the data directory."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.errors import InputError
from medauth.training.commands import app


@app.command("personal")
def train_personal(
    pictures: Annotated[Path, typer.Argument(help="Folder with a folder of pictures for each expression.")],
    name: Annotated[str, typer.Option(help="What to call it in MEDAUTH_EMOTION_MODELS.")] = "personal",
) -> None:
    """Fit the expression net to one person from a few labelled pictures; prints how it does on each picture left out.

    Needs no TensorFlow. It is heard where MEDAUTH_EMOTION_MODELS names it (`live`, `analyze`, policies other than
    standard), never under standard. The file is data about this person: delete its folder to forget it.
    """
    from medauth.ensemble import SERVICES
    from medauth.sensing import EXPRESSION_MODEL
    from medauth.signals.emotion_personal import FILE, head_json
    from medauth.signals.emotion_reader import EmotionReader
    from medauth.training.personal import fit_head, judge_head, read_captures

    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", name):
        raise InputError(f"--name {name!r}", expected="a small letter, then small letters, digits, - or _")
    with open_medauth() as auth:
        if name in auth.models.names() or name in SERVICES:
            raise InputError(f"--name {name!r}", expected="a name that no shipped model and no service has")
        general = auth.models.load(EXPRESSION_MODEL)
        captures = read_captures(pictures, EmotionReader(general))
        classes = general.manifest.classes
        judged = judge_head(captures, classes)
        head = fit_head(captures.features, captures.labels, len(classes))
        folder = auth.settings.data_dir / "models" / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / FILE
        path.touch(mode=0o600)
        path.write_text(
            json.dumps(head_json(head, classes, general.manifest.sha256, judged.to_json()), indent=1) + "\n"
        )
    typer.echo("pictures: " + ", ".join(f"{key} {count}" for key, count in judged.counts.items()))
    if captures.unusable:
        typer.echo("left out: " + ", ".join(f"{key} {count}" for key, count in captures.unusable.items()))
    typer.echo(f"each left out once: this head {judged.personal}, the shipped net {judged.general}")
    typer.echo(f"{path}: hear it with MEDAUTH_EMOTION_MODELS={name}=4")
