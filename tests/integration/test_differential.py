"""Bundles damaged at random, and false statements properly signed: both verifiers stop at the same step, or refuse both.

The shared file holds the defects somebody thought of; this looks for those nobody did.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import random
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from medauth.errors import InputError, MedauthError
from medauth.evidence.bundle import Bundle
from medauth.evidence.signing import PayloadType
from medauth.evidence.trust import TrustFile
from medauth.evidence.verifier import Examination, Trust
from medauth.protocol.canonical import canonical
from medauth.protocol.response import EXPIRED
from tests.integration.test_bundle_vectors import CASES, JAVASCRIPT, VECTORS, find_node
from tests.unit.evidence.bundles import Statement, good_statement, recorded
from tests.unit.evidence.spoken_records import spoken_statement
from tests.vectors import make_bundles

FILES = [make_bundles.unpacked(case, CASES["live"]).encode() for case in CASES.values() if case["steps"]]
SPLICES = (b"", b"0", b'"', b" ", b"\\u0041", b"1.0", b",", b"}", b"\n", b"\xff", b"-", b"e1", b"\\", b"null")
WORDS = ("", "x", "é", "blink", "challenge", "fail", "pass", "inconclusive", "live", "challenge.expired")
VALUES: tuple[Any, ...] = (None, True, False, 0, 1, -1, 5, 250, 2_500, 2**53 - 1, [], {}, [1, 2], *WORDS)
SCRIPT = """
import { readFileSync } from "node:fs";
const [program, file] = process.argv.slice(1);
const { verify, InputError } = await import(program);
const { trust, bundles } = JSON.parse(readFileSync(file));
const found = [];
for (const bundle of bundles) {
  const steps = verify(new Uint8Array(Buffer.from(bundle, "base64")), trust).then(({ steps }) => steps);
  found.push(await steps.catch((error) => (error instanceof InputError ? null : Promise.reject(error))));
}
console.log(JSON.stringify(found.map((steps) => steps?.map(({ name, state }) => [name, state]) ?? null)));
"""


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """To everything below a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [*([path] if path else []), *(found for key, item in items for found in paths(item, (*path, key)))]


def changed(value: Any, draw: random.Random) -> None:
    """One part, at times with another of the same name, becomes something else or is left out."""
    known = paths(value)
    chosen = draw.choice(known)
    twins = [path for path in known if path[-1] == chosen[-1] and path != chosen]
    replaced, left_out = draw.choice(VALUES), draw.random() < 0.4
    for path in (chosen, *(twins if draw.random() < 0.3 else ())):
        with suppress(KeyError, IndexError, TypeError):  # gone with the one before
            change(value, path, replaced, left_out=left_out)


def change(value: Any, path: tuple[Any, ...], replaced: Any, *, left_out: bool) -> None:
    *above, last = path
    for key in above:
        value = value[key]
    if left_out:
        del value[last]
    else:
        value[last] = copy.deepcopy(replaced)


def flipped(draw: random.Random) -> bytes:
    data = bytearray(draw.choice(FILES))
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def spliced(draw: random.Random) -> bytes:
    data = draw.choice(FILES)
    first = draw.randrange(len(data))
    return data[:first] + draw.choice(SPLICES) + data[first + draw.randrange(30) :]


def rewritten(draw: random.Random) -> bytes:
    value = json.loads(draw.choice(FILES))
    changed(value, draw)
    return json.dumps(value).encode()


def misstated(draw: random.Random) -> bytes:
    """By the right key; in most cases digests and verdict are made to fit what was changed."""
    statement = draw.choice((good_statement, spoken_statement))()
    if draw.random() < 0.3:  # in which fewer things must be there
        make_bundles.reread(statement, "challenge", outcome="inconclusive", code=EXPIRED)
    changed(statement, draw)
    with suppress(MedauthError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        fit(statement, draw)
    try:
        return recorded(statement).bundle.to_bytes()
    except (MedauthError, KeyError):
        return b""


def announced(draw: random.Random) -> bytes:
    """The successor of a key, at times endorsed by both keys whatever it says, and in whatever digits."""
    statement = make_bundles.announced()
    changed(statement, draw)
    if draw.random() < 0.6:
        statement = make_bundles.endorsed(**{name: part for name, part in statement.items() if name != "endorsements"})
    if draw.random() < 0.2:
        name, form = draw.choice(("old", "new")), draw.choice((str.upper, "{} ".format))
        with suppress(KeyError, TypeError):
            statement["endorsements"][name] = form(statement["endorsements"][name])
    try:
        return recorded(statement, kind=PayloadType.KEY).bundle.to_bytes()
    except (MedauthError, KeyError):
        return b""


def fit(statement: Statement, draw: random.Random) -> None:
    if draw.random() < 0.4:
        make_bundles.reopened(statement)
    rules = statement["policy"]["rules"]
    statement["policy"]["digest"] = hashlib.sha256(canonical(rules)).hexdigest()
    if draw.random() < 0.7:
        make_bundles.restated(statement)


def by_python(data: bytes, trust: TrustFile) -> list[list[str]] | None:
    try:
        bundle = Bundle.from_bytes(data)
    except InputError:
        return None
    return [[step.name, step.state.value] for step in Examination(bundle, Trust.of(trust)).steps()]


def differences(seed: int, count: int, folder: Path) -> list[Any]:
    node = find_node()
    if node is None:
        pytest.skip("Node 22 or newer is not installed")
    draw = random.Random(seed)
    makers = (flipped, spliced, rewritten, misstated, misstated, announced)
    bundles = [draw.choice(makers)(draw) for _ in range(count)]
    trust = VECTORS["trust"]["keys alone"]
    file = folder / "bundles.json"
    file.write_text(json.dumps({"trust": trust, "bundles": [base64.b64encode(data).decode() for data in bundles]}))
    command = [node, "--input-type=module", "--eval", SCRIPT, "--", str(JAVASCRIPT), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    trusted = TrustFile.from_bytes(json.dumps(trust).encode())
    expected = [by_python(data, trusted) for data in bundles]
    pairs = zip(bundles, expected, json.loads(done.stdout), strict=True)
    return [found for found in pairs if found[1] != found[2]]


@pytest.mark.parametrize("seed", [1])
def test_two_verifiers_agree_on_what_nobody_thought_of(seed: int, tmp_path: Path) -> None:
    assert differences(seed, 150, tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 20))
def test_two_verifiers_agree_for_long(seed: int, tmp_path: Path) -> None:
    assert differences(seed, 2_000, tmp_path) == []
