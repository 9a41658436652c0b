// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title One growing log of liveness records, anchored by its checkpoints.
/// @author The medauth authors
/// @notice The log itself lives off chain: an RFC 9162 Merkle tree over SHA-256 whose leaves are keyed commitments, so
/// that nothing here names a person, a verdict or a time finer than a batch. The chain keeps only heads of that tree
/// and refuses every head that does not extend the last one: not even the operator can rewrite an anchored record.
interface ILivenessLedger {
    /// @notice Why a record no longer stands. A revocation never removes the record from the log.
    enum RevocationReason {
        Unspecified,
        KeyCompromised,
        AttackFound,
        OperatorError,
        Superseded,
        Erased
    }

    /// @notice A head of the log that this contract accepted.
    /// @param size Number of leaves below the root.
    /// @param seq Its place among all checkpoints, counted from 1.
    /// @param anchoredAt Block time, seconds since the epoch.
    struct Checkpoint {
        uint64 size;
        uint64 seq;
        uint64 anchoredAt;
    }

    /// @notice A revocation of one leaf.
    /// @param revokedAt Block time, seconds since the epoch; 0 where the leaf is not revoked.
    /// @param reason Why.
    struct Revocation {
        uint64 revokedAt;
        RevocationReason reason;
    }

    /// @notice A new head was accepted.
    /// @param seq Its place among all checkpoints, counted from 1.
    /// @param root Root of the tree of `newSize` leaves.
    /// @param issuer Account that sent it.
    /// @param oldSize Size of the head it extends; 0 for the first one.
    /// @param newSize Number of leaves below `root`.
    event CheckpointAnchored(
        uint64 indexed seq,
        bytes32 indexed root,
        address indexed issuer,
        uint64 oldSize,
        uint64 newSize
    );

    /// @notice This contract goes on where another one was closed. Announced once, when it is deployed.
    /// @param predecessor The contract of the epoch before.
    /// @param predecessorLogId Its `logId`.
    /// @param size Number of leaves of its last head.
    /// @param root Root of its last head.
    /// @param count Number of checkpoints of the log up to there.
    event EpochBegan(
        address indexed predecessor,
        bytes32 indexed predecessorLogId,
        uint64 indexed size,
        bytes32 root,
        uint64 count
    );

    /// @notice One leaf was anchored on its own, ahead of its checkpoint.
    /// @param leaf The keyed commitment, unhashed, as in the log.
    /// @param issuer Account that sent it.
    event LeafAnchored(bytes32 indexed leaf, address indexed issuer);

    /// @notice A leaf was revoked.
    /// @param leafHash RFC 9162 hash of the leaf.
    /// @param index Its place in the log.
    /// @param revoker Account that sent it.
    /// @param reason Why.
    event LeafRevoked(
        bytes32 indexed leafHash,
        uint64 indexed index,
        address indexed revoker,
        RevocationReason reason
    );

    /// @notice The log needs a name that no other log has.
    error EmptyLogId();

    /// @notice Without an admin, nobody could ever pause or grant a role.
    error EmptyAdmin();

    /// @notice A log goes on elsewhere only once nobody can move the old head: pause its contract first.
    /// @param predecessor The contract that is still open.
    error StillOpen(address predecessor);

    /// @notice The name of a following epoch is what `epochId` gives for the head that the old contract holds now.
    /// @param expected The name that the old head commits to.
    /// @param given The name that was asked for.
    error WrongEpoch(bytes32 expected, bytes32 given);

    /// @notice The head moved: the same checkpoint was mined already, or another writer was faster.
    /// @param size Size of the present head.
    /// @param oldSize Size that the caller took for the head's.
    error StaleBase(uint64 size, uint64 oldSize);

    /// @notice A checkpoint must add leaves.
    /// @param size Size of the present head.
    /// @param newSize Size that was given.
    error NotNewer(uint64 size, uint64 newSize);

    /// @notice The proof does not show that the new tree begins with the old one.
    /// @param oldSize Size of the present head.
    /// @param newSize Size that was given.
    error Inconsistent(uint64 oldSize, uint64 newSize);

    /// @notice No checkpoint has this root.
    /// @param root What was given.
    error UnknownRoot(bytes32 root);

    /// @notice The path does not lead from the leaf to the root.
    /// @param leafHash RFC 9162 hash of the leaf.
    /// @param index The place that was claimed.
    error NotIncluded(bytes32 leafHash, uint64 index);

    /// @notice The leaf stands anchored since an earlier block.
    /// @param leaf The keyed commitment.
    /// @param anchoredAt Block time, seconds since the epoch.
    error AlreadyAnchored(bytes32 leaf, uint64 anchoredAt);

    /// @notice A revocation is final and has one reason.
    /// @param leafHash RFC 9162 hash of the leaf.
    /// @param revokedAt Block time, seconds since the epoch.
    error AlreadyRevoked(bytes32 leafHash, uint64 revokedAt);

    /// @notice Moves the head of the log forward.
    /// @dev The first checkpoint extends the empty tree and needs no proof. Sending the same checkpoint twice reverts
    /// with `StaleBase`, so a transaction may be sent again without harm.
    /// @param oldSize Size of the present head.
    /// @param newSize Number of leaves of the new tree.
    /// @param newRoot Its root.
    /// @param proof Consistency proof between the two, RFC 9162 section 2.1.4.
    function checkpoint(uint64 oldSize, uint64 newSize, bytes32 newRoot, bytes32[] calldata proof) external;

    /// @notice Anchors one leaf at once, for urgent cases. It reveals when this one record was made.
    /// @param leaf The keyed commitment, unhashed, as in the log.
    function anchor(bytes32 leaf) external;

    /// @notice Marks an anchored leaf as no longer standing.
    /// @dev Works while paused: an emergency is when revocations are needed.
    /// @param root Root of any accepted checkpoint.
    /// @param leaf The keyed commitment, unhashed, as in the log.
    /// @param index Its place in the log.
    /// @param path Inclusion proof, RFC 9162 section 2.1.3.
    /// @param reason Why.
    function revoke(
        bytes32 root,
        bytes32 leaf,
        uint64 index,
        bytes32[] calldata path,
        RevocationReason reason
    ) external;

    /// @notice Stops checkpoints and single anchors.
    function pause() external;

    /// @notice Lets them go on.
    function unpause() external;

    /// @notice Whether a leaf stands at an index of the log under an accepted root. Says nothing of revocation.
    /// @param root Root of any accepted checkpoint.
    /// @param leaf The keyed commitment, unhashed, as in the log.
    /// @param index Its place in the log.
    /// @param path Inclusion proof, RFC 9162 section 2.1.3.
    /// @return True where the path leads to the root.
    function verify(
        bytes32 root,
        bytes32 leaf,
        uint64 index,
        bytes32[] calldata path
    ) external view returns (bool);

    /// @notice The name of this log; in a following epoch the commitment to the last head of the one before.
    /// @return 32 bytes, never zero.
    function logId() external view returns (bytes32);

    /// @notice The name of the epoch that goes on after a head: SHA-256 of six words of 32 bytes, "medauth epoch v1"
    /// (padded with zeros), chain id, predecessor, its log id, size and root.
    /// @param predecessor The contract of the epoch before, on this chain.
    /// @param predecessorLogId Its `logId`.
    /// @param size Number of leaves of its last head.
    /// @param root Root of its last head.
    /// @return 32 bytes.
    function epochId(
        address predecessor,
        bytes32 predecessorLogId,
        uint64 size,
        bytes32 root
    ) external view returns (bytes32);

    /// @notice The present head.
    /// @return size Number of leaves; 0 before the first checkpoint.
    /// @return root Root of the tree; zero before the first checkpoint.
    /// @return count Number of checkpoints so far, those of earlier epochs included.
    function head() external view returns (uint64 size, bytes32 root, uint64 count);

    /// @notice The checkpoint with a root. The last one of the epoch before counts here too, as it stood there.
    /// @param root What to look for.
    /// @return All zero where there is none.
    function checkpointOf(bytes32 root) external view returns (Checkpoint memory);

    /// @notice When a leaf was anchored on its own in this epoch.
    /// @param leaf The keyed commitment, unhashed, as in the log.
    /// @return Block time, seconds since the epoch; 0 where it was not.
    function leafAnchoredAt(bytes32 leaf) external view returns (uint64);

    /// @notice The revocation of a leaf in this epoch; contracts of earlier epochs keep their own.
    /// @param leaf The keyed commitment, unhashed, as in the log.
    /// @return All zero where it was not revoked.
    function revocationOf(bytes32 leaf) external view returns (Revocation memory);
}
