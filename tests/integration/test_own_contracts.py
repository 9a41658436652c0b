"""Ledgers are found by the account that deployed them, though nobody remembers an address."""

from __future__ import annotations

from pathlib import Path

import pytest

import medauth
from medauth.auditing import head_audit
from medauth.evidence.verifier import StepState
from medauth.ledger.anvil import find_anvil, open_anvil
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import NewCheckpoint
from medauth.ledger.keys import local_chain_signer
from medauth.ledger.own_contracts import largest_of_account, ledgers_of
from medauth.ledger.rpc import JsonRpc
from medauth.store.interface import MAIN_LOG

pytestmark = pytest.mark.chain


def test_an_account_leads_to_its_ledgers(tmp_path: Path) -> None:
    with open_anvil(tmp_path / "chain", find_anvil()) as node:
        rpc, signer = JsonRpc(node.url), local_chain_signer(tmp_path / "chain.key")
        assert largest_of_account(rpc, signer.address) is None
        chain = Web3Chain(rpc, signer)
        identities = [chain.deploy(bytes([number]) * 32) for number in (1, 2)]
        found = list(ledgers_of(rpc, signer.address))
        assert [(one.address, one.log_id, one.code_hash) for one in found] == [
            (one.address, one.log_id, one.code_hash) for one in identities
        ]
        assert largest_of_account(rpc, signer.address) == 0
        ledger = chain.open(identities[1])
        first = NewCheckpoint(0, 3, b"\x05" * 32, ())
        ledger.send(ledger.sign(first, nonce=ledger.next_nonce(), fees=ledger.suggest_fees()).raw)
        ledger.mine(1)
        assert largest_of_account(rpc, signer.address) == 3
        assert largest_of_account(rpc, "0x" + "12" * 20) is None


def test_a_server_asks_its_own_account(tmp_path: Path) -> None:
    """The mirror forgets its chain, the keys their head: the audit with the chain still fails."""
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        assert auth.chains.own_head(MAIN_LOG) is None
        session = auth.start(subject="somebody")
        session.close()
        auth.anchor()
        assert auth.chains.own_head(MAIN_LOG) == 1
        with auth.store.engine.begin() as connection:
            for table in ("notes", "attempts", "checkpoints", "chain_identities"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        assert head_audit(auth, ask_chain=False).step(MAIN_LOG).state is StepState.FAILS
        (tmp_path / "keys" / "heads.json").unlink()
        found = head_audit(auth).step(MAIN_LOG)
        assert found.state is StepState.FAILS
        assert "1 leaves that its account anchored" in found.text
