"""Every example runs, and so do the README's five lines; a clip stands in for the camera."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import medauth
from medauth.evidence.verifier import Trust

pytestmark = pytest.mark.media

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {path.stem for path in (ROOT / "examples").glob("*.py")}
SECONDS = 2.5


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def auth(tmp_path: Path) -> Iterator[medauth.Medauth]:
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as opened:
        yield opened


@pytest.fixture
def no_camera(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    """A clip at its own pace in place of a camera."""
    monkeypatch.setattr(
        medauth, "Webcam", lambda: medauth.VideoFile(clip, end_ms=1_000 * SECONDS, realtime=True), raising=False
    )


def test_every_example_has_a_test_here() -> None:
    tested = set(re.findall(r"example\(\"(\w+)\"\)", Path(__file__).read_text()))
    assert tested == EXAMPLES


@pytest.mark.usefixtures("no_camera")
def test_check_person(auth: medauth.Medauth, capsys: pytest.CaptureFixture[str]) -> None:
    assert not example("check_person").log_in(auth, "user-42"), "a clip that follows no prompt is not live"
    assert "evidence: evd_" in capsys.readouterr().out


def test_push_frames(auth: medauth.Medauth, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("push_frames")
    monkeypatch.setattr(module, "FRAMES", 48)
    assert not module.check(auth, str(clip)).is_live


def test_analyze_clip(auth: medauth.Medauth, clip: Path) -> None:
    found = example("analyze_clip").blinks_and_expressions(auth, str(clip), SECONDS)
    assert {"blink", "emotion", "identity"} <= set(found)


@pytest.mark.chain
@pytest.mark.usefixtures("no_camera")
def test_hand_evidence_to_an_auditor(auth: medauth.Medauth) -> None:
    with auth.start(subject="user-42") as session:
        evidence_id = session.run(medauth.Webcam()).evidence_id
    module = example("hand_evidence_to_an_auditor")
    file = module.bundle_of(auth, evidence_id)
    trusted = Trust(auth.keyring.trusted())
    assert module.audit(file, trusted)
    assert not module.audit(file, Trust({})), "without the key nothing is believed"


@pytest.mark.usefixtures("no_camera")
def test_the_five_lines_of_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    exec(block[1], {})
    assert capsys.readouterr().out.startswith("False ")
