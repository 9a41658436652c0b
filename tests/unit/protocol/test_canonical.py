"""One byte form for every JSON value, and a narrow door for JSON from outside."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any, cast

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import InputError
from medauth.protocol.canonical import MAX_DEPTH, MAX_SAFE_INTEGER, Json, canonical, parse, parse_object, plain
from medauth.protocol.challenge import Action

TEXT = st.text(st.characters(max_codepoint=127), max_size=12) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_written_is_read_back(value: Json) -> None:
    assert parse(canonical(value)) == value


@given(VALUES)
def test_the_form_does_not_depend_on_how_the_json_was_laid_out(value: Json) -> None:
    laid_out = json.dumps(value, indent=2, ensure_ascii=False).encode()
    assert canonical(parse(laid_out)) == canonical(value)


@given(VALUES, VALUES)
def test_different_values_have_different_forms(one: Json, other: Json) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (canonical(one) == canonical(other)) == same


@given(VALUES)
def test_the_form_is_the_one_that_the_library_of_the_rfc_writes(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(cast("Any", value))


@pytest.mark.parametrize("text", ["".join(map(chr, range(128))), "\x7f\u2028/é\U0001f600"])
def test_every_character_is_escaped_as_rfc_8785_has_it(text: str) -> None:
    value: Json = {text: [text, {"b": 1, "A": None, "a": True, "_": -1}]}
    assert canonical(value) == rfc8785.dumps(cast("Any", value))


def test_keys_are_sorted_by_utf_16_units_as_rfc_8785_has_it() -> None:
    assert canonical({"\U0001f600": 1, "\ufb33": 2, "a": 3}) == '{"a":3,"\U0001f600":1,"\ufb33":2}'.encode()


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b'{"a":1,"a":1}', id="key twice"),
        pytest.param(b'{"a":{"b":1,"b":2}}', id="key twice further down"),
        pytest.param(b"1.5", id="fraction"),
        pytest.param(b"[1.0]", id="integer as fraction"),
        pytest.param(b"1e3", id="exponent"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"[Infinity]", id="infinity"),
        pytest.param(b"-Infinity", id="minus infinity"),
        pytest.param(str(MAX_SAFE_INTEGER + 1).encode(), id="2^53"),
        pytest.param(str(-MAX_SAFE_INTEGER - 1).encode(), id="-2^53"),
        pytest.param(b"9" * 5_000, id="more digits than Python converts"),
        pytest.param(rb'"\ud800"', id="lone surrogate"),
        pytest.param(rb'{"\udc00":1}', id="lone surrogate in a key"),
        pytest.param(rb'["\ude00\ud83d"]', id="surrogates the wrong way round"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="byte order mark"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{'a':1}", id="not JSON"),
        pytest.param(b"1 2", id="two values"),
        pytest.param(b"[" * 100_000, id="deep, open"),
        pytest.param(b"[" * 5_000 + b"]" * 5_000, id="deep"),
        pytest.param(b'{"a":' * 500 + b"1" + b"}" * 500, id="deep objects"),
    ],
)
def test_hostile_json_is_refused(hostile: bytes) -> None:
    with pytest.raises(InputError):
        parse(hostile)


def test_depth_is_allowed_up_to_the_limit_and_no_further() -> None:
    assert parse(b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH)
    with pytest.raises(InputError, match="deeper"):
        parse(b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1))


def test_size_is_allowed_up_to_the_limit_and_no_further() -> None:
    assert parse(b'"1234"', max_bytes=6) == "1234"
    with pytest.raises(InputError, match="at most 5"):
        parse(b'"1234"', max_bytes=5)


@pytest.mark.parametrize("integer", [MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, 0])
def test_every_integer_that_javascript_holds_is_allowed(integer: int) -> None:
    assert parse(str(integer).encode()) == integer


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), MAX_SAFE_INTEGER + 1, "\ud800", {"\udfff": 1}, b"bytes", (1, 2), {1: 2}, {"a": {None: 1}}],
    ids=repr,
)
def test_values_without_one_form_are_refused(value: object) -> None:
    with pytest.raises(InputError):
        canonical(value)  # type: ignore[arg-type]


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Json] = []
    endless.append(endless)
    with pytest.raises(InputError, match="deeper"):
        canonical(endless)


@pytest.mark.parametrize("document", [b"[]", b"null", b'"a"', b"1", b"true"])
def test_an_object_is_asked_for_and_an_object_must_come(document: bytes) -> None:
    with pytest.raises(InputError, match="a JSON object"):
        parse_object(document)


def test_plain_turns_tuples_and_enums_into_json() -> None:
    assert (
        canonical(plain({"steps": (Action.BLINK, ("a",)), Action.SMILE: 1})) == b'{"smile":1,"steps":["blink",["a"]]}'
    )


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_fail_otherwise(data: bytes) -> None:
    with contextlib.suppress(InputError):
        parse(data)


def test_deep_json_is_refused_though_a_library_lifted_the_recursion_limit() -> None:
    """py_ecc, which web3 imports, lifts it to 100,000; the parser's own recursion would then end the process."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for deep in (b"[" * 100_000, b'{"a":' * 100_000, b'"\\"' + b"[" * 100_000):
            with pytest.raises(InputError):
                parse(deep)
    finally:
        sys.setrecursionlimit(before)


def test_brackets_inside_strings_are_no_depth() -> None:
    assert parse(b'["' + b"[{" * 1_000 + b'\\"[[[["]') == ["[{" * 1_000 + '"[[[[']
