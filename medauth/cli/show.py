"""`medauth show`: one verdict for the operator's eyes, with the pictures that explain it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.bundle import write_file
from medauth.cli.console import (
    JsonOption,
    console,
    print_json,
    print_readings,
    print_suspicions,
    print_title,
    reporting,
)
from medauth.protocol.attack_family import missing_for_live, suspicions
from medauth.protocol.liveness_weights import LIVENESS
from medauth.protocol.policy import Policy
from medauth.protocol.reading import PPM, SignalReading
from medauth.service.pictures import pictures_of, statement_of


def show(
    record_id: Annotated[str, typer.Argument(help="The evidence id of a verdict, e.g. evd_…")],
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help="Folder to open the sealed pictures into: heat maps and kept frames."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one recorded verdict: reasons, the attack it looks like, readings, and, opened on request, pictures.

    For the operator alone. Heat maps would teach an attacker, and pictures are of a person: keep the folder closed and
    delete it when it has served.
    """
    with reporting(as_json=as_json), open_medauth() as auth:
        statement = statement_of(record_id, auth.store, auth.keyring)
        written = []
        if pictures is not None:
            for name, content in pictures_of(record_id, auth.store, auth.blobs, auth.keyring).items():
                write_file(pictures / name, content, private=True)
                written.append(str(pictures / name))
        readings = [SignalReading.from_json(reading) for reading in statement["readings"]]
        policy = Policy.from_json(statement["policy"]["rules"])
        suspected, missing = suspicions(policy, readings), missing_for_live(policy, readings)
        if as_json:
            found = [suspicion.to_json() for suspicion in suspected]
            print_json(
                {
                    "record_id": record_id,
                    "statement": statement,
                    "suspected": found,
                    "missing_for_live": list(missing),
                    "liveness_ppm": LIVENESS.probability_ppm(readings),
                    "pictures": written,
                }
            )
        print_title(f"{record_id}: {statement['verdict']['decision'].replace('_', ' ')}")
        for reason in statement["verdict"]["reasons"]:
            console.print(f"  {reason['role']:<8}{reason['code']:<28}{reason['text']}")
        print_suspicions(suspected, missing)
        probable = LIVENESS.probability_ppm(readings)
        if probable is not None:
            console.print(
                f"  a live person with a probability of {probable / PPM:.2f}, where half of all are; decides nothing"
            )
        print_readings(readings)
        for name, digest in statement["blobs"].items():
            console.print(f"  sealed {name:<40} SHA-256 {digest[:16]}…", style="dim")
        for path in written:
            console.print(f"  {path}")
