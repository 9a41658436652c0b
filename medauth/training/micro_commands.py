"""`medauth train micro-expression` and `medauth train judge-micro-expression`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from medauth.training.commands import (
    DataOption,
    EpochsOption,
    ModelsOption,
    SeedOption,
    ThreadsOption,
    WorkOption,
    app,
    limit_threads,
    require_keras,
    work_folder,
)


@app.command("micro-expression")
def train_micro_expression(
    data: DataOption,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = 2,
) -> None:
    """Train the net that names short movements, on movements drawn on stills; export, calibrate and judge it."""
    limit_threads(threads)
    require_keras()
    from medauth.training.card import write_card
    from medauth.training.micro_loop import MicroPlan
    from medauth.training.micro_release import NAME, make_micro_model

    given = {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    plan = replace(MicroPlan(), **given)
    command = f"medauth train micro-expression --data DIR --epochs {plan.epochs} --seed {plan.seed}"
    manifest = make_micro_model(data, work_folder(work) / NAME, models, plan, command, typer.echo)
    write_card(models / NAME)
    typer.echo(f"{models / NAME}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")


@app.command("judge-micro-expression")
def judge_micro_expression(
    data: DataOption,
    models: ModelsOption = Path("models"),
    passes: Annotated[int, typer.Option(help="Times that movements are inserted into each clip.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the inserted movements.")] = 1,
) -> None:
    """Judge the spotter: movements inserted into the clips of `blink_clips`, false events without them. No TensorFlow."""
    from medauth.evaluation.spotting import judge_spotter, table

    figures = judge_spotter(data, models, passes=passes, seed=seed)
    if (models / "micro_expression" / "CARD.md").exists():
        from medauth.training.card import write_card

        write_card(models / "micro_expression")
    typer.echo(table(figures))
