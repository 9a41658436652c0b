"""What a statement says of digits and sound: they stand there together, and no speech passes without them."""

from __future__ import annotations

import pytest

from medauth.evidence.commitment import FrameChain, SoundChain
from tests.unit.evidence.bundles import Recorded, recorded
from tests.unit.evidence.bundles import good_statement as unspoken
from tests.unit.evidence.spoken_records import CHALLENGE_FAULTS, VERDICT_FAULTS, Change, spoken_statement
from tests.unit.evidence.test_verifier import fails_only, fault


def spoilt(change: Change) -> Recorded:
    statement = spoken_statement()
    change(statement)
    return recorded(statement)


def test_a_check_by_voice_holds_in_every_step() -> None:
    found = recorded(spoken_statement())
    assert fault(found) is None
    assert "live, by policy by-voice v4" in found.steps()[3].text


@pytest.mark.parametrize("name", CHALLENGE_FAULTS)
def test_sound_and_digits_are_those_committed_to(name: str) -> None:
    fails_only(spoilt(CHALLENGE_FAULTS[name]), "challenge")


@pytest.mark.parametrize("name", VERDICT_FAULTS)
def test_no_speech_passes_by_other_digits(name: str) -> None:
    fails_only(spoilt(VERDICT_FAULTS[name]), "verdict")


def test_sound_has_no_place_where_nothing_was_to_be_said() -> None:
    statement = unspoken()
    statement["sound"] = spoken_statement()["sound"]
    fails_only(recorded(statement), "challenge")


def test_a_chain_of_sound_binds_number_place_time_and_samples() -> None:
    heads = set()
    for digest, t_ms, frames in (
        (bytes(32), 1.0, 2),
        (bytes(31) + b"\1", 1.0, 2),
        (bytes(32), 1.001, 2),
        (bytes(32), 1.0, 3),
    ):
        chain = SoundChain("chk_1")
        chain.add(digest, t_ms, frames)
        heads.add(chain.head)
    twice = SoundChain("chk_1")
    for _ in range(2):
        twice.add(bytes(32), 1.0, 2)
    assert len(heads | {twice.head, SoundChain("chk_1").head, SoundChain("chk_2").head, FrameChain("chk_1").head}) == 8
