// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILivenessLedger} from "../../contracts/ILivenessLedger.sol";
import {LivenessLedger} from "../../contracts/LivenessLedger.sol";
import {TimedLivenessLedger} from "../../contracts/mocks/TimedLivenessLedger.sol";
import {Check} from "./Check.sol";
import {Tree} from "./Tree.sol";

/// @title A log that goes on in a new contract: what the new one takes over and what it refuses.
/// @author The medauth authors
/// @notice For tests only. This contract is admin, anchorer and revoker.
contract LivenessLedgerEpochsTest is Check {
    bytes32 private constant ID = keccak256("log");
    LivenessLedger private constant _NONE = LivenessLedger(address(0));

    TimedLivenessLedger private _old;
    bytes32[] private _leaves;

    function setUp() public {
        _leaves = Tree.sample(20, "leaves");
        _old = new TimedLivenessLedger(address(this), address(this), address(this), ID, _NONE);
        _old.setTime(1_000);
        _checkpoint(_old, 0, 5);
        _old.setTime(2_000);
        _checkpoint(_old, 5, 9);
    }

    function test_goesOnWhereTheOldOneWasClosed() public {
        _old.pause();
        VM.expectEmit(true, true, true, true);
        emit ILivenessLedger.EpochBegan(address(_old), ID, 9, _root(9), 2);
        LivenessLedger next = _next(_epochId());
        (uint64 size, bytes32 root, uint64 count) = next.head();
        _hold(size == 9 && root == _root(9) && count == 2, "the old head");
        _hold(next.logId() == _epochId(), "its name commits to it");
        ILivenessLedger.Checkpoint memory last = next.checkpointOf(_root(9));
        _hold(last.size == 9 && last.seq == 2 && last.anchoredAt == 2_000, "the old checkpoint as it stood");
        _hold(next.checkpointOf(_root(5)).size == 0, "earlier ones stay behind");
        _checkpoint(next, 9, 20);
        _hold(next.checkpointOf(_root(20)).seq == 3, "counted on");
    }

    function test_theNameIsTheHashThatTheInterfaceTells() public view {
        bytes memory words = bytes.concat(
            bytes32("medauth epoch v1"),
            bytes32(block.chainid),
            bytes32(uint256(uint160(address(_old)))),
            ID,
            bytes32(uint256(9)),
            _root(9)
        );
        _hold(_epochId() == sha256(words), "six words");
    }

    function test_leavesOfTheOldEpochAreVerifiedAndRevokedInTheNewOne() public {
        _old.pause();
        LivenessLedger next = _next(_epochId());
        bytes32[] memory path = Tree.inclusion(_leaves, 3, 0, 9);
        _hold(next.verify(_root(9), _leaves[3], 3, path), "under the head taken over");
        next.revoke(_root(9), _leaves[3], 3, path, ILivenessLedger.RevocationReason.Superseded);
        _hold(next.revocationOf(_leaves[3]).revokedAt != 0, "revoked");
        _checkpoint(next, 9, 20);
        _hold(next.verify(_root(20), _leaves[3], 3, Tree.inclusion(_leaves, 3, 0, 20)), "under a later head");
    }

    function test_refusesAnOldHeadThatCanStillMove() public {
        bytes32 id = _epochId();
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.StillOpen.selector, address(_old)));
        _next(id);
    }

    function testFuzz_refusesEveryOtherName(bytes32 id) public {
        bytes32 expected = _epochId();
        VM.assume(id != expected && id != bytes32(0));
        _old.pause();
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.WrongEpoch.selector, expected, id));
        _next(id);
    }

    function testFuzz_historyIsNotRewrittenAcrossTheBoundary(uint256 spot) public {
        _old.pause();
        LivenessLedger next = _next(_epochId());
        _leaves[spot % 9] = keccak256("another");
        bytes32[] memory proof = Tree.consistency(_leaves, 9, 0, 20, true);
        bytes32 root = _root(20);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.Inconsistent.selector, 9, 20));
        next.checkpoint(9, 20, root, proof);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.StaleBase.selector, 9, 0));
        next.checkpoint(0, 20, root, new bytes32[](0));
    }

    function test_anEmptyLogGoesOnToo() public {
        LivenessLedger empty = new LivenessLedger(address(this), address(this), address(this), ID, _NONE);
        empty.pause();
        bytes32 id = empty.epochId(address(empty), ID, 0, bytes32(0));
        LivenessLedger next = new LivenessLedger(address(this), address(this), address(this), id, empty);
        _hold(next.checkpointOf(bytes32(0)).size == 0, "no checkpoint came along");
        _checkpoint(next, 0, 4);
    }

    function test_epochsFollowOneAnother() public {
        _old.pause();
        LivenessLedger second = _next(_epochId());
        _checkpoint(second, 9, 12);
        second.pause();
        bytes32 id = second.epochId(address(second), second.logId(), 12, _root(12));
        LivenessLedger third = new LivenessLedger(address(this), address(this), address(this), id, second);
        _checkpoint(third, 12, 20);
        (, , uint64 count) = third.head();
        _hold(count == 4, "counted over all three");
    }

    function _next(bytes32 id) private returns (LivenessLedger) {
        return new LivenessLedger(address(this), address(this), address(this), id, _old);
    }

    function _epochId() private view returns (bytes32) {
        return _old.epochId(address(_old), ID, 9, _root(9));
    }

    function _checkpoint(LivenessLedger ledger, uint64 oldSize, uint64 newSize) private {
        bytes32[] memory proof = new bytes32[](0);
        if (oldSize != 0) proof = Tree.consistency(_leaves, oldSize, 0, newSize, true);
        ledger.checkpoint(oldSize, newSize, _root(newSize), proof);
    }

    function _root(uint256 size) private view returns (bytes32) {
        return Tree.root(_leaves, 0, size);
    }
}
