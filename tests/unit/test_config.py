"""Settings: read once, every one of them parsed, nothing unknown let through, no secret shown."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from medauth.config import PREFIX, Settings
from medauth.errors import ConfigError
from medauth.evidence.archive import KeepFrames

PARSED: dict[str, tuple[str, Any]] = {
    "data_dir": ("/tmp/somewhere", Path("/tmp/somewhere")),
    "database_url": ("postgresql+psycopg://a@b/c", "postgresql+psycopg://a@b/c"),
    "rpc_url": ("https://example.org/rpc", "https://example.org/rpc"),
    "ledger_network": ("sepolia", "sepolia"),
    "anvil": ("/opt/anvil", "/opt/anvil"),
    "confirmations": ("7", 7),
    "urgent_anchor": ("yes", True),
    "chain_keystore": ("/keys/chain.json", "/keys/chain.json"),
    "chain_passphrase": ("secret one", "secret one"),
    "chain_signer": ("kms", "kms"),
    "key_passphrase": ("secret two", "secret two"),
    "keep_frames": ("all", KeepFrames.ALL),
    "retention_days": ("30", 30),
    "tenant": ("clinic", "clinic"),
    "replay_memory_days": ("30", 30),
    "emotion_models": ("fer_mini_xception=0.5", "fer_mini_xception=0.5"),
    "emotion_url": ("https://example.org/emotion", "https://example.org/emotion"),
    "emotion_form": ("deepface", "deepface"),
    "emotion_key": ("secret three", "secret three"),
    "emotion_region": ("eu-west-1", "eu-west-1"),
    "emotion_timeout_ms": ("250", 250),
    "emotion_consent": ("1", True),
    "opencv_threads": ("2", 2),
    "timestamp_url": ("https://example.org/tsr", "https://example.org/tsr"),
    "timestamp_certificates": ("/keys/authority.pem", "/keys/authority.pem"),
    "models_dir": ("/models", "/models"),
    "face_model": ("face_api", "face_api"),
    "rehearsal": ("1", True),
    "max_merge_delay_s": ("60", 60),
    "web_host": ("0.0.0.0", "0.0.0.0"),
    "web_port": ("9000", 9_000),
    "web_url": ("https://verify.example", "https://verify.example"),
    "web_secret": ("s" * 32, "s" * 32),
    "web_origins": ("https://app.example", "https://app.example"),
    "web_proxies": ("1", 1),
    "web_checks": ("4", 4),
    "web_debug": ("1", True),
    "webhook_networks": ("10.20.0.0/16", "10.20.0.0/16"),
}


def test_every_setting_has_a_case_here() -> None:
    assert {field.name for field in fields(Settings)} == set(PARSED)


@pytest.mark.parametrize("name", PARSED)
def test_every_setting_is_read_from_its_variable(name: str) -> None:
    text, value = PARSED[name]
    settings = Settings.from_env({PREFIX + name.upper(): text, "PATH": "/bin"})
    assert getattr(settings, name) == value
    assert getattr(Settings.from_env({}), name) != value


@pytest.mark.parametrize("name", [name for name in PARSED if name != "data_dir"])
def test_an_empty_variable_is_no_setting(name: str) -> None:
    assert Settings.from_env({PREFIX + name.upper(): ""}) == Settings.from_env({})


@pytest.mark.parametrize("name", ["MEDAUTH_DATADIR", "MEDAUTH_", "MEDAUTH_data_dir", "MEDAUTH_REHEARSALS"])
def test_an_unknown_variable_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not a setting"):
        Settings.from_env({name: "1"})


def test_variables_of_tests_and_set_up_are_nobodys_setting() -> None:
    assert Settings.from_env({"MEDAUTH_DATA": "/x", "MEDAUTH_TEST_POSTGRES": "y"}) == Settings.from_env({})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("urgent_anchor", "perhaps"),
        ("confirmations", "many"),
        ("confirmations", "-1"),
        ("confirmations", "10001"),
        ("confirmations", "1.5"),
        ("confirmations", "9" * 5_000),
        ("max_merge_delay_s", "0"),
        ("max_merge_delay_s", "-60"),
        ("max_merge_delay_s", "1h"),
        ("retention_days", "-1"),
        ("replay_memory_days", "0"),
        ("replay_memory_days", "4000"),
        ("tenant", "t" * 65),
        ("tenant", "two\nlines"),
        ("retention_days", "soon"),
        ("emotion_timeout_ms", "0"),
        ("emotion_timeout_ms", "soon"),
        ("emotion_form", "xml"),
        ("emotion_consent", "of course"),
        ("opencv_threads", "65"),
        ("keep_frames", "some"),
        ("rehearsal", "maybe"),
        ("rehearsal", "2"),
        ("rpc_url", "ws://example.org"),
        ("rpc_url", "example.org:8545"),
        ("rpc_url", "file:///etc/passwd"),
    ],
)
def test_a_malformed_value_is_refused_by_the_name_of_its_variable(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=PREFIX + name.upper()):
        Settings.from_env({PREFIX + name.upper(): text})


@pytest.mark.parametrize("text", ["1", "true", "YES", "On"])
def test_a_flag_is_on(text: str) -> None:
    assert Settings.from_env({"MEDAUTH_REHEARSAL": text}).rehearsal


@pytest.mark.parametrize("text", ["0", "false", "No", "OFF"])
def test_a_flag_is_off(text: str) -> None:
    assert not Settings.from_env({"MEDAUTH_REHEARSAL": text}).rehearsal


@pytest.mark.parametrize("value", ["none", "key", "all"])
def test_frames_are_kept_as_told(value: str) -> None:
    assert Settings.from_env({"MEDAUTH_KEEP_FRAMES": value}).keep_frames == value


def test_no_secret_shows() -> None:
    secret = "hunter2"
    settings = Settings(
        database_url=f"postgresql+psycopg://a:{secret}@b/c",
        rpc_url=f"https://node.example/{secret}",
        chain_passphrase=secret,
        key_passphrase=secret,
    )
    assert secret not in repr(settings)
    assert secret not in str(settings)


@pytest.mark.parametrize("name", ["rpc_url"])
@pytest.mark.parametrize("text", ["ws://user:hunter2@host", "wss://host/hunter2", "hunter2"])
def test_no_secret_shows_in_an_error(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        Settings.from_env({PREFIX + name.upper(): text})
    assert "hunter2" not in str(error.value)


def test_the_mirror_lies_in_the_data_directory_unless_told_otherwise() -> None:
    assert Settings(data_dir=Path("/d")).mirror_url == "sqlite:////d/mirror.sqlite"
    assert Settings(database_url="sqlite:///x").mirror_url == "sqlite:///x"


def test_the_data_directory_is_the_same_place_for_every_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(data_dir=Path("here")).data_dir == tmp_path / "here"
    assert Settings(data_dir=Path("~/there")).data_dir == Path.home() / "there"


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().rehearsal = True  # type: ignore[misc]
