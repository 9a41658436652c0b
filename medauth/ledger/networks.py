"""Contracts that are known by name: one committed file a network, with addresses and ABI.

A listed address is used only where `MEDAUTH_LEDGER_NETWORK` names its file. That a chain has the right number is no
reason to trust what lies on it: the code at the address must be this version's own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from eth_utils.address import is_address, to_checksum_address

from medauth.errors import ConfigError
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.contract import code_hash_for
from medauth.ledger.interface import ChainIdentity

FORMAT = "medauth network v1"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"0x[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Network:
    """A network by name, and the identity of each log's contract on it."""

    name: str
    chain_id: int
    contracts: dict[str, ChainIdentity]


def load_network(name: str) -> Network:
    """Reads a network's file: by its name among those that the wheel carries, or by a path. Raises `ConfigError`."""
    try:
        text = _file(name).read_text(encoding="utf-8")
        return _network(json.loads(text))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"the network file {name[:80]} cannot be used ({error})",
            expected=" or ".join(known_networks()) or "a file as `npm run deploy:contracts` writes it",
            next_step="check MEDAUTH_LEDGER_NETWORK; see medauth/ledger/networks/README.md",
        ) from error


def known_networks() -> list[str]:
    """Names of the networks that the wheel carries."""
    folder = resources.files("medauth.ledger").joinpath("networks")
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def _file(name: str) -> Any:
    if name.endswith(".json"):
        return Path(name)
    if not _NAME.fullmatch(name):
        raise ValueError("neither a name nor a path that ends in .json")
    return resources.files("medauth.ledger").joinpath("networks", f"{name}.json")


def _network(value: dict[str, Any]) -> Network:
    if value["format"] != FORMAT or value["abi"] != load_artifact().abi:
        raise ValueError("another format, or the ABI of another contract")
    chain_id = value["chain_id"]
    if not isinstance(chain_id, int) or chain_id < 1:
        raise ValueError("a chain id that is none")
    genesis = _digest(value["genesis"])
    contracts = {str(entry["log"]): _contract(entry, chain_id, genesis) for entry in value["contracts"]}
    return Network(str(value["name"]), chain_id, contracts)


def _contract(entry: dict[str, Any], chain_id: int, genesis: bytes) -> ChainIdentity:
    if not isinstance(entry["address"], str) or not is_address(entry["address"]):
        raise ValueError("an address that is none, or whose checksum is wrong")
    log_id = _digest(entry["log_id"])
    return ChainIdentity(
        chain_id=chain_id,
        genesis=genesis,
        address=to_checksum_address(entry["address"]),
        code_hash=code_hash_for(log_id),
        log_id=log_id,
        deployed_block=int(entry["deployed_block"]),
    )


def _digest(text: str) -> bytes:
    if not _DIGEST.fullmatch(text):
        raise ValueError("a digest that is not 32 bytes in hexadecimal")
    return bytes.fromhex(text[2:])
