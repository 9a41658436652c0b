"""Calls, answers, events and errors of the ledger contract, to and from bytes, as its ABI says."""

from __future__ import annotations

from typing import Any, cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_typing import ABIElement, ABIEvent
from eth_utils.abi import (
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)

from medauth.errors import LedgerIdentityChanged
from medauth.ledger.artifacts import ContractArtifact

_REVERT_WITH_WORDS = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_SELECTOR = 4


class ContractCodec:
    """Speaks the ABI of one contract."""

    def __init__(self, artifact: ContractArtifact) -> None:
        self._artifact = artifact
        self._functions = {entry["name"]: entry for entry in artifact.abi if entry["type"] == "function"}
        self._events = {entry["name"]: entry for entry in artifact.abi if entry["type"] == "event"}
        errors = [entry for entry in artifact.abi if entry["type"] == "error"]
        # An error's selector is made as a function's is; eth_utils knows functions only.
        self._errors = {function_abi_to_4byte_selector(_element({**e, "type": "function"})): e for e in errors}

    def creation(self, *arguments: Any) -> bytes:
        """Creation code with the constructor's arguments."""
        constructor = next(entry for entry in self._artifact.abi if entry["type"] == "constructor")
        return self._artifact.bytecode + encode(get_abi_input_types(_element(constructor)), arguments)

    def call(self, name: str, *arguments: Any) -> bytes:
        """Call data of a function."""
        function = _element(self._functions[name])
        return function_abi_to_4byte_selector(function) + encode(get_abi_input_types(function), arguments)

    def answer(self, name: str, data: bytes) -> tuple[Any, ...]:
        """What a function returned."""
        try:
            return decode(get_abi_output_types(_element(self._functions[name])), data)
        except (DecodingError, OverflowError) as error:
            raise LedgerIdentityChanged(
                f"{name}() gave {len(data)} bytes that do not fit",
                expected="the ledger contract at the pinned address",
                next_step="run `medauth doctor`: the chain may have been replaced",
            ) from error

    def topic(self, event: str) -> bytes:
        """First topic of an event."""
        return event_abi_to_log_topic(cast("ABIEvent", self._events[event]))

    def event_values(self, event: str, data: bytes) -> tuple[Any, ...]:
        """The values of an event that are not indexed."""
        types = [value["type"] for value in self._events[event]["inputs"] if not value["indexed"]]
        return decode(types, data)

    def reason(self, data: bytes) -> str:
        """Why a call was reverted: `StaleBase(8, 0)` for a custom error, its words for a plain one."""
        selector, rest = data[:_SELECTOR], data[_SELECTOR:]
        try:
            if selector in self._errors:
                error = self._errors[selector]
                values = decode([value["type"] for value in error["inputs"]], rest)
                return f"{error['name']}({', '.join(map(_shown, values))})"
            if selector == _REVERT_WITH_WORDS:
                return str(decode(["string"], rest)[0])
            if selector == _PANIC:
                return f"Panic({decode(['uint256'], rest)[0]:#x})"
        except (DecodingError, OverflowError, UnicodeDecodeError):
            pass
        return f"reverted with 0x{data[:36].hex()}" if data else "reverted without a reason"


def _element(entry: dict[str, Any]) -> ABIElement:
    return cast("ABIElement", entry)


def _shown(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
