"""The writer against a chain in memory: every way it can go wrong, in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from medauth.errors import LedgerIdentityChanged, LedgerRejected, LedgerUnreachable
from medauth.evidence.merkle import MemoryTree
from medauth.ledger.interface import Fees
from medauth.ledger.memory import MemoryChain, MemoryLedger, MemorySigner
from medauth.ledger.memory_node import MemoryNode
from medauth.service.anchoring import AnchorOptions, AnchorWriter, Progress
from medauth.service.pinning import open_ledger
from medauth.store.interface import CheckpointRow, CheckpointState
from tests.ports.ledger_world import (
    Chaos,
    Crash,
    Tally,
    add_leaves,
    assert_nothing_lost,
    checkpoint_over,
    fresh_store,
    leaves_of,
    mine_until,
)

LOG = "main"
POINTS = ("before-intent", "after-intent", "before-send", "after-send", "receipt-seen", "before-final", "after-final")


class World:
    """A store, a chain that makes no blocks by itself, and a clock that the test moves."""

    def __init__(self, *, confirmations: int = 3, chain_id: int = 31337) -> None:
        self.node = MemoryNode(chain_id, automine=False)
        self.chain = MemoryChain(self.node)
        self.store = fresh_store()
        self.options = AnchorOptions(confirmations=confirmations, bump_after_s=60)
        self.seconds = 0.0
        self.leaves: list[bytes] = []

    def add(self, count: int) -> None:
        new = leaves_of(count, f"from {len(self.leaves)}")
        add_leaves(self.store, LOG, new)
        self.leaves += new

    @property
    def ledger(self) -> MemoryLedger:
        ledger = open_ledger(LOG, self.store, self.chain, bytes([7]) * 32)
        assert isinstance(ledger, MemoryLedger)
        return ledger

    def writer(self, at_point: Callable[[str], object] = str, holder: str = "a") -> AnchorWriter:
        def sleep(seconds: float) -> None:
            self.seconds += seconds

        return AnchorWriter(
            LOG,
            self.store,
            self.ledger,
            holder=holder,
            options=self.options,
            now_ms=lambda: int(self.seconds * 1_000),
            monotonic_s=lambda: self.seconds,
            sleep=sleep,
            at_point=at_point,
        )

    def row(self, seq: int = 1) -> CheckpointRow:
        return next(row for row in self.store.checkpoints(LOG) if row.seq == seq)

    def finish(self, writer: AnchorWriter | None = None) -> None:
        report = (writer or self.writer()).run()
        assert report.final_leaves == len(self.leaves)
        assert_nothing_lost(self.store, self.chain, LOG, self.leaves)


@pytest.fixture
def world() -> World:
    return World()


def steps(writer: AnchorWriter, count: int) -> list[Progress]:
    return [writer.step() for _ in range(count)]


def test_an_empty_log_needs_nothing(world: World):
    assert world.writer().step() is Progress.IDLE
    assert world.writer().run().leaves == 0


def test_one_checkpoint_covers_all_that_waits(world: World):
    world.add(20)
    report = world.writer().run()
    assert [row.new_size for row in report.checkpoints] == [20]
    assert (report.leaves, report.final_leaves, report.local_chain, report.standby) == (20, 20, True, False)
    assert "20 of 20 records final" in str(report)
    assert "proves nothing to outsiders" in str(report)
    assert_nothing_lost(world.store, world.chain, LOG, world.leaves)


def test_the_states_on_the_way(world: World):
    world = World(chain_id=5)  # no local chain: blocks come when the test makes them
    writer = world.writer()
    seen: list[str] = []
    world.add(4)
    for _ in range(8):
        seen.append(writer.step().value)
        seen.append(world.row().state.value)
        world.node.mine(1)
    assert seen[:10] == [
        *("moved", "pending"),
        *("waiting", "pending"),
        *("waiting", "anchored"),
        *("waiting", "anchored"),
        *("moved", "final"),
    ]
    assert seen[10:] == ["idle", "final"] * 3


def test_leaves_that_arrive_meanwhile_go_into_the_next_checkpoint(world: World):
    world.add(3)
    writer = world.writer()
    writer.step()
    world.add(5)
    world.finish(writer)
    assert [(row.old_size, row.new_size) for row in world.store.checkpoints(LOG)] == [(0, 3), (3, 8)]


@pytest.mark.parametrize("confirmations", [1, 2, 5])
def test_final_needs_as_many_blocks_as_asked(confirmations: int):
    world = World(confirmations=confirmations, chain_id=5)
    world.add(1)
    writer = world.writer()
    steps(writer, 2)
    for _ in range(confirmations):
        assert world.row().state is not CheckpointState.FINAL
        world.node.mine(1)
        writer.step()
    assert world.row().state is CheckpointState.FINAL


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_loses_and_doubles_nothing(world: World, point: str):
    def crash(passed: str) -> None:
        if passed == point:
            raise Crash(point)

    world.add(6)
    with pytest.raises(Crash):
        world.writer(crash).run()
    world.add(2)
    world.finish()


def test_the_signed_transaction_is_stored_before_it_is_sent(world: World):
    stored: list[int] = []

    def look(point: str) -> None:
        if point == "before-send":
            stored.append(len(world.store.attempts(LOG, 1)))
            assert world.ledger.next_nonce() == 1  # the deployment alone

    world.add(1)
    world.writer(look).run()
    assert stored[0] == 1


def test_what_the_node_forgot_is_sent_again_as_the_same_bytes(world: World):
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    world.node.drop_waiting()
    world.finish(writer)
    assert len(world.store.attempts(LOG, 1)) == 1


def test_a_reorganisation_before_final_is_followed():
    world = World(chain_id=5)
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    world.node.mine(1)
    writer.step()
    assert world.row().state is CheckpointState.ANCHORED
    world.node.reorganise(1)
    writer.step()
    assert world.row().state is CheckpointState.REORGED
    assert "no longer part of the chain" in world.row().why
    assert (world.row().block, world.row().tx_hash) == (None, None)
    for _ in range(4):
        world.node.mine(1)
        writer.step()
    assert world.row().state is CheckpointState.FINAL
    assert world.row().why == ""
    assert_nothing_lost(world.store, world.chain, LOG, world.leaves)


def test_a_reorganisation_behind_final_is_noticed_and_mended():
    world = World(chain_id=5, confirmations=1)
    writer = world.writer()
    for _ in range(3):
        world.add(2)
        for _ in range(3):
            writer.step()
            world.node.mine(1)
    assert writer.step() is Progress.IDLE
    world.node.reorganise(world.node.tip - 1)  # back to the deployment
    world.add(2)
    for _ in range(40):
        if writer.step() is Progress.IDLE:
            break
        world.node.mine(1)
    assert_nothing_lost(world.store, world.chain, LOG, world.leaves)
    assert [row.new_size for row in world.store.checkpoints(LOG)] == [2, 4, 6, 8]


def test_a_stuck_transaction_is_replaced_at_a_higher_fee():
    world = World(chain_id=5)
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    world.seconds += 61
    writer.step()
    new, old = world.store.attempts(LOG, 1)
    assert (new.nonce, new.tx_hash == old.tx_hash) == (old.nonce, False)
    assert new.max_fee * 10 >= old.max_fee * 11
    assert new.tip * 10 >= old.tip * 11
    world.node.mine(3)
    writer.step()
    assert world.row().state is CheckpointState.FINAL
    assert world.row().tx_hash == new.tx_hash


def test_a_patient_writer_keeps_the_fee():
    world = World(chain_id=5)
    world.options = replace(world.options, bump_after_s=1_000)
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    world.seconds += 61
    steps(writer, 3)
    assert len(world.store.attempts(LOG, 1)) == 1


def test_the_first_fee_wins_when_it_is_mined_after_all():
    world = World(chain_id=5)
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    first = world.store.attempts(LOG, 1)[0]
    world.seconds += 61
    with pytest.raises(Crash):
        _step_late(world, world.writer(_crash_at("after-bump")))
    assert len(world.store.attempts(LOG, 1)) == 2
    world.node.mine(3)
    world.finish()
    assert world.row().tx_hash == first.tx_hash


def _step_late(world: World, writer: AnchorWriter) -> None:
    """A new writer's timer starts anew: it sends first, and finds the transaction stuck a minute later."""
    writer.step()
    world.seconds += 61
    writer.step()


def _crash_at(point: str) -> Callable[[str], None]:
    def crash(passed: str) -> None:
        if passed == point:
            raise Crash(point)

    return crash


def test_a_nonce_taken_by_another_transaction_is_replaced(world: World):
    world.add(3)
    writer = world.writer()
    writer.step()
    world.chain.deploy(bytes([9]) * 32)  # the same account, another purpose
    world.finish(writer)
    assert sorted(a.nonce for a in world.store.attempts(LOG, 1)) == [1, 2]


def test_a_nonce_taken_after_a_failure_is_replaced_too(world: World):
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    world.node.refusing = "EnforcedPause()"
    world.node.mine(1)
    writer.step()
    world.node.refusing = ""
    assert writer.step() is Progress.MOVED  # tried again in its place
    world.chain.deploy(bytes([9]) * 32)
    world.finish(writer)
    assert sorted(a.nonce for a in world.store.attempts(LOG, 1)) == [1, 2, 3]


def test_anchored_by_a_transaction_that_nobody_remembers(world: World):
    """As when attempts were lost with a backup: the contract's event tells the rest."""
    world.add(3)
    writer = world.writer()
    writer.step()
    ledger = world.ledger
    tree = MemoryTree(world.leaves)
    signed = ledger.sign(checkpoint_over(tree, 0, 3), nonce=1, fees=Fees(7 * 10**9, 10**9))
    ledger.send(signed.raw)
    mine_until(ledger, signed.tx_hash)
    world.finish(writer)
    assert world.row().tx_hash == signed.tx_hash


def test_reverted_because_it_was_anchored_already_is_success(world: World):
    """Two transactions carried the same checkpoint: the second was reverted with StaleBase and our own head."""
    world.add(3)
    writer = world.writer()
    writer.step()
    ours = world.store.attempts(LOG, 1)[0]
    ledger = world.ledger
    other = MemorySigner("another account with the anchor role")
    twin = MemoryLedger(world.node, other, ledger.identity)
    signed = twin.sign(checkpoint_over(MemoryTree(world.leaves), 0, 3), nonce=0, fees=Fees(10**9, 10**9))
    ledger.send(signed.raw)
    mine_until(ledger, signed.tx_hash)
    ledger.send(ours.raw)
    mine_until(ledger, ours.tx_hash)
    receipt = ledger.receipt(ours.tx_hash)
    assert receipt is not None
    assert not receipt.succeeded
    world.finish(writer)
    assert world.row().tx_hash == signed.tx_hash


def test_a_contract_that_refuses_costs_nothing_and_leaves_nothing_behind(world: World):
    world.add(3)
    world.node.refusing = "EnforcedPause()"
    writer = world.writer()
    with pytest.raises(LedgerRejected, match="EnforcedPause") as caught:
        writer.run()
    assert "medauth doctor" in caught.value.next_step
    assert list(world.store.checkpoints(LOG)) == []
    world.node.refusing = ""
    world.finish(writer)


def test_a_reverted_checkpoint_fails_with_its_reason_and_is_tried_again_in_its_place(world: World):
    world.add(3)
    writer = world.writer()
    steps(writer, 2)
    world.node.refusing = "EnforcedPause()"
    world.node.mine(1)
    writer.step()
    assert (world.row().state, world.row().why) == (CheckpointState.FAILED, "EnforcedPause()")
    world.add(4)
    with pytest.raises(LedgerRejected, match="EnforcedPause"):
        writer.step()
    world.node.refusing = ""
    world.finish(writer)
    assert [(row.seq, row.new_size) for row in world.store.checkpoints(LOG)] == [(1, 3), (2, 7)]


def test_a_node_that_is_down_loses_nothing(world: World):
    world.add(3)
    writer = world.writer()
    for _ in range(4):
        world.node.down = True
        with pytest.raises(LedgerUnreachable):
            writer.step()
        world.node.down = False
        writer.step()
    world.finish(writer)


def test_a_server_outlives_a_node_that_is_down(world: World):
    world.add(3)
    writer = world.writer()
    world.node.down = True
    pauses: list[float] = []

    def stop(seconds: float) -> bool:
        pauses.append(seconds)
        world.node.down = len(pauses) < 4
        return len(pauses) == 6

    writer.serve(stop, idle_s=1)
    assert pauses == [2, 4, 8, 16, 1, 1]
    world.finish(writer)


def test_another_chain_at_the_same_address_is_refused(world: World):
    world.add(3)
    writer = world.writer()
    writer.step()
    other = MemoryNode(1)
    writer._ledger.node = other  # type: ignore[attr-defined]  # the node behind the URL is another one
    writer._identity_checked = False
    with pytest.raises(LedgerIdentityChanged):
        writer.step()
    assert other.tip == 0


def test_after_trouble_the_identity_is_checked_again(world: World):
    world.add(3)
    writer = world.writer()
    writer.step()
    world.node.down = True
    with pytest.raises(LedgerUnreachable):
        writer.step()
    writer._ledger.node = MemoryNode(1)  # type: ignore[attr-defined]
    with pytest.raises(LedgerIdentityChanged):
        writer.step()


def test_a_chain_that_is_ahead_of_the_mirror_is_refused(world: World):
    """An old backup was restored: going on would build a second history."""
    world.add(3)
    world.finish()
    old_mirror = World()
    old_mirror.node, old_mirror.chain = world.node, world.chain
    identity = world.store.chain_identity(LOG)
    assert identity is not None
    old_mirror.store.pin_chain_identity(identity)
    old_mirror.add(2)
    with pytest.raises((LedgerIdentityChanged, LedgerRejected)) as caught:
        old_mirror.writer().run()
    assert "3" in caught.value.got
    assert world.ledger.head().size == 3


def test_one_writer_at_a_time(world: World):
    world.add(3)
    first, second = world.writer(holder="first"), world.writer(holder="second")
    first.step()
    assert second.step() is Progress.STANDBY
    assert second.run().standby
    world.seconds += 121
    assert second.step() is not Progress.STANDBY
    assert first.step() is Progress.STANDBY
    second.run()
    assert first.run().standby is False  # the lease was given back


def test_patience_ends():
    world = World(chain_id=5)
    world.add(3)
    report = world.writer().run(patience_s=30)
    assert (report.final_leaves, report.checkpoints) == (0, ())
    assert world.seconds >= 30
    assert world.row().state is CheckpointState.PENDING


def test_a_ledger_is_deployed_once(world: World):
    first = world.ledger.identity
    assert world.ledger.identity == first
    assert world.node.tip == 1


def test_of_two_first_deployments_one_is_pinned(world: World, monkeypatch: pytest.MonkeyPatch):
    deploy = world.chain.deploy

    def race(log_id: bytes):
        if world.store.chain_identity(LOG) is None:
            monkeypatch.setattr(world.chain, "deploy", deploy)
            open_ledger(LOG, world.store, world.chain, bytes([1]) * 32)
        return deploy(log_id)

    monkeypatch.setattr(world.chain, "deploy", race)
    assert open_ledger(LOG, world.store, world.chain, bytes([2]) * 32).identity.log_id == bytes([1]) * 32


class MemoryHarm:
    def __init__(self, node: MemoryNode) -> None:
        self.node = node

    def reorganise(self, depth: int) -> None:
        self.node.reorganise(min(depth, self.node.tip - 1))  # never behind the deployment

    def automine(self, on: bool) -> None:
        self.node.automine = on

    def mine(self) -> None:
        self.node.mine(1)

    def disconnect(self, chance: float) -> None:
        """Not in memory; `test_a_node_that_is_down_loses_nothing` has that."""


@pytest.mark.parametrize("seed", range(3))
def test_chaos(seed: int):
    node = MemoryNode()
    tally = Tally()
    Chaos(seed, fresh_store(), MemoryChain(node), MemoryHarm(node), tally).survive()
    assert tally.checkpoints
