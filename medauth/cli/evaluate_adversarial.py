"""`medauth evaluate adversarial`: pictures bent against a model by its own gradient, or bent to keep expressions unread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.bundle import write_file
from medauth.cli.console import JsonOption, console, json_bytes, print_json, print_table, print_title, reporting
from medauth.errors import InputError
from medauth.evaluation.folders import read_folder
from medauth.evaluation.still import Onlooker

if TYPE_CHECKING:
    from medauth.training.adversarial_run import AdversarialReport


def adversarial(
    name: Annotated[str, typer.Argument(help="expression, presentation_attack, deepfake, or any classifier.")] = (
        "expression"
    ),
    *,
    data: Annotated[Path | None, typer.Option(help="Folder with a MANIFEST.json, or with folders of classes.")] = None,
    split: Annotated[str, typer.Option(help="Judge this split alone.")] = "",
    epsilon: Annotated[
        list[float] | None, typer.Option(help="Grey levels a pixel may move; may be given more than once.", min=0.5)
    ] = None,
    steps: Annotated[int, typer.Option(help="Of PGD, and of --protect.", min=1)] = 20,
    limit: Annotated[int, typer.Option(help="At most so many pictures, evenly spread.", min=1)] = 500,
    protect: Annotated[
        Path | None,
        typer.Option(help="Write this picture as expression readers misread it; of a folder, count how often they do."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Of --protect: a net to bend pictures against; may be given more than once."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for report and examples; of --protect PICTURE, the picture.")
    ] = Path(),
    as_json: JsonOption = False,
) -> None:
    """How right is a model when pictures are bent against it, by FGSM and by PGD, over epsilon? Needs the extra `train`.

    The attacker knows the model and moves pixels of the crop itself: what a printed or filmed picture would lose is left
    to them. Noise of the same size stands beside it, and examples are written to be looked at.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        _prepare()
        from medauth.cli.evaluate_protection import READERS, protect_folder, protect_picture
        from medauth.training.protecting import Protection

        if protect is not None:
            how, nets = Protection((epsilon or [8.0])[0], steps), tuple(against or READERS)
            if protect.is_dir():
                protect_folder(auth, protect, split, nets, how, limit, out, as_json=as_json)
            else:
                protect_picture(auth, protect, nets, how, out, as_json=as_json)
            return
        if data is None:
            raise InputError("neither --data nor --protect", expected="a folder of labelled pictures, or one picture")
        report = _run(auth, name, data, split, epsilon or [1.0, 2.0, 4.0, 8.0], steps, limit)
        folder = out if out != Path() else Path(f"adversarial-{name}")
        _write(report, folder, {"folder": data.name, "split": split}, as_json=as_json)


def _prepare() -> None:
    import os

    from medauth.training.commands import limit_threads, require_keras

    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its gradients corrupt memory with odd numbers of rows
    limit_threads(1)
    require_keras()


def _run(
    auth: Medauth, name: str, data: Path, split: str, epsilons: list[float], steps: int, limit: int
) -> AdversarialReport:
    from medauth.training.adversarial_run import attack_accuracy, crops_of
    from medauth.training.attacked_model import reader_for

    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Onlooker() as onlooker, Progress(*columns, console=console, transient=True) as progress:
        reader, folder = reader_for(name, auth.models, onlooker), read_folder(data, split)
        task = progress.add_task("cutting faces", total=min(limit, len(folder.items)))
        crops, truth, unusable = crops_of(reader, folder, limit, lambda: progress.advance(task))
        task = progress.add_task("bending", total=1 + 3 * len(epsilons))
        found = attack_accuracy(
            reader, crops, truth, epsilons=epsilons, steps=steps, on_row=lambda _row: progress.advance(task)
        )
        found.unusable.update(unusable)
        return found


def _write(report: AdversarialReport, folder: Path, data: dict[str, str], *, as_json: bool) -> None:
    from medauth.training.adversarial_run import write_examples

    written = report.to_json() | {"data": data}
    write_file(folder / "adversarial.json", json_bytes(written))
    examples = write_examples(report, folder)
    if as_json:
        print_json(written)
        return
    print_title(f"{report.model}: {report.rows[0].accuracy.n} crops, {sum(report.unusable.values())} pictures unusable")
    groups = list(report.rows[0].by_group)
    rows = [
        (row.attack, f"{row.epsilon:g}", str(row.accuracy), *(str(row.by_group[name]) for name in groups[:2]))
        for row in report.rows
    ]
    shown = groups[:2] if len(groups) == 2 else []  # noqa: PLR2004 - two fit beside the whole
    print_table(("attack", "grey levels", "right", *shown), [row[: 3 + len(shown)] for row in rows])
    for path in [folder / "adversarial.json", *examples]:
        console.print(f"  {path}")
