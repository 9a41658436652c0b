"""Prompts in a terminal: what to do now, one hint, how far along; never a score."""

from __future__ import annotations

from rich.text import Text

from medauth.cli.console import console
from medauth.protocol.observation import Observation
from medauth.protocol.wording import instruction
from medauth.session import Progress


class TerminalPrompts:
    """Prints each prompt and each new hint once."""

    def __init__(self) -> None:
        self._shown = -1
        self._hint = ""

    def show(self, progress: Progress, observation: Observation) -> None:
        """Called after every frame."""
        prompt = progress.prompt
        if prompt is not None and prompt.index != self._shown:
            self._shown = prompt.index
            at = f"{observation.frame.t_ms / 1_000:6.1f} s"
            console.print(
                Text(f"  {at}  step {prompt.index + 1}/{progress.steps}  ", "dim"),
                Text(instruction(prompt.step), "bold"),
                sep="",
            )
        if progress.hint != self._hint:
            self._hint = progress.hint
            if progress.hint:
                console.print(Text(f"  {progress.hint}", "yellow"))
