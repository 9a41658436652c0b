"""JSON-RPC to one Ethereum node, in web3's encoding.

Requests go out one by one and are never repeated here: the writer decides what to do again, since only it knows what is
safe. Answers are bounded in time and size and parsed strictly; a node is not trusted to speak well.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from web3.providers import JSONBaseProvider
from web3.types import RPCEndpoint

from medauth.errors import ConfigError, InputError, LedgerError, LedgerRejected, LedgerUnreachable
from medauth.ledger.outgoing import Bounds, NoAnswer, Outgoing, TooLarge
from medauth.protocol.canonical import require_flat

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Some forty thousand checkpoints, if a node tells of so many at once."""
TOTAL_S = 30.0
"""For a whole answer; as long as the verifier in a browser waits."""
_HTTP_OK = 200
_HEADERS = {"Content-Type": "application/json"}
_WORD = 1 << 256
"""What no number of the chain reaches."""


class RpcFault(LedgerRejected):
    """The node answered with an error. `data` is what the contract reverted with, if it did."""

    def __init__(self, method: str, message: str, data: bytes) -> None:
        super().__init__(f"{method}: {message}", expected="a result")
        self.message = message
        self.data = data


class JsonRpc:
    """One node. The URL may hold an access key, so messages name host and port only."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        total_s: float = TOTAL_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                "the node's address is no HTTP URL",
                expected="such as http://127.0.0.1:8545",
                next_step="set MEDAUTH_RPC_URL",
            )
        self.place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        self._max_answer_bytes = max_answer_bytes
        self._outgoing = Outgoing(url, Bounds(timeout_s, total_s, max_answer_bytes))
        self._encoding = JSONBaseProvider()

    def call(self, method: str, *params: Any) -> Any:
        """The result of a method. Raises `LedgerUnreachable`, or `RpcFault` with the node's own words."""
        try:
            raw = self._answered(self._encoding.encode_rpc_request(RPCEndpoint(method), list(params)))
            require_flat(raw)  # before it is parsed: a few kilobytes of brackets would end the process
            answer: Any = self._encoding.decode_rpc_response(raw)
        except TooLarge:
            raise self._too_large(method) from None
        except (InputError, ValueError, TypeError, AttributeError) as error:
            raise self.malformed(method) from error
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise self.malformed(method)
        if answer.get("error") is not None:
            raise _fault(method, answer["error"])
        return answer["result"]

    def _answered(self, request: bytes) -> bytes:
        try:
            status, raw = self._outgoing.post(request, _HEADERS)
            cause = "" if status == _HTTP_OK else f"HTTP {status}"
        except NoAnswer as error:
            cause, raw = str(error), b""
        if cause:
            raise LedgerUnreachable(
                f"no answer from the node at {self.place} ({cause})",
                expected="an Ethereum node",
                next_step="start it, or set MEDAUTH_RPC_URL; records stay pending meanwhile",
            ) from None  # a cause's text may hold the URL, and with it the access key
        return raw

    def quantity(self, method: str, *params: Any) -> int:
        """A result that is a number."""
        return self.parse_quantity(method, self.call(method, *params))

    def bytes_of(self, method: str, *params: Any) -> bytes:
        """A result that is a string of bytes."""
        return self.parse_bytes(method, self.call(method, *params))

    def parse_quantity(self, method: str, value: Any) -> int:
        """A hexadecimal number of an answer to `method`."""
        try:
            number = int(value, 16)
        except (TypeError, ValueError) as error:
            raise self.malformed(method) from error
        if not 0 <= number < _WORD:
            raise self.malformed(method)
        return number

    def parse_bytes(self, method: str, value: Any, length: int | None = None) -> bytes:
        """Hexadecimal bytes of an answer to `method`, of a certain length where one is given."""
        try:
            data = bytes.fromhex(value.removeprefix("0x"))
        except (AttributeError, ValueError) as error:
            raise self.malformed(method) from error
        if length is not None and len(data) != length:
            raise self.malformed(method)
        return data

    def _too_large(self, method: str) -> LedgerError:
        return LedgerError(
            f"{self.place} answered {method} with more than was read of it",
            expected=f"at most {self._max_answer_bytes} bytes",
            next_step="check that MEDAUTH_RPC_URL names an Ethereum node",
        )

    def malformed(self, method: str) -> LedgerError:
        """The error for an answer that makes no sense."""
        return LedgerError(
            f"{self.place} answered {method} with something malformed",
            expected="Ethereum JSON-RPC",
            next_step="check that MEDAUTH_RPC_URL names an Ethereum node",
        )


def _fault(method: str, error: Any) -> RpcFault:
    if not isinstance(error, dict):
        return RpcFault(method, str(error)[:300], b"")
    data = error.get("data")
    # Hardhat wraps the revert data in an object, anvil and geth give it as it is.
    while isinstance(data, dict):
        data = data.get("data")
    try:
        revert = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else b""
    except ValueError:
        revert = b""
    return RpcFault(method, str(error.get("message", "an error without words"))[:300], revert)
