"""What others wrote is shown, and does not get to draw."""

from __future__ import annotations

import pytest

from medauth.cli.console import print_error, print_steps, print_title
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
