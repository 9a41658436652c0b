"""A bundle has one reading, and a reading one bundle; the file of trust likewise."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import InputError
from medauth.evidence.bundle import Bundle
from medauth.evidence.signing import KeyPurpose, SigningKey
from medauth.evidence.trust import TrustFile
from tests.unit.evidence.bundles import CONTRACT, KEY, recorded

BUNDLE = recorded().linked(5).bundle
WAITING = recorded(anchored=False).bundle


@pytest.mark.parametrize("bundle", [BUNDLE, WAITING], ids=["anchored", "waiting"])
def test_a_bundle_comes_back_from_its_file(bundle: Bundle) -> None:
    assert Bundle.from_bytes(bundle.to_bytes()) == bundle


def test_layout_is_nobodys_business() -> None:
    assert Bundle.from_bytes(json.dumps(json.loads(BUNDLE.to_bytes()), indent=2).encode()) == BUNDLE


def changed(path: tuple[str, ...], value: Any) -> bytes:
    document = json.loads(BUNDLE.to_bytes())
    at = document
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return json.dumps(document).encode()


def every_path(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = (
        [p for key, item in value.items() for p in every_path(item, (*path, key))] if isinstance(value, dict) else []
    )
    return [*([path] if path else []), *below]


PATHS = every_path(json.loads(BUNDLE.to_bytes()))
OPTIONAL = {("proof",), ("anchor",), ("checkpoint",), ("start",), ("consistency",), ("start", "leaf_index")}
ROOT = json.loads(BUNDLE.to_bytes())["proof"]["root"]


@pytest.mark.parametrize("path", PATHS, ids="/".join)
def test_a_bundle_with_a_part_missing_is_refused(path: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        Bundle.from_bytes(changed(path, ...))


@pytest.mark.parametrize("path", [path for path in PATHS if path not in OPTIONAL], ids="/".join)
@pytest.mark.parametrize("value", [None, 7.5, {}, -1, [[1]]], ids=str)
def test_a_part_of_another_type_is_refused(path: tuple[str, ...], value: Any) -> None:
    with pytest.raises(InputError):
        Bundle.from_bytes(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("proof", "root"), ROOT.upper(), id="capitals"),
        pytest.param(("proof", "root"), ROOT[:32] + " " + ROOT[32:], id="a space"),
        pytest.param(("proof", "root"), ROOT[:-2], id="a byte less"),
        pytest.param(("proof", "root"), ROOT + "00", id="a byte more"),
        pytest.param(("proof", "root"), "zz" * 32, id="no hex"),
        pytest.param(("proof", "path"), {ROOT: 1}, id="a path as an object"),
        pytest.param(("proof", "path"), ROOT, id="a path as text"),
        pytest.param(("proof", "size"), True, id="a size that is true"),
        pytest.param(("proof", "leaf_index"), "4", id="a number as text"),
        pytest.param(("anchor", "block"), True, id="a block that is true"),
        pytest.param(("anchor", "address"), "0x" + "ab" * 19, id="a short address"),
        pytest.param(("checkpoint",), "medauth/07\n", id="a checkpoint without a signature"),
        pytest.param(("time_stamps",), ["AA"], id="a time stamp that is no base64"),
        pytest.param(("time_stamps",), ["AB=="], id="a time stamp in another spelling"),
        pytest.param(("time_stamps",), [""] * 17, id="more time stamps than anybody asks for"),
        pytest.param(("time_stamps",), "AAAA", id="a time stamp as text"),
        pytest.param(("note",), "hello", id="something more"),
        pytest.param(("proof", "note"), "hello", id="something more in the proof"),
        pytest.param(("envelope", "note"), "hello", id="something more in the envelope"),
        pytest.param(("format",), "medauth bundle v2", id="another format"),
    ],
)
def test_what_would_have_been_written_otherwise_is_refused(path: tuple[str, ...], value: Any) -> None:
    with pytest.raises(InputError):
        Bundle.from_bytes(changed(path, value))


@given(st.binary(max_size=100))
def test_no_bytes_are_a_bundle_or_a_file_of_trust_by_chance(data: bytes) -> None:
    for read in (Bundle.from_bytes, TrustFile.from_bytes):
        with pytest.raises(InputError):
            read(data)


RETIRED = SigningKey.generate(KeyPurpose.STATEMENTS).verify_key
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TRUST = TrustFile.of(
    [KEY.verify_key, SigningKey.generate(KeyPurpose.REHEARSALS).verify_key, RETIRED],
    {bytes(32): 9},
    {"main": (CONTRACT, replace(CONTRACT, log_id=b"\x08" * 32)), "rehearsal": (CONTRACT,)},
    [PEM],
    {RETIRED.key_id: 7},
)


def test_a_file_of_trust_comes_back() -> None:
    assert TrustFile.from_bytes(TRUST.to_bytes()) == TRUST


def trust(**changes: Any) -> bytes:
    return json.dumps(json.loads(TRUST.to_bytes()) | changes).encode()


def key(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TRUST.to_bytes())["keys"][0]
    return found | changes


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(trust(format="x"), id="another format"),
        pytest.param(trust(keys=None), id="no keys"),
        pytest.param(trust(keys=["k"]), id="a key as text"),
        pytest.param(trust(keys=[key(ed25519="00" * 32)]), id="a key id claimed for another key"),
        pytest.param(trust(keys=[key(ed25519="00")]), id="a short key"),
        pytest.param(trust(keys=[key(purpose="anything")]), id="an unknown purpose"),
        pytest.param(trust(checkpoints=[{"root": "00"}]), id="a checkpoint without a size"),
        pytest.param(trust(checkpoints=[{"root": "00", "size": 1}]), id="a short root"),
        pytest.param(trust(checkpoints=[{"root": "00" * 32, "size": "9"}]), id="a size as text"),
        pytest.param(trust(checkpoints=[{"root": "00" * 32, "size": -9}]), id="a size below nothing"),
        pytest.param(trust(checkpoints=[7]), id="a checkpoint as a number"),
        pytest.param(trust(checkpoints={}), id="checkpoints as an object"),
        pytest.param(trust(keys=[key(until_size=0)]), id="a key that never counted"),
        pytest.param(trust(keys=[key(until_size="7")]), id="a retirement as text"),
        pytest.param(trust(contracts=None), id="no contracts"),
        pytest.param(trust(contracts=[{"log": "main"}]), id="a contract without a place"),
        pytest.param(trust(contracts=[{"log": 7, **CONTRACT.to_json()}]), id="a contract of a log without a name"),
        pytest.param(trust(contracts=[CONTRACT.to_json()]), id="a contract of no log"),
        pytest.param(trust(contracts=[CONTRACT.to_json() | {"log": "main", "address": "0x1"}]), id="a short address"),
        pytest.param(trust(time_stamp_authorities=["me"]), id="an authority by name"),
        pytest.param(trust(time_stamp_authorities=[7]), id="an authority as a number"),
    ],
)
def test_what_is_no_file_of_trust_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        TrustFile.from_bytes(data)
