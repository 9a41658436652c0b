"""One byte form for every JSON value (RFC 8785), and the only door through which foreign JSON comes in.

What is hashed or signed holds no floats: two platforms may print one float differently, and a number above 2^53 would
lose digits in a JavaScript verifier. Measures are integers in a named unit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

import rfc8785

from medauth.errors import InputError

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""Values with one canonical form everywhere."""

MAX_SAFE_INTEGER = 2**53 - 1
MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Several times faster than rfc8785, and the same where all is ASCII: beyond it Python sorts keys by code points, the RFC
by UTF-16 units."""


def canonical(value: Json | Mapping[str, Json]) -> bytes:
    """The RFC 8785 form of a value. Raises `InputError` for floats, huge integers and lone surrogates."""
    _check(value, 0)
    try:
        written = _encode(value).encode()
        return written if written.isascii() else rfc8785.dumps(cast("Any", value))
    except (rfc8785.CanonicalizationError, UnicodeError, TypeError) as error:
        raise InputError(f"a value without canonical form: {error}", expected="JSON without floats") from error


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> Json:
    """Reads JSON from outside. Raises `InputError` when it is huge, deep, ambiguous (a key twice) or not JSON."""
    if len(data) > max_bytes:
        raise InputError(f"{len(data)} bytes of JSON", expected=f"at most {max_bytes}")
    require_flat(data)
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", expected="a JSON document in UTF-8") from error
    _check(value, 0)
    return cast("Json", value)


def parse_object(data: bytes, *, max_bytes: int = MAX_BYTES) -> dict[str, Json]:
    """Like `parse`, for documents that must be an object."""
    value = parse(data, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise InputError(f"JSON of type {type(value).__name__}", expected="a JSON object")
    return value


def plain(value: Any) -> Any:
    """Tuples as lists and string enums as strings, ready for `canonical`."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def require_flat(data: bytes) -> None:
    """Before a parser sees it: its recursion runs on the C stack, and libraries lift Python's limit (py_ecc, which web3
    imports, to 100,000), so that deep JSON would end the process instead of raising `RecursionError`. Raises `InputError`."""
    outside_strings = b"".join(_ESCAPED.sub(b"", data).split(b'"')[::2])
    depth = 0
    for bracket in outside_strings.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InputError(f"JSON nested deeper than {MAX_DEPTH}", expected="a flatter document")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_float(text: str) -> Any:
    raise ValueError(f"the number {text[:32]} is not an integer")


def _check(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError(f"JSON nested deeper than {MAX_DEPTH}", expected="a flatter document")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, bool) or value is None:
        return
    elif not isinstance(value, int):
        raise InputError(f"a value of type {type(value).__name__}", expected="JSON without floats")
    elif abs(value) > MAX_SAFE_INTEGER:
        raise InputError(f"an integer of {value.bit_length()} bits", expected="at most 2^53 - 1 in magnitude")


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise InputError(f"an object key of type {type(text).__name__}", expected="strings")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("half a surrogate pair in a string", expected="whole characters") from None
