// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RFC9162} from "../RFC9162.sol";

/// @title Makes the library callable from outside, so that tests feed it shared vectors.
/// @author The medauth authors
/// @notice For tests only.
contract RFC9162Harness {
    /// @notice See `RFC9162.leafHash`.
    /// @param leaf 32 bytes.
    /// @return Its hash.
    function leafHash(bytes32 leaf) external pure returns (bytes32) {
        return RFC9162.leafHash(leaf);
    }

    /// @notice See `RFC9162.nodeHash`.
    /// @param left Hash of the left subtree.
    /// @param right Hash of the right subtree.
    /// @return Its hash.
    function nodeHash(bytes32 left, bytes32 right) external pure returns (bytes32) {
        return RFC9162.nodeHash(left, right);
    }

    /// @notice See `RFC9162.verifyInclusion`.
    /// @param leaf Hash of the leaf.
    /// @param index Its place.
    /// @param size Number of leaves.
    /// @param root Root of the tree.
    /// @param path Inclusion proof.
    /// @return Whether it holds.
    function verifyInclusion(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32 root,
        bytes32[] calldata path
    ) external pure returns (bool) {
        return RFC9162.verifyInclusion(leaf, index, size, root, path);
    }

    /// @notice See `RFC9162.verifyConsistency`.
    /// @param oldSize Number of leaves of the old tree.
    /// @param oldRoot Its root.
    /// @param newSize Number of leaves of the new tree.
    /// @param newRoot Its root.
    /// @param path Consistency proof.
    /// @return Whether it holds.
    function verifyConsistency(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata path
    ) external pure returns (bool) {
        return RFC9162.verifyConsistency(oldSize, oldRoot, newSize, newRoot, path);
    }
}
