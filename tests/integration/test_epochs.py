"""A log that goes on in a new contract, and calls that are no checkpoints: against a chain in memory, in milliseconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medauth.errors import LedgerIdentityChanged, LedgerRejected, LedgerUnreachable, StoreError
from medauth.evidence.merkle import inclusion_path
from medauth.ledger.interface import Pause, RevocationReason, UrgentLeaf
from medauth.ledger.memory import MemoryChain, MemoryLedger
from medauth.ledger.memory_node import MemoryNode
from medauth.service.anchoring import AnchorOptions, AnchorWriter, lease_of
from medauth.service.direct_calls import DirectCaller, revocation_of
from medauth.service.epochs import move_on, require_connected
from medauth.service.pinning import identity_of, open_ledger
from medauth.store.interface import CheckpointState
from tests.ports.ledger_world import add_leaves, assert_nothing_lost, fresh_store, leaves_of

LOG = "main"


class World:
    """A local chain, a mirror, and the log's leaves so far."""

    def __init__(self, chain_id: int = 31337) -> None:
        self.node = MemoryNode(chain_id)
        self.chain, self.store = MemoryChain(self.node), fresh_store()
        self.seconds = 0.0
        self.leaves: list[bytes] = []

    def grow(self, count: int) -> None:
        new = leaves_of(count, f"from {len(self.leaves)}")
        add_leaves(self.store, LOG, new)
        self.leaves += new
        self.anchor()

    def anchor(self) -> None:
        report = AnchorWriter(
            LOG, self.store, self.ledger, holder="writer", options=AnchorOptions(confirmations=1), sleep=self.sleep
        ).run()
        assert report.final_leaves == len(self.leaves)

    @property
    def ledger(self) -> MemoryLedger:
        ledger = open_ledger(LOG, self.store, self.chain, bytes([7]) * 32)
        assert isinstance(ledger, MemoryLedger)
        return ledger

    def caller(self, holder: str = "operator") -> DirectCaller:
        return DirectCaller(
            LOG,
            self.store,
            self.ledger,
            holder=holder,
            now_ms=lambda: int(self.seconds * 1_000),
            monotonic_s=lambda: self.seconds,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 5)

    def move_on(self) -> None:
        move_on(LOG, self.store, self.chain, self.ledger, self.caller())


@pytest.fixture
def world() -> World:
    return World()


def test_the_writer_goes_on_in_the_new_contract(world: World) -> None:
    world.grow(3)
    world.grow(5)
    old = world.ledger
    world.move_on()
    world.grow(4)
    assert (old.head().size, old.is_paused(), world.ledger.head().size) == (8, True, 12)
    assert [(row.seq, row.old_size, row.new_size) for row in world.store.checkpoints(LOG)] == [
        (1, 0, 3),
        (2, 3, 8),
        (3, 8, 12),
    ]
    events = [*old.checkpoints(), *world.ledger.checkpoints()]
    assert [event.seq for event in events] == [1, 2, 3]
    (left,) = world.store.epochs(LOG)
    assert (left.number, left.size, left.root) == (1, 8, old.head().root)
    assert identity_of(left.identity) == old.identity
    assert world.ledger.identity.log_id == old.identity.epoch_after(old.head())


def test_each_checkpoint_knows_the_contract_that_took_it(world: World) -> None:
    world.grow(3)
    first = world.store.chain_identity(LOG)
    world.move_on()
    world.grow(2)
    second = world.store.chain_identity(LOG)
    assert first != second
    assert [world.store.contract_over(LOG, size) for size in (1, 3, 4, 5)] == [first, first, second, second]


def test_epochs_follow_one_another_and_are_connected(world: World) -> None:
    for count in (2, 3, 4):
        world.grow(count)
        world.move_on()
    present = world.store.chain_identity(LOG)
    assert present is not None
    epochs = world.store.epochs(LOG)
    assert [(epoch.number, epoch.size) for epoch in epochs] == [(1, 2), (2, 5), (3, 9)]
    require_connected(LOG, epochs, present)
    for number in range(3):
        altered = list(epochs)
        altered[number] = replace(epochs[number], size=epochs[number].size + 1)
        with pytest.raises(LedgerIdentityChanged, match="does not go on"):
            require_connected(LOG, altered, present)
    with pytest.raises(LedgerIdentityChanged, match="does not go on"):
        require_connected(LOG, epochs, replace(present, log_id=bytes(32)))


def test_an_empty_log_may_move_too(world: World) -> None:
    assert world.ledger.head().size == 0
    world.move_on()
    world.grow(2)
    assert_nothing_lost(world.store, world.chain, LOG, world.leaves)


def test_no_log_moves_while_a_checkpoint_is_under_way(world: World) -> None:
    world.grow(2)
    world.node.automine = False
    add_leaves(world.store, LOG, leaves_of(1, "late"))
    AnchorWriter(LOG, world.store, world.ledger, holder="writer").step()
    with pytest.raises(LedgerRejected, match="checkpoint 2 of log main is pending"):
        world.move_on()
    assert not world.ledger.is_paused()


def test_no_log_moves_from_a_head_that_the_mirror_does_not_know(world: World) -> None:
    world.grow(4)
    behind = World()
    behind.node, behind.chain = world.node, world.chain
    identity = world.store.chain_identity(LOG)
    assert identity is not None
    behind.store.pin_chain_identity(identity)
    before = world.node.tip
    with pytest.raises(LedgerIdentityChanged, match="4 leaves"):
        behind.move_on()
    assert world.node.tip == before + 1  # the pause, and no contract


def test_a_move_that_was_interrupted_is_run_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.grow(4)

    def crash(*_: object) -> None:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(world.store, "begin_epoch", crash)
        with pytest.raises(StoreError):
            world.move_on()
    with pytest.raises(LedgerRejected, match="EnforcedPause"):
        world.grow(1)  # until then records stay pending
    world.move_on()
    world.anchor()
    assert len(world.store.epochs(LOG)) == 1


def test_the_mirror_moves_once_and_from_the_right_contract(world: World) -> None:
    world.grow(4)
    first = world.store.chain_identity(LOG)
    world.move_on()
    (left,), present = world.store.epochs(LOG), world.store.chain_identity(LOG)
    assert first is not None
    assert present is not None
    world.store.begin_epoch(left, present)  # the same again changes nothing
    assert len(world.store.epochs(LOG)) == 1
    with pytest.raises(StoreError, match="pinned to"):
        world.store.begin_epoch(left, replace(present, address="0x" + "12" * 20))
    assert world.store.chain_identity(LOG) == present


# Calls that are no checkpoints


def test_a_record_is_revoked_with_its_proof(world: World) -> None:
    world.grow(6)
    (record,) = [row for row in world.store.records(LOG) if row.leaf_index == 4]
    call = revocation_of(record, world.store, world.ledger.head(), RevocationReason.ATTACK_FOUND)
    assert call.path == tuple(inclusion_path(4, 6, lambda wanted: world.store.nodes(LOG, list(wanted))))
    assert world.caller().call(call).succeeded
    found = world.ledger.revocation(record.leaf)
    assert found is not None
    assert found.reason is RevocationReason.ATTACK_FOUND
    with pytest.raises(LedgerRejected, match="AlreadyRevoked"):
        world.caller().call(call)


def test_a_record_of_an_old_epoch_is_revoked_in_the_present_contract(world: World) -> None:
    world.grow(6)
    world.move_on()
    record = next(iter(world.store.records(LOG)))
    call = revocation_of(record, world.store, world.ledger.head(), RevocationReason.SUPERSEDED)
    assert world.caller().call(call).succeeded
    assert world.ledger.revocation(record.leaf)


def test_what_is_not_anchored_cannot_be_revoked(world: World) -> None:
    world.grow(2)
    add_leaves(world.store, LOG, leaves_of(1, "late"))
    *_, record = world.store.records(LOG)
    with pytest.raises(LedgerRejected, match="not anchored yet"):
        revocation_of(record, world.store, world.ledger.head(), RevocationReason.ERASED)


def test_the_pool_is_left_to_a_checkpoint_that_waits(world: World) -> None:
    world.grow(2)
    world.node.automine = False
    add_leaves(world.store, LOG, leaves_of(1, "late"))
    AnchorWriter(LOG, world.store, world.ledger, holder="w").step()
    world.store.release_lease(lease_of(LOG), "w")
    with pytest.raises(LedgerRejected, match="checkpoint 2 of log main waits for a block"):
        world.caller().call(UrgentLeaf(bytes(32)))


def test_the_lease_is_waited_for_and_given_back(world: World) -> None:
    world.grow(1)
    assert world.store.take_lease(lease_of(LOG), "a writer", 0, 60_000)
    assert world.caller().call(UrgentLeaf(bytes(32))).succeeded  # once a minute has passed
    assert world.seconds >= 60
    assert world.store.take_lease(lease_of(LOG), "a writer", int(world.seconds * 1_000), 10**9)
    with pytest.raises(LedgerRejected, match="is at work"):
        world.caller().call(Pause())


def test_a_call_that_no_block_takes_can_be_asked_for_again() -> None:
    world = World(chain_id=5)
    world.node.automine = False
    ledger = world.ledger
    with pytest.raises(LedgerUnreachable, match="in no block yet"):
        world.caller().call(UrgentLeaf(bytes(32)))
    assert world.store.take_lease(lease_of(LOG), "another", int(world.seconds * 1_000), 0)  # it was given back
    world.node.mine(1)
    assert ledger.leaf_anchored_at_s(bytes(32))
    with pytest.raises(LedgerRejected, match="AlreadyAnchored"):
        world.caller().call(UrgentLeaf(bytes(32)))
    assert CheckpointState.PENDING not in {row.state for row in world.store.checkpoints(LOG)}
