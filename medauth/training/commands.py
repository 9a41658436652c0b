"""`medauth train ...`: one command for each model."""

from __future__ import annotations

import hashlib
import os
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from medauth.errors import ConfigError, MissingTool

app = typer.Typer(help="Train the models behind the signals.", no_args_is_help=True)

DataOption = Annotated[Path, typer.Option(envvar="MEDAUTH_DATA", help="Folder of the training sets.")]
WorkOption = Annotated[
    Path | None, typer.Option(envvar="MEDAUTH_WORK", help="Folder for checkpoints and logs, outside the repository.")
]

ModelsOption = Annotated[Path, typer.Option(help="Folder that the model's folder is written into.")]
EpochsOption = Annotated[int | None, typer.Option(help="Epochs in all; the learning rate follows a cosine over them.")]
SeedOption = Annotated[int | None, typer.Option(help="Seed of weights, order and augmentation.")]
ThreadsOption = Annotated[int, typer.Option(help="Threads for one operator.")]
JudgeOption = Annotated[bool, typer.Option("--judge-test", help="Read the test split, once, for the final figure.")]

StartOption = Annotated[
    Path | None, typer.Option(help="Weights to start from: a released .tflite of the same net, to train on from there.")
]
RateOption = Annotated[
    float | None, typer.Option(help="Peak of the learning rate; about a third when starting from weights.")
]


class Schedule(StrEnum):
    """How the learning rate goes down."""

    COSINE = "cosine"
    PLATEAU = "plateau"


class Variant(StrEnum):
    """The expression nets: the one that a check runs, two lighter ones, and one that learns from pictures bent against it."""

    RESIDUAL = "residual"
    MOBILENET = "mobilenet"
    STUDENT = "student"
    ROBUST = "robust"


VariantOption = Annotated[Variant, typer.Option(help="Which net.")]
TeacherOption = Annotated[
    Path | None,
    typer.Option(
        help="A .tflite whose answers are most of the target; for `student` and `robust`, by default the released model."
    ),
]
ScheduleOption = Annotated[
    Schedule | None, typer.Option(help="The learning rate: a cosine, or halved where judging does not improve.")
]
PatienceOption = Annotated[int | None, typer.Option(help="Stop after so many epochs without a better one; 0 = never.")]
LegacyOption = Annotated[bool, typer.Option("--h5", help="Save each epoch's net as .h5, too, beside .keras.")]
NoteOption = Annotated[str, typer.Option(help="A sentence for the card: what the command alone does not tell.")]


@app.callback()
def about() -> None:
    """Train the models behind the signals (needs the extra `train`)."""


@app.command("expression")
def train_expression(
    data: DataOption,
    *,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    full_size_epochs: Annotated[int | None, typer.Option(help="How many of the last epochs see whole faces.")] = None,
    seed: SeedOption = None,
    threads: ThreadsOption = 2,
    start_from: StartOption = None,
    peak_rate: RateOption = None,
    schedule: ScheduleOption = None,
    stop_patience: PatienceOption = None,
    h5: LegacyOption = False,
    judge_test: JudgeOption = False,
    note: NoteOption = "",
    variant: VariantOption = Variant.RESIDUAL,
    teacher: TeacherOption = None,
) -> None:
    """Train the expression net, or a lighter variant of it, then export, calibrate and judge it."""
    changes = {"epochs": epochs, "seed": seed, "full_size_epochs": full_size_epochs, "peak_rate": peak_rate,
               "schedule": schedule and schedule.value, "stop_patience": stop_patience, "also_h5": h5 or None}  # fmt: skip
    released = models / "expression" / "expression.tflite"
    if variant in (Variant.STUDENT, Variant.ROBUST) and teacher is None:
        teacher = released
    if variant is Variant.ROBUST and start_from is None:
        start_from = released
    name = "expression" if variant is Variant.RESIDUAL else f"expression_{variant.value}"
    _make(name, data, work, models, threads, judge_test, note, changes, start_from, teacher)


@app.command("landmarks")
def train_landmarks(
    data: DataOption,
    *,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = 2,
    judge_test: JudgeOption = False,
) -> None:
    """Train the net that reads expressions off the face mesh alone, judge and export it."""
    limit_threads(threads)
    require_keras()
    from dataclasses import replace

    from medauth.training.card import write_card
    from medauth.training.landmark_release import NAME, PLAN, make_landmarks

    rounds = epochs or PLAN.epochs
    plan = replace(PLAN, epochs=rounds, full_size_epochs=rounds, seed=PLAN.seed if seed is None else seed)
    folder = work_folder(work) / NAME
    manifest = make_landmarks(data, folder, models, plan, typer.echo, judge_test=judge_test)
    write_card(models / NAME)
    typer.echo(f"{models / NAME}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")


@app.command("eye-state")
def train_eye_state(
    data: DataOption,
    *,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = 2,
    schedule: ScheduleOption = None,
    stop_patience: PatienceOption = None,
    h5: LegacyOption = False,
    judge_test: JudgeOption = False,
    note: NoteOption = "",
) -> None:
    """Train the eye-state net, then export, calibrate and judge it."""
    changes = {"epochs": epochs, "seed": seed, "full_size_epochs": epochs,
               "schedule": schedule and schedule.value, "stop_patience": stop_patience, "also_h5": h5 or None}  # fmt: skip
    _make("eye_state", data, work, models, threads, judge_test, note, changes)


@app.command("prepare")
def prepare_expressions(
    sources: Annotated[
        list[Path],
        typer.Argument(help="FER2013-style tables (emotion,pixels,Usage), tables of file,label, folders of classes."),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder to make the set in; `--data` of `medauth train expression`.")],
    valid: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of the faces for validation.")] = 0.1,
    test: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of the faces for the final test.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 7,
) -> None:
    """Merge and split expression sets of your own: counts and weights by class, no person in two splits."""
    from medauth.training.face_cutting import FaceCutter
    from medauth.training.preparing import prepare

    shares = {"train": 1 - valid - test, "valid": valid, "test": test}
    with FaceCutter() as cutter:
        report = prepare(sources, out, cutter.cut, shares=shares, seed=seed)
    for split, counts in report["counts"].items():
        typer.echo(f"{split}: {sum(counts.values())}  " + ", ".join(f"{k} {v}" for k, v in counts.items() if v))
    typer.echo("class weights: " + ", ".join(f"{k} {v}" for k, v in report["class_weights"].items()))
    typer.echo(f"persons: {report['persons']}, left out: {report['left_out'] or 'nothing'}")


@app.command("presentation-attack")
def train_presentation_attack(
    data: DataOption,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = 2,
    note: NoteOption = "",
) -> None:
    """Train the presentation attack net on simulation, judge it with each set-up left out, release it."""
    limit_threads(threads)
    require_keras()
    from medauth.training.presentation.making import make

    make(data, work_folder(work) / "presentation_attack", models, {"epochs": epochs, "seed": seed}, note, typer.echo)


@app.command("deepfake")
def train_deepfake(
    data: DataOption,
    backbone: Annotated[Path, typer.Option(help="The folder `package` that `npm pack nsfwjs@4.3.0` unpacks to.")],
    *,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    most_faces: Annotated[int | None, typer.Option(help="Faces of each source at most; 0 = all there are.")] = None,
    threads: ThreadsOption = 2,
    judge_test: JudgeOption = False,
    note: NoteOption = "",
) -> None:
    """Train the deepfake net on faces forged on the fly, then its LSTM, and export, calibrate and judge both."""
    limit_threads(threads)
    require_keras()
    from medauth.training.deepfake import DeepfakePlan, Workshop, changed
    from medauth.training.deepfake_card import write_deepfake_card
    from medauth.training.deepfake_release import make_deepfake
    from medauth.training.tfjs_weights import read_nsfwjs

    plan = changed(DeepfakePlan(), epochs=epochs, seed=seed, most_faces=most_faces)
    shop = Workshop(data, work_folder(work) / "deepfake", plan, read_nsfwjs(backbone), typer.echo)
    command = f"medauth train deepfake --data DIR --backbone DIR --epochs {plan.frames.epochs} --seed {plan.seed}"
    command += f" --most-faces {plan.most_faces or 0}"
    manifest = make_deepfake(shop, models, command, judge_test=judge_test, note=note)
    write_deepfake_card(models / "deepfake")
    typer.echo(f"{models / 'deepfake'}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")


@app.command("face-embedding")
def train_face_embedding(
    data: DataOption,
    work: WorkOption = None,
    models: ModelsOption = Path("models"),
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = 2,
    teacher: Annotated[str, typer.Option(help="A stronger embedding to learn from: face_api, once added.")] = "",
) -> None:
    """Train the face embedding on persons, and on what a stronger net says of them; export and judge it."""
    limit_threads(threads)
    require_keras()
    from medauth.training.embedding_run import make_embedding

    make_embedding(data, work_folder(work), models, teacher, {"epochs": epochs, "seed": seed}, typer.echo)


def _make(
    name: str,
    data: Path,
    work: Path | None,
    models: Path,
    threads: int,
    judge_test: bool,
    note: str,
    changes: dict[str, Any],
    start_from: Path | None = None,
    teacher: Path | None = None,
) -> None:
    """Train (or go on training) model `name` in the work folder and release it into `models`."""
    limit_threads(threads)
    require_keras()
    from medauth.training.card import write_card
    from medauth.training.catalogue import find_model
    from medauth.training.checkpoint import load_progress
    from medauth.training.distillation import taught
    from medauth.training.loop import train
    from medauth.training.release import release

    spec = find_model(name, changes)
    folder = work_folder(work) / name
    splits = (spec.load(data, "train"), spec.load(data, "valid"))
    if teacher is not None:
        splits = (taught(splits[0], teacher, spec.size_px), splits[1])
    model = train(
        spec.build, splits, spec.plan, folder, report=typer.echo, start_from=start_from, bend_levels=spec.bend_levels
    )
    progress = load_progress(folder)
    assert progress is not None, "train always leaves a state"
    command = f"medauth train {_subcommand(name)} --data DIR --epochs {spec.plan.epochs} --seed {progress.seed}"
    if spec.plan.full_size_epochs < spec.plan.epochs:
        command += f" --full-size-epochs {spec.plan.full_size_epochs}"
    if changes.get("peak_rate") is not None:
        command += f" --peak-rate {spec.plan.peak_rate:g}"
    if changes.get("schedule") is not None:
        command += f" --schedule {spec.plan.schedule}"
    if changes.get("stop_patience") is not None:
        command += f" --stop-patience {spec.plan.stop_patience}"
    if start_from is not None:
        command += f" --start-from {start_from.name} (SHA-256 {hashlib.sha256(start_from.read_bytes()).hexdigest()})"
    if teacher is not None:
        command += f" --teacher {teacher.name} (SHA-256 {hashlib.sha256(teacher.read_bytes()).hexdigest()})"
    manifest = release(spec, model, progress, data, models, command, judge_test=judge_test, note=note)
    write_card(models / name)
    typer.echo(f"{models / name}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")


def _subcommand(name: str) -> str:
    """What to type to train the model `name`."""
    base, _, variant = name.partition("_")
    return f"expression --variant {variant}" if base == "expression" and variant else name.replace("_", "-")


def require_keras() -> None:
    """Raises `MissingTool` where the extra `train` is not installed."""
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise MissingTool(
            "TensorFlow and Keras are not installed",
            expected="the extra `train`; a check needs neither",
            next_step="pip install 'medauth[train]', in an environment of its own where memory is short",
        )


def work_folder(work: Path | None) -> Path:
    """The folder for checkpoints: `work`, or a cache folder of the user; never inside the repository."""
    folder = (work or Path.home() / ".cache" / "medauth" / "training").resolve()
    repository = Path(__file__).resolve().parents[2]
    if folder.is_relative_to(repository):
        raise ConfigError(f"--work {folder}", expected=f"a folder outside {repository}")
    return folder


def limit_threads(threads: int) -> None:
    """Bound the threads of TensorFlow; must come before it is imported."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
