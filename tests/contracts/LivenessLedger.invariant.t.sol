// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILivenessLedger} from "../../contracts/ILivenessLedger.sol";
import {LivenessLedger} from "../../contracts/LivenessLedger.sol";
import {Check} from "./Check.sol";
import {Tree} from "./Tree.sol";

/// @title Does anything to a ledger, honest and not, in any order, and remembers what was accepted.
/// @author The medauth authors
/// @notice For tests only.
contract Operator is Check {
    LivenessLedger public ledger;
    bytes32[] public leaves;
    bytes32[] public roots;
    uint64[] public sizes;
    /// @notice Roots from here on are known to the contract of the present epoch.
    uint256 public first;
    bool public forgeryAccepted;
    bool public headWentBack;

    constructor() {
        ledger = new LivenessLedger(
            address(this),
            address(this),
            address(this),
            keccak256("log"),
            LivenessLedger(address(0))
        );
    }

    function grow(uint256 more, bytes32 seed) external {
        if (ledger.paused() || leaves.length > 60) return;
        uint64 oldSize = uint64(leaves.length);
        bytes32[] memory added = Tree.sample(1 + (more % 9), keccak256(abi.encode(seed, oldSize)));
        for (uint256 i = 0; i < added.length; ++i) leaves.push(added[i]);
        bytes32 root = Tree.root(leaves, 0, leaves.length);
        ledger.checkpoint(oldSize, uint64(leaves.length), root, _proof(leaves, oldSize));
        roots.push(root);
        sizes.push(uint64(leaves.length));
    }

    function rewrite(uint256 spot, uint256 more) external {
        uint256 oldSize = leaves.length;
        if (oldSize == 0) return;
        uint256 newSize = oldSize + 1 + (more % 5);
        bytes32[] memory forged = new bytes32[](newSize);
        for (uint256 i = 0; i < newSize; ++i) forged[i] = i < oldSize ? leaves[i] : keccak256(abi.encode(i));
        forged[spot % oldSize] = keccak256("forged");
        _try(oldSize, newSize, Tree.root(forged, 0, newSize), _proof(forged, oldSize));
    }

    function guess(uint64 oldSize, uint64 newSize, bytes32 root, bytes32[] calldata proof) external {
        if (leaves.length == 0) return;
        _try(oldSize, newSize, root, proof);
        _try(leaves.length, newSize, root, proof);
    }

    function goBack(uint256 which) external {
        if (sizes.length < 2) return;
        which = which % (sizes.length - 1);
        (uint64 before, , ) = ledger.head();
        _try(leaves.length, sizes[which], roots[which], new bytes32[](0));
        (uint64 size, , ) = ledger.head();
        if (size < before) headWentBack = true;
    }

    function moveOn() external {
        if (ledger.paused()) return;
        ledger.pause();
        (uint64 size, bytes32 root, ) = ledger.head();
        bytes32 id = ledger.epochId(address(ledger), ledger.logId(), size, root);
        ledger = new LivenessLedger(address(this), address(this), address(this), id, ledger);
        first = roots.length == 0 ? 0 : roots.length - 1;
    }

    function togglePause() external {
        if (ledger.paused()) ledger.unpause();
        else ledger.pause();
    }

    function revokeOne(uint256 which) external {
        if (leaves.length == 0) return;
        which = which % leaves.length;
        bytes32 leaf = leaves[which];
        if (ledger.revocationOf(leaf).revokedAt != 0) return;
        bytes32[] memory path = Tree.inclusion(leaves, which, 0, leaves.length);
        ledger.revoke(roots[roots.length - 1], leaf, uint64(which), path, ILivenessLedger.RevocationReason.Unspecified);
    }

    function count() external view returns (uint256) {
        return roots.length;
    }

    function leafCount() external view returns (uint256) {
        return leaves.length;
    }

    function _try(uint256 oldSize, uint256 newSize, bytes32 root, bytes32[] memory proof) private {
        try ledger.checkpoint(uint64(oldSize), uint64(newSize), root, proof) {
            forgeryAccepted = true;
        } catch {}
    }

    function _proof(bytes32[] memory all, uint256 oldSize) private pure returns (bytes32[] memory) {
        if (oldSize == 0) return new bytes32[](0);
        return Tree.consistency(all, oldSize, 0, all.length, true);
    }
}

/// @title What holds after any sequence of calls.
/// @author The medauth authors
/// @notice For tests only.
contract LivenessLedgerInvariants is Check {
    Operator private _operator;

    function setUp() public {
        _operator = new Operator();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_operator);
    }

    function invariant_noCheckpointWithoutAValidProof() public view {
        _hold(!_operator.forgeryAccepted(), "a forged checkpoint was accepted");
        (uint64 size, bytes32 root, uint64 count) = _operator.ledger().head();
        _hold(size == _operator.leafCount() && count == _operator.count(), "size and count of the honest log");
        if (count != 0) _hold(root == _operator.roots(count - 1), "root of the honest log");
    }

    function invariant_sizeOnlyGrowsAndEveryRootStays() public view {
        _hold(!_operator.headWentBack(), "the head went back");
        LivenessLedger ledger = _operator.ledger();
        for (uint256 i = 0; i < _operator.count(); ++i) {
            if (i != 0) _hold(_operator.sizes(i) > _operator.sizes(i - 1), "sizes rise");
            if (i < _operator.first()) continue;
            _hold(ledger.checkpointOf(_operator.roots(i)).size == _operator.sizes(i), "size of a root");
            _hold(ledger.checkpointOf(_operator.roots(i)).seq == i + 1, "place of a root");
        }
    }
}
