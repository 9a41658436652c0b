"""The deepfake net as one `.tflite`: `encode` each frame, `score` sixteen, `explain` what the score looks at."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.deepfake_net import CHANNELS
from medauth.training.export import Endpoint, check_agreement, write_litert
from medauth.training.face_bank import CROP_PX
from medauth.training.forged_samples import CELLS
from medauth.training.litert_file import join_signatures
from medauth.training.sequences import LENGTH
from medauth.training.temporal import explain_maps

HALF_PRECISION = 0.01
"""How far the encoder's answers may lie from the net's, as a share of the largest in its maps."""


def encode_endpoint(encoder: Any, direction: tuple[NDArray[np.float32], float]) -> Endpoint:
    """Signature `encode`: one crop to the vector of a frame, its maps, and what the frame alone says."""
    kernel, bias = direction

    def encode(images: Any) -> dict[str, Any]:
        maps, vector = encoder(images, training=False)
        return {"vector": vector, "maps": maps, "logit": keras.ops.matmul(vector, kernel.reshape(-1, 1)) + bias}

    return Endpoint("encode", encode, {"images": (1, CROP_PX, CROP_PX, 3)})


def score_endpoint(head: Any, temperature: float) -> Endpoint:
    """Signature `score`: the vectors of 16 frames to the logit of a fake, calibrated by `temperature`, and its chance."""

    def score(vectors: Any) -> dict[str, Any]:
        logit = head(vectors, training=False) / temperature
        return {"logit": logit, "probability": keras.ops.sigmoid(logit)}

    return Endpoint("score", score, {"vectors": (1, LENGTH, CHANNELS)})


def explain_endpoint(head: Any) -> Endpoint:
    """Signature `explain`: the maps of 16 frames to Grad-CAM heat for each, and the logit before calibration."""

    def explain(maps: Any) -> dict[str, Any]:
        return explain_maps(head, maps)

    return Endpoint("explain", explain, {"maps": (1, LENGTH, CELLS, CELLS, CHANNELS)})


def write_encoder(encoder: Any, direction: tuple[NDArray[np.float32], float], path: Path) -> None:
    """A file with `encode` alone: what makes vectors for the training of the head."""
    write_litert(encoder, [encode_endpoint(encoder, direction)], path)


def write_deepfake(
    encoder: Any,
    direction: tuple[NDArray[np.float32], float],
    head: Any,
    temperature: float,
    path: Path,
    crops: NDArray[np.uint8],
    encode: Path,
) -> float:
    """Write the whole file and return the largest difference to the nets on `crops` uint8 [16, 144, 144, 3].

    `encode` is the file that `write_encoder` left. The encoder's weights are kept in half precision, which moves its
    answers by a small share of their range; the head's are not, so that the explanation equals the reference to 1e-3.
    """
    frame = encode_endpoint(encoder, direction)
    window = [score_endpoint(head, temperature), explain_endpoint(head)]
    with tempfile.TemporaryDirectory() as folder:
        second = Path(folder, "head.tflite")
        write_litert(head, window, second, weights="float32")
        path.parent.mkdir(parents=True, exist_ok=True)
        join_signatures(encode, second, path)
    images = crops.astype(np.float32)
    maps, vectors = (np.asarray(part)[None] for part in encoder(images, training=False))
    check_agreement(path, window, [{"maps": maps, "vectors": vectors}], 1e-3)
    # The longer a training, the wider the maps' range, and half precision errs by a share of it.
    widest = float(np.abs(maps).max())
    return check_agreement(path, [frame], [{"images": image[None]} for image in images], HALF_PRECISION * widest)
