"""`medauth evaluate speech`: how often the recogniser of `medauth analyze --speech` mishears recordings of known words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medauth.cli.bundle import write_file
from medauth.cli.console import JsonOption, console, json_bytes, print_json, print_table, print_title, reporting
from medauth.evaluation.word_errors import listen, read_list, word_report
from medauth.report.speech import require_speech


def speech(
    *,
    data: Annotated[Path, typer.Option(help="Folder of recordings with a transcripts.csv: file, speaker, words.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path("evaluation-speech"),
    as_json: JsonOption = False,
) -> None:
    """Word errors, whole and by speaker, and whether the tone of the words survives them. Needs the extra `speech`."""
    with reporting(as_json=as_json):
        require_speech()
        rows = read_list(data)
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("listening", total=len(rows))
            report = word_report(listen(rows, lambda: progress.advance(task)))
        write_file(out / "speech.json", json_bytes(report))
        if as_json:
            print_json(report)
            return
        low, high = report["interval95"]
        print_title(f"{report['recordings']} recordings, {report['words']} words, {len(report['speakers'])} speakers")
        console.print(f"  word error rate {report['word_error_rate']:.3f} [{low:.3f}, {high:.3f}]")
        for key, said in (("tone_kept", "tone kept"), ("toned_kept", "of words that have one")):
            console.print(f"  {said}: {report[key]['hits']} of {report[key]['n']}")
        console.print(f"  pleasant heard as unpleasant or the other way: {report['tone_turned']}")
        shown = [
            (name, str(own["recordings"]), str(own["words"]), f"{own['word_error_rate']:.3f}")
            for name, own in report["speakers"].items()
        ]
        print_table(("speaker", "recordings", "words", "word error rate"), shown)
        console.print(f"  {out / 'speech.json'}")
