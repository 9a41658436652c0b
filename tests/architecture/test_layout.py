"""The rules of the layout that import-linter cannot state."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "medauth"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)
FOLDERS = sorted({path.parent for path in MODULES} - {PACKAGE})
LONGEST = 350
PUBLIC_NAMES = 10
BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
HEAVY = {
    "cv2",
    "mediapipe",
    "numpy",
    "web3",
    "sqlalchemy",
    "alembic",
    "matplotlib",
    "tensorflow",
    "jax",
    "ai_edge_litert",
}

AFTER_IMPORT = """
import json, os, sys, warnings
before = (dict(os.environ), list(warnings.filters), set(os.listdir()))
import medauth
after = (dict(os.environ), list(warnings.filters), set(os.listdir()))
print(json.dumps({"same": before == after, "modules": sorted(sys.modules)}))
"""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_holds_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST, f"split {name_of(path)}"
    assert path.stem not in BANNED


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_says_nothing_by_itself(folder: Path) -> None:
    """`service` may import `interface.py` of a folder without running anything else in it."""
    body = ast.parse((folder / "__init__.py").read_text()).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def test_the_public_api_is_small() -> None:
    import medauth

    assert len(medauth.__all__) <= PUBLIC_NAMES


def test_importing_medauth_has_no_side_effects_and_is_light(tmp_path: Path) -> None:
    command = [sys.executable, "-c", AFTER_IMPORT]
    seen = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    assert seen["same"]
    assert HEAVY.isdisjoint(seen["modules"])


def test_unit_tests_mirror_the_package() -> None:
    """`tests/unit/store/test_keyring.py` is about `medauth/store/keyring.py`, or about the folder `store`."""
    stray = []
    for test in (ROOT / "tests" / "unit").rglob("test_*.py"):
        folder = PACKAGE / test.parent.relative_to(ROOT / "tests" / "unit")
        if not folder.is_dir():
            stray.append(name_of(test))
    assert stray == []


def test_nothing_in_the_repository_names_a_registry_host() -> None:
    """Lock files hold versions and hashes, so that they work against whatever index a machine is set to."""
    locks = [*ROOT.glob("requirements*.lock"), ROOT / "package-lock.json"]
    assert [
        path.name for path in locks if re.search(r"https?://[^\"\s]*(?:registry|pypi|simple)", path.read_text())
    ] == []


def test_every_requirement_is_locked() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "requirements.lock": project["project"]["dependencies"] + project["build-system"]["requires"],
        "requirements-dev.lock": project["dependency-groups"]["dev"],
        "requirements-train.lock": project["project"]["optional-dependencies"]["train"],
    }
    for lock, requirements in wanted.items():
        pins = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(), flags=re.MULTILINE))
        names = {re.split(r"[\[<>=~! ]", line)[0].lower().replace("_", "-").replace(".", "-") for line in requirements}
        assert names <= pins, f"run `make lock`: {lock} lacks {names - pins}"
