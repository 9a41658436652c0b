"""The component as it is served: one file, whole, with words and pictures for everything that can be asked."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from medauth.errors import ConfigError
from medauth.protocol.advice import AGAIN
from medauth.protocol.challenge import Action
from medauth.protocol.observation import CaptureProblem
from medauth.web.attendance import ADVICE_CODES, FailureCode, Outcome
from medauth.web.component import PARTS, Component

FOLDER = Path(__file__).resolve().parents[3] / "medauth" / "web" / "static" / "check"
WORDS = (FOLDER / "words.js").read_text()
CATALOGUES = re.findall(r"^const (?:en|de) = \{\n(.*?)^\};$", WORDS, re.MULTILINE | re.DOTALL)


def keys(catalogue: str, group: str) -> set[str]:
    inner = re.search(rf"^  {group}: \{{\n(.*?)^  \}},$", catalogue, re.MULTILINE | re.DOTALL)
    assert inner is not None
    return set(re.findall(r"^    (\w+):", inner[1], re.MULTILINE))


def test_every_part_is_joined_and_no_import_is_left() -> None:
    assert {path.name for path in FOLDER.glob("*.js")} == set(PARTS)
    code = Component.read().code.decode()
    assert not re.search(r"^(import|export)\b", code, re.MULTILINE)
    assert code.count("customElements.define") == 1


def test_the_digest_is_that_of_the_file() -> None:
    component = Component.read()
    assert component.integrity == "sha384-" + base64.b64encode(hashlib.sha384(component.code).digest()).decode()


def test_a_part_that_needs_a_later_one_is_refused(tmp_path: Path) -> None:
    for name in PARTS:
        (tmp_path / name).write_text("")
    (tmp_path / PARTS[0]).write_text('import { Line } from "./line.js";\n')
    with pytest.raises(ConfigError, match=r"line\.js"):
        Component.read(tmp_path)
    (tmp_path / PARTS[0]).write_text("export default 1;\n")
    with pytest.raises(ConfigError, match="another form"):
        Component.read(tmp_path)


def test_both_languages_say_the_same_things() -> None:
    english, german = CATALOGUES
    assert re.findall(r"^ {2,4}(\w+):", english, re.MULTILINE) == re.findall(r"^ {2,4}(\w+):", german, re.MULTILINE)


def test_there_are_words_for_everything_that_can_come() -> None:
    for catalogue in CATALOGUES:
        assert keys(catalogue, "prompts") == {action.value for action in Action}
        assert keys(catalogue, "hints") == {problem.value for problem in CaptureProblem} | {"relax"}
        assert keys(catalogue, "advice") == set(ADVICE_CODES.values())
        assert keys(catalogue, "outcomes") == {outcome.value for outcome in Outcome}
        assert keys(catalogue, "failures") >= {code.value for code in FailureCode}


def test_what_everybody_reads_who_was_not_passed_says_what_the_last_hint_says() -> None:
    """Light, face in view, clearly: whoever was left open by a cue has no hint of their own (ADR 0650)."""
    for catalogue, words in zip(
        CATALOGUES, (("light", "until the end", "clearly"), ("Licht", "bis zum Ende", "deutlich")), strict=True
    ):
        text = re.search(r'^    not_passed: \["[^"]*", "([^"]*)"\],$', catalogue, re.MULTILINE)
        assert text is not None
        assert all(word in text[1] for word in words)
    assert AGAIN not in ADVICE_CODES


def test_there_is_a_picture_for_every_action() -> None:
    faces = re.search(r"^const FACES = \{\n(.*?)^\};$", (FOLDER / "pictures.js").read_text(), re.MULTILINE | re.DOTALL)
    assert faces is not None
    assert set(re.findall(r"^  (\w+):", faces[1], re.MULTILINE)) == {action.value for action in Action}


def test_the_page_of_a_check_weighs_less_than_150_kb(client: FlaskClient) -> None:
    """With all that it loads, uncompressed."""
    page = client.get("/check").text
    parts = {path for path in re.findall(r'(?:src|href)="(/[^"]*)"', page) if "." in path}
    assert "/medauth-check.js" in parts
    weight = len(page.encode())
    for path in parts:
        with client.get(path) as part:
            assert part.status_code == 200
            weight += len(part.data)
    assert 40_000 < weight < 150_000
