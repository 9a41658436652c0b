// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title RFC 9162 trees by their recursive definition, to check the library against.
/// @author The medauth authors
/// @notice Shares no line with `contracts/RFC9162.sol`. For tests only.
library Tree {
    function root(bytes32[] memory leaves, uint256 first, uint256 end) internal pure returns (bytes32) {
        if (end - first == 1) return sha256(bytes.concat(hex"00", leaves[first]));
        uint256 middle = first + split(end - first);
        return sha256(bytes.concat(hex"01", root(leaves, first, middle), root(leaves, middle, end)));
    }

    function inclusion(
        bytes32[] memory leaves,
        uint256 index,
        uint256 first,
        uint256 end
    ) internal pure returns (bytes32[] memory) {
        if (end - first == 1) return new bytes32[](0);
        uint256 middle = first + split(end - first);
        if (index < middle) return append(inclusion(leaves, index, first, middle), root(leaves, middle, end));
        return append(inclusion(leaves, index, middle, end), root(leaves, first, middle));
    }

    function consistency(
        bytes32[] memory leaves,
        uint256 oldSize,
        uint256 first,
        uint256 end,
        bool known
    ) internal pure returns (bytes32[] memory) {
        if (oldSize == end) {
            bytes32[] memory none = new bytes32[](0);
            return known ? none : append(none, root(leaves, first, end));
        }
        uint256 middle = first + split(end - first);
        if (oldSize < middle + 1) {
            return append(consistency(leaves, oldSize, first, middle, known), root(leaves, middle, end));
        }
        return append(consistency(leaves, oldSize, middle, end, false), root(leaves, first, middle));
    }

    function sample(uint256 count, bytes32 seed) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) leaves[i] = keccak256(abi.encode(seed, i));
    }

    function append(bytes32[] memory list, bytes32 value) internal pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) longer[i] = list[i];
        longer[list.length] = value;
    }

    function split(uint256 count) internal pure returns (uint256 width) {
        width = 1;
        while (width * 2 < count) width *= 2;
    }
}
