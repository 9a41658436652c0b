"""The compiled contract that travels in the wheel: no compiler is needed where medauth runs.

Its JSON file is written by `npm run compile`; tests show that Hardhat and py-solc-x both make these very bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from medauth.errors import LedgerError

CONTRACT = "LivenessLedger"


@dataclass(frozen=True, slots=True)
class ContractArtifact:
    """ABI and bytecode of a contract, and what they were made from."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    """Creation code, to which the constructor's arguments are appended."""
    deployed_bytecode: bytes
    """Code at the address, with zeros where immutable values go."""
    immutable_offsets: tuple[int, ...]
    """Where in `deployed_bytecode` the 32 bytes of `logId` go."""
    compiler: dict[str, Any]
    sources: dict[str, str]
    """SHA-256 of each source file, hexadecimal."""

    def code_for(self, log_id: bytes) -> bytes:
        """The code that a ledger of this log has on chain."""
        code = bytearray(self.deployed_bytecode)
        for offset in self.immutable_offsets:
            code[offset : offset + 32] = log_id
        return bytes(code)


@cache
def load_artifact() -> ContractArtifact:
    """Reads the committed artifact of `LivenessLedger`."""
    file = resources.files("medauth.ledger").joinpath("artifacts", f"{CONTRACT}.json")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return ContractArtifact(
            name=data["contract"],
            abi=data["abi"],
            bytecode=_unhex(data["bytecode"]),
            deployed_bytecode=_unhex(data["deployedBytecode"]),
            immutable_offsets=tuple(place["start"] for place in data["immutableReferences"]),
            compiler=data["compiler"],
            sources=data["sources"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise LedgerError(
            f"the contract file {CONTRACT}.json of this installation cannot be used ({type(error).__name__})",
            expected="the file that the wheel carries",
            next_step="install medauth again",
        ) from error


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
