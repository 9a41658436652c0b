"""The colours of a check, from the session to the signed statement: an app sees one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medauth.errors import InputError
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType
from medauth.protocol.canonical import parse_object
from medauth.protocol.light import Colour, LightSequence, TimedColour
from medauth.store.keyring import FileKeyring
from tests.unit.checks import Server, memory_server

LIGHT = LightSequence(1, tuple(TimedColour(colour, 700) for colour in (Colour.WHITE, Colour.BLUE, Colour.ROSE)))


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    server = memory_server(tmp_path, keyring)
    yield server
    server.close()


def test_an_app_gets_each_colour_when_it_is_due_and_the_statement_says_when(server: Server) -> None:
    check = server.check(light=LIGHT)
    given = []
    check.session.set_round_trip(41.7)
    while not check.frame().done:
        assert check.progress is not None
        assert check.session.light == check.progress.light
        if check.progress.light is not None and check.progress.light not in given:
            given.append(check.progress.light)
    check.session.finish()
    row = server.store.record(check.record_id)
    keys = server.keyring.unwrap(check.record_id, row.wrapped_key)
    envelope = Envelope.from_bytes(unseal(keys.seal, row.sealed_envelope, record_id=check.record_id, name="envelope"))
    said: dict[str, Any] = parse_object(
        envelope.verified(server.keyring.trusted(), PayloadType.VERDICT, KeyPurpose.STATEMENTS)
    )
    assert [colour.rgb for colour in given] == [(255, 255, 255), (110, 110, 255), (255, 110, 110)]
    assert said["light"] == [colour.to_json() for colour in given]
    assert {entry["round_trip_ms"] for entry in said["light"]} == {42}
    assert said["challenge"]["opening"]["challenge"]["light"] == LIGHT.to_json()


def test_a_check_without_light_has_no_word_of_it(server: Server) -> None:
    check = server.check().until_done()
    assert check.progress is not None
    assert check.progress.light is None
    assert not check.session._ceremony.colours


@pytest.mark.parametrize("told", [-1.0, float("nan"), float("inf")])
def test_a_round_trip_is_a_time(server: Server, told: float) -> None:
    with pytest.raises(InputError):
        server.check().session.set_round_trip(told)
