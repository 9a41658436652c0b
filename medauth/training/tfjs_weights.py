"""Read the tensors of a TensorFlow.js model as npm's nsfwjs 4.3.0 (MIT) carries it: a script that holds JSON and base64.

The one pretrained MobileNetV2 that a package registry offers. Its tensors are stored in 8 bits, each with a scale.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
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
        found |= unpack_tensors(content, group["weights"], str(folder))[0]
    return found


def unpack_tensors(
    content: bytes, entries: Sequence[Mapping[str, Any]], name: str
) -> tuple[dict[str, NDArray[np.float32]], int]:
    """The listed tensors as float32, in their order from the first byte of `content`, and how many bytes they took.

    Raises `InputError` where `content`, of the file `name`, ends too early.
    """
    found, at = {}, 0
    for entry in entries:
        packing = entry.get("quantization")
        kind = np.dtype(packing["dtype"] if packing else entry["dtype"]).newbyteorder("<")
        count = int(np.prod(entry["shape"]))
        if at + count * kind.itemsize > len(content):
            raise InputError(f"{name} ends within {entry['name']}", expected="the file that the list of tensors is of")
        values = np.frombuffer(content, kind, count, at).astype(np.float32).reshape(entry["shape"])
        if packing:
            values = values * np.float32(packing["scale"]) + np.float32(packing["min"])
        found[str(entry["name"])] = values
        at += count * kind.itemsize
    return found, at


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
