"""`medauth policy`: the rules a check is decided by."""

from __future__ import annotations

from typing import Annotated

import typer

from medauth.cli.console import JsonOption, console, print_json, print_table, print_title, reporting
from medauth.errors import InputError
from medauth.protocol.policy import POLICIES, Policy, policy_named


def policy(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[show] [NAME]", help="A policy; leave out to list them all.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the policies, or show one: its steps, its bits, what denies a check and what it needs to pass."""
    with reporting(as_json=as_json):
        names = [word for place, word in enumerate(words or ()) if (place, word) != (0, "show")]
        if len(names) > 1:
            raise InputError(
                f"{len(names)} policies", expected="one name, or none", next_step="medauth policy show NAME"
            )
        name = names[0] if names else ""
        chosen = [policy_named(name)] if name else list(POLICIES.values())
        if as_json:
            print_json(
                [
                    {
                        **p.to_json(),
                        "digest": p.digest().hex(),
                        "bits": round(p.entropy_bits(), 2),
                        "light_bits": round(p.light_bits(), 2),
                    }
                    for p in chosen
                ]
            )
        elif name:
            _print_one(chosen[0])
        else:
            _print_all(chosen)


def _print_all(policies: list[Policy]) -> None:
    rows = [
        (
            f"{p.name} v{p.version}",
            "scripted" if p.rehearsal else str(p.steps),
            "-" if p.rehearsal else f"{p.entropy_bits():.1f}",
            f"{p.light_bits():.1f}" if p.light else "-",
            str(len(p.actions)),
            ", ".join(p.confirm),
        )
        for p in policies
    ]
    print_table(("policy", "steps", "bits", "light bits", "actions", "needs"), rows)


def _print_one(chosen: Policy) -> None:
    print_title(f"Policy {chosen.name} v{chosen.version}")
    timing = chosen.timing
    lines = {
        "digest": chosen.digest().hex(),
        "steps": "scripted" if chosen.rehearsal else f"{chosen.steps}, {chosen.entropy_bits():.1f} bits",
        "actions": ", ".join(action.value for action in chosen.actions),
        "always has": ", ".join(category.value for category in chosen.required) or "-",
        "denied by": ", ".join(chosen.deny),
        "needs": ", ".join(chosen.confirm),
        "light": _light(chosen),
        "onset": f"{timing.onset_min_ms} to {timing.onset_max_ms} ms after the prompt",
        "lives": f"{timing.session_max_ms // 1_000} s",
    }
    for label, text in lines.items():
        console.print(f"  {label:<11}{text}")


def _light(chosen: Policy) -> str:
    rule = chosen.light
    if rule is None:
        return "none: the screen shows no colours"
    most = f"{1_000 / min(rule.white_ms, rule.shortest_ms):.1f} changes a second at most"
    return (
        f"{rule.colours} colours of {rule.shortest_ms} to {rule.longest_ms} ms, {chosen.light_bits():.1f} bits, {most}"
    )
