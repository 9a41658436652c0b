// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Proof checks of an RFC 9162 Merkle tree over SHA-256.
/// @author The medauth authors
/// @notice The same algorithms, under the same names, as `medauth/evidence/merkle.py`; both read `tests/vectors`.
library RFC9162 {
    /// @notice Hash of a leaf: SHA-256(0x00 || leaf). The prefix keeps a node from being passed off as a leaf.
    /// @param leaf 32 bytes.
    /// @return Its hash.
    function leafHash(bytes32 leaf) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), leaf));
    }

    /// @notice Hash of an inner node: SHA-256(0x01 || left || right).
    /// @param left Hash of the left subtree.
    /// @param right Hash of the right subtree.
    /// @return Its hash.
    function nodeHash(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @notice RFC 9162 section 2.1.3.2.
    /// @param leaf Hash of the leaf.
    /// @param index Its place, counted from 0.
    /// @param size Number of leaves of the tree.
    /// @param root Root of the tree.
    /// @param path Hashes of the siblings on the way up, lowest first.
    /// @return True where the path leads from the leaf to the root.
    function verifyInclusion(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32 root,
        bytes32[] calldata path
    ) internal pure returns (bool) {
        if (index >= size) return false;
        uint256 position = index;
        uint256 last = size - 1;
        bytes32 hash = leaf;
        for (uint256 i = 0; i < path.length; ++i) {
            if (last == 0) return false;
            if (_comesFromLeft(position, last)) {
                hash = nodeHash(path[i], hash);
                (position, last) = _skipLonely(position, last);
            } else {
                hash = nodeHash(hash, path[i]);
            }
            (position, last) = (position >> 1, last >> 1);
        }
        return last == 0 && hash == root;
    }

    /// @notice RFC 9162 section 2.1.4.2. The empty tree is a beginning of every tree.
    /// @param oldSize Number of leaves of the old tree.
    /// @param oldRoot Its root.
    /// @param newSize Number of leaves of the new tree.
    /// @param newRoot Its root.
    /// @param path The consistency proof.
    /// @return True where the new tree begins with the old one.
    function verifyConsistency(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata path
    ) internal pure returns (bool) {
        if (oldSize > newSize) return false;
        if (oldSize == newSize) return path.length == 0 && oldRoot == newRoot;
        if (oldSize == 0) return path.length == 0;
        if (path.length == 0) return false;
        // An old tree that is complete is itself the first node, and the proof leaves it out.
        bool complete = oldSize & (oldSize - 1) == 0;
        bytes32 oldHash = complete ? oldRoot : path[0];
        bytes32 newHash = oldHash;
        (uint256 position, uint256 last) = (oldSize - 1, newSize - 1);
        while (position & 1 == 1) (position, last) = (position >> 1, last >> 1);
        for (uint256 i = complete ? 0 : 1; i < path.length; ++i) {
            if (last == 0) return false;
            if (_comesFromLeft(position, last)) {
                oldHash = nodeHash(path[i], oldHash);
                newHash = nodeHash(path[i], newHash);
                (position, last) = _skipLonely(position, last);
            } else {
                newHash = nodeHash(newHash, path[i]);
            }
            (position, last) = (position >> 1, last >> 1);
        }
        return last == 0 && oldHash == oldRoot && newHash == newRoot;
    }

    /// @dev The next hash of the path stands left of ours: we are a right child, or the last node of a level.
    function _comesFromLeft(uint256 position, uint256 last) private pure returns (bool) {
        return position & 1 == 1 || position == last;
    }

    /// @dev Climbs levels on which the last node has no sibling and is carried up unhashed.
    function _skipLonely(uint256 position, uint256 last) private pure returns (uint256, uint256) {
        while (position & 1 == 0 && position != 0) (position, last) = (position >> 1, last >> 1);
        return (position, last);
    }
}
