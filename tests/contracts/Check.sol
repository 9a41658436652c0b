// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title What forge's machine can do, as far as these tests need it.
/// @author The medauth authors
/// @notice Declared here, so that no library has to be installed.
interface Machine {
    /// @notice Skips a fuzz run whose input does not fit.
    /// @param condition What must hold.
    function assume(bool condition) external pure;

    /// @notice The next call comes from another account.
    /// @param sender Who.
    function prank(address sender) external;

    /// @notice The next call must revert with exactly these bytes.
    /// @param data Selector and arguments.
    function expectRevert(bytes calldata data) external;

    /// @notice The next event must equal the one emitted after this.
    /// @param first Whether the first indexed value is compared.
    /// @param second Whether the second one is.
    /// @param third Whether the third one is.
    /// @param data Whether the rest is.
    function expectEmit(bool first, bool second, bool third, bool data) external;

    /// @notice Reads a file that foundry.toml allows.
    /// @param path From the root of the project.
    /// @return Its text.
    function readFile(string calldata path) external view returns (string memory);

    /// @notice One value of a JSON text.
    /// @param json The text.
    /// @param key Such as ".list[3].name".
    /// @return The value.
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);

    /// @notice One value of a JSON text.
    /// @param json The text.
    /// @param key Such as ".list[3].name".
    /// @return The value.
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);

    /// @notice One value of a JSON text.
    /// @param json The text.
    /// @param key Such as ".list[3].name".
    /// @return The value.
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);

    /// @notice A list of values of a JSON text.
    /// @param json The text.
    /// @param key Such as ".list[3].name".
    /// @return The values.
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);

    /// @notice One value of a JSON text.
    /// @param json The text.
    /// @param key Such as ".list[3].name".
    /// @return The value.
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);

    /// @notice A number in decimal digits.
    /// @param value The number.
    /// @return Its digits.
    function toString(uint256 value) external pure returns (string memory);
}

/// @title Base of all contract tests.
/// @author The medauth authors
/// @notice For tests only.
abstract contract Check {
    Machine internal constant VM = Machine(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice What did not hold.
    /// @param what In words.
    error Wrong(string what);

    function _hold(bool condition, string memory what) internal pure {
        if (!condition) revert Wrong(what);
    }
}
