from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from eth_account import Account

from medauth.errors import ConfigError, KeyringError
from medauth.ledger.keys import LocalSigner, create_keystore, local_chain_signer, open_keystore, service_signer

WELL_KNOWN = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # the first account of every Hardhat and anvil


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch):
    """Scrypt as it ships takes a second; what is tested here is the file."""
    encrypt = Account.encrypt
    cheap = lambda key, passphrase, kdf: encrypt(key, passphrase, kdf=kdf, iterations=2)  # noqa: E731
    monkeypatch.setattr(Account, "encrypt", cheap)


def test_a_local_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path):
    path = tmp_path / "chain" / "main.key"
    first = local_chain_signer(path)
    assert local_chain_signer(path).address == first.address
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["main.key"]
    assert first.local_only


def test_local_keys_differ_and_none_is_the_well_known_one(tmp_path: Path):
    addresses = {local_chain_signer(tmp_path / name).address for name in "abc"}
    assert len(addresses) == 3
    assert WELL_KNOWN not in addresses


def test_starting_twice_at_once_makes_one_key(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        signers = list(pool.map(lambda _: local_chain_signer(tmp_path / "key"), range(16)))
    assert len({signer.address for signer in signers}) == 1


@pytest.mark.parametrize("content", [b"", b"zz", b"12" * 31, b"\xff\xfe"])
def test_a_damaged_local_key_is_named_and_never_replaced(tmp_path: Path, content: bytes):
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(KeyringError, match="damaged") as caught:
        local_chain_signer(path)
    assert "backup" in caught.value.next_step
    assert path.read_bytes() == content


def test_a_keystore_opens_with_its_pass_phrase_alone(tmp_path: Path):
    path = tmp_path / "keystore.json"
    made = create_keystore(path, "correct horse")
    assert open_keystore(path, "correct horse").address == made.address
    assert not made.local_only
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["crypto"]["kdf"] == "scrypt"
    with pytest.raises(KeyringError, match="does not open") as caught:
        open_keystore(path, "wrong")
    assert "wrong" not in str(caught.value)


def test_a_keystore_is_never_written_over(tmp_path: Path):
    path = tmp_path / "keystore.json"
    create_keystore(path, "one")
    with pytest.raises(KeyringError, match="already"):
        create_keystore(path, "two")
    assert open_keystore(path, "one").address


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"crypto": {}, "version": 3}', "\x00"])
def test_what_is_no_keystore_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "keystore.json"
    path.write_text(content)
    with pytest.raises(KeyringError):
        open_keystore(path, "any")


def test_a_missing_keystore_is_named(tmp_path: Path):
    with pytest.raises(KeyringError, match=r"none\.json"):
        open_keystore(tmp_path / "none.json", "any")


def test_a_signature_recovers_to_the_address():
    signer = LocalSigner(bytes([1]) * 32)
    fields = {"type": 2, "chainId": 1, "nonce": 0, "to": WELL_KNOWN, "value": 0, "gas": 21_000}
    tx_hash, raw = signer.sign({**fields, "maxFeePerGas": 10, "maxPriorityFeePerGas": 1})
    assert Account.recover_transaction(raw) == signer.address
    assert len(tx_hash) == 32


def test_a_signer_of_an_installed_package_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_kms.py").write_text(
        "from medauth.ledger.keys import LocalSigner\n"
        "def signer(log):\n    return LocalSigner(log.encode().ljust(32, b'1'))\n"
    )
    package = tmp_path / "my_kms-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: my-kms\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[medauth.chain_signers]\nkms = my_kms:signer\n")
    with pytest.raises(ConfigError, match="no installed package") as caught:
        service_signer("kms", "main")
    assert "MEDAUTH_CHAIN_SIGNER" in caught.value.next_step
    monkeypatch.syspath_prepend(str(tmp_path))
    assert service_signer("kms", "main").address == LocalSigner(b"main".ljust(32, b"1")).address
    assert service_signer("kms", "main").address != service_signer("kms", "other").address
    with pytest.raises(ConfigError) as caught:
        service_signer("hsm", "main")
    assert caught.value.expected == "kms"
