"""A node that does not answer, answers badly, or lies about what it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from medauth.errors import ConfigError, LedgerError, LedgerRejected, LedgerUnreachable
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.codec import ContractCodec
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import ChainIdentity
from medauth.ledger.keys import LocalSigner
from medauth.ledger.rpc import JsonRpc, RpcFault
from medauth.ledger.transactions import created_address, read_block_hash, read_receipt, send, suggest_fees


class Answers(BaseHTTPRequestHandler):
    """Answers every request with `body`, or what `body` makes of the method."""

    body: Any = b""
    status = 200

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = self.body(request) if callable(self.body) else self.body
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def node() -> Iterator[tuple[str, type[Answers]]]:
    handler = type("Handler", (Answers,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v3/secret-access-key", handler
    server.shutdown()
    thread.join()
    server.server_close()


def says(result: Any) -> Any:
    return staticmethod(lambda request: json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())


def refuses(error: Any) -> Any:
    return staticmethod(lambda request: json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode())


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ftp://x", "file:///etc/passwd", "http://"])
def test_an_address_that_is_none(url: str):
    with pytest.raises(ConfigError) as caught:
        JsonRpc(url)
    assert "MEDAUTH_RPC_URL" in caught.value.next_step


def test_nobody_there_and_no_access_key_in_the_message():
    with pytest.raises(LedgerUnreachable) as caught:
        JsonRpc("http://127.0.0.1:9/v3/secret-access-key", timeout_s=1).call("eth_chainId")
    assert "127.0.0.1:9" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "pending" in caught.value.next_step


@pytest.mark.parametrize("status", [401, 429, 502])
def test_a_gateway_that_refuses(node: tuple[str, type[Answers]], status: int):
    url, handler = node
    handler.status = status
    with pytest.raises(LedgerUnreachable, match=str(status)) as caught:
        JsonRpc(url).call("eth_chainId")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b"7", b'{"jsonrpc": "2.0"}', b"\xff\xfe\x00", b'{"result": 1', b'"text"']
)
def test_answers_that_make_no_sense(node: tuple[str, type[Answers]], body: bytes):
    url, handler = node
    handler.body = body
    with pytest.raises(LedgerError, match="malformed") as caught:
        JsonRpc(url).call("eth_chainId")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("where", ["result", "error"])
@pytest.mark.parametrize(
    "value", [b"[" * 90_000 + b"]" * 90_000, b"[" * 90_000, b"7" * 5_000], ids=["deep", "open", "long"]
)
def test_answers_that_would_end_the_process(node: tuple[str, type[Answers]], where: str, value: bytes):
    url, handler = node
    handler.body = b'{"jsonrpc": "2.0", "id": 0, "%s": %s}' % (where.encode(), value)
    with pytest.raises(LedgerError, match="malformed"):
        JsonRpc(url).call("eth_chainId")


@pytest.mark.parametrize("result", [None, 5, "", "0x", "0xzz", [], {}, "zero", True, "-0x1", "0x1" + "0" * 64])
def test_numbers_that_are_none(node: tuple[str, type[Answers]], result: Any):
    url, handler = node
    handler.body = says(result)
    with pytest.raises(LedgerError, match="malformed"):
        JsonRpc(url).quantity("eth_chainId")


@pytest.mark.parametrize("result", [5, [], "0x1", "0xzz", {"blockNumber": "0x1"}, {"blockNumber": None}, "text"])
def test_receipts_that_are_none(node: tuple[str, type[Answers]], result: Any):
    url, handler = node
    handler.body = says(result)
    with pytest.raises(LedgerError, match="malformed"):
        read_receipt(JsonRpc(url), bytes(32))


@pytest.mark.parametrize("result", [5, [], "0x12", {"hash": "0x12"}, {}, {"hash": None}])
def test_blocks_that_are_none(node: tuple[str, type[Answers]], result: Any):
    url, handler = node
    handler.body = says(result)
    with pytest.raises(LedgerError, match="malformed"):
        read_block_hash(JsonRpc(url), 1)
    with pytest.raises(LedgerError, match="malformed"):
        suggest_fees(JsonRpc(url))


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted", "data": "0x" + "12" * 8},
        {"code": 3, "message": "execution reverted", "data": {"data": "0x" + "12" * 8}},
        {"code": 3, "message": "execution reverted", "data": {"data": {"data": "0x" + "12" * 8}}},
    ],
    ids=["geth", "wrapped", "wrapped-twice"],
)
def test_revert_data_is_found_wherever_the_node_puts_it(node: tuple[str, type[Answers]], error: Any):
    url, handler = node
    handler.body = refuses(error)
    with pytest.raises(RpcFault) as caught:
        JsonRpc(url).call("eth_call")
    assert caught.value.data == bytes([0x12]) * 8


@pytest.mark.parametrize("error", ["words", 7, [], {}, {"message": None}, {"message": "x" * 9_999, "data": "0xzz"}])
def test_odd_errors_are_errors_all_the_same(node: tuple[str, type[Answers]], error: Any):
    url, handler = node
    handler.body = refuses(error)
    with pytest.raises(LedgerRejected) as caught:
        JsonRpc(url).call("eth_call")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "words", ["already known", "Known transaction: 12", "nonce too low", "transaction already imported"]
)
def test_sending_twice_is_harmless(node: tuple[str, type[Answers]], words: str):
    url, handler = node
    handler.body = refuses({"code": -32000, "message": words})
    send(JsonRpc(url), b"raw")


def test_other_refusals_are_told(node: tuple[str, type[Answers]]):
    url, handler = node

    def answer(request: dict[str, Any]) -> bytes:
        sends = request["method"] == "eth_sendRawTransaction"
        what = {"error": {"code": -32000, "message": "insufficient funds"}} if sends else {"result": None}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], **what}).encode()

    handler.body = staticmethod(answer)
    with pytest.raises(LedgerRejected, match="insufficient funds"):
        send(JsonRpc(url), b"raw")


def test_a_local_key_is_never_used_on_another_chain(node: tuple[str, type[Answers]]):
    url, handler = node
    handler.body = says("0x1")
    chain = Web3Chain(JsonRpc(url), LocalSigner(bytes([1]) * 32, local_only=True))
    with pytest.raises(ConfigError, match="unencrypted key for chain 1") as caught:
        chain.deploy(bytes([7]) * 32)
    assert "MEDAUTH_CHAIN_KEYSTORE" in caught.value.next_step


def test_a_contract_that_answers_something_else(node: tuple[str, type[Answers]]):
    url, handler = node
    handler.body = says("0x1234")
    identity = ChainIdentity(1, bytes(32), "0x" + "12" * 20, bytes(32), bytes(32), 0)
    with pytest.raises(LedgerError):
        Web3Chain(JsonRpc(url), LocalSigner(bytes([1]) * 32)).open(identity).head()


# Addresses that any Ethereum library gives for the first account of Hardhat and anvil.
@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        (0, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
        (1, "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"),
        (2, "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"),
    ],
)
def test_addresses_of_contracts(nonce: int, address: str):
    assert created_address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", nonce) == address


def test_addresses_of_later_contracts():
    # Made with the packages rlp 4.1 and eth-hash: the lengths at which RLP changes its form.
    sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert [created_address(sender, nonce)[-8:] for nonce in (0x7F, 0x80, 0xFF, 0x100, 70_000, 2**40)] == [
        "5535177c",
        "2581e680",
        "B1ba139E",
        "d7183B6c",
        "1ab36363",
        "C4ebe58D",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bytes.fromhex("08c379a0") + (32).to_bytes(32) + (2).to_bytes(32) + b"no".ljust(32, b"\0"), "no"),
        (bytes.fromhex("4e487b71") + (0x11).to_bytes(32), "Panic(0x11)"),
        (bytes.fromhex("08c379a0"), "reverted with 0x08c379a0"),
        (b"", "reverted without a reason"),
        (b"\x01", "reverted with 0x01"),
        (b"\xde\xad\xbe\xef" + bytes(99), "reverted with 0xdeadbeef" + "00" * 32),
    ],
)
def test_reasons_in_words(data: bytes, words: str):
    assert ContractCodec(load_artifact()).reason(data) == words
