// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RFC9162Harness} from "../../contracts/mocks/RFC9162Harness.sol";
import {Check} from "./Check.sol";
import {Tree} from "./Tree.sol";

/// @title The library against shared vectors and against the definition.
/// @author The medauth authors
/// @notice For tests only.
contract RFC9162Test is Check {
    RFC9162Harness private _library;

    function setUp() public {
        _library = new RFC9162Harness();
    }

    function test_sharedInclusionVectors() public view {
        string memory json = VM.readFile("tests/vectors/merkle.json");
        uint256 count = VM.parseJsonUint(json, ".inclusion_count");
        _hold(count > 50, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory key = string.concat(".inclusion[", VM.toString(i), "]");
            bool holds = _library.verifyInclusion(
                VM.parseJsonBytes32(json, string.concat(key, ".leaf_hash")),
                VM.parseJsonUint(json, string.concat(key, ".index")),
                VM.parseJsonUint(json, string.concat(key, ".size")),
                VM.parseJsonBytes32(json, string.concat(key, ".root")),
                VM.parseJsonBytes32Array(json, string.concat(key, ".path"))
            );
            bool valid = VM.parseJsonBool(json, string.concat(key, ".valid"));
            _hold(holds == valid, VM.parseJsonString(json, string.concat(key, ".name")));
        }
    }

    function test_sharedConsistencyVectors() public view {
        string memory json = VM.readFile("tests/vectors/merkle.json");
        uint256 count = VM.parseJsonUint(json, ".consistency_count");
        _hold(count > 50, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory key = string.concat(".consistency[", VM.toString(i), "]");
            bool holds = _library.verifyConsistency(
                VM.parseJsonUint(json, string.concat(key, ".old_size")),
                VM.parseJsonBytes32(json, string.concat(key, ".old_root")),
                VM.parseJsonUint(json, string.concat(key, ".new_size")),
                VM.parseJsonBytes32(json, string.concat(key, ".new_root")),
                VM.parseJsonBytes32Array(json, string.concat(key, ".proof"))
            );
            bool valid = VM.parseJsonBool(json, string.concat(key, ".valid"));
            _hold(holds == valid, VM.parseJsonString(json, string.concat(key, ".name")));
        }
    }

    function testFuzz_everyPathOfTheDefinitionHolds(uint256 size, uint256 index, bytes32 seed) public view {
        size = 1 + (size % 40);
        index = index % size;
        bytes32[] memory leaves = Tree.sample(size, seed);
        bytes32 root = Tree.root(leaves, 0, size);
        bytes32[] memory path = Tree.inclusion(leaves, index, 0, size);
        bytes32 leafHash = _library.leafHash(leaves[index]);
        _hold(_library.verifyInclusion(leafHash, index, size, root, path), "a true path");
        for (uint256 other = 0; other < size + 2; ++other) {
            if (other == index) continue;
            _hold(!_library.verifyInclusion(leafHash, other, size, root, path), "another index");
        }
    }

    function testFuzz_everyProofOfTheDefinitionHolds(uint256 oldSize, uint256 newSize, bytes32 seed) public view {
        newSize = 1 + (newSize % 40);
        oldSize = 1 + (oldSize % newSize);
        bytes32[] memory leaves = Tree.sample(newSize, seed);
        bytes32 oldRoot = Tree.root(leaves, 0, oldSize);
        bytes32 newRoot = Tree.root(leaves, 0, newSize);
        bytes32[] memory proof = Tree.consistency(leaves, oldSize, 0, newSize, true);
        _hold(_library.verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof), "a true proof");
    }

    function testFuzz_noProofForARewrittenLeaf(
        uint256 oldSize,
        uint256 newSize,
        uint256 spot,
        bytes32 seed
    ) public view {
        newSize = 2 + (newSize % 30);
        oldSize = 1 + (oldSize % (newSize - 1));
        bytes32[] memory leaves = Tree.sample(newSize, seed);
        bytes32 oldRoot = Tree.root(leaves, 0, oldSize);
        leaves[spot % oldSize] = keccak256("another");
        bytes32 newRoot = Tree.root(leaves, 0, newSize);
        bytes32[] memory proof = Tree.consistency(leaves, oldSize, 0, newSize, true);
        _hold(!_library.verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof), "history rewritten");
    }

    function testFuzz_noiseIsNoPath(
        bytes32 leafHash,
        uint64 index,
        uint64 size,
        bytes32 root,
        bytes32[] calldata path
    ) public view {
        VM.assume(leafHash != root);
        _hold(!_library.verifyInclusion(leafHash, index, size, root, path), "noise");
    }

    function testFuzz_noiseIsNoProof(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) public view {
        VM.assume(oldSize != 0 && oldRoot != newRoot);
        _hold(!_library.verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof), "noise");
    }
}
