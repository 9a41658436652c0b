"""Checkpoints that survive a kill at any moment: files are written under new names, then one small file names them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medauth.errors import InputError

_STATE = "state.json"


@dataclass(frozen=True)
class Progress:
    """How far a training has come. `epoch` epochs are done; `history` holds one dictionary of figures for each."""

    epoch: int = 0
    seed: int = 0
    plan: dict[str, Any] = field(default_factory=dict)
    history: tuple[dict[str, float], ...] = ()
    files: dict[str, str] = field(default_factory=dict)  # role -> file name in the folder

    def scores(self, figure: str) -> list[float]:
        """The values of one figure, epoch by epoch."""
        return [entry[figure] for entry in self.history]


Writer = Callable[[Path], None]


def save_checkpoint(folder: Path, progress: Progress, writers: dict[str, Writer]) -> Progress:
    """Write each role's file (`writers`: "role.suffix" -> function that writes a path), then the state, atomically.

    A kill before the last step leaves the earlier checkpoint in force. Files that no state names are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = dict(progress.files)
    for name, write in writers.items():
        role, suffix = name.split(".", 1)
        target = folder / f"{role}-{progress.epoch:04d}.{suffix}"
        partial = folder / f"partial-{role}.{suffix}"
        write(partial)
        _flush(partial)
        partial.replace(target)
        files[role] = target.name
    saved = Progress(progress.epoch, progress.seed, progress.plan, progress.history, files)
    partial = folder / f"partial-{_STATE}"
    partial.write_text(json.dumps(asdict(saved), indent=1))
    _flush(partial)
    partial.replace(folder / _STATE)
    _remove_unnamed(folder, set(files.values()), {name.split(".", 1)[0] for name in writers} | set(files))
    return saved


def load_progress(folder: Path) -> Progress | None:
    """Read the state of an earlier run, or None when there is none; refuses a state whose files are gone."""
    path = folder / _STATE
    if not path.exists():
        return None
    try:
        state = json.loads(path.read_text())
        progress = Progress(**{**state, "history": tuple(state["history"])})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} is not a training state", next_step="remove the work folder to start afresh"
        ) from error
    missing = [name for name in progress.files.values() if not (folder / name).exists()]
    if missing:
        raise InputError(f"{folder} lacks {missing}", next_step="remove the work folder to start afresh")
    return progress


def resumable(folder: Path, seed: int) -> Progress | None:
    """`load_progress` for a training that goes on. Refuses another seed: what came out would be nobody's seed."""
    progress = load_progress(folder)
    if progress is not None and progress.seed != seed:
        raise InputError(
            f"{folder} holds a training begun with seed {progress.seed}",
            expected=f"seed {seed}, which was asked for",
            next_step=f"--seed {progress.seed} to go on with it, or another --work to start afresh",
        )
    return progress


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_unnamed(folder: Path, named: set[str], roles: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in named and path.name.rsplit("-", 1)[0] in roles:
            path.unlink()
