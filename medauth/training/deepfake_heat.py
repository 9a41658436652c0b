"""The deletion test: does the logit of a fake hang on the cells that the heat map of the released file marks?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import wilson_rate
from medauth.training.encoded import Runner
from medauth.training.sequence_shards import SequenceShard

DELETION = "deletion.json"
_BLANKED = 0.2
_DRAWS = 5


def judge_heat(model: Runner, sequences: SequenceShard, folder: Path, seed: int = 17, most: int = 40) -> dict[str, Any]:
    """Blank the hottest fifth of each frame's cells, and a random fifth, in forged sequences; write what came of it."""
    rng = np.random.default_rng(seed)
    falls = np.array([deletion_falls(model, images, rng) for images in sequences.images[sequences.fake][:most]])
    hottest, random = falls.mean(axis=0)
    wins = int((falls[:, 0] > falls[:, 1]).sum())
    found = {
        "sequences": len(falls),
        "hottest": round(float(hottest), 4),
        "random": round(float(random), 4),
        "hottest_moves_more": wilson_rate(wins, len(falls)).as_json(),
    }
    (folder / DELETION).write_text(json.dumps(found, indent=2) + "\n")
    return found


def deletion_falls(model: Runner, images: NDArray[np.uint8], rng: np.random.Generator) -> tuple[float, float]:
    """How far the logit of 16 crops falls: the hottest fifth blanked to the maps' mean, and on average a random one."""
    found = [model.call("encode", images=image[None].astype(np.float32)) for image in images]
    maps = np.concatenate([part["maps"] for part in found])[None]
    explained = model.call("explain", maps=maps)
    before, heat = float(explained["logit"].reshape(-1)[0]), explained["heat"]
    random = [before - logit_without(model, maps, hottest(rng.random(heat.shape))) for _ in range(_DRAWS)]
    return before - logit_without(model, maps, hottest(heat + 1e-9 * rng.random(heat.shape))), float(np.mean(random))


def hottest(values: NDArray[Any]) -> NDArray[np.bool_]:
    """The largest fifth of the cells of each frame: bool [1, 16, 9, 9]."""
    return np.asarray(values > np.quantile(values, 1 - _BLANKED, axis=(2, 3), keepdims=True))


def logit_without(model: Runner, maps: NDArray[np.float32], blanked: NDArray[np.bool_]) -> float:
    """The logit when the cells `blanked` show the mean of their map."""
    changed = np.where(blanked[..., None], maps.mean(axis=(2, 3), keepdims=True), maps).astype(np.float32)
    return float(model.call("explain", maps=changed)["logit"].reshape(-1)[0])
