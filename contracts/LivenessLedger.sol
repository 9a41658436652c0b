// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {ILivenessLedger} from "./ILivenessLedger.sol";
import {RFC9162} from "./RFC9162.sol";

/// @title The ledger of one log.
/// @author The medauth authors
/// @notice There is no upgrade path and no way back: a fault is mended by a new contract whose `logId` commits to the
/// last head of this one.
contract LivenessLedger is ILivenessLedger, AccessControl, Pausable {
    /// @notice May move the head forward and anchor single leaves.
    bytes32 public constant ANCHOR_ROLE = keccak256("ANCHOR_ROLE");

    /// @notice May revoke leaves.
    bytes32 public constant REVOKER_ROLE = keccak256("REVOKER_ROLE");

    bytes32 private constant _EPOCH_TAG = "medauth epoch v1";

    // Named as solhint and the Solidity style guide want constants; Slither would have it in mixed case.
    // slither-disable-next-line naming-convention
    bytes32 private immutable _LOG_ID;

    // The two numbers share a storage slot; a checkpoint writes three slots in all.
    uint64 private _size;
    uint64 private _count;
    bytes32 private _root;
    mapping(bytes32 root => Checkpoint) private _checkpoints;
    mapping(bytes32 leaf => uint64 anchoredAt) private _leaves;
    mapping(bytes32 leafHash => Revocation) private _revocations;

    /// @notice Names the log, hands out the first roles, and takes over the last head of the epoch before.
    /// @dev The old head is read from the old contract, so that what follows must be consistent with it.
    /// @param admin Grants roles and pauses.
    /// @param anchorer First holder of `ANCHOR_ROLE`; the zero address for none.
    /// @param revoker First holder of `REVOKER_ROLE`; the zero address for none.
    /// @param id The name of the log; for a following epoch what `epochId` gives for the old head.
    /// @param predecessor The paused contract of the epoch before; the zero address where the log begins.
    constructor(address admin, address anchorer, address revoker, bytes32 id, LivenessLedger predecessor) {
        if (admin == address(0)) revert EmptyAdmin();
        if (id == bytes32(0)) revert EmptyLogId();
        _LOG_ID = id;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        if (anchorer != address(0)) _grantRole(ANCHOR_ROLE, anchorer);
        if (revoker != address(0)) _grantRole(REVOKER_ROLE, revoker);
        if (address(predecessor) != address(0)) _goOnAfter(predecessor, id);
    }

    /// @inheritdoc ILivenessLedger
    function checkpoint(
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external override onlyRole(ANCHOR_ROLE) whenNotPaused {
        // First, so that a transaction mined twice is told apart from a forged one.
        if (oldSize != _size) revert StaleBase(_size, oldSize);
        if (newSize <= oldSize) revert NotNewer(oldSize, newSize);
        if (!RFC9162.verifyConsistency(oldSize, _root, newSize, newRoot, proof)) {
            revert Inconsistent(oldSize, newSize);
        }
        uint64 seq;
        unchecked {
            // 2**64 checkpoints cannot be reached: each one is a transaction that adds at least one leaf.
            seq = _count + 1;
        }
        (_size, _count, _root) = (newSize, seq, newRoot);
        _checkpoints[newRoot] = Checkpoint({size: newSize, seq: seq, anchoredAt: _time()});
        emit CheckpointAnchored(seq, newRoot, msg.sender, oldSize, newSize);
    }

    /// @inheritdoc ILivenessLedger
    function anchor(bytes32 leaf) external override onlyRole(ANCHOR_ROLE) whenNotPaused {
        uint64 anchoredAt = _leaves[leaf];
        if (anchoredAt != 0) revert AlreadyAnchored(leaf, anchoredAt);
        _leaves[leaf] = _time();
        emit LeafAnchored(leaf, msg.sender);
    }

    /// @inheritdoc ILivenessLedger
    function revoke(
        bytes32 root,
        bytes32 leaf,
        uint64 index,
        bytes32[] calldata path,
        RevocationReason reason
    ) external override onlyRole(REVOKER_ROLE) {
        uint64 size = _checkpoints[root].size;
        if (size == 0) revert UnknownRoot(root);
        bytes32 leafHash = RFC9162.leafHash(leaf);
        if (!RFC9162.verifyInclusion(leafHash, index, size, root, path)) revert NotIncluded(leafHash, index);
        uint64 revokedAt = _revocations[leafHash].revokedAt;
        if (revokedAt != 0) revert AlreadyRevoked(leafHash, revokedAt);
        _revocations[leafHash] = Revocation({revokedAt: _time(), reason: reason});
        emit LeafRevoked(leafHash, index, msg.sender, reason);
    }

    /// @inheritdoc ILivenessLedger
    function pause() external override onlyRole(DEFAULT_ADMIN_ROLE) {
        _pause();
    }

    /// @inheritdoc ILivenessLedger
    function unpause() external override onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @inheritdoc ILivenessLedger
    function verify(
        bytes32 root,
        bytes32 leaf,
        uint64 index,
        bytes32[] calldata path
    ) external view override returns (bool) {
        // An unknown root has size 0, and no index is below it.
        return RFC9162.verifyInclusion(RFC9162.leafHash(leaf), index, _checkpoints[root].size, root, path);
    }

    /// @inheritdoc ILivenessLedger
    function logId() external view override returns (bytes32) {
        return _LOG_ID;
    }

    /// @inheritdoc ILivenessLedger
    function epochId(
        address predecessor,
        bytes32 predecessorLogId,
        uint64 size,
        bytes32 root
    ) external view override returns (bytes32) {
        return _epochId(predecessor, predecessorLogId, size, root);
    }

    /// @inheritdoc ILivenessLedger
    function head() external view override returns (uint64 size, bytes32 root, uint64 count) {
        return (_size, _root, _count);
    }

    /// @inheritdoc ILivenessLedger
    function checkpointOf(bytes32 root) external view override returns (Checkpoint memory) {
        return _checkpoints[root];
    }

    /// @inheritdoc ILivenessLedger
    function leafAnchoredAt(bytes32 leaf) external view override returns (uint64) {
        return _leaves[leaf];
    }

    /// @inheritdoc ILivenessLedger
    function revocationOf(bytes32 leaf) external view override returns (Revocation memory) {
        return _revocations[RFC9162.leafHash(leaf)];
    }

    /// @notice Whether this contract answers to an interface (ERC-165).
    /// @param interfaceId Four bytes.
    /// @return True for `ILivenessLedger` and what it inherits.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ILivenessLedger).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev A head that can still move would leave two ends of one log.
    function _goOnAfter(LivenessLedger predecessor, bytes32 id) private {
        if (!predecessor.paused()) revert StillOpen(address(predecessor));
        bytes32 oldId = predecessor.logId();
        (uint64 size, bytes32 root, uint64 count) = predecessor.head();
        bytes32 expected = _epochId(address(predecessor), oldId, size, root);
        if (id != expected) revert WrongEpoch(expected, id);
        (_size, _count, _root) = (size, count, root);
        _checkpoints[root] = predecessor.checkpointOf(root);
        emit EpochBegan(address(predecessor), oldId, size, root, count);
    }

    function _epochId(address predecessor, bytes32 oldId, uint64 size, bytes32 root) private view returns (bytes32) {
        return sha256(abi.encode(_EPOCH_TAG, block.chainid, predecessor, oldId, size, root));
    }

    /// @notice Block time; tests override it.
    /// @return Seconds since the epoch.
    function _time() internal view virtual returns (uint64) {
        return uint64(block.timestamp);
    }
}
