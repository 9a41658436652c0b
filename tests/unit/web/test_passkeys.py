"""A live check that a passkey confirms: what yields a token, and everything hostile that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient

from medauth.bootstrap import Medauth
from medauth.errors import CeremonyError, EvidenceError
from medauth.protocol.base64url import decoded, encoded
from medauth.service.access import Scope
from medauth.service.booking import PASSKEY_MS, Request
from medauth.service.passkeys import MAX_CREDENTIALS, MAX_STEP, passkey_step
from medauth.serving import accesses_of, token_verifier
from medauth.store.booking_interface import BookingState
from medauth.web.attendance import SOUND_MARK
from medauth.web.passkeys import LATE_FRAMES, LATE_PIECES
from medauth.web.receipt import receipt_of
from medauth.web.socket import Disconnected
from tests.unit.web.authenticator import USER_PRESENT, Authenticator
from tests.unit.web.conftest import Key
from tests.unit.web.people import FRAME, SITE, Host, Page
from tests.unit.web.test_api import ASK, created
from tests.unit.web.test_tokens import EXPECTED

Answer = Callable[[dict[str, Any]], str | bytes | None]
GONE: Answer = lambda _: None  # noqa: E731 - reads like the others
NOT_PASSED = {"type": "end", "outcome": "not_passed", "hint": None}
PASSED = {"type": "end", "outcome": "passed", "hint": None}


@dataclass
class Holder(Page):
    """A page whose person holds a passkey: `reply` makes the answer to the server's request; None goes away."""

    reply: Answer = GONE
    before: list[str | bytes] = field(default_factory=list)

    def receive(self, timeout_s: float) -> str | bytes:
        if self.told and self.told[-1]["type"] == "webauthn":
            if self.before:
                return self.before.pop(0)
            said = self.reply(self.told[-1])
            if said is None:
                self.server.clock.ms += timeout_s * 1_000
                raise Disconnected("gone")
            return said
        return super().receive(timeout_s)


@dataclass
class Visit:
    """A whole check with a passkey, as its app sees it."""

    page: Page
    state: dict[str, Any]
    host: Host

    @property
    def asked(self) -> dict[str, Any]:
        return next(told for told in self.page.told if told["type"] == "webauthn")


@pytest.fixture
def visit(client: FlaskClient, host: Host, key: Key) -> Callable[..., Visit]:
    headers = key()

    def _visit(step: dict[str, Any], reply: Answer, **page: Any) -> Visit:
        booked = created(client, headers, webauthn=step)
        plain = host.page(booked["session"])
        holder = Holder(host.server, plain.script, check=plain.check, reply=reply, **page)
        host.serve(holder)
        return Visit(holder, client.get(f"/api/v1/checks/{booked['id']}", headers=headers).get_json(), host)

    return _visit


@pytest.fixture
def holder() -> Authenticator:
    return Authenticator(SITE)


def by(holder: Authenticator, **change: Any) -> Answer:
    return lambda asked: json.dumps(holder.get(asked, **change))


def altered(holder: Authenticator, **parts: str | None) -> Answer:
    def _reply(asked: dict[str, Any]) -> str:
        said = holder.get(asked) | parts
        return json.dumps({name: value for name, value in said.items() if value is not None})

    return _reply


def test_a_passkey_over_the_digest_of_the_statement_yields_a_token_that_names_it(
    visit: Callable[..., Visit], holder: Authenticator, auth: Medauth
) -> None:
    found = visit(holder.booked(), by(holder))
    assert found.page.told[-1] == PASSED
    assert receipt_of(found.host.bookings.booking(found.state["id"]), "")["outcome"] == "passed"
    assert set(found.asked) == {"type", "challenge", "rp_id", "credentials", "user_verification"}
    assert (found.asked["rp_id"], found.asked["credentials"]) == ("app.example", [encoded(holder.id)])
    assert (found.state["state"], found.state["outcome"], found.state["webauthn"]) == ("done", "live", "verified")
    (access,) = accesses_of(auth).listed()
    verifier = token_verifier(auth, issuer="http://127.0.0.1:8300", audience=access.access_id)
    verifier._now_ms = lambda: int(found.host.server.wall.ms)
    for expected in ("another", encoded(b"x")):
        with pytest.raises(EvidenceError, match="another credential"):
            verifier.verify_token(found.state["token"], **EXPECTED, expected_credential=expected)
    claims = verifier.verify_token(
        found.state["token"], **EXPECTED, webauthn=True, expected_credential=encoded(holder.id)
    )
    assert claims.webauthn is not None
    assert (claims.webauthn.credential, claims.webauthn.sign_count) == (encoded(holder.id), 8)
    assert claims.webauthn.user_verified
    assert claims.evidence_sha256 == decoded(found.asked["challenge"]).hex()


def test_a_token_without_a_passkey_is_refused_where_one_is_demanded(
    client: FlaskClient, host: Host, key: Key, auth: Medauth
) -> None:
    headers = key()
    booked = created(client, headers)
    host.serve(host.page(booked["session"]))
    state = client.get(f"/api/v1/checks/{booked['id']}", headers=headers).get_json()
    assert state["webauthn"] is None
    (access,) = accesses_of(auth).listed()
    verifier = token_verifier(auth, issuer="http://127.0.0.1:8300", audience=access.access_id)
    verifier._now_ms = lambda: int(host.server.wall.ms)
    for demand in ({"webauthn": True}, {"expected_credential": "AAAA"}):
        with pytest.raises(EvidenceError, match="no passkey"):
            verifier.verify_token(state["token"], **EXPECTED, **demand)
    assert verifier.verify_token(state["token"], **EXPECTED).webauthn is None


OTHER = encoded(bytes(32))
HOSTILE: dict[str, Callable[[Authenticator], Answer]] = {
    "another challenge": lambda one: by(one, challenge=OTHER),
    "another origin": lambda one: by(one, origin="https://evil.example"),
    "another port": lambda one: by(one, origin=SITE + ":444"),
    "another relying party": lambda one: by(one, rp_id="evil.example"),
    "a registration": lambda one: by(one, type="webauthn.create"),
    "another site's frame": lambda one: by(one, crossOrigin=True),
    "an unknown credential": lambda one: altered(one, id=OTHER),
    "another key under the id": lambda one: by(Authenticator(SITE, id=one.id)),
    "a count that does not grow": lambda one: by(Authenticator(SITE, sign_count=6, id=one.id, key=one.key)),
    "a count that goes back": lambda one: by(Authenticator(SITE, sign_count=1, id=one.id, key=one.key)),
    "nobody verified": lambda one: by(Authenticator(SITE, flags=USER_PRESENT, id=one.id, key=one.key)),
    "nobody present": lambda one: by(Authenticator(SITE, flags=4, id=one.id, key=one.key)),
    "backed up but not to be": lambda one: by(Authenticator(SITE, flags=1 | 4 | 16, id=one.id, key=one.key)),
    "extensions that are none": lambda one: by(Authenticator(SITE, flags=1 | 4 | 128, id=one.id, key=one.key)),
    "a signature of zeros": lambda one: altered(one, signature=encoded(bytes(70))),
    "no signature": lambda one: altered(one, signature=None),
    "a part more": lambda one: altered(one, user="someone"),
    "a part that is no text": lambda one: lambda asked: json.dumps(one.get(asked) | {"signature": 5}),
    "a part with padding": lambda one: altered(one, signature="AA=="),
    "a part too long": lambda one: altered(one, client_data=encoded(b"{" + b" " * 2_100 + b"}")),
    "client data that are none": lambda one: altered(one, client_data=encoded(b"null")),
    "deep client data": lambda one: altered(one, client_data=encoded(b"[" * 2_000)),
    "deep extensions": lambda one: altered(
        one, authenticator_data=encoded(bytes(32) + b"\x85" + bytes(4) + b"\x81" * 900)
    ),
    "an oversized message": lambda _: lambda _: json.dumps({"type": "assertion", "id": "A" * 20_000}),
    "no JSON": lambda _: lambda _: "\ud800{",
    "deep JSON": lambda _: lambda _: "[" * 10_000,
    "another message": lambda _: lambda _: json.dumps({"type": "begin", "colours": True}),
    "words beside none": lambda _: lambda _: json.dumps({"type": "no_assertion", "id": "x"}),
    "frames without end": lambda _: lambda _: FRAME,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_does_not_hold_yields_no_token_and_looks_like_any_refusal(
    visit: Callable[..., Visit], holder: Authenticator, name: str
) -> None:
    found = visit(holder.booked(), HOSTILE[name](holder))
    assert found.page.told[-1] == NOT_PASSED
    assert (found.state["outcome"], found.state["webauthn"], found.state["token"]) == ("live", "failed", None)
    assert receipt_of(found.host.bookings.booking(found.state["id"]), "")["outcome"] == "not_passed"


def test_a_flipped_bit_anywhere_in_the_signature_or_what_it_signs_does_not_hold(
    visit: Callable[..., Visit], holder: Authenticator
) -> None:
    for part, at in (("signature", -1), ("signature", 12), ("authenticator_data", 35), ("authenticator_data", 3)):

        def _reply(asked: dict[str, Any], part: str = part, at: int = at) -> str:
            said = holder.get(asked)
            flipped = bytearray(decoded(said[part]))
            flipped[at] ^= 1
            return json.dumps(said | {part: encoded(bytes(flipped))})

        assert visit(holder.booked(), _reply).state["webauthn"] == "failed", (part, at)


def test_the_assertion_of_another_check_does_not_hold_for_this_one(
    visit: Callable[..., Visit], holder: Authenticator
) -> None:
    kept: list[str] = []

    def _first(asked: dict[str, Any]) -> str:
        kept.append(json.dumps(holder.get(asked)))
        return kept[0]

    first = visit(holder.booked(), _first)
    second = visit(holder.booked(), lambda _: kept[0])
    assert (first.state["webauthn"], second.state["webauthn"]) == ("verified", "failed")
    assert first.asked["challenge"] != second.asked["challenge"]


def test_who_gives_none_is_missing_and_who_leaves_too(visit: Callable[..., Visit], holder: Authenticator) -> None:
    declined = visit(holder.booked(), lambda _: json.dumps({"type": "no_assertion"}))
    assert declined.page.told[-1] == NOT_PASSED
    assert (declined.state["outcome"], declined.state["webauthn"], declined.state["token"]) == ("live", "missing", None)
    began = declined.host.server.clock.ms
    left = visit(holder.booked(), GONE)
    assert left.page.told[-1]["type"] == "webauthn"
    assert (left.state["state"], left.state["webauthn"], left.state["token"]) == ("done", "missing", None)
    assert left.host.server.clock.ms - began >= PASSKEY_MS
    assert left.host.room.count() == 0


def test_frames_on_their_way_are_passed_over(visit: Callable[..., Visit], holder: Authenticator) -> None:
    late: list[str | bytes] = [FRAME] * LATE_FRAMES
    assert visit(holder.booked(), by(holder), before=late).state["webauthn"] == "verified"


def test_sound_on_its_way_is_passed_over_and_more_of_it_is_no_answer(
    visit: Callable[..., Visit], holder: Authenticator
) -> None:
    piece = SOUND_MARK + bytes(1_360)
    for pieces, state in ((LATE_PIECES, "verified"), (LATE_PIECES + 1, "failed")):
        late: list[str | bytes] = [*[piece] * pieces, *[FRAME] * LATE_FRAMES]
        assert visit(holder.booked(), by(holder), before=late).state["webauthn"] == state


def test_who_did_not_pass_is_asked_for_nothing(visit: Callable[..., Visit], holder: Authenticator) -> None:
    found = visit(holder.booked(), by(holder), answers=False)
    plain = found.host.serve(found.host.page(found.host.session(), answers=False))
    assert {told["type"] for told in found.page.told} == {told["type"] for told in plain.told}
    assert found.page.told[-1] == plain.told[-1]
    assert found.host.waits[0] % 1_000 == found.host.waits[1] % 1_000
    assert (found.state["webauthn"], found.state["token"]) == (None, None)


def test_verification_that_is_preferred_may_be_left_out_and_the_token_says_so(
    visit: Callable[..., Visit], holder: Authenticator, host: Host
) -> None:
    holder.flags = USER_PRESENT
    found = visit(holder.booked(user_verification="preferred"), by(holder))
    assert found.state["webauthn"] == "verified"
    assert host.bookings.booking(found.state["id"]).row.passkey_user_verified is False


def test_a_server_that_stops_ends_it_without_a_passkey(
    visit: Callable[..., Visit], holder: Authenticator, host: Host
) -> None:
    def _reply(asked: dict[str, Any]) -> str:
        host.room.close()
        return json.dumps(holder.get(asked))

    found = visit(holder.booked(), _reply)
    assert found.page.told[-1] == NOT_PASSED, "the booking had ended without it"
    assert (found.state["state"], found.state["outcome"], found.state["webauthn"]) == ("done", "live", "missing")


def test_nobody_takes_the_check_up_elsewhere_while_the_passkey_is_asked_for(
    visit: Callable[..., Visit], holder: Authenticator, host: Host
) -> None:
    told: list[Any] = []

    def _reply(asked: dict[str, Any]) -> str:
        (present,) = host.room._present.values()
        session = host.bookings.session(present.booking_id)
        told.extend(host.serve(host.page(session, resume=present.resume_key)).told)
        return json.dumps(holder.get(asked))

    assert visit(holder.booked(), _reply).state["webauthn"] == "verified"
    assert told == [{"type": "failed", "code": "refused"}]


def test_erasure_forgets_which_passkey_it_was(
    visit: Callable[..., Visit], holder: Authenticator, client: FlaskClient, host: Host, key: Key
) -> None:
    found = visit(holder.booked(), by(holder))
    row = host.bookings.booking(found.state["id"]).row
    assert row.passkey_tag not in (None, holder.id)
    assert (row.state, row.passkey_sign_count, row.passkey_ms) == (BookingState.DONE, 8, row.ended_ms)
    assert client.delete(f"/api/v1/checks/{row.booking_id}", headers=key(Scope.OPERATOR)).status_code == 200
    row = host.bookings.booking(row.booking_id).row
    assert (row.sealed, row.passkey_tag, row.passkey_sign_count) == (b"", None, None)


GOOD = Authenticator(SITE).booked()
ONE = GOOD["credentials"][0]
WRONG: dict[str, Any] = {
    "no object": "yes",
    "null": None,
    "no credentials": GOOD | {"credentials": []},
    "too many": GOOD | {"credentials": [ONE | {"id": encoded(bytes([n]))} for n in range(MAX_CREDENTIALS + 1)]},
    "twice": GOOD | {"credentials": [ONE, ONE]},
    "not asked": {"credentials": [ONE]},
    "discouraged": GOOD | {"user_verification": "discouraged"},
    "a list for a word": GOOD | {"user_verification": ["required"]},
    "more": GOOD | {"challenge": "AAAA"},
    "a long id": GOOD | {"credentials": [ONE | {"id": encoded(bytes(1_024))}]},
    "an empty id": GOOD | {"credentials": [ONE | {"id": ""}]},
    "padding": GOOD | {"credentials": [ONE | {"id": "AA=="}]},
    "a long key": GOOD | {"credentials": [ONE | {"public_key": encoded(bytes(1_025))}]},
    "a key that is none": GOOD | {"credentials": [ONE | {"public_key": encoded(b"\x81" * 900)}]},
    "a point off the curve": GOOD | {"credentials": [ONE | {"public_key": ONE["public_key"][:-8] + "AAAAAAAA"}]},
    "a count below": GOOD | {"credentials": [ONE | {"sign_count": -1}]},
    "a count above": GOOD | {"credentials": [ONE | {"sign_count": 2**32}]},
    "a count that is none": GOOD | {"credentials": [ONE | {"sign_count": True}]},
    "another domain": GOOD | {"rp_id": "evil.example"},
    "a domain's end": GOOD | {"rp_id": "pp.example"},
    "an rp_id that is none": GOOD | {"rp_id": 5},
    "empty rp_id": GOOD | {"rp_id": ""},
}

UNFIT = {"twice", "a key that is none", "a point off the curve", "another domain", "a domain's end", "empty rp_id"}
"""Of the right form, but no person could ever take the step."""


@pytest.mark.parametrize("name", WRONG)
def test_a_step_that_cannot_be_met_is_refused_when_it_is_asked_for(client: FlaskClient, key: Key, name: str) -> None:
    answer = client.post("/api/v1/checks", json=ASK | {"webauthn": WRONG[name]}, headers=key())
    assert answer.status_code == (409 if name in UNFIT else 400), answer.json


@pytest.mark.parametrize(
    "origin", ["https://192.0.2.1", "http://app.example", "https://[::1]", "http://127.0.0.1:8300"]
)
def test_an_origin_without_passkeys_is_refused(origin: str) -> None:
    with pytest.raises(CeremonyError, match="origin"):
        passkey_step(GOOD, origin)


def test_the_relying_party_is_the_host_or_a_domain_above_it() -> None:
    assert passkey_step(GOOD, "https://login.app.example:8443").rp_id == "login.app.example"
    assert passkey_step(GOOD | {"rp_id": "app.example"}, "https://login.app.example").rp_id == "app.example"
    assert passkey_step(GOOD, "http://localhost:8300").rp_id == "localhost"


def test_the_longest_step_can_be_booked(host: Host) -> None:
    many = [
        {"id": encoded(bytes([n]) * 1_023), "public_key": encoded(bytes(1_024)), "sign_count": 2**32 - 1}
        for n in range(10)
    ]
    text = passkey_step(GOOD | {"credentials": many}, SITE).to_text()
    assert len(text) <= MAX_STEP
    asked = Request(subject="user-42", purpose="login", policy="standard", origin=SITE, webauthn=text)
    booking, _ = host.bookings.book("acc_1", asked)
    assert host.bookings.booking(booking.row.booking_id).request == asked


def test_a_sandbox_takes_no_passkey(client: FlaskClient, key: Key) -> None:
    sandbox = {"sandbox": {"outcome": "live"}, "webauthn": GOOD}
    answer = client.post("/api/v1/checks", json=ASK | sandbox, headers=key(sandbox=True))
    assert (answer.status_code, answer.get_json()["title"]) == (409, "a sandbox check with a passkey")
