"""How right a model still is when its pictures are bent against it, over epsilon, with pictures to look at.

Beside both attacks stands noise of the same size: what noise does too, no gradient was needed for. Bent pictures are
rounded to whole grey levels, as a file would hold them, and judged by the model file itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.adversarial import Floats, bent, fgsm, pgd
from medauth.evaluation.folders import Folder
from medauth.evaluation.still import Unusable
from medauth.training.attacked_model import BATCH, Reader
from medauth.training.judging import Rate, wilson_rate

_SHOWN = 6
_LOUDER = 8
"""The difference is shown so many times as strong."""


@dataclass(slots=True)
class AdversarialRow:
    """One attack at one epsilon."""

    attack: str
    epsilon: float
    accuracy: Rate
    by_group: dict[str, Rate]

    def to_json(self) -> dict[str, Any]:
        """Figures with their intervals."""
        by_group = {name: rate.as_json() for name, rate in self.by_group.items()}
        return {
            "attack": self.attack,
            "epsilon": self.epsilon,
            "accuracy": self.accuracy.as_json(),
            "by_group": by_group,
        }


@dataclass(slots=True)
class AdversarialReport:
    """All rows; `examples` are (clean, bent, true group, answer) of pictures that were turned at the largest epsilon."""

    model: str
    sha256: str
    rows: list[AdversarialRow]
    unusable: Counter[str]
    examples: list[tuple[Floats, Floats, str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Without the pictures."""
        return {
            "format": "medauth adversarial evaluation v1",
            "model": self.model,
            "model_sha256": self.sha256,
            "unusable": dict(self.unusable),
            "rows": [row.to_json() for row in self.rows],
        }


def crops_of(
    reader: Reader, folder: Folder, limit: int, on_item: Callable[[], None] = lambda: None
) -> tuple[Floats, NDArray[np.int64], Counter[str]]:
    """Crops (n, side, side, channels) of at most `limit` items, evenly spread, their true groups, and why others have none."""
    items = [folder.items[int(at)] for at in np.linspace(0, len(folder.items) - 1, min(limit, len(folder.items)))]
    rows: list[Floats] = []
    truth: list[int] = []
    unusable: Counter[str] = Counter()
    for item in items:
        try:
            found = reader.crops(item)
        except Unusable as problem:
            unusable[problem.code] += 1
            found = []
        rows += found
        truth += [reader.group_of(item.label)] * len(found)
        on_item()
    return np.stack(rows).astype(np.float32), np.array(truth, np.int64), unusable


def attack_accuracy(
    reader: Reader,
    crops: Floats,
    truth: NDArray[np.int64],
    *,
    epsilons: Sequence[float],
    steps: int = 20,
    seed: int = 0,
    on_row: Callable[[AdversarialRow], None] = lambda _row: None,
) -> AdversarialReport:
    """Clean, then noise, FGSM and PGD at each epsilon in grey levels."""
    use = reader.model.use
    report = AdversarialReport(use.name, use.sha256, [], Counter())
    clean = reader.answers(crops)
    _note(report, _row(reader, "none", 0.0, clean, truth), on_row)
    for epsilon in sorted(epsilons):
        rng = np.random.default_rng((seed, int(1000 * epsilon)))
        noisy = np.clip(crops + np.float32(epsilon) * rng.choice(np.array([-1, 1], np.float32), crops.shape), 0, 255)
        _note(report, _row(reader, "noise", epsilon, reader.answers(np.rint(noisy)), truth), on_row)
        for name, bend in (("FGSM", fgsm(epsilon)), (f"PGD, {steps} steps", pgd(epsilon, steps))):
            moved = _bent_in_parts(reader, crops, truth, bend, rng)
            answers = reader.answers(moved)
            _note(report, _row(reader, name, epsilon, answers, truth), on_row)
        report.examples = _examples(reader, crops, moved, clean, answers, truth)
    return report


def _note(report: AdversarialReport, row: AdversarialRow, on_row: Callable[[AdversarialRow], None]) -> None:
    report.rows.append(row)
    on_row(row)


def _bent_in_parts(
    reader: Reader, crops: Floats, truth: NDArray[np.int64], bend: Any, rng: np.random.Generator
) -> Floats:
    parts = [
        bent(crops[at : at + BATCH], reader.slope(truth[at : at + BATCH]), bend, rng)
        for at in range(0, len(crops), BATCH)
    ]
    return np.rint(np.concatenate(parts)).astype(np.float32)


def _row(
    reader: Reader, attack: str, epsilon: float, answers: NDArray[Any], truth: NDArray[np.int64]
) -> AdversarialRow:
    right = answers.argmax(axis=1) == truth
    by_group = {
        name: wilson_rate(int(right[truth == index].sum()), int((truth == index).sum()))
        for index, name in enumerate(reader.groups)
        if (truth == index).any()
    }
    return AdversarialRow(attack, epsilon, wilson_rate(int(right.sum()), len(truth)), by_group)


def _examples(
    reader: Reader, crops: Floats, moved: Floats, before: NDArray[Any], after: NDArray[Any], truth: NDArray[np.int64]
) -> list[tuple[Floats, Floats, str, str]]:
    """Pictures that were read rightly before and wrongly after."""
    names = tuple(reader.groups)
    turned = np.flatnonzero((before.argmax(axis=1) == truth) & (after.argmax(axis=1) != truth))
    return [(crops[k], moved[k], names[truth[k]], names[int(after[k].argmax())]) for k in turned[:_SHOWN]]


def write_examples(report: AdversarialReport, folder: Path) -> list[Path]:
    """One picture each: as it was, as it was bent, and the difference eight times as strong around grey."""
    written = []
    for number, (clean, moved, was, is_now) in enumerate(report.examples, start=1):
        difference = np.clip(128 + _LOUDER * (moved - clean), 0, 255)
        strip = np.concatenate([clean, moved, difference], axis=1).astype(np.uint8)
        large = cv2.resize(strip, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
        path = folder / f"bent-{number}-{was}-as-{is_now}.png"
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(cv2.error):
            cv2.imwrite(str(path), large)
            written.append(path)
    return written
