"""Chain keys that live in files: an encrypted keystore, and an unencrypted key for a local chain.

The chain key only pays for and sends transactions. Whoever steals it can anchor further checkpoints, never change what
is anchored; statements are signed by other keys.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from medauth.errors import ConfigError, KeyringError
from medauth.ledger.interface import Signer

SIGNERS = "medauth.chain_signers"
"""Group of entry points: each a callable that takes the log's name and returns its `Signer`."""
_KEY_BYTES = 32


class LocalSigner:
    """Signs with a private key held in this process."""

    def __init__(self, private_key: bytes, *, local_only: bool = False) -> None:
        self._account: LocalAccount = Account.from_key(private_key)
        self.local_only = local_only

    @property
    def address(self) -> str:
        return str(self._account.address)

    def sign(self, transaction: Mapping[str, Any]) -> tuple[bytes, bytes]:
        signed = self._account.sign_transaction(dict(transaction))
        return bytes(signed.hash), bytes(signed.raw_transaction)


def service_signer(name: str, log: str) -> Signer:
    """The signer that an installed package offers under a name, as one for a key service. Raises `ConfigError`."""
    offered = {entry.name: entry for entry in entry_points(group=SIGNERS)}
    if name not in offered:
        raise ConfigError(
            f"no installed package offers the chain signer {name[:80]!r}",
            expected=", ".join(sorted(offered)) or f"a package with an entry point in {SIGNERS}",
            next_step="install it, or correct MEDAUTH_CHAIN_SIGNER",
        )
    signer: Signer = offered[name].load()(log)
    return signer


def create_keystore(path: Path, passphrase: str) -> LocalSigner:
    """Makes a key and writes it to a Web3 keystore (scrypt, mode 0600). Never replaces a file."""
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        _write_new(path, json.dumps(Account.encrypt(key, passphrase, kdf="scrypt")).encode())
    except FileExistsError:
        raise KeyringError(
            f"there is a keystore {path.name} already", expected="a new file", next_step="open it, or name another"
        ) from None
    return LocalSigner(key)


def open_keystore(path: Path, passphrase: str) -> LocalSigner:
    """Opens a Web3 keystore."""
    text = _read(path).decode("utf-8", errors="replace")
    try:
        return LocalSigner(bytes(Account.decrypt(text, passphrase)))
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        raise KeyringError(
            f"the keystore {path.name} does not open",
            expected="a Web3 keystore (version 3) and its pass phrase",
            next_step="check MEDAUTH_CHAIN_KEYSTORE and its pass phrase",
        ) from error


def local_chain_signer(path: Path) -> LocalSigner:
    """A key of this data directory, made on first use, mode 0600, not encrypted: for a local chain only."""
    with contextlib.suppress(FileExistsError):
        _write_new(path, secrets.token_bytes(_KEY_BYTES).hex().encode() + b"\n")
    text = _read(path)
    try:
        return LocalSigner(bytes.fromhex(text.decode("ascii").strip()), local_only=True)
    except ValueError as error:
        raise KeyringError(
            f"the local chain's key {path.name} is damaged",
            expected="64 hexadecimal digits",
            next_step="restore it from a backup; a new key cannot write to the contracts of the old one",
        ) from error


def _write_new(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over a file that is there: two processes may start at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyringError(
            f"the chain key {path.name} cannot be read ({type(error).__name__})", next_step="check path and permissions"
        ) from error
