// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LivenessLedger} from "../LivenessLedger.sol";

/// @title A ledger whose clock the test holds.
/// @author The medauth authors
/// @notice For tests only.
contract TimedLivenessLedger is LivenessLedger {
    uint64 private _now = 1;

    /// @notice Starts at second 1.
    /// @param admin As in the ledger.
    /// @param anchorer As in the ledger.
    /// @param revoker As in the ledger.
    /// @param id As in the ledger.
    /// @param predecessor As in the ledger.
    constructor(
        address admin,
        address anchorer,
        address revoker,
        bytes32 id,
        LivenessLedger predecessor
    ) LivenessLedger(admin, anchorer, revoker, id, predecessor) {}

    /// @notice Sets the clock.
    /// @param time Seconds since the epoch.
    function setTime(uint64 time) external {
        _now = time;
    }

    /// @notice What the test set.
    /// @return Seconds since the epoch.
    function _time() internal view override returns (uint64) {
        return _now;
    }
}
