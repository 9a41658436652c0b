// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {ILivenessLedger} from "../../contracts/ILivenessLedger.sol";
import {LivenessLedger} from "../../contracts/LivenessLedger.sol";
import {TimedLivenessLedger} from "../../contracts/mocks/TimedLivenessLedger.sol";
import {Check} from "./Check.sol";
import {Tree} from "./Tree.sol";

/// @title The ledger, rule by rule.
/// @author The medauth authors
/// @notice For tests only.
contract LivenessLedgerTest is Check {
    address private constant ADMIN = address(0xAD);
    address private constant ANCHORER = address(0xA1);
    address private constant REVOKER = address(0xB1);
    address private constant STRANGER = address(0x51);
    bytes32 private constant ID = keccak256("log");
    LivenessLedger private constant _NONE = LivenessLedger(address(0));

    TimedLivenessLedger private _ledger;
    bytes32[] private _leaves;

    function setUp() public {
        _ledger = new TimedLivenessLedger(ADMIN, ANCHORER, REVOKER, ID, _NONE);
        _leaves = Tree.sample(11, "leaves");
    }

    function test_startsEmptyUnderItsName() public view {
        (uint64 size, bytes32 root, uint64 count) = _ledger.head();
        _hold(size == 0 && root == bytes32(0) && count == 0, "empty");
        _hold(_ledger.logId() == ID, "name");
        _hold(_ledger.supportsInterface(type(ILivenessLedger).interfaceId), "ERC-165");
        _hold(_ledger.supportsInterface(type(IAccessControl).interfaceId), "ERC-165 of its base");
        _hold(!_ledger.supportsInterface(0xffffffff), "ERC-165 of nothing");
    }

    function test_needsAnAdminAndAName() public {
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.EmptyAdmin.selector));
        new LivenessLedger(address(0), ANCHORER, REVOKER, ID, _NONE);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.EmptyLogId.selector));
        new LivenessLedger(ADMIN, ANCHORER, REVOKER, bytes32(0), _NONE);
    }

    function test_rolesMayBeLeftEmpty() public {
        LivenessLedger bare = new LivenessLedger(ADMIN, address(0), address(0), ID, _NONE);
        _hold(!bare.hasRole(bare.ANCHOR_ROLE(), address(0)), "no anchorer");
        _hold(!bare.hasRole(bare.REVOKER_ROLE(), address(0)), "no revoker");
    }

    function test_acceptsAHeadThatExtendsTheLast() public {
        _ledger.setTime(1_000);
        _checkpoint(0, 4);
        _ledger.setTime(2_000);
        VM.expectEmit(true, true, true, true);
        emit ILivenessLedger.CheckpointAnchored(2, _root(11), ANCHORER, 4, 11);
        _checkpoint(4, 11);
        (uint64 size, bytes32 root, uint64 count) = _ledger.head();
        _hold(size == 11 && root == _root(11) && count == 2, "head");
        ILivenessLedger.Checkpoint memory first = _ledger.checkpointOf(_root(4));
        _hold(first.size == 4 && first.seq == 1 && first.anchoredAt == 1_000, "first");
        ILivenessLedger.Checkpoint memory second = _ledger.checkpointOf(_root(11));
        _hold(second.size == 11 && second.seq == 2 && second.anchoredAt == 2_000, "second");
    }

    function test_refusesTheSameTwice() public {
        _checkpoint(0, 4);
        bytes32 root = _root(4);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.StaleBase.selector, 4, 0));
        _push(0, 4, root, new bytes32[](0));
    }

    function test_refusesToStandStillOrShrink() public {
        _checkpoint(0, 4);
        bytes32 same = _root(4);
        bytes32 smaller = _root(3);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.NotNewer.selector, 4, 4));
        _push(4, 4, same, new bytes32[](0));
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.NotNewer.selector, 4, 3));
        _push(4, 3, smaller, new bytes32[](0));
    }

    function test_refusesARewrittenHistory() public {
        _checkpoint(0, 5);
        _leaves[2] = keccak256("another");
        bytes32[] memory proof = Tree.consistency(_leaves, 5, 0, 11, true);
        bytes32 root = _root(11);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.Inconsistent.selector, 5, 11));
        _push(5, 11, root, proof);
    }

    function testFuzz_refusesEveryMadeUpProof(uint64 newSize, bytes32 root, bytes32[] calldata proof) public {
        _checkpoint(0, 5);
        VM.assume(newSize > 5);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.Inconsistent.selector, 5, newSize));
        _push(5, newSize, root, proof);
    }

    function test_theFirstHeadTakesNoProof() public {
        bytes32 root = _root(4);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.Inconsistent.selector, 0, 4));
        _push(0, 4, root, new bytes32[](1));
    }

    function test_verifiesInclusionUnderEveryAcceptedRoot() public {
        _checkpoint(0, 4);
        _checkpoint(4, 11);
        for (uint64 i = 0; i < 11; ++i) {
            bytes32[] memory path = Tree.inclusion(_leaves, i, 0, 11);
            _hold(_ledger.verify(_root(11), _leaves[i], i, path), "under the head");
            _hold(!_ledger.verify(_root(11), _leaves[i], (i + 1) % 11, path), "another place");
            _hold(!_ledger.verify(_root(9), _leaves[i], i, path), "a root that was never anchored");
            if (i < 4) _hold(_ledger.verify(_root(4), _leaves[i], i, Tree.inclusion(_leaves, i, 0, 4)), "an old root");
        }
    }

    function test_anchorsOneLeafOnce() public {
        _ledger.setTime(77);
        _hold(_ledger.leafAnchoredAt(_leaves[0]) == 0, "not yet");
        VM.expectEmit(true, true, true, true);
        emit ILivenessLedger.LeafAnchored(_leaves[0], ANCHORER);
        VM.prank(ANCHORER);
        _ledger.anchor(_leaves[0]);
        _hold(_ledger.leafAnchoredAt(_leaves[0]) == 77, "time");
        VM.prank(ANCHORER);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.AlreadyAnchored.selector, _leaves[0], 77));
        _ledger.anchor(_leaves[0]);
    }

    function test_revokesWhatIsAnchoredOnce() public {
        _checkpoint(0, 11);
        _ledger.setTime(99);
        bytes32[] memory path = Tree.inclusion(_leaves, 6, 0, 11);
        bytes32 leafHash = Tree.root(_leaves, 6, 7);
        bytes32 root = _root(11);
        VM.expectEmit(true, true, true, true);
        emit ILivenessLedger.LeafRevoked(leafHash, 6, REVOKER, ILivenessLedger.RevocationReason.AttackFound);
        _revoke(root, 6, path, ILivenessLedger.RevocationReason.AttackFound);
        ILivenessLedger.Revocation memory revocation = _ledger.revocationOf(_leaves[6]);
        _hold(revocation.revokedAt == 99, "time");
        _hold(revocation.reason == ILivenessLedger.RevocationReason.AttackFound, "reason");
        _hold(_ledger.verify(root, _leaves[6], 6, path), "still in the log");
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.AlreadyRevoked.selector, leafHash, 99));
        _revoke(root, 6, path, ILivenessLedger.RevocationReason.Erased);
    }

    function test_revokesNothingThatIsNotAnchored() public {
        bytes32[] memory path = Tree.inclusion(_leaves, 6, 0, 11);
        bytes32 root = _root(11);
        bytes32 leafHash = Tree.root(_leaves, 6, 7);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.UnknownRoot.selector, root));
        _revoke(root, 6, path, ILivenessLedger.RevocationReason.Unspecified);
        _checkpoint(0, 11);
        VM.expectRevert(abi.encodeWithSelector(ILivenessLedger.NotIncluded.selector, leafHash, uint64(5)));
        _revoke(root, 5, path, ILivenessLedger.RevocationReason.Unspecified);
    }

    function test_aPauseStopsAnchorsAndNothingElse() public {
        _checkpoint(0, 11);
        VM.prank(ADMIN);
        _ledger.pause();
        VM.prank(ANCHORER);
        VM.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        _ledger.checkpoint(11, 12, keccak256("root"), new bytes32[](0));
        VM.prank(ANCHORER);
        VM.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        _ledger.anchor(_leaves[0]);
        bytes32[] memory path = Tree.inclusion(_leaves, 6, 0, 11);
        bytes32 root = _root(11);
        _revoke(root, 6, path, ILivenessLedger.RevocationReason.KeyCompromised);
        _hold(_ledger.verify(root, _leaves[6], 6, path), "reading goes on");
        VM.prank(ADMIN);
        _ledger.unpause();
        VM.prank(ANCHORER);
        _ledger.anchor(_leaves[0]);
    }

    function testFuzz_everyDoorHasItsRole(address caller) public {
        VM.assume(caller != ADMIN && caller != ANCHORER && caller != REVOKER && caller != address(VM));
        bytes32[] memory none = new bytes32[](0);
        _refused(caller, _ledger.ANCHOR_ROLE());
        _ledger.checkpoint(0, 1, bytes32(0), none);
        _refused(caller, _ledger.ANCHOR_ROLE());
        _ledger.anchor(bytes32(0));
        _refused(caller, _ledger.REVOKER_ROLE());
        _ledger.revoke(bytes32(0), bytes32(0), 0, none, ILivenessLedger.RevocationReason.Unspecified);
        _refused(caller, bytes32(0));
        _ledger.pause();
        _refused(caller, bytes32(0));
        _ledger.unpause();
    }

    function test_rolesDoNotLendEachOther() public {
        bytes32 anchorRole = _ledger.ANCHOR_ROLE();
        _refused(REVOKER, anchorRole);
        _ledger.anchor(_leaves[0]);
        _refused(ADMIN, anchorRole);
        _ledger.anchor(_leaves[0]);
        _refused(ANCHORER, bytes32(0));
        _ledger.grantRole(anchorRole, STRANGER);
        VM.prank(ADMIN);
        _ledger.grantRole(anchorRole, STRANGER);
        VM.prank(STRANGER);
        _ledger.anchor(_leaves[0]);
    }

    function test_theRealClockIsTheBlocks() public {
        LivenessLedger real = new LivenessLedger(ADMIN, ANCHORER, REVOKER, ID, _NONE);
        VM.prank(ANCHORER);
        real.anchor(_leaves[0]);
        _hold(real.leafAnchoredAt(_leaves[0]) == block.timestamp, "block time");
    }

    function _refused(address caller, bytes32 role) private {
        VM.prank(caller);
        VM.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role)
        );
    }

    function _checkpoint(uint64 oldSize, uint64 newSize) private {
        bytes32[] memory proof = new bytes32[](0);
        if (oldSize != 0) proof = Tree.consistency(_leaves, oldSize, 0, newSize, true);
        _push(oldSize, newSize, _root(newSize), proof);
    }

    /// @dev Hashes call a precompile, and would use up the prank: arguments are made before it.
    function _push(uint64 oldSize, uint64 newSize, bytes32 root, bytes32[] memory proof) private {
        VM.prank(ANCHORER);
        _ledger.checkpoint(oldSize, newSize, root, proof);
    }

    function _revoke(
        bytes32 root,
        uint64 index,
        bytes32[] memory path,
        ILivenessLedger.RevocationReason reason
    ) private {
        VM.prank(REVOKER);
        _ledger.revoke(root, _leaves[6], index, path, reason);
    }

    function _root(uint256 size) private view returns (bytes32) {
        return Tree.root(_leaves, 0, size);
    }
}
