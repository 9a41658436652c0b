"""`medauth export`: a model in another form, with the check that its answers agree."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_title, reporting
from medauth.errors import InputError, MissingTool
from medauth.signals.models import ModelLibrary

Report = dict[str, object]
_PICTURES = 600
"""Pictures that an eight-bit file is made from and compared on, at most, evenly spread over the folder."""


class Form(StrEnum):
    """What a model can become."""

    LITERT = "litert"
    INT8 = "int8"
    ONNX = "onnx"

    @property
    def suffix(self) -> str:
        """Of a file of this form."""
        return ".onnx" if self is Form.ONNX else f".{self.value}.tflite"


def export(
    model: Annotated[str, typer.Argument(help="A model by its name, see `medauth models`.")],
    to: Annotated[
        Form,
        typer.Option(
            help="litert: the shipped file; int8: weights and activations in eight bits; onnx: for ONNX Runtime."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write; default: MODEL.FORM.tflite or MODEL.onnx.")
    ] = Path(),
    data: Annotated[
        Path | None, typer.Option(help="For int8: a folder of pictures like those it will see, as for `evaluate`.")
    ] = None,
    split: Annotated[str, typer.Option(help="Take pictures of this split alone.")] = "",
    signature: Annotated[str, typer.Option(help="For onnx: which graph of the file.")] = "predict",
    as_json: JsonOption = False,
) -> None:
    """Write a model in another form, and compare the answers of both files.

    `int8` needs the extra `train`, and some hundred pictures: ranges of activations come from the first 200, the
    comparison from the others. `onnx` needs the extras `train` and `onnx`; it is compared on noise.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        source = auth.models.folder(model) / auth.models.load(model).manifest.file
        target = out if out != Path() else Path(f"{model}{to.suffix}")
        if target.is_dir() or target.resolve() == source.resolve():
            what = "a folder" if target.is_dir() else "the model itself"
            raise InputError(
                f"--out {target} is {what}", expected="a file to write", next_step=f"--out {model}{to.suffix}"
            )
        if to is Form.LITERT:
            from hashlib import sha256
            from shutil import copyfile

            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(source, target)
            report: Report = {"file": target.name, "sha256": sha256(target.read_bytes()).hexdigest()}
        elif to is Form.ONNX:
            report = _onnx(source, target, signature)
        else:
            report = _int8(auth.models, model, source, target, data, split)
        if as_json:
            print_json(report)
        print_title(f"{target}")
        for key, value in report.items():
            console.print(f"  {key:<12}{value}")


def _int8(models: ModelLibrary, model: str, source: Path, target: Path, data: Path | None, split: str) -> Report:
    if data is None:
        raise InputError("no pictures", expected="--data FOLDER", next_step="name a folder of faces")
    _prepare_tensorflow()
    from medauth.training.formats import eight_bit_spec, export_int8

    eight_bit_spec(model)
    return export_int8(model, source, target, _crops(models, model, data, split))


def _crops(models: ModelLibrary, model: str, data: Path, split: str) -> NDArray[np.float32]:
    """(N, side, side, 1) as a check would show them to the model; pictures without a face are left out."""
    from medauth.evaluation.folders import read_folder
    from medauth.evaluation.judges import CropJudge
    from medauth.evaluation.still import Onlooker, Unusable

    items = read_folder(data, split).items
    crops = []
    with Onlooker() as onlooker:
        judge = CropJudge(model, models, onlooker)
        for item in items[:: max(1, len(items) // _PICTURES)][:_PICTURES]:
            with suppress(Unusable):
                crops.append(judge.prepared(item)[0])
    if not crops:
        raise InputError(f"no usable picture in {data}", expected="faces, or eyes for eye_state")
    return np.stack(crops)


def _onnx(source: Path, target: Path, signature: str) -> Report:
    _prepare_tensorflow()
    if find_spec("tf2onnx") is None or find_spec("onnxruntime") is None:
        raise MissingTool(
            "the ONNX converter is not installed", expected="the extra `onnx`", next_step="pip install 'medauth[onnx]'"
        )
    from medauth.training.onnx_form import export_onnx

    return export_onnx(source, target, signature)


def _prepare_tensorflow() -> None:
    """One thread, and a clear word where it is absent."""
    from medauth.training.commands import limit_threads, require_keras

    limit_threads(1)
    require_keras()
