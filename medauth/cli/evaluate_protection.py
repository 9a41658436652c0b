"""`medauth evaluate adversarial --protect`: one picture that expression readers misread, or how often that works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medauth.bootstrap import Medauth
from medauth.cli.bundle import write_file
from medauth.cli.console import console, json_bytes, print_json, print_table, print_title
from medauth.ensemble import local_model
from medauth.errors import InputError
from medauth.evaluation.folders import MANIFEST, PICTURES, Item, read_folder
from medauth.evaluation.metrics import wilson_rate
from medauth.evaluation.still import Onlooker, Unusable
from medauth.signals.emotion_reader import EmotionModel, TrackModel
from medauth.training.attacked_model import reader_for
from medauth.training.protecting import Protection, as_sent, protected, readings
from medauth.training.protection_run import KINDS, SENT, ProtectionReport, protect_many

READERS = ("expression", "expression_mobilenet", "expression_student")
"""Attacked together unless others are named."""
_ASKED = (*READERS, "expression_robust", "expression_landmarks", "fer_mini_xception")
"""Asked what they see before and after, whether they were attacked or not."""


def protect_picture(
    auth: Medauth, path: Path, nets: tuple[str, ...], how: Protection, out: Path, *, as_json: bool
) -> None:
    """Writes the picture, and what readers make of it."""
    target = out if out != Path() else path.with_name(f"{path.stem}-protected.png")
    with Onlooker() as onlooker:
        try:
            image, track = onlooker.still(Item(path, path.name, ""))
        except Unusable as problem:
            raise InputError(f"{path} {problem.text}", expected="a picture of one face, or a folder of them") from None
        moved = protected(image, track, [reader_for(name, auth.models, onlooker) for name in nets], how)
    asked = _asked(auth, nets)
    before = readings(image, track, asked)
    after = {kind: readings(sent, track, asked) for kind, sent in as_sent(moved).items()}
    write_file(target, cv2.imencode(".png", moved)[1].tobytes())
    found: dict[str, Any] = {
        "written": str(target), "epsilon": how.epsilon, "attacked": list(nets), "before": before, "after": after
    }  # fmt: skip
    if as_json:
        print_json(found)
        return
    print_title(f"{target}: no value moved by more than {how.epsilon:g} of 255")
    rows = [
        (_named(name, nets), _said(before[name]), *(_said(seen[name]) for seen in after.values())) for name in before
    ]
    print_table(("model", "before", *after), rows)
    console.print("  * not attacked. Other readers, crops and later ones may see through it.", style="dim")


def protect_folder(
    auth: Medauth,
    path: Path,
    split: str,
    nets: tuple[str, ...],
    how: Protection,
    limit: int,
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Counts over a folder; writes figures, no picture."""
    items = _spread(_pictures(path, split), limit)
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Onlooker() as onlooker, Progress(*columns, console=console, transient=True) as progress:
        readers, task = [reader_for(name, auth.models, onlooker) for name in nets], progress.add_task("bending")
        progress.update(task, total=len(items))
        found = protect_many(items, readers, _asked(auth, nets), how, onlooker, lambda: progress.advance(task))
    target = (out if out != Path() else Path("protection")) / "protection.json"
    written = found.to_json() | {"data": {"folder": path.name, "split": split}}
    write_file(target, json_bytes(written))
    if as_json:
        print_json(written)
        return
    _print(found, written)
    console.print(f"  {target}")


def _print(found: ProtectionReport, written: dict[str, Any]) -> None:
    print_title(f"{found.pictures} pictures, {sum(found.unusable.values())} unusable; share read as another expression")
    seen_as, alike = written["face_psnr_db"], written["face_ssim"]
    console.print(
        f"  the face changed by {seen_as['median']:.1f} dB PSNR ({seen_as['least']:.1f} to {seen_as['most']:.1f}), "
        f"{alike['median']:.3f} SSIM ({alike['least']:.3f} to {alike['most']:.3f})"
    )
    names = [_named(name, found.attacked) for name in found.models]
    rows = []
    for kind in KINDS:
        for sent in SENT:
            n = found.pictures - found.lost[kind, sent]
            rates = [wilson_rate(found.turned[kind, sent, name], n) for name in found.models]
            rows.append((kind, sent, *(f"{rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]" for rate in rates)))
    print_table(("picture", "sent", *names), rows)
    console.print("  * not attacked.", style="dim")


def _pictures(path: Path, split: str) -> list[Item]:
    """Those of a labelled folder, or whatever lies in one: what they show need not be known."""
    if (path / MANIFEST).is_file():
        return [item for item in read_folder(path, split).items if not item.is_clip]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in PICTURES and file.is_file())
    if not found:
        raise InputError(f"{path} holds no picture", expected=", ".join(sorted(PICTURES)))
    return [Item(file, str(file.relative_to(path)), "") for file in found]


def _spread(items: list[Item], limit: int) -> list[Item]:
    return [items[int(at)] for at in np.linspace(0, len(items) - 1, min(limit, len(items)))]


def _asked(auth: Medauth, nets: tuple[str, ...]) -> list[EmotionModel | TrackModel]:
    """Whoever of them is here, and the nets that are attacked."""
    names = dict.fromkeys((*nets, *(name for name in _ASKED if _there(auth, name))))
    return [local_model(name, auth.models) for name in names]


def _there(auth: Medauth, name: str) -> bool:
    """A manifest may be here whose file is fetched at need."""
    return name in auth.models.names() and any(auth.models.folder(name).glob("*.tflite"))


def _named(name: str, attacked: tuple[str, ...]) -> str:
    return name if name in attacked else f"{name} *"


def _said(seen: tuple[str, float]) -> str:
    return f"{seen[0]} {seen[1]:.2f}"
