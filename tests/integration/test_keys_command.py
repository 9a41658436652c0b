"""`medauth keys`: what is listed is what is trusted, and a rotation tells what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import medauth
from medauth.cli.main import app
from medauth.evidence.signing import KeyPurpose


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_a_rotation_shows_in_the_list(tmp_path: Path) -> None:
    before = run("keys", "list")
    assert [key["purpose"] for key in before] == [purpose.value for purpose in KeyPurpose]
    done = run("keys", "rotate", "webhooks")
    after = {key["key_id"]: key for key in run("keys", "list")}
    assert (after[done["old"]]["until"], after[done["new"]]["until"]) == (done["leaf"] + 1, None)
    assert set(after) == {key["key_id"] for key in before} | {done["new"]}
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        assert set(auth.keyring.trusted()) == set(after)
        assert auth.keyring.retired() == {done["old"]: 1}


def test_people_read_it_too() -> None:
    CliRunner().invoke(app, ["keys", "rotate", "statements"])
    listed = CliRunner().invoke(app, ["keys", "list"]).output
    assert "retired, first 1 of log main" in listed
    assert listed.count("in use") == len(KeyPurpose)


def test_an_unknown_purpose_is_refused() -> None:
    assert CliRunner().invoke(app, ["keys", "rotate", "everything"]).exit_code == 2


@pytest.mark.chain
def test_after_a_rotation_the_whole_log_holds() -> None:
    """The announcement is a record like any other: the audit of all records takes it in."""
    for purpose in ("statements", "tokens", "statements"):
        run("keys", "rotate", purpose)
    run("anchor")
    found = CliRunner().invoke(app, ["audit", "--all", "--offline", "--processes", "1", "--json"])
    assert found.exit_code == 0, found.output
