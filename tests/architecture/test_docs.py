"""What a user can set, type or meet is documented, and what is documented exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from medauth import errors
from medauth.cli.main import app
from medauth.config import PREFIX, Settings
from medauth.errors import MedauthError
from medauth.service.audit import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ERRORS = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, MedauthError)
}
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
COMMANDS |= {str(group.name) for group in app.registered_groups}
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def first_column(page: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", (DOCS / page).read_text(), flags=re.MULTILINE)


def test_every_setting_is_documented_and_no_other() -> None:
    documented = {name for name in first_column("settings.md") if name.startswith(PREFIX)}
    outside = {"MEDAUTH_DATA", "MEDAUTH_TEST_POSTGRES"}
    assert documented - outside == {PREFIX + field.name.upper() for field in fields(Settings)}


def test_documented_defaults_are_the_defaults() -> None:
    rows = dict(
        re.findall(r"^\| `MEDAUTH_(\w+)` \| (`[^`]*`|empty) \|", (DOCS / "settings.md").read_text(), re.MULTILINE)
    )
    settings = Settings()
    for name, written in rows.items():
        value = getattr(settings, name.lower())
        shown = str(int(value)) if isinstance(value, bool) else str(value)
        assert written == (f"`{shown}`" if shown else "empty"), name


def test_every_command_is_documented_and_no_other() -> None:
    assert {
        name.removeprefix("medauth ") for name in first_column("commands.md") if name.startswith("medauth ")
    } == COMMANDS


def test_every_exit_code_of_an_audit_is_documented() -> None:
    row = next(line for line in (DOCS / "commands.md").read_text().splitlines() if line.startswith("| 10 to"))
    written = {name: int(code) for code, name in re.findall(r"(\d\d) ([a-z ]*[a-z])", row.split(":")[1])}
    assert written == EXIT_CODES


def test_every_error_is_documented_with_its_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", (DOCS / "errors.md").read_text(), re.MULTILINE))
    assert rows == {name: error.code for name, error in ERRORS.items()}


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in ERRORS.values()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_commands_and_targets_exist(page: Path) -> None:
    text = page.read_text()
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, flags=re.MULTILINE)
    commands = {found[1] for line in code if (found := re.match(r"(?:\$ )?medauth ([a-z]+)\b", line))}
    targets = {found[1] for line in code if (found := re.match(r"(?:\$ )?make ([a-z-]+)\b", line))}
    assert commands <= COMMANDS
    assert targets <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) + re.findall(r'(?:src|srcset|href)="([^"#]+)"', text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_decisions_are_numbered_once() -> None:
    numbers = [path.name[:4] for path in (DOCS / "adr").glob("*.md")]
    assert len(numbers) == len(set(numbers))
    assert all(number.isdigit() for number in numbers)
