from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from medauth.cli import doctor, machine
from medauth.cli.finding import Finding, State
from medauth.config import Settings
from medauth.errors import StoreError
from medauth.evidence.signing import KeyPurpose
from medauth.store.database import migrate, open_engine, transaction
from medauth.store.keyring import FileKeyring

EXAMINATIONS = doctor.EXAMINATIONS
app = typer.Typer()
app.command()(doctor.doctor)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models_dir=str(tmp_path / "no-models"))


def finding(settings: Settings, name: str) -> Finding:
    return next(found for found in doctor.doctor_report(settings) if found.name == name)


@pytest.fixture(autouse=True)
def only_own_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out what looks at the machine: OpenCV and MediaPipe take a second to load."""
    own = [examine for examine in doctor.EXAMINATIONS if examine.__module__ == doctor.__name__]
    monkeypatch.setattr(doctor, "EXAMINATIONS", tuple(own))


def test_a_fresh_machine_needs_no_data_yet(settings: Settings) -> None:
    for name in ("data directory", "keys", "mirror"):
        assert finding(settings, name).state is State.OK
    assert not settings.data_dir.exists(), "the doctor changes nothing"


def test_a_file_in_place_of_the_data_directory(settings: Settings) -> None:
    settings.data_dir.write_text("")
    assert finding(settings, "data directory").stops


def test_a_disk_that_is_nearly_full(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_MIB", 10**9)
    assert "make room" in finding(settings, "data directory").mend


def test_a_key_that_others_may_read(settings: Settings) -> None:
    FileKeyring(settings.data_dir / "keys").signing_key(KeyPurpose.STATEMENTS)
    assert finding(settings, "keys").state is State.OK
    key = settings.data_dir / "keys" / f"{KeyPurpose.STATEMENTS.value}.pem"
    key.chmod(0o640)
    found = finding(settings, "keys")
    assert found.stops
    assert f"chmod go= {key}" in found.mend


def test_a_mirror_that_is_in_order_and_one_from_another_version(settings: Settings) -> None:
    settings.data_dir.mkdir()
    engine = open_engine(settings.mirror_url)
    migrate(engine)
    assert finding(settings, "mirror").state is State.OK
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    assert "9999" in finding(settings, "mirror").text
    assert finding(settings, "mirror").stops


def test_a_mirror_that_is_no_database(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "mirror.sqlite").write_bytes(b"no database" * 100)
    assert finding(settings, "mirror").stops


def test_a_model_that_was_altered(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    manifest = {"name": "tiny", "version": "1", "file": "tiny.tflite", "sha256": "00" * 32}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "tiny.tflite").write_bytes(b"altered")
    found = finding(Settings(data_dir=settings.data_dir, models_dir=str(tmp_path / "models")), "model tiny")
    assert found.stops
    assert "SHA-256" in found.text


def test_no_local_chain(settings: Settings, tmp_path: Path) -> None:
    found = finding(Settings(data_dir=settings.data_dir, anvil=str(tmp_path / "anvil")), "local chain")
    assert found.state is State.MISSING
    assert found.mend


def test_a_node_that_does_not_answer(settings: Settings) -> None:
    found = finding(Settings(data_dir=settings.data_dir, rpc_url="http://127.0.0.1:9"), "chain")
    assert found.stops
    assert "127.0.0.1:9" in found.text


def test_a_time_stamp_authority_needs_certificates(settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client")
    assert "time stamps" not in {found.name for found in doctor.doctor_report(settings)}
    asking = replace(settings, timestamp_url="https://tsa.example.org/tsr?key=secret")
    assert "MEDAUTH_TIMESTAMP_CERTIFICATES" in finding(asking, "time stamps").mend
    assert finding(replace(asking, timestamp_certificates=str(tmp_path / "none.pem")), "time stamps").stops
    assert "secret" not in finding(asking, "time stamps").text


def test_a_part_that_breaks_is_a_finding(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def _odd_part(_: Settings) -> list[Finding]:
        raise StoreError("it broke", next_step="mend it")

    monkeypatch.setattr(doctor, "EXAMINATIONS", (_odd_part,))
    assert doctor.doctor_report(settings) == [Finding("odd part", State.WRONG, "it broke", "mend it")]


@pytest.mark.parametrize(("state", "needed", "code"), [("ok", True, 0), ("missing", False, 0), ("missing", True, 1)])
def test_the_exit_code_tells_whether_a_needed_part_is_missing(
    monkeypatch: pytest.MonkeyPatch, state: str, needed: bool, code: int
) -> None:
    monkeypatch.setattr(doctor, "doctor_report", lambda _: [Finding("a part", State(state), "text", "mend", needed)])
    done = CliRunner().invoke(app, ["--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)["ready"] is (code == 0)
    assert CliRunner().invoke(app, []).exit_code == code


def test_a_second_opencv_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "distribution", lambda name: name)
    found = next(iter(machine.opencv(settings)))
    assert found.stops
    assert found.mend.startswith("pip uninstall -y opencv-python")


def test_a_package_in_another_version_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "requires", lambda _: ["numpy==1.0", 'tensorflow-cpu==2; extra == "train"'])
    found = next(iter(machine.packages(settings)))
    assert found.stops
    assert found.mend == "pip install numpy==1.0"


def test_a_missing_package_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(machine, "requires", lambda _: ["numpy==1.0"])
    monkeypatch.setattr(machine, "version", absent)
    assert "numpy is not installed" in next(iter(machine.packages(settings))).text


def test_a_python_that_is_too_new(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PYTHONS", ((3, 10),))
    assert next(iter(machine.python(settings))).stops


def test_what_a_check_by_voice_lacks_is_named_and_stops_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pocketsphinx", "sounddevice"):
        monkeypatch.setitem(sys.modules, name, None)
    recogniser, microphone = machine.microphones(settings)
    assert (recogniser.state, microphone.state) == (State.MISSING, State.MISSING)
    assert "medauth[speech]" in recogniser.mend
    assert "medauth[speech]" in microphone.mend
    assert not recogniser.stops
    assert not microphone.stops
    assert machine.microphones in EXAMINATIONS
