"""Training of the net for short movements: seeded, resumable after a kill at any moment, minutes on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.averaging import MovingAverage
from medauth.training.checkpoint import Progress, resumable, save_checkpoint
from medauth.training.layers import Standardise  # noqa: F401 - registers our layers for loading
from medauth.training.micro_expression import build_micro_model
from medauth.training.micro_synthesis import MovementMaps
from medauth.training.schedule import cosine_rate, should_stop

_CHUNK = 64


@dataclass(frozen=True)
class MicroPlan:
    """Everything that shapes this training, besides the faces."""

    epochs: int = 14
    batch: int = 64
    peak_rate: float = 2e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 1e-3
    average_decay: float = 0.995
    smoothing: float = 0.05
    stop_patience: int = 8
    copies: int = 5
    """Movements drawn on each training face."""
    seed: int = 7


def train_movements(
    train: MovementMaps, valid: MovementMaps, plan: MicroPlan, folder: Path, report: Callable[[str], None] = print
) -> tuple[Any, Progress]:
    """The averaged net that scored best on `valid`, and the course of the training; goes on where `folder` left off."""
    keras.utils.set_random_seed(plan.seed)
    model, average, progress = _resume(folder, plan, report) or _start(plan)
    count = len(train.labels) // plan.batch
    while progress.epoch < plan.epochs and not should_stop(progress.scores("score"), patience=plan.stop_patience):
        started, epoch = time.monotonic(), progress.epoch
        loss = _one_epoch(model, average, train, plan, epoch, count)
        live = model.get_weights()
        model.set_weights(average.weights)
        accuracy = float((movement_logits(model, valid.maps).argmax(axis=1) == valid.labels).mean())
        entry = {"epoch": epoch + 1.0, "loss": loss, "score": accuracy, "accuracy": accuracy}
        entry["seconds"] = time.monotonic() - started
        best = not progress.history or accuracy >= max(progress.scores("score"))
        progress = Progress(epoch + 1, plan.seed, asdict(plan), (*progress.history, entry), progress.files)
        model.set_weights(live)
        writers = {"average.npz": average.save, "net.keras": model.save}
        progress = save_checkpoint(folder, progress, writers | ({"best.npz": average.save} if best else {}))
        report(" ".join(f"{name} {value:.4g}" for name, value in entry.items()))
    model = build_micro_model()
    model.set_weights(MovingAverage.load(folder / progress.files["best"], decay=0.0).weights)
    return model, progress


def movement_logits(model: Any, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits float32 [N, C], in batches of one size."""
    padded = np.concatenate([maps, np.zeros((-len(maps) % _CHUNK, *maps.shape[1:]), np.float32)])
    parts = [np.asarray(model.predict_on_batch(padded[at : at + _CHUNK])) for at in range(0, len(padded), _CHUNK)]
    return np.asarray(np.concatenate(parts)[: len(maps)], np.float32)


def vary(maps: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Mirrored at random (with the horizontal flow turned round), moved by a cell or two, a little noisy."""
    flipped = rng.random(len(maps)) < 0.5  # noqa: PLR2004 - either way
    varied = maps.copy()
    varied[flipped] = varied[flipped, :, ::-1] * np.array([-1.0, 1.0, 1.0], np.float32)
    down, right = rng.integers(-1, 2, 2)
    varied = np.roll(varied, (int(down), int(right)), axis=(1, 2))
    noise = rng.normal(0.0, 0.04, varied.shape).astype(np.float32)
    return np.asarray(varied * rng.uniform(0.8, 1.2, (len(maps), 1, 1, 1)).astype(np.float32) + noise, np.float32)


def _one_epoch(
    model: Any, average: MovingAverage, train: MovementMaps, plan: MicroPlan, epoch: int, count: int
) -> float:
    rng = np.random.default_rng((plan.seed, epoch))
    order, losses = rng.permutation(len(train.labels)), []
    targets = np.eye(model.output_shape[-1], dtype=np.float32)
    for index in range(count):
        chosen = order[index * plan.batch : (index + 1) * plan.batch]
        rate = cosine_rate(
            epoch * count + index,
            total_steps=plan.epochs * count,
            warmup_steps=int(plan.warmup_epochs * count),
            peak=plan.peak_rate,
        )
        model.optimizer.learning_rate.assign(rate)
        losses.append(float(model.train_on_batch(vary(train.maps[chosen], rng), targets[train.labels[chosen]])))
        average.update(model.get_weights())
    model.reset_metrics()
    return float(np.mean(losses))


def _start(plan: MicroPlan) -> tuple[Any, MovingAverage, Progress]:
    model = build_micro_model()
    _compile(model, plan)
    return (
        model,
        MovingAverage(model.get_weights(), decay=plan.average_decay),
        Progress(seed=plan.seed, plan=asdict(plan)),
    )


def _resume(folder: Path, plan: MicroPlan, report: Callable[[str], None]) -> tuple[Any, MovingAverage, Progress] | None:
    progress = resumable(folder, plan.seed)
    if progress is None:
        return None
    report(f"resuming after epoch {progress.epoch}")
    model = keras.saving.load_model(folder / progress.files["net"])
    return model, MovingAverage.load(folder / progress.files["average"], decay=plan.average_decay), progress


def _compile(model: Any, plan: MicroPlan) -> None:
    optimizer = keras.optimizers.AdamW(plan.peak_rate, weight_decay=plan.weight_decay, clipnorm=5.0)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=plan.smoothing)
    model.compile(optimizer, loss, jit_compile=False)
