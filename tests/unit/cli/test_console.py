"""What others wrote is shown, and does not get to draw."""

from __future__ import annotations

import json

import pytest

from medauth.cli.console import console, json_bytes, print_error, print_steps, print_table, print_title
from medauth.errors import InputError
from medauth.evidence.verifier import CheckedStep, StepState

REDRAWS = "\x1b[2J\x1b[1A\x9b2K\x07\r\u202e"


def test_no_control_character_of_a_bundle_or_a_node_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_title(f"Bundle of {REDRAWS}")
    print_steps([CheckedStep("chain", StepState.FAILS, f"é {REDRAWS}")])
    print_error(InputError(REDRAWS, expected=REDRAWS))
    output, errors = capsys.readouterr()
    shown = output + errors
    assert not set(REDRAWS) & set(shown) - set("[12JAK")
    assert "\\x1b[2J" in shown
    assert "é" in shown
    assert "\\x1b[2J" in errors


def test_what_stands_in_the_mirror_is_no_markup_and_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console.print(f"  {REDRAWS} [/nothing] [bold]a[/bold] :smile:")
    print_table(("code", "reason"), [(REDRAWS, REDRAWS)])
    shown = capsys.readouterr().out
    assert not set(REDRAWS) & set(shown) - set("[12JAK")
    assert "[/nothing] [bold]a[/bold] :smile:" in shown


def test_json_for_programs_draws_nothing_either_and_means_the_same() -> None:
    value = {"text": f"é {REDRAWS} \U000e0001 half of \ud800"}
    data = json_bytes(value)
    assert not set(REDRAWS) & set(data.decode()) - set("[12JAK")
    assert "é" in data.decode()
    assert json.loads(data) == value
