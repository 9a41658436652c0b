"""T1, T5, T6 and T7 through a running server, over real WebSockets: what a person's side can send, see and repeat."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from medauth.errors import MedauthError
from medauth.evaluation.live_client import LiveClient
from medauth.evidence.statement import opened_commitment
from medauth.service.pictures import statement_of
from medauth.store.interface import MAIN_LOG, LeafKind
from medauth.store.keyring import FileKeyring
from medauth.web import live
from medauth.web.limits import Limit, Places
from tests.integration.attended import PICTURE, Verifier, verifier
from tests.unit.checks import STEPS

PARALLEL = 50
REFUSED = {"type": "failed", "code": "refused"}


@pytest.fixture
def served(tmp_path: Path, keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verifier]:
    """Nothing is limited by address: all fifty come from this machine."""
    monkeypatch.setattr(Limit, "wait_ms", lambda *_: 0.0)
    monkeypatch.setattr(Places, "take", lambda *_: True)
    monkeypatch.setattr(live, "REFUSAL_MS", 0)
    with verifier(tmp_path, keyring) as found:
        yield found


def leaves_of(served: Verifier, check_id: str) -> list[LeafKind]:
    return [record.kind for record in served.auth.store.records_of(check_id)]


def passed(served: Verifier) -> tuple[Any, list[dict[str, Any]], LiveClient]:
    booked = served.book()
    with LiveClient(served.url, booked["session"]) as client:
        return booked, served.perform(client), client


def test_a_person_passes_and_the_commitment_is_that_of_the_challenge_revealed_later(served: Verifier) -> None:
    booked, told, client = passed(served)
    assert told[-1]["outcome"] == "passed"
    state = served.state(booked["id"])
    statement = statement_of(state["evidence_id"], served.auth.store, served.auth.keyring)
    assert client.greeting["commitment"] == opened_commitment(statement).hex()
    assert state["token"]


def test_no_prompt_is_on_the_wire_before_the_step_ahead_of_it_closed(served: Verifier) -> None:
    _, told, client = passed(served)
    states = [message for message in told if message["type"] == "state" and message.get("prompt")]
    assert {message["prompt"]["index"] for message in states} == {0, 1, 2}
    assert all(message["prompt"]["index"] == message["step"] for message in states)
    first = json.dumps([client.greeting, *[message for message in told if message.get("step") == 0]])
    assert STEPS[0].action.value in first
    assert not any(step.action.value in first for step in STEPS[1:])


def test_fifty_at_once_at_the_last_frame_are_one_verdict_one_record_and_one_leaf(served: Verifier) -> None:
    booked = served.book()
    first = LiveClient(served.url, booked["session"])
    served.perform(first, until=lambda told: told["step"] == 2 and told["prompt"] is not None)
    assert first.ended is None
    together, resume = threading.Barrier(PARALLEL), first.greeting["resume"]

    def finish(_: int) -> dict[str, Any] | None:
        together.wait(60)
        try:
            with LiveClient(served.url, booked["session"], resume=resume) as again:
                if again.ended is not None:
                    return None  # too many of one address wait
                served.perform(again)
                return again.ended
        except (WebSocketException, OSError):
            return None  # another one took the check over: this connection was hung up

    with ThreadPoolExecutor(PARALLEL) as pool:
        ends = [end for end in pool.map(finish, range(PARALLEL)) if end is not None]
    first.close()
    state = served.state(booked["id"])
    assert (state["state"], len(ends)) == ("done", 1)
    check_id = served.auth.store.record(state["evidence_id"]).check_id
    assert check_id is not None
    assert leaves_of(served, check_id) == [LeafKind.START, LeafKind.VERDICT]
    assert served.host.ends == [state["outcome"]]
    assert served.auth.store.leaf_count(MAIN_LOG) == 2


@pytest.mark.parametrize("count", [PARALLEL])
def test_whoever_asks_for_the_verdict_at_once_gets_the_same_one(served: Verifier, count: int) -> None:
    """Past the connection: fifty threads that conclude one check."""
    booked = served.book()
    with LiveClient(served.url, booked["session"]) as client:
        served.perform(client, until=30)
        (attendance,) = served.room._present.values()
        together = threading.Barrier(count)

        def conclude(_: int) -> str:
            together.wait(60)
            return served.room.conclude(attendance).evidence_id

        with ThreadPoolExecutor(count) as pool:
            found = set(pool.map(conclude, range(count)))
    assert found == {served.state(booked["id"])["evidence_id"]}
    assert served.host.ends == [served.state(booked["id"])["outcome"]]
    assert served.auth.store.leaf_count(MAIN_LOG) == 2


@pytest.mark.parametrize(
    "said",
    [
        {"type": "hello", "session": "SESSION", "resume": "", "verdict": "live"},
        {"type": "hello", "session": "SESSION", "resume": "", "score": 1},
        {"type": "hello", "session": "SESSION", "resume": "", "landmarks": [[0, 0]]},
        {"type": "hello", "session": "SESSION", "passed": True},
        {"type": "hello", "session": ["SESSION"]},
        {"type": "end", "outcome": "passed"},
    ],
)
def test_what_a_hello_may_not_hold_is_refused(served: Verifier, said: dict[str, Any]) -> None:
    hello = json.loads(json.dumps(said).replace("SESSION", served.book()["session"]))
    with LiveClient(served.url, "", hello=hello) as client:
        assert client.greeting == REFUSED


@pytest.mark.parametrize("claim", [{"type": "frame", "is_live": True}, {"type": "end"}, {"landmarks": []}])
def test_a_claim_in_the_place_of_a_frame_ends_the_check_without_a_verdict(served: Verifier, claim: Any) -> None:
    booked = served.book()
    with LiveClient(served.url, booked["session"]) as client:
        served.perform(client, until=5)
        client.say(claim)
        assert client.wait() == REFUSED
    state = served.state(booked["id"])
    assert (state["state"], state["code"], state["token"]) == ("failed", "refused", None)


def test_another_origin_a_second_device_and_a_second_use_are_refused_alike(served: Verifier) -> None:
    booked = served.book()
    with LiveClient(served.url, booked["session"], "https://evil.example") as elsewhere:
        assert elsewhere.greeting == REFUSED
    with LiveClient(served.url, booked["session"]) as client:
        served.perform(client, until=10)
        with LiveClient(served.url, booked["session"]) as second:
            assert second.greeting == REFUSED
        served.perform(client)
        assert client.ended is not None
        assert client.ended["outcome"] == "passed"
    with LiveClient(served.url, booked["session"], resume=client.greeting["resume"]) as again:
        assert REFUSED in (again.greeting, again.ended)


def test_a_client_that_shows_no_picture_gets_no_further(served: Verifier) -> None:
    booked = served.book()
    with LiveClient(served.url, booked["session"]) as client:
        assert client.show(PICTURE, float("nan")) == REFUSED
    assert served.state(booked["id"])["state"] == "failed"
    with pytest.raises(MedauthError):
        served.auth.store.record(served.state(booked["id"])["evidence_id"] or "evd_none")
