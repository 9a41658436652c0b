"""What a check costs: `make bench` prints a table with medians and writes the same as JSON.

Ratios are taken within one run, frame by frame, because machines are noisy; decoding is left out, since a server decodes
what the camera encoded whatever comes after.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from medauth import bootstrap
from medauth.auditing import log_audit
from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.config import Settings
from medauth.evaluation.anchoring_cost import SIZES, AnchoringCost, anchoring_costs
from medauth.evaluation.development_nodes import development_nodes
from medauth.evaluation.ledger_scale import STRICT, Growth, growth, primitive_us
from medauth.evaluation.rehearsal import CLIP, FRANCK
from medauth.evaluation.signal_cost import costs_of
from medauth.evidence.commitment import FrameChain
from medauth.protocol.ceremony import Ceremony
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Frame
from medauth.protocol.policy import STANDARD
from medauth.signals.face_track import bare_mesh
from medauth.silence import native_silence
from medauth.store.interface import MAIN_LOG

WIDTH, HEIGHT = 640, 480
_FRAMES, _WARM_UP = 400, 30
_COMPARED = 1_000
"""Records in the checkpoint for which the prototype's figures are known."""
_LARGE = 100_000
"""Records from which starting processes weighs nothing."""

console, progress = Console(highlight=False), Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. `goal` is what the project promises; empty where it promises nothing."""

    name: str
    value: float
    unit: str
    goal: str = ""
    note: str = ""


def bench(
    clip: Annotated[Path, typer.Option(help="A clip of one face.")] = CLIP,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("bench.json"),
    records: Annotated[int, typer.Option(help="Records to anchor in one checkpoint and to audit.", min=1)] = 1_000,
    million: Annotated[
        bool, typer.Option("--million", help="Audits of a million simulated records too; takes some ten minutes.")
    ] = False,
) -> None:
    """Measure start-up, cost per frame, memory, verdict, anchoring and audit."""
    parts: Sequence[Callable[[], list[Measure]]] = (
        start_up,
        lambda: frame_cost(clip),
        lambda: part_costs(clip),
        lambda: memory(clip),
        lambda: verdict_delay(clip),
        lambda: ledger(records),
        lambda: chains(SIZES),
        lambda: scale((1_000, 100_000, 1_000_000) if million else (1_000, 100_000)),
    )
    measures = [measure for part in track(parts, "measuring", console=progress, transient=True) for measure in part()]
    _print(measures)
    out.write_text(json.dumps([asdict(m) for m in measures], indent=2) + "\n")


def _print(measures: Sequence[Measure]) -> None:
    rows = [("measure", "median", "unit", "goal", "how")]
    rows += [(m.name, f"{m.value:,.2f}", m.unit, m.goal, m.note) for m in measures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, value, unit, goal, note in rows:
        console.print(
            f"{name:<{widths[0]}}  {value:>{widths[1]}}  {unit:<{widths[2]}}  {goal:<{widths[3]}}  {note}",
            soft_wrap=True,
        )


def start_up() -> list[Measure]:
    """Import, and from nothing to the first judged frame, in fresh processes; median of five."""
    importing = "import time; t = time.perf_counter(); import medauth; print(time.perf_counter() - t)"
    ready = (
        "import time; t = time.perf_counter()\n"
        "import medauth, numpy as np\n"
        "s = medauth.open().start(subject='bench')\n"
        "s.push(np.zeros((480, 640, 3), np.uint8))\n"
        "print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as folder:
        return [
            Measure("import medauth", _fresh(importing, folder), "s", "< 0.3"),
            Measure("start to first judged frame", _fresh(ready, folder), "s", "< 2", "keys and mirror made"),
        ]


def frame_cost(clip: Path) -> list[Measure]:
    """CPU time a frame of the whole chain beside bare FaceMesh, frame by frame in turn."""
    frames = _frames(clip)
    mesh = bare_mesh()
    challenge = Challenge("bench", FRANCK.steps, bytes(32), scripted=True)
    observer = bootstrap.open(Settings()).observer(challenge, STANDARD)
    ceremony = Ceremony(challenge, STANDARD.timing)
    chain = FrameChain("bench")

    def whole(frame: Frame) -> None:
        digest = hashlib.sha256(frame.jpeg).digest()
        observation = observer.observe(frame, ceremony.prompt)
        ceremony.advance(frame.t_ms, observer.posture(observation))
        chain.add(digest, frame.t_ms)

    with native_silence():  # the first face loads, and reports, what comes after it
        mesh(np.ascontiguousarray(frames[0].image[:, :, ::-1]))
    bare_ms, whole_ms = [], []
    for frame in frames:
        rgb = np.ascontiguousarray(frame.image[:, :, ::-1])
        bare_ms.append(_cpu_ms(mesh, rgb))
        whole_ms.append(_cpu_ms(whole, frame))
    observer.close()
    bare_ms, whole_ms = bare_ms[_WARM_UP:], whole_ms[_WARM_UP:]
    ratio = statistics.fmean(whole_ms) / statistics.fmean(bare_ms)
    note = f"{len(bare_ms)} frames, {WIDTH}x{HEIGHT}"
    return [
        Measure("bare FaceMesh, CPU a frame", statistics.median(bare_ms), "ms", "", note),
        Measure("whole chain, CPU a frame", statistics.median(whole_ms), "ms", "", note),
        Measure("whole chain / bare FaceMesh", ratio, "x", "<= 1.5", "of means, same run"),
    ]


def part_costs(clip: Path) -> list[Measure]:
    """CPU time a frame of every signal and of the rest, decoding and digest included, dearest first, and their sum."""
    found = costs_of(_frames(clip), Challenge("bench", FRANCK.steps, bytes(32), scripted=True), _WARM_UP)
    note = f"mean of {found.frames} frames, {WIDTH}x{HEIGHT}, decoding and digest included"
    lines = [Measure(f"  {name}", ms, "ms", "", f"{ms / found.total:.0%}") for name, ms in found.parts.items()]
    return [Measure("every signal on, CPU a frame", found.total, "ms", "<= 5", note), *lines]


def memory(clip: Path) -> list[Measure]:
    """Resident memory of a serving process, its mirror made before, with one and with ten running checks."""
    script = (
        "import medauth, psutil\n"
        "from medauth.capture.video_file import VideoFile\n"
        f"image = next(VideoFile({str(clip)!r}).frames()).image\n"
        "auth = medauth.open(); rss = lambda: psutil.Process().memory_info().rss / 1e6\n"
        "sessions, sizes = [], []\n"
        "for n in range(10):\n"
        "    s = auth.start(subject=f'bench-{n}'); sessions.append(s)\n"
        "    for _ in range(20): s.push(image)\n"
        "    sizes.append(rss())\n"
        "print(sizes[0], sizes[-1])"
    )
    with tempfile.TemporaryDirectory() as folder:
        _run("import medauth; auth = medauth.open(); auth.store; auth.keyring.trusted(); print()", folder, data=folder)
        one, ten = (float(word) for word in _run(script, folder, data=folder).split())
    return [
        Measure("process with 1 running check", one, "MB", "<= 230", "resident; goal 200 + 30 a check"),
        Measure("process with 10 running checks", ten, "MB", "<= 500", "resident; goal 200 + 30 a check"),
    ]


def verdict_delay(clip: Path) -> list[Measure]:
    """From the last frame to the recorded verdict, on disk; median of five rehearsals."""
    delays = []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder, bootstrap.open(_settings(folder)) as auth:
            source = VideoFile(clip, start_ms=FRANCK.start_ms, end_ms=FRANCK.end_ms)
            session = auth.rehearse(FRANCK.steps)
            for captured in source.frames():
                if session.push(captured).done:
                    break
            began = time.perf_counter()
            session.finish()
            delays.append(time.perf_counter() - began)
    return [
        Measure("verdict after the last frame", statistics.median(delays), "s", "< 0.5", "signed, sealed, committed")
    ]


def ledger(records: int) -> list[Measure]:
    """Anchoring in one checkpoint on a local chain, then auditing every record against it."""
    with tempfile.TemporaryDirectory() as folder, bootstrap.open(_settings(folder)) as auth:
        _fill(auth, records)
        began = time.perf_counter()
        auth.anchor(MAIN_LOG)
        anchored = time.perf_counter() - began
        audit = log_audit(auth)
        began = time.perf_counter()
        faults = audit.over(MAIN_LOG).fault_count
        audited = time.perf_counter() - began
    note = f"n = {records}, one checkpoint"
    return [
        Measure("anchoring", records / anchored, "records/s", "", f"{note}, chain start and deployment included"),
        Measure(
            "audit", records / audited, "records/s", "", f"n = {records}, {faults} faults, chain asked, one process"
        ),
    ]


def chains(sizes: Sequence[int]) -> list[Measure]:
    """Gas and records a second on each development node: one by one, and by checkpoints of several sizes."""
    with development_nodes() as nodes:
        found = [cost for node, url in nodes.items() for cost in anchoring_costs(node, url, sizes)]
    return [line for cost in found for line in _chain_lines(cost)]


def _chain_lines(cost: AnchoringCost) -> list[Measure]:
    name = f"{cost.node}, " + ("one by one" if cost.records == 1 else f"checkpoint of {cost.records:,}")
    each = f"{cost.gas / cost.records:,.1f} a record"
    goal = "42,000-97,000" if cost.records == _COMPARED else ""
    cpu = f"{cost.log_cpu_us:.0f} µs CPU a record beside the node"
    lines = [
        Measure(f"{name}, gas", cost.gas, "gas", "", each),
        Measure(f"{name}, log and chain", cost.log_per_s, "records/s", goal, f"{cpu}; every proof made"),
    ]
    if cost.mirror_per_s:
        cpu = f"{cost.mirror_cpu_us:.0f} µs CPU a record beside the node"
        how = f"{cpu}; the writer on SQLite, until final"
        lines.append(Measure(f"{name}, mirror and chain", cost.mirror_per_s, "records/s", "", how))
    return lines


def scale(sizes: Sequence[int]) -> list[Measure]:
    """How audits and proofs grow, on simulated records, next to what the primitives of an audit cost by themselves."""
    cores = len(os.sched_getaffinity(0))
    lines: list[Measure] = []
    for size in sizes:
        before = primitive_us()
        found = growth(size, cores if size >= _LARGE else 1, runs=3 if size <= _LARGE else 1)
        # On both sides of the audits, since a machine's speed drifts.
        primitives = {name: statistics.fmean((us, before[name])) for name, us in primitive_us().items()}
        if not lines:
            lines += [
                Measure(f"{name}, a record", us, "µs", "", "the primitive alone") for name, us in primitives.items()
            ]
        needed = sum(us for name, us in primitives.items() if name != STRICT)
        lines += _growth_lines(found, needed)
    return lines


def _growth_lines(found: Growth, needed_us: float) -> list[Measure]:
    n, quick = f"n = {found.records:,}", found.quick
    goal = ">= 20,000" if found.records >= _LARGE else ""
    how = f"{n}, {found.processes} processes, {found.faults} faults"
    bound = found.processes * 1e6 / needed_us
    per_s = found.records / quick.seconds
    return [
        Measure(
            "primitives of a quick audit",
            bound,
            "records/s",
            "",
            f"{needed_us:.0f} µs each, {found.processes} processes",
        ),
        Measure("quick audit", per_s, "records/s", goal, f"{how}: bytes, key, signature, leaf, inclusion"),
        Measure(
            "quick audit / its primitives",
            quick.cpu_us / needed_us,
            "x",
            "",
            f"{n}, CPU time, same run, starting processes included",
        ),
        Measure("quick audit, CPU a record", quick.cpu_us, "µs", "", f"{how}, starting them included"),
        Measure("quick audit, largest process", quick.mb, "MB", "", f"{n}, resident at its highest"),
        Measure("full audit", found.full_per_s, "records/s", "", f"n = {found.full_records:,} starts, one process"),
        Measure(
            "proof of one record", found.proof.ms, "ms", "", f"{n}, bundle made, {found.proof.nodes} hashes in its path"
        ),
        Measure("proof of one record, memory", found.proof.kb, "kB", "", f"{n}, at its highest"),
    ]


def _fill(auth: bootstrap.Medauth, records: int) -> None:
    """Signed, sealed start records, committed one by one as in service."""
    from medauth.evidence.statement import CheckIdentity

    verification = auth.verification()
    for number in range(records):
        check_id = f"bench-{number}"
        challenge = Challenge(check_id, (), bytes(32))
        verification.begin(CheckIdentity(check_id, f"user-{number}", "bench", ""), STANDARD, challenge, "")


def _settings(folder: str) -> Settings:
    return replace(Settings.from_env({}), data_dir=Path(folder), rehearsal=True)


def _frames(clip: Path) -> list[Frame]:
    frames = []
    for index, captured in enumerate(VideoFile(clip, start_ms=FRANCK.start_ms).frames()):
        if index == _FRAMES:
            break
        assert captured.image is not None
        image = np.asarray(cv2.resize(captured.image, (WIDTH, HEIGHT)), dtype=np.uint8)
        frames.append(read_frame(CapturedFrame(image), index, captured.media_ms or 0.0))
    return frames


def _cpu_ms(do: Callable[[Any], Any], argument: object) -> float:
    began = time.process_time()
    do(argument)
    return 1_000 * (time.process_time() - began)


def _fresh(script: str, folder: str) -> float:
    """Median of five fresh processes, after one that warms the disk cache."""
    _run(script, folder)
    return statistics.median(float(_run(script, folder)) for _ in range(5))


def _run(script: str, folder: str, data: str = "") -> str:
    """Runs a script in a process of its own; without `data`, on a data directory that it finds empty."""
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        environment = os.environ | {"MEDAUTH_DATA_DIR": data or empty, "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
    return done.stdout.strip().rpartition("\n")[2]


def main() -> None:
    """The entry point of `python -m medauth.evaluation.bench`."""
    typer.run(bench)


if __name__ == "__main__":
    main()
