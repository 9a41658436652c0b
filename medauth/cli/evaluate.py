"""`medauth evaluate`: judge the shipped models and signals on data of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medauth.bootstrap import open as open_medauth
from medauth.cli.bundle import write_file
from medauth.cli.console import JsonOption, console, json_bytes, print_json, print_table, print_title, reporting
from medauth.cli.evaluate_adversarial import adversarial
from medauth.cli.evaluate_attacks import attacks
from medauth.cli.evaluate_digits import digits
from medauth.cli.evaluate_films import light, pulse, shading
from medauth.cli.evaluate_speech import speech
from medauth.errors import InputError
from medauth.evaluation.deletion import delete
from medauth.evaluation.folders import Item, read_folder
from medauth.evaluation.fusion_run import Window, fusion_report, window_of_photo, windows_of_clip
from medauth.evaluation.hand_run import PICTURES, evaluate_hand, files_in
from medauth.evaluation.injection_run import Row, clips_in, totals
from medauth.evaluation.injection_run import cost as injection_cost
from medauth.evaluation.injection_run import evaluate as evaluate_injection
from medauth.evaluation.judges import CropJudge, judge_for
from medauth.evaluation.report_files import write_evaluation
from medauth.evaluation.signal_run import SignalReport
from medauth.evaluation.signal_run import evaluate as run_evaluation
from medauth.evaluation.still import Onlooker, Unusable
from medauth.evaluation.thresholds import recorded_points, write_points
from medauth.protocol.policy import STANDARD
from medauth.report.evaluation_page import headline_rows, number, span
from medauth.signals.explain import GradCam, Shap
from medauth.signals.models import ModelLibrary

evaluate = typer.Typer(help="Judge signals and models on labelled pictures and clips.", no_args_is_help=True)
evaluate.command("attacks")(attacks)
evaluate.command("adversarial")(adversarial)
evaluate.command("digits")(digits)
evaluate.command("light")(light)
evaluate.command("pulse")(pulse)
evaluate.command("shading")(shading)
evaluate.command("speech")(speech)

NameArgument = Annotated[str, typer.Argument(help="A signal or a classifier: expression, eye_state, blink, …")]
DataOption = Annotated[Path, typer.Option(help="Folder with a MANIFEST.json, or with sub-folders named after classes.")]
SplitOption = Annotated[str, typer.Option(help="Judge this split alone.")]
ModelOption = Annotated[str, typer.Option(help="Another classifier in the place of the shipped one.")]


@evaluate.command("signal")
def signal(
    name: NameArgument,
    *,
    data: DataOption,
    split: SplitOption = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report; default: evaluation-NAME.")] = Path(),
    model: ModelOption = "",
    as_json: JsonOption = False,
) -> None:
    """Error rates with intervals, curves and a report page, on any folder of labelled faces.

    Needs nothing but the folder. Pictures that cannot be judged are counted, with the reason.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        report = _run(auth.models, name, data, split, model)
        folder = out if out != Path() else Path(f"evaluation-{name}")
        files = write_evaluation(report, folder)
        if as_json:
            print_json(report.to_json())
        _print(report, files)


@evaluate.command("thresholds")
def thresholds(
    name: NameArgument,
    *,
    data: DataOption,
    split: SplitOption = "",
    models: Annotated[Path, typer.Option(help="Folder of models whose manifest takes the thresholds.")] = Path(
        "models"
    ),
    as_json: JsonOption = False,
) -> None:
    """Record the thresholds of a deny cue, by policy, in its model's manifest.

    They follow from how many bona fide presentations of the data each policy may turn away. Do not use data that a
    figure is to be published on.
    """
    with reporting(as_json=as_json):
        report = _run(ModelLibrary([models]), name, data, split, "")
        points = recorded_points(report)
        owner = name if name in report.models else next(iter(report.models), name)
        write_points(models / owner / "manifest.json", points)
        if as_json:
            print_json(points)
        print_title(f"{models / owner / 'manifest.json'}: {report.judged} items of {data.name}")
        rows = [
            (
                policy,
                f"{p['target_bpcer']:g}",
                f"{p['threshold']:.4f}",
                f"{p['bpcer']['value']:.4f}",
                f"{p['apcer']['value']}",
            )
            for policy, p in points.items()
        ]
        print_table(("policy", "target BPCER", "threshold", "BPCER", "APCER"), rows)


@evaluate.command("deletion")
def deletion(
    name: NameArgument,
    *,
    data: DataOption,
    split: SplitOption = "",
    limit: Annotated[int, typer.Option(help="At most so many pictures, evenly spread.", min=1)] = 500,
    shap: Annotated[
        bool, typer.Option("--shap", help="Explain by SHAP (extra `explain`) in place of Grad-CAM.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON file to write; default: none.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Cover what a heat map calls hottest: does the answer fall by more than under a random cover of the same size?"""
    with reporting(as_json=as_json), open_medauth() as auth, Onlooker() as onlooker:
        judge = judge_for(name, auth.models, onlooker)
        explainer = Shap() if shap else GradCam()
        if not isinstance(judge, CropJudge) or not explainer.can_explain(judge.model):
            raise InputError(f"{name} cannot be explained by {explainer.name}", expected="a classifier with `explain`")
        folder = read_folder(data, split)
        found = delete(judge.model, list(_pictures(judge, folder.items, limit)), explainer)
        report = {
            "explainer": explainer.name,
            "model_sha256": judge.model.use.sha256,
            "data": {"folder": data.name, "sha256": folder.sha256, "split": split},
            **found.to_json(),
        }
        if out != Path():
            write_file(out, json_bytes(report))
        if as_json:
            print_json(report)
        print_title(f"{name}, {explainer.name}: {report['n']} pictures, {report['skipped']} without any heat")
        rows = [
            (key.replace("_", " "), number(report[key]["value"]), span(report[key]["interval95"]))
            for key in ("median_drop_hot", "median_drop_random", "hot_moves_more")
        ]
        print_table(("log-odds of the answer", "value", "95 % interval"), rows)


@evaluate.command("injection")
def injection(
    *,
    data: Annotated[Path, typer.Option(help="Folder of clips of people facing a camera.")],
    only: Annotated[list[str] | None, typer.Option(help="This condition alone; may be given more than once.")] = None,
    windows: Annotated[int, typer.Option(help="At most so many windows of 16 s of each clip.", min=1)] = 4,
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON file to write; default: none.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Clips as honest cameras deliver them and as programs play them: what the injection signal says of each.

    Ends with what it costs beside the bare face mesh.
    """
    with reporting(as_json=as_json):
        clips = clips_in(data)
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("playing", total=None)
            rows = evaluate_injection(clips, only or (), lambda: progress.advance(task), windows)
        spent = injection_cost(clips[0])
        report = {
            "format": "medauth injection evaluation v1",
            "clips": [clip.name for clip in clips],
            "rows": [row.to_json() for row in rows],
            **totals(rows),
            "cost": asdict(spent),
        }
        if out != Path():
            write_file(out, json_bytes(report))
        if as_json:
            print_json(report)
        print_title(f"injection, {len(clips)} clips of {data}")
        print_table(
            ("film", "clips", "windows", "refused", "unclear", "leapt", "unseen", "loop share", "noise", "codes"),
            _table(rows),
        )
        console.print(
            f"\n  {report['refused']} of {report['honest_windows']} honest windows refused, {report['unclear']} unclear. "
            f"CPU a frame at 640x480: {spent.signal_ms:.2f} ms beside {spent.mesh_ms:.2f} ms of bare FaceMesh "
            f"(n = {spent.frames})."
        )


@evaluate.command("hand")
def hand(
    *,
    data: Annotated[Path, typer.Option(help="Folder of clips or pictures of people facing a camera.")],
    windows: Annotated[int, typer.Option(help="At most so many windows of 8 s of each clip.", min=1)] = 3,
    every: Annotated[int, typer.Option(help="Take every n-th file only.", min=1)] = 1,
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON file to write; default: none.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """A drawn hand that passes before real faces, touches them, or lies under a painted face: is the step answered?"""
    with reporting(as_json=as_json):
        files = files_in(data)[::every]
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("playing", total=None)
            tallies = evaluate_hand(files, windows=windows, on_window=lambda: progress.advance(task))
        report = {"format": "medauth hand evaluation v1", "scenes": [tally.to_json() for tally in tallies]}
        if out != Path():
            write_file(out, json_bytes(report))
        if as_json:
            print_json(report)
        print_title(f"hand before the face, drawn over {len(files)} files of {data}")
        lines = []
        for tally in tallies:
            how = ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())
            people, n = len(set(tally.people)), len(tally.answered)
            lines.append((tally.scene.value, str(people), str(n), str(sum(tally.answered)), how))
        print_table(("scene", "files", "windows", "answered", "outcomes"), lines)


@evaluate.command("fusion")
def fusion(
    *,
    live: Annotated[Path, typer.Option(help="Folder of clips of people facing a camera.")],
    photos: Annotated[Path, typer.Option(help="Folder of pictures of other people, to be held to the camera.")],
    windows: Annotated[int, typer.Option(help="At most so many windows of 8 s of each clip.", min=1)] = 3,
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON file to write; default: none.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Fit the liveness probability on real people and on photographs held to a camera; how true it was of others."""
    with reporting(as_json=as_json), open_medauth() as auth:
        clips, pictures = clips_in(live), [path for path in files_in(photos) if path.suffix.lower() in PICTURES]
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("playing", total=len(clips) + len(pictures))
            found: list[Window] = []
            for clip in clips:
                found += windows_of_clip(clip, lambda: auth.observer(None, STANDARD), windows)
                progress.advance(task)
            for number, path in enumerate(pictures):
                window = window_of_photo(path, number, lambda: auth.observer(None, STANDARD))
                found += [window] if window is not None else []
                progress.advance(task)
        report = fusion_report(found)
        if out != Path():
            write_file(out, json_bytes(report))
        if as_json:
            print_json(report)
        true = report["left_out"]
        print_title(
            f"liveness: {true['live_windows']} windows of {true['live_people']} people, "
            f"{true['attack_windows']} photographs"
        )
        print_table(
            ("said", "live", "windows", "people"),
            [(f"{b['said']:.2f}", f"{b['live']:.2f}", str(b["n"]), str(b["people"])) for b in true["bins"]],
        )
        console.print(
            f"\n  Brier score {true['brier']} on people left out, {true['brier_of_half']} for always one half"
        )


def _table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    lines = []
    for row in rows:
        found = row.to_json()
        codes = ", ".join(f"{code.partition('.')[2]} {count}" for code, count in row.codes.most_common())
        spread = f"{min(row.loop_shares, default=0):.2f}-{max(row.loop_shares, default=0):.2f}"
        keys = ("clips", "windows", "fail", "inconclusive", "leapt", "leapt_unseen")
        counts = [found[key] for key in keys]
        noise = "" if found["median_noise"] is None else f"{found['median_noise']:.2f}"
        lines.append((row.name, *map(str, counts), spread, noise, codes))
    return lines


def _pictures(judge: CropJudge, items: Sequence[Item], limit: int) -> Iterator[NDArray[np.float32]]:
    step = max(1, len(items) // limit)
    for item in items[::step][:limit]:
        with suppress(Unusable):
            yield judge.prepared(item)


def _run(models: ModelLibrary, name: str, data: Path, split: str, model: str) -> SignalReport:
    folder = read_folder(data, split)
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Onlooker() as onlooker, Progress(*columns, console=console, transient=True) as progress:
        judge = judge_for(name, models, onlooker, model)
        task = progress.add_task(f"judging by {name}", total=len(folder.items))
        return run_evaluation(name, judge, folder, split, lambda _item: progress.advance(task))


def _print(report: SignalReport, files: list[Path]) -> None:
    print_title(f"{report.name} on {report.folder.path.name}: {report.judged} of {len(report.rows)} items judged")
    for reason, count in report.unusable.items():
        console.print(f"  not judged: {count} {reason}", style="dim")
    print_table(("figure", "value", "95 % interval", "n"), headline_rows(report.figures))
    console.print(f"\n  {files[2]}")
