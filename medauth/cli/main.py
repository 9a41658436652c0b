"""The command line: parse, call a service, print. One module a subcommand."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from medauth.cli.access import access
from medauth.cli.analyze import analyze
from medauth.cli.anchor import anchor
from medauth.cli.audit import audit
from medauth.cli.bundle import bundle, trust
from medauth.cli.check import check
from medauth.cli.console import USAGE_ERROR, print_error
from medauth.cli.demo import demo
from medauth.cli.desktop import desktop
from medauth.cli.doctor import doctor
from medauth.cli.erase import erase
from medauth.cli.evaluate import evaluate
from medauth.cli.export import export
from medauth.cli.keys import keys
from medauth.cli.ledger import ledger
from medauth.cli.live import live
from medauth.cli.models import models
from medauth.cli.policy import policy
from medauth.cli.serve import serve
from medauth.cli.show import show
from medauth.cli.verify import verify
from medauth.cli.webhooks import webhooks
from medauth.errors import MedauthError
from medauth.training.command_line import app as training

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    demo,
    check,
    serve,
    analyze,
    live,
    desktop,
    anchor,
    audit,
    show,
    bundle,
    trust,
    verify,
    erase,
    policy,
    export,
    doctor,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(access, name="access")
app.add_typer(keys, name="keys")
app.add_typer(ledger, name="ledger")
app.add_typer(models, name="models")
app.add_typer(webhooks, name="webhooks")
app.add_typer(evaluate, name="evaluate")
app.add_typer(training, name="train")


@app.callback()
def settings(
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Keys, mirror and evidence; default: MEDAUTH_DATA_DIR or ~/.local/share/medauth."),
    ] = None,
) -> None:
    """Proves that a live person was in front of the camera, and leaves evidence that a stranger can verify.

    First steps: `medauth demo`, then `medauth audit --all`. `medauth doctor` says what is missing and how to mend it.
    """
    if data_dir is not None:
        os.environ["MEDAUTH_DATA_DIR"] = str(data_dir)


def run() -> None:
    """The `medauth` program. No error of the product, from whatever command, ends in a traceback."""
    try:
        app()
    except MedauthError as error:
        print_error(error)
        sys.exit(USAGE_ERROR)
