"""What the commands share: a place to print, machine-readable output, and errors as a person can use them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from medauth.errors import MedauthError
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.protocol.attack_family import Suspicion
from medauth.protocol.reading import PPM, SignalReading
from medauth.protocol.verdict import Decision, Role, Verdict

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
USAGE_ERROR = 2


class _Plain(Console):
    """Shows texts as they are: what stands in a mirror or a file's name is no markup, and must not redraw the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As in rich, texts without their control characters."""
        super().print(*(printable(shown) if isinstance(shown, str) else shown for shown in objects), **options)


console = _Plain(highlight=False, soft_wrap=True, markup=False, emoji=False)
"""Standard output. Silent while a command prints JSON; long digests stay on one line, to be copied whole."""

_MARKS = {
    StepState.HOLDS: Text("✓", "green"),
    StepState.FAILS: Text("✗", "bold red"),
    StepState.SKIPPED: Text("–", "dim"),
}
_COLOURS = {
    Decision.LIVE: "bold green",
    Decision.NOT_LIVE: "bold red",
    Decision.INCONCLUSIVE: "bold yellow",
    Decision.REHEARSED: "bold cyan",
}


@contextmanager
def reporting(*, as_json: bool) -> Iterator[None]:
    """Turns the product's errors into what a person, or a program, can act on; exit code 2."""
    console.quiet = as_json
    try:
        yield
    except MedauthError as error:
        if as_json:
            print_json(
                {
                    "error": {
                        "code": error.code,
                        "got": error.got,
                        "expected": error.expected,
                        "next_step": error.next_step,
                    }
                }
            )
        else:
            print_error(error)
        raise typer.Exit(USAGE_ERROR) from error
    finally:
        console.quiet = False


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json_bytes(value).decode())


def json_bytes(value: Any) -> bytes:
    """JSON for people and programs to read; not for hashing. What a terminal would obey, and half a character, are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text).encode()


def print_error(error: MedauthError) -> None:
    """Got, expected and next step, on standard error."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(Text("✗ ", "bold red") + Text(printable(error.got)))
    for label, text in (("expected", error.expected), ("next step", error.next_step)):
        if text:
            errors.print(Text(f"  {label:<10}", "dim") + Text(printable(text)))


def printable(text: str) -> str:
    """Control and formatting characters as escapes: what a bundle or a node says must not redraw the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def print_title(text: str) -> None:
    """Begins a part of a command's output."""
    console.print()
    console.print(Text(printable(text), "bold"))


def print_steps(steps: Sequence[CheckedStep]) -> None:
    """One line a step of a verification or audit."""
    for number, step in enumerate(steps, start=1):
        console.print(
            Text(f"  {number:>2} "),
            _MARKS[step.state],
            Text(f" {step.name:<13}"),
            Text(printable(step.text), "dim"),
            sep="",
        )


def steps_json(steps: Sequence[CheckedStep]) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"name": step.name, "state": step.state.value, "text": step.text} for step in steps]


def print_verdict(verdict: Verdict) -> None:
    """Decision, reasons and readings, for the operator."""
    console.print(Text("  "), Text(verdict.decision.value.replace("_", " "), _COLOURS[verdict.decision]), sep="")
    for reason in verdict.reasons:
        console.print(Text(f"  {reason.role.value:<8}{reason.code:<28}"), Text(reason.text, "dim"), sep="")
    if verdict.hint:
        console.print(f"  told to the person: {verdict.hint}")
    print_readings(verdict.readings)


def print_readings(readings: Sequence[SignalReading]) -> None:
    """One line a signal."""
    rows = [
        (r.signal, r.outcome.value, "" if r.score_ppm is None else f"{r.score_ppm / PPM:.2f}", r.code, r.reason)
        for r in readings
    ]
    print_table(("signal", "outcome", "score", "code", "reason"), rows)


def print_suspicions(suspected: Sequence[Suspicion], missing: Sequence[str] = ()) -> None:
    """The attack family of each cue that refused, and what it would have taken, for operator and auditor."""
    for suspicion in suspected:
        told = " (told only: the policy does not refuse on it)" if suspicion.role is Role.NOTE else ""
        console.print(f"  attack  {suspicion}{told}")
    if missing:
        console.print(f"  live only if these had held: {', '.join(missing)}")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns that are never cut: a terminal wraps what is too long, a file keeps it on one line."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header) - 1)]
    for number, row in enumerate((header, *rows)):
        cells = [printable(cell).ljust(width) for cell, width in zip(row, widths, strict=False)]
        *first, last = [*cells, printable(row[-1])]
        style = "dim" if number == 0 else ""
        console.print(Text("  " + "  ".join(first) + "  ", style), Text(last, "dim"), sep="")


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict for programs."""
    return {
        "decision": verdict.decision.value,
        "is_live": verdict.is_live,
        "check_id": verdict.check_id,
        "evidence_id": verdict.evidence_id,
        "evidence_sha256": verdict.evidence_sha256,
        "policy": verdict.policy,
        "hint": verdict.hint,
        "liveness_ppm": verdict.liveness_ppm,
        "reasons": [reason.to_json() for reason in verdict.reasons],
        "readings": [reading.to_json() for reading in verdict.readings],
    }
