"""Finds a model by its manifest, checks its SHA-256 and runs it in LiteRT with one thread.

A model is a folder `models/<name>/` with a `manifest.json` and the file it names. Which model a signal runs is decided
in `sensing.py` by that name; everything else about it (classes, size and scale of its input, calibration) is read
from the manifest, so that a better model replaces another without a change of code.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, ModelError
from medauth.protocol.canonical import require_flat
from medauth.signals.calibration import usable_temperature
from medauth.signals.interface import ModelUse
from medauth.silence import native_silence

PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED = (PACKAGE / "models", PACKAGE.parent / "models")
"""Inside the installed wheel, and at the top of a checkout."""

Array = NDArray[Any]
_TEXTS = ("name", "version", "file", "sha256")
_TABLES = ("signatures", "preprocessing", "calibration", "source", "operating_points")


def model_folders(models_dir: str, data_dir: Path) -> tuple[Path, ...]:
    """Where models are looked for, in this order; added ones go into the last. `models_dir` takes the place of all."""
    return (Path(models_dir),) if models_dir else (*SHIPPED, data_dir / "models")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model file is, as far as running it needs to know."""

    name: str
    version: str
    file: str
    sha256: str
    classes: tuple[str, ...] = ()
    signatures: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    operating_points: Mapping[str, Any] = field(default_factory=dict)
    """By policy: the threshold of a deny cue, from a recorded evaluation; read by `calibration.deny_threshold`."""

    @property
    def settings_sha256(self) -> str:
        """SHA-256 of all of this, as JSON with sorted keys: what turns the file's answers into a verdict."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def temperature(self) -> float:
        """What logits are to be divided by; 1 when the file does it itself."""
        return 1.0 if self.calibration.get("in_file", True) else usable_temperature(self.calibration)

    @property
    def dependable(self) -> frozenset[str]:
        """Classes whose absence from the answer means something; all of them unless the manifest knows better."""
        return frozenset(self.calibration.get("dependable", self.classes))


class JudgingModel(Protocol):
    """What a signal needs of a model, so that tests can hand it scripted answers: `Model` has it."""

    manifest: Manifest

    @property
    def use(self) -> ModelUse:
        """Name and digest."""

    def signatures(self) -> tuple[str, ...]:
        """What its file can be asked."""

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        """Of the first input of a signature, the batch of one included."""

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Outputs of a signature by name."""


class Model:
    """One model ready to run, shared by all checks of a process: an interpreter holds its inputs while it runs, so calls
    queue up for the tenths of a millisecond that one takes.
    """

    def __init__(self, manifest: Manifest, content: bytes) -> None:
        self.manifest = manifest
        self._interpreter = _interpreter(manifest, content)
        self._named = self._interpreter.get_signature_list()
        self._runners: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def use(self) -> ModelUse:
        """Name and digests, for the statement."""
        return ModelUse(self.manifest.name, self.manifest.sha256, self.manifest.settings_sha256)

    def signatures(self) -> tuple[str, ...]:
        """What can be asked of the model: `predict`, perhaps `explain`."""
        return tuple(self._named) or tuple(self.manifest.signatures)

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        """Shape of the first input of a signature."""
        details = self._runner(name).get_input_details() if self._named else self._interpreter.get_input_details()
        first = next(iter(details.values())) if isinstance(details, Mapping) else details[0]
        return tuple(int(length) for length in first["shape"])

    def run(self, name: str = "predict", /, **inputs: Array) -> Mapping[str, Array]:
        """Outputs by name. Raises `ModelError` when the model has no such signature or the inputs do not fit."""
        if name not in self.signatures():
            raise ModelError(
                f"model {self.manifest.name} cannot {name}",
                expected=f"one of {', '.join(self.signatures())}",
                next_step="use a model whose manifest lists this signature",
            )
        try:
            with self._lock:
                return self._runner(name)(**inputs) if self._named else self._run_plain(name, inputs)
        except (ValueError, RuntimeError) as error:
            shapes = ", ".join(f"{key} {value.shape} {value.dtype}" for key, value in inputs.items())
            raise ModelError(
                f"model {self.manifest.name} was given {shapes}",
                expected=f"input of shape {self.input_shape(name)}",
                next_step="compare the manifest's preprocessing with the model file",
            ) from error

    def _runner(self, name: str) -> Any:
        if name not in self._runners:
            self._runners[name] = self._interpreter.get_signature_runner(name)
        return self._runners[name]

    def _run_plain(self, name: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """A file without signatures: the manifest names its inputs and outputs in the file's order."""
        signature = self.manifest.signatures[name]
        for key, detail in zip(signature["inputs"], self._interpreter.get_input_details(), strict=True):
            self._interpreter.set_tensor(detail["index"], inputs[key])
        self._interpreter.invoke()
        outputs = self._interpreter.get_output_details()
        return {
            key: self._interpreter.get_tensor(detail["index"])
            for key, detail in zip(signature["outputs"], outputs, strict=True)
        }


class ModelLibrary:
    """All models of one or several folders; each file is read and checked once."""

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self._folders = tuple(folders) if folders else SHIPPED
        self._loaded: dict[str, Model] = {}
        self._lock = threading.Lock()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where models are looked for, in this order."""
        return self._folders

    def load(self, name: str) -> Model:
        """The model, one for all callers. Raises `ModelError` when it is missing, altered or malformed."""
        with self._lock:
            if name not in self._loaded:
                folder = self.folder(name)
                manifest = read_manifest(folder / "manifest.json")
                self._loaded[name] = Model(manifest, _read_checked(folder / manifest.file, manifest))
            return self._loaded[name]

    def names(self) -> tuple[str, ...]:
        """Every model that has a manifest, whether its file is there or not."""
        found = {path.parent.name for folder in self._folders for path in folder.glob("*/manifest.json")}
        return tuple(sorted(found))

    def folder(self, name: str) -> Path:
        """Where a model's manifest, file and card lie. Raises `ModelError`."""
        for folder in self._folders:
            if (folder / name / "manifest.json").is_file():
                return folder / name
        raise ModelError(
            f"no model {name!r}",
            expected=f"one of {', '.join(self.names()) or 'none'} in {', '.join(map(str, self._folders))}",
            next_step="install medauth again, or point MEDAUTH_MODELS_DIR at a folder of models",
        )


def read_manifest(path: Path) -> Manifest:
    """The manifest of one model; fields that running does not need are left out."""
    try:
        stated = path.read_bytes()
        require_flat(stated)
        manifest = _as_manifest(json.loads(stated))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise ModelError(
            f"unreadable manifest {path}: {error!r}",
            expected="JSON with name, version, file and sha256",
            next_step="install medauth again",
        ) from error
    if Path(manifest.file).name != manifest.file:
        raise ModelError(f"manifest {path} names {manifest.file!r}", expected="a file beside the manifest")
    return manifest


def _as_manifest(known: Mapping[str, Any]) -> Manifest:
    texts = {name: known[name] for name in _TEXTS}
    tables = {name: known.get(name, {}) for name in _TABLES}
    classes = known.get("classes", [])
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    wrong += [name for name, value in tables.items() if not isinstance(value, dict)]
    if wrong or not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise TypeError(f"{', '.join(wrong) or 'classes'} of another type")
    return Manifest(**texts, **tables, classes=tuple(classes))


def prepare_image(image: NDArray[np.uint8], manifest: Manifest) -> NDArray[np.float32]:
    """A picture (h, w) or (h, w, c) uint8 as a batch of one (1, h, w, c) float32, scaled as the model was trained."""
    scale = float(manifest.preprocessing.get("scale", 1.0))
    offset = float(manifest.preprocessing.get("offset", 0.0))
    pixels = image.astype(np.float32) * np.float32(scale) + np.float32(offset)
    return pixels.reshape(1, image.shape[0], image.shape[1], -1)


def _read_checked(path: Path, manifest: Manifest) -> bytes:
    """The bytes that were hashed are the bytes that run: the file is not opened a second time."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"no model file {path}",
            expected=f"the file that {manifest.name}'s manifest names",
            next_step="python scripts/fetch_models.py in a checkout, else install medauth again",
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != manifest.sha256:
        raise ModelError(
            f"model file {path} has SHA-256 {digest}",
            expected=manifest.sha256,
            next_step="delete the file and run python scripts/fetch_models.py, or install medauth again",
        )
    return content


def _interpreter(manifest: Manifest, content: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    try:
        with native_silence():
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"LiteRT cannot read {manifest.file} of model {manifest.name}: {error}",
            expected="a .tflite file of built-in operators",
            next_step="export the model again",
        ) from error
    return interpreter
