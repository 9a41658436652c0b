"""Set-up says what is wrong and what to type, and does nothing twice."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, pointed at an empty folder."""
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    places = {
        "ROOT": tmp_path,
        "STATE": tmp_path / ".make",
        "BIN": tmp_path / ".make" / "bin",
        "VENV": tmp_path / ".venv",
    }
    for name, place in places.items():
        monkeypatch.setattr(module, name, place)
    module.STATE.mkdir()
    for lock in {*module.LOCKS.values(), "requirements-setup.lock", "package.json", "package-lock.json"}:
        (tmp_path / lock).write_text("{}")
    return module


@pytest.fixture
def program(tmp_path: Path, setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for `.venv/bin/python`: fails with what a test writes into it."""
    path = tmp_path / "python"
    monkeypatch.setattr(setup, "PYTHON", path)
    return path


def answer(program: Path, text: str, code: int) -> None:
    program.write_text(f"#!/bin/sh\necho '{text}'\nexit {code}\n")
    program.chmod(0o755)


def test_no_fitting_python_is_said_in_words(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", scripts)
    text = (scripts / "setup.sh").read_text()
    # Pythons at fixed places would be found on this machine.
    (scripts / "setup.sh").write_text(text.replace("/usr/", "/nowhere/"))
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\n')
    old.chmod(0o755)
    tools = {name: shutil.which(name) for name in ("sh", "dirname", "cat")}
    for name, tool in tools.items():
        assert tool is not None
        (tmp_path / name).symlink_to(tool)
    done = subprocess.run(
        [tmp_path / "sh", scripts / "setup.sh", "demo"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    for part in ("found Python 3.9.2", "expected: Python 3.11 or 3.12", "next step: "):
        assert part in done.stderr


def test_an_unknown_goal_is_refused(
    setup: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["setup.py", "everything"])
    with pytest.raises(SystemExit):
        setup.main()
    assert "demo, dev, train" in capsys.readouterr().err


def test_missing_libraries_are_named_with_the_command(
    setup: ModuleType, program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(program, "ImportError: libGL.so.1: cannot open shared object file", 1)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SystemExit):
        setup.check_system_libraries()
    assert "apt-get install libgl1 libglib2.0-0" in capsys.readouterr().err


def test_libraries_are_installed_where_that_is_allowed(
    setup: ModuleType, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(program, "ImportError: libGL.so.1: cannot open shared object file", 1)
    asked: list[str] = []

    def install(*packages: str) -> bool:
        asked.extend(packages)
        answer(program, "", 0)
        return True

    monkeypatch.setattr(setup, "apt_install", install)
    setup.check_system_libraries()
    assert asked == list(setup.SYSTEM_LIBRARIES)


def test_packages_are_installed_once_and_again_when_the_lock_changes(
    setup: ModuleType, program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(setup, "install_lock", installed.append)
    setup.install_packages("demo")
    setup.install_packages("demo")
    assert installed == ["requirements.lock"]
    setup.install_packages("dev")
    setup.install_packages("demo")
    assert installed == ["requirements.lock", "requirements-dev.lock"]
    (tmp_path / "requirements.lock").write_text("other")
    (tmp_path / "requirements-dev.lock").write_text("other")
    setup.install_packages("demo")
    assert installed[2:] == ["requirements.lock"]


def test_pip_takes_over_where_uv_reaches_no_index(setup: ModuleType, program: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncase "$*" in *"uv pip install"*) exit 1;; esac\n')
    program.chmod(0o755)
    setup.install_lock("requirements.lock")
    last = log.read_text().splitlines()[-1]
    assert "pip --disable-pip-version-check" in last
    assert "--require-hashes" in last
    assert last.endswith("-r requirements.lock")


def test_uv_learns_what_pip_is_set_to(setup: ModuleType, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(program, "/certificates.pem", 0)
    for name in ("PIP_CERT", "SSL_CERT_FILE", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert setup.index_settings() == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "SSL_CERT_FILE": "/certificates.pem",
    }


@pytest.mark.parametrize(("printed", "version"), [("v22.13.1", (22, 13)), ("v24.19.0", (24, 19)), ("nonsense", (0,))])
def test_node_versions_are_read(setup: ModuleType, tmp_path: Path, printed: str, version: tuple[int, ...]) -> None:
    node = tmp_path / "node"
    answer(node, printed, 0)
    assert setup.node_version(str(node)) == version


def test_an_environment_of_another_python_is_left_alone(
    setup: ModuleType, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.write_text('#!/bin/sh\ncase "$2" in *version_info*) exit 1;; esac\n')
    program.chmod(0o755)
    with pytest.raises(SystemExit):
        setup.make_environment()
    assert "move .venv away" in capsys.readouterr().err
