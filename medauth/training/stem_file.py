"""The frozen stem as a LiteRT file of the work folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.deepfake_net import build_stem
from medauth.training.export import Endpoint, LiteRtModel, write_litert
from medauth.training.face_bank import CROP_PX
from medauth.training.mobilenet import Weights, load_folded


class Stem:
    """Pictures to features; the file is written where it is missing."""

    def __init__(self, path: Path, weights: Weights) -> None:
        if not path.exists():
            write_stem(path, weights)
        self._model = LiteRtModel(path)

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Float16 [N, 7, 7, C] of uint8 BGR [N, 112, 112, 3]."""
        rgb = images[..., ::-1].astype(np.float32)
        found = [self._model.call("stem", images=image[None])["features"][0] for image in rgb]
        return np.asarray(np.stack(found), dtype=np.float16)


def write_stem(path: Path, weights: Weights) -> None:
    """Write the stem with a pretrained MobileNetV2's weights as a `.tflite` of its own."""
    keras.mixed_precision.set_global_policy("float32")
    stem = build_stem()
    load_folded(stem, weights)

    def run(images: Any) -> dict[str, Any]:
        return {"features": stem(images, training=False)}

    write_litert(stem, [Endpoint("stem", run, {"images": (1, CROP_PX, CROP_PX, 3)})], path, weights="float32")
