"""Read the tensors of a TensorFlow.js model as npm's nsfwjs 4.3.0 (MIT) carries it: a script that holds JSON and base64.

The one pretrained MobileNetV2 that a package registry offers. Its tensors are stored in 8 bits, each with a scale.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, MissingTool

FOLDER = Path("dist", "models", "mobilenet_v2")  # inside the unpacked package
_LEAST_BASE64 = 1000  # shorter quoted texts of the script are code


def read_nsfwjs(package: Path) -> dict[str, NDArray[np.float32]]:
    """Tensors by Keras name ("block_1_expand/kernel") of the MobileNetV2 in `package`, an unpacked nsfwjs. Needs Node."""
    folder = package / FOLDER
    manifest = _manifest(folder / "model.min.js")
    found: dict[str, NDArray[np.float32]] = {}
    for group in manifest:
        content = b"".join(_shard(folder / f"{name}.min.js") for name in group["paths"])
        found |= _tensors(content, group["weights"], folder)
    return found


def _tensors(content: bytes, entries: list[dict[str, Any]], folder: Path) -> dict[str, NDArray[np.float32]]:
    found, at = {}, 0
    for entry in entries:
        shape = tuple(int(length) for length in entry["shape"])
        quantised = entry.get("quantization")
        kind = np.dtype(quantised["dtype"] if quantised else entry["dtype"])
        size = int(np.prod(shape)) * kind.itemsize
        if at + size > len(content):
            raise InputError(f"{folder} ends before tensor {entry['name']}", expected="nsfwjs 4.3.0, unpacked")
        values = np.frombuffer(content[at : at + size], kind).reshape(shape).astype(np.float32)
        if quantised:
            values = values * np.float32(quantised["scale"]) + np.float32(quantised["min"])
        found[str(entry["name"])] = values
        at += size
    return found


def _manifest(path: Path) -> list[dict[str, list[dict[str, Any]]]]:
    """The list of weights; the script is no JSON, so Node reads it."""
    _require(path)
    code = "process.stdout.write(JSON.stringify(require(process.argv[1]).weightsManifest))"
    try:
        done = subprocess.run(  # noqa: S603  # fixed program, a path that the user named
            ["node", "-e", code, str(path.resolve())],  # noqa: S607  # the Node on the developer's path
            capture_output=True,
            check=True,
        )
        return list(json.loads(done.stdout))
    except FileNotFoundError as error:
        raise MissingTool("Node is not installed", expected="`node` on the path", next_step="see setup") from error
    except (subprocess.CalledProcessError, ValueError, TypeError) as error:
        raise InputError(f"{path} lists no weights", expected="a model of nsfwjs 4.3.0") from error


def _shard(path: Path) -> bytes:
    """The bytes behind the one long base64 text of a script."""
    _require(path)
    texts = re.findall(rf'"([A-Za-z0-9+/=]{{{_LEAST_BASE64},}})"', path.read_text(encoding="utf-8"))
    if len(texts) != 1:
        raise InputError(f"{path} holds {len(texts)} base64 texts", expected="one")
    return base64.b64decode(texts[0])


def _require(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"no file {path}", expected="the folder that `npm pack nsfwjs@4.3.0` unpacks to")
