"""The training loop: resumable after a kill at any moment, seeded, with averaged weights, log and early stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.augmentation import centre_crop
from medauth.training.averaging import MovingAverage
from medauth.training.batches import Batch, BatchPlan, batch_count, epoch_batches
from medauth.training.checkpoint import Progress, Writer, resumable, save_checkpoint
from medauth.training.datasets import LabelledImages, class_weights
from medauth.training.schedule import cosine_rate, plateau_rate, should_stop
from medauth.training.warm_start import start_from_file

_MOMENT_IMAGES = 1024


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that shapes a training, besides the data and the net."""

    epochs: int = 40
    full_size_epochs: int = 12  # the last epochs use `batches`; the earlier ones `early`
    peak_rate: float = 1.5e-3
    warmup_epochs: float = 1.5
    schedule: str = "cosine"  # or "plateau"
    plateau_patience: int = 4
    stop_patience: int = 0  # epochs without a better score; 0 = never
    weight_decay: float = 0.05
    average_decay: float = 0.998
    average_every: int = 4  # steps
    class_weight_power: float = 0.2
    precision: str = "mixed_bfloat16"
    keep_best: bool = True  # release the epoch that judged best, else the last
    loss: str = "categorical"  # or "binary": one logit
    also_h5: bool = False  # write the net as .h5 too; only .keras keeps all that a resume needs
    seed: int = 7
    early: BatchPlan = field(default_factory=lambda: BatchPlan(size_px=40))
    batches: BatchPlan = field(default_factory=BatchPlan)

    def batches_of(self, epoch: int) -> BatchPlan:
        """How batches are made in `epoch` (0-based)."""
        return self.batches if epoch >= self.epochs - self.full_size_epochs else self.early


class Lessons(Protocol):
    """What a training shows and how it is judged; `train` makes it from labelled grey images by itself."""

    def count(self, epoch: int) -> int:
        """Batches in `epoch` (0-based)."""

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch`, the same at every call."""

    def judge(self, model: Any) -> dict[str, float]:
        """Figures of the net on what it was not shown, among them `score`: higher is better."""


@dataclass(frozen=True)
class ImageLessons:
    """Grey images of one split to learn from, of another to be judged on."""

    data: LabelledImages
    valid: LabelledImages
    plan: TrainingPlan

    def count(self, epoch: int) -> int:
        """See `Lessons`."""
        return batch_count(self.data, self.plan.batches_of(epoch))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Lessons`."""
        weights = class_weights(self.data.soft, self.plan.class_weight_power)
        return epoch_batches(self.data, self.plan.batches_of(epoch), weights, seed=self.plan.seed, epoch=epoch)

    def judge(self, model: Any) -> dict[str, float]:
        """See `Lessons`; the score is the accuracy."""
        images = centre_crop(self.valid.images, self.plan.batches.size_px)
        figures = judge(evaluate(model, images), self.valid)
        return {"score": figures["accuracy"], **figures}


@dataclass
class TrainingRun:
    """What moves while training."""

    model: Any
    average: MovingAverage
    progress: Progress


def train(
    build: Callable[[], Any],
    splits: tuple[LabelledImages, LabelledImages],
    plan: TrainingPlan,
    folder: Path,
    report: Callable[[str], None] = print,
    start_from: Path | None = None,
    bend_levels: float = 0.0,
) -> Any:
    """Train on splits[0], judge each epoch on splits[1], and return the best averaged net (float32).

    Starts where `folder` says an earlier run stopped, else from the weights of the file `start_from`, else from random
    ones. A larger or smaller `plan.epochs` reshapes what is left. With `bend_levels` the pictures are bent against the net
    by up to so many grey levels before it learns from them.
    """
    data, valid = splits

    def start(model: Any) -> None:
        if start_from is not None:
            start_from_file(model, start_from, centre_crop(data.images[:_MOMENT_IMAGES], plan.batches.size_px))

    lessons = ImageLessons(data, valid, plan)
    if not bend_levels:
        return train_on(build, lessons, plan, folder, report, start)
    from medauth.training.adversarial_lessons import AdversarialLessons

    hard = AdversarialLessons(lessons, bend_levels)
    return train_on(build, hard, plan, folder, report, start, meet=hard.meet)


def train_on(
    build: Callable[[], Any],
    lessons: Lessons,
    plan: TrainingPlan,
    folder: Path,
    report: Callable[[str], None] = print,
    start: Callable[[Any], None] = lambda _model: None,
    loss: Callable[[], Any] | None = None,
    meet: Callable[[Any], None] = lambda _model: None,
) -> Any:
    """Train on any lessons, by `loss` or the one that the plan names; `start` may give a fresh net its first weights, and
    `meet` is handed the net that learns, fresh or resumed. See `train`."""
    run = _resume(folder, plan, report, loss) or _start(build, plan, start, loss)
    meet(run.model)
    log = _open_log(folder / "tensorboard")
    while run.progress.epoch < plan.epochs:
        if should_stop(run.progress.scores("score"), patience=plan.stop_patience):
            report(f"early stop after {run.progress.epoch} epochs")
            break
        _one_epoch(run, plan, lessons, folder)
        entry = run.progress.history[-1]
        log(run.progress.epoch, entry)
        report(" ".join(f"{name} {value:.4g}" for name, value in entry.items()))
    return _best(build, folder, run)


def evaluate(model: Any, images: NDArray[np.float32], batch: int = 64) -> NDArray[np.float32]:
    """Logits float32 [N, C] of `model` for float32 [N, S, S, 1], in batches of one size (oneDNN is unsafe with odd ones)."""
    padded = np.concatenate([images, np.zeros((-len(images) % batch, *images.shape[1:]), np.float32)])
    parts = [model.predict_on_batch(padded[at : at + batch]) for at in range(0, len(padded), batch)]
    return np.asarray(np.concatenate(parts)[: len(images)], dtype=np.float32)


def judge(logits: NDArray[np.float32], data: LabelledImages) -> dict[str, float]:
    """Accuracy on images with a majority label (classes that have one), mean recall, cross-entropy to the votes."""
    shown = np.unique(data.majority[data.majority >= 0])
    agreed = data.majority >= 0
    chosen = shown[logits[agreed][:, shown].argmax(axis=1)]
    truth = data.majority[agreed]
    log_share = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
    log_share -= logits.max(axis=1, keepdims=True)
    return {
        "accuracy": float((chosen == truth).mean()),
        "mean_recall": float(np.mean([(chosen[truth == index] == index).mean() for index in shown])),
        "cross_entropy": float(-(data.soft * log_share).sum(axis=1).mean()),
    }


def _start(
    build: Callable[[], Any], plan: TrainingPlan, start: Callable[[Any], None], loss: Callable[[], Any] | None
) -> TrainingRun:
    keras.utils.set_random_seed(plan.seed)
    keras.mixed_precision.set_global_policy(plan.precision)
    model = build()
    start(model)
    _compile(model, plan, loss)
    average = MovingAverage(model.get_weights(), decay=plan.average_decay)
    return TrainingRun(model, average, Progress(seed=plan.seed, plan=asdict(plan)))


def _compile(model: Any, plan: TrainingPlan, loss: Callable[[], Any] | None) -> None:
    """Give `model` a fresh optimizer; a stored one would forget which variables its weight decay leaves alone."""
    optimizer = keras.optimizers.AdamW(plan.peak_rate, weight_decay=plan.weight_decay, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(model.trainable_variables)
    # Not through XLA: its convolutions for the CPU leave the bfloat16 tiles of current ones idle (half the speed).
    jit = "auto" if keras.config.backend() != "tensorflow" else False
    losses = {"categorical": keras.losses.CategoricalCrossentropy, "binary": keras.losses.BinaryCrossentropy}
    model.compile(optimizer, loss() if loss else losses[plan.loss](from_logits=True), jit_compile=jit)


def _resume(
    folder: Path, plan: TrainingPlan, report: Callable[[str], None], loss: Callable[[], Any] | None
) -> TrainingRun | None:
    progress = resumable(folder, plan.seed)
    if progress is None:
        return None
    report(f"resuming after epoch {progress.epoch}")
    keras.utils.set_random_seed(plan.seed + progress.epoch)
    keras.mixed_precision.set_global_policy(plan.precision)
    model = keras.saving.load_model(folder / progress.files["net"])
    memory = [np.array(variable) for variable in model.optimizer.variables]
    _compile(model, plan, loss)
    for variable, value in zip(model.optimizer.variables, memory, strict=True):
        variable.assign(value)
    average = MovingAverage.load(folder / progress.files["average"], decay=plan.average_decay)
    return TrainingRun(model, average, progress)


def _one_epoch(run: TrainingRun, plan: TrainingPlan, lessons: Lessons, folder: Path) -> None:
    epoch, started = run.progress.epoch, time.monotonic()
    count = lessons.count(epoch)
    _reseed(run.model, plan.seed, epoch)
    loss = _fit(run, plan, _with_bar(lessons.epoch(epoch), count, epoch), count)
    live = run.model.get_weights()
    run.model.set_weights(run.average.weights)
    figures = lessons.judge(run.model)
    score = figures["score"]
    entry = {"epoch": epoch + 1.0, "size_px": float(plan.batches_of(epoch).size_px), "loss": loss, **figures}
    entry |= {"rate": float(run.model.optimizer.learning_rate), "seconds": time.monotonic() - started}
    # Epochs that were judged on other things say nothing about this one.
    before = [past["score"] for past in run.progress.history if past.keys() == entry.keys()]
    run.progress = Progress(epoch + 1, plan.seed, asdict(plan), (*run.progress.history, entry), run.progress.files)
    writers: dict[str, Writer] = {"average.npz": run.average.save}
    if not plan.keep_best or not before or score >= max(before):
        writers["best.npz"] = run.average.save
    run.model.set_weights(live)
    writers["net.keras"] = run.model.save
    if plan.also_h5:
        writers["legacy.h5"] = run.model.save
    run.progress = save_checkpoint(folder, run.progress, writers)


def _reseed(model: Any, seed: int, epoch: int) -> None:
    """Set the state of dropout from seed and epoch: checkpoints do not hold it, and a resume must repeat it."""
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign([seed, epoch << 20])


def _fit(run: TrainingRun, plan: TrainingPlan, batches: Iterator[Batch], count: int) -> float:
    """Train one epoch of `count` batches and return the mean loss."""
    losses = []
    for index, batch in enumerate(batches):
        run.model.optimizer.learning_rate.assign(_rate(run, plan, index, count))
        losses.append(float(run.model.train_on_batch(batch.images, batch.targets, sample_weight=batch.weights)))
        if (index + 1) % plan.average_every == 0:
            run.average.update(run.model.get_weights(), steps=plan.average_every)
    run.model.reset_metrics()
    return float(np.mean(losses))


def _rate(run: TrainingRun, plan: TrainingPlan, index: int, count: int) -> float:
    if plan.schedule == "plateau":
        scores = run.progress.scores("score")
        return plateau_rate(scores, peak=plan.peak_rate, patience=plan.plateau_patience)
    return cosine_rate(
        run.progress.epoch * count + index,
        total_steps=plan.epochs * count,
        warmup_steps=int(plan.warmup_epochs * count),
        peak=plan.peak_rate,
    )


def _best(build: Callable[[], Any], folder: Path, run: TrainingRun) -> Any:
    """The net with the averaged weights that scored best on the validation split, in float32."""
    keras.mixed_precision.set_global_policy("float32")
    model = build()
    best = run.progress.files.get("best")
    model.set_weights(MovingAverage.load(folder / best, decay=0.0).weights if best else run.average.weights)
    return model


def _with_bar(batches: Iterator[Batch], count: int, epoch: int) -> Iterator[Batch]:
    from rich.progress import track

    yield from track(batches, description=f"epoch {epoch + 1}", total=count, transient=True)


def _open_log(folder: Path) -> Callable[[int, dict[str, float]], None]:
    """A function that writes figures to a TensorBoard log, or does nothing on another backend than TensorFlow."""
    if keras.config.backend() != "tensorflow":
        return lambda _epoch, _figures: None
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def log(epoch: int, figures: dict[str, float]) -> None:
        with writer.as_default():
            for name, value in figures.items():
                tf.summary.scalar(name, value, step=epoch)
        writer.flush()

    return log
