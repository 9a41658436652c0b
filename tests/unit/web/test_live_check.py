"""A live check from hello to its end: who is let in, what they get to know, and what they never do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from medauth.errors import MissingTool, StoreError
from medauth.protocol.observation import CaptureProblem
from medauth.protocol.reading import Outcome
from medauth.protocol.sound import MOST_SAMPLES
from medauth.protocol.verdict import Decision, Verdict
from medauth.service.booking import WAITING_MS
from medauth.store.booking_interface import BookingState
from medauth.store.keyring import FileKeyring
from medauth.web.attendance import ANSWER_MS, MAX_FRAME_BYTES, SOUND_MARK, end_of
from medauth.web.live import FRAMES_AT_ONCE, REFUSAL_MS
from medauth.web.room import GRACE_MS
from medauth.web.socket import Disconnected
from tests.unit.checks import memory_server
from tests.unit.web.people import ASKED, FRAME, SITE, Host, Page

REFUSED = [{"type": "failed", "code": "refused"}]


@pytest.fixture
def host(tmp_path: Path, keyring: FileKeyring) -> Iterator[Host]:
    server = memory_server(tmp_path, keyring)
    yield Host(server)
    server.close()


def row_of(host: Host, session: str) -> Any:
    return host.bookings.attended(session).row


def test_a_person_who_does_what_is_asked_passes(host: Host) -> None:
    session = host.session()
    told = host.serve(host.page(session)).told
    assert told[0] == {"type": "welcome", "colours": True, "without": False}
    assert told[1]["type"] == "ready"
    assert told[-1] == {"type": "end", "outcome": "passed", "hint": None}
    row = row_of(host, session)
    assert (row.state, row.outcome, host.ends) == (BookingState.DONE, "live", ["live"])
    assert host.server.store.record(row.record_id).check_id == row.check_id


def test_what_the_page_is_told_holds_no_score_and_no_reason(host: Host) -> None:
    told = host.serve(host.page(host.session())).told
    known = {
        "welcome": {"type", "colours", "without"},
        "ready": {"type", "resume", "commitment", "frame"},
        "state": {"type", "frame", "step", "steps", "prompt", "hint", "light", "done"},
        "end": {"type", "outcome", "hint"},
    }
    assert all(set(message) == known[message["type"]] for message in told)
    prompts = [message["prompt"] for message in told if message.get("prompt")]
    assert all(set(prompt) <= {"index", "action", "times", "hold_s", "far"} for prompt in prompts)


def test_no_prompt_is_told_before_the_one_ahead_of_it_closed(host: Host) -> None:
    told = [message for message in host.serve(host.page(host.session())).told if message["type"] == "state"]
    assert all(message["prompt"]["index"] == message["step"] for message in told if message["prompt"])


@pytest.mark.parametrize("signal", ["identity", "presentation_attack", "blink"])
@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_every_refusal_looks_alike_and_comes_on_the_same_grid(host: Host, signal: str, outcome: Outcome) -> None:
    page = host.page(host.session())
    opened = host.open

    def spoilt(*asked: Any) -> Any:
        session = opened(*asked)
        assert host.check is not None
        next(other for other in host.check.others if other.name == signal).outcome = outcome
        return session

    host.room._open_session = spoilt
    assert host.serve(page).told[-1] == {"type": "end", "outcome": "not_passed", "hint": None}
    assert host.waits[-1] == ANSWER_MS


def test_who_was_seen_too_little_is_told_what_to_do_better(host: Host) -> None:
    page, opened = host.page(host.session(), answers=False), host.open

    def dark(*asked: Any) -> Any:
        session = opened(*asked)
        assert host.check is not None
        host.check.face.problem = CaptureProblem.TOO_DARK
        return session

    host.room._open_session = dark
    page.spoil[60] = None
    assert host.serve(page).told[-1]["hint"] == "too_dark"


@pytest.mark.parametrize(
    ("decision", "hint", "code"),
    [
        (Decision.INCONCLUSIVE, "More light, please: face a window or a lamp.", "too_dark"),
        (
            Decision.INCONCLUSIVE,
            "Close other programs that use the camera or the network, then try again.",
            "faster_camera",
        ),
        (Decision.INCONCLUSIVE, "Dim the room's light, make the screen brighter and come closer to it.", "screen"),
        (Decision.INCONCLUSIVE, "Try again in even light, and do what is asked a little more clearly.", None),
        (Decision.NOT_LIVE, "More light, please: face a window or a lamp.", None),
    ],
)
def test_a_hint_at_the_end_is_of_the_camera_and_never_of_a_refusal(decision: Decision, hint: str, code: str) -> None:
    end = end_of(Verdict(decision, (), (), "chk_1", "standard", hint=hint))
    assert end == {"type": "end", "outcome": "not_passed", "hint": code}


def test_someone_who_does_nothing_is_not_passed_and_sees_the_whole_check(host: Host) -> None:
    told = host.serve(host.page(host.session(), answers=False)).told
    assert told[-1] == {"type": "end", "outcome": "not_passed", "hint": None}
    assert told[-2]["step"] == told[-2]["steps"]


def test_an_expired_check_says_so(host: Host) -> None:
    page = host.page(host.session(), answers=False)
    page.spoil[3] = FRAME
    opened = host.open

    def late(*asked: Any) -> Any:
        session = opened(*asked)
        host.server.clock.ms += 180_500
        return session

    host.room._open_session = late
    assert host.serve(page).told[-1] == {"type": "failed", "code": "expired"}


@pytest.mark.parametrize(
    ("change", "origin", "address"),
    [
        ({}, "https://evil.example", "192.0.2.1"),
        ({}, "", "192.0.2.1"),
        ({"address": "192.0.2.9"}, SITE, "192.0.2.1"),
    ],
    ids=["another origin", "no origin", "another address"],
)
def test_who_comes_from_elsewhere_is_refused(host: Host, change: dict[str, str], origin: str, address: str) -> None:
    page = host.page(host.session(replace(ASKED, **change)))
    assert host.serve(page, origin, address).told == REFUSED
    assert host.waits == [REFUSAL_MS]


@pytest.mark.parametrize("mend", [lambda s: s[:-2] + "xx", lambda _: "nobody", lambda _: "", lambda s: "\ud800" + s])
def test_a_session_that_was_not_handed_out_is_refused(host: Host, mend: Any) -> None:
    assert host.serve(host.page(mend(host.session()))).told == REFUSED
    assert host.waits == [REFUSAL_MS]


def test_a_session_is_used_once(host: Host) -> None:
    session = host.session()
    host.serve(host.page(session))
    assert host.serve(host.page(session)).told == [{"type": "welcome", "colours": True, "without": False}, *REFUSED]


def test_a_session_that_waited_too_long_is_refused(host: Host) -> None:
    session = host.session()
    host.server.wall.ms += WAITING_MS + 1
    assert host.serve(host.page(session)).told[-1:] == REFUSED


def test_a_second_device_is_refused_while_the_first_is_at_it(host: Host) -> None:
    session = host.session()
    page = host.page(session)
    page.spoil[20] = None
    host.serve(page)
    assert host.serve(host.page(session, resume="guessed")).told == REFUSED
    assert host.serve(host.page(session)).told == REFUSED


def test_a_lost_connection_is_taken_up_again(host: Host) -> None:
    session = host.session()
    first = host.page(session)
    first.spoil[20] = None
    host.serve(first)
    assert row_of(host, session).state is BookingState.RUNNING
    host.server.clock.ms += 300
    again = host.serve(host.page(session, resume=first.told[1]["resume"]))
    assert again.told[0] == first.told[1] | {"frame": 19}
    assert again.told[-1]["type"] == "end"
    assert row_of(host, session).state is BookingState.DONE


def test_who_takes_a_check_up_hangs_the_earlier_connection_up(host: Host) -> None:
    session = host.session()
    first, receive = host.page(session), Page.receive

    def taken_over(timeout_s: float) -> str | bytes:
        if first.frames == 20:
            host.serve(host.page(session, resume=first.told[1]["resume"]))
        return receive(first, timeout_s)

    first.receive = taken_over  # type: ignore[method-assign]  # silent until another connection is through
    host.serve(first)
    assert first.hung_up
    assert not host.live._lines


def when_the_last_frame_was_looked_at(page: Page, then: Callable[[], None]) -> None:
    """`then` happens before its state reaches the page."""
    send = page.send

    def sent(text: str) -> None:
        if json.loads(text).get("done"):
            then()
        send(text)

    page.send = sent  # type: ignore[method-assign]


def test_a_check_whose_last_frame_has_come_is_decided_by_who_brought_it(host: Host) -> None:
    session = host.session()
    first, later = host.page(session), list[Page]()

    def another() -> None:
        later.append(host.serve(host.page(session, resume=first.told[1]["resume"])))

    when_the_last_frame_was_looked_at(first, another)
    host.serve(first)
    assert [page.told for page in later] == [REFUSED]
    assert (first.told[-1]["type"], first.hung_up) == ("end", False)
    assert (row_of(host, session).state, len(host.ends)) == (BookingState.DONE, 1)


def test_who_brought_the_last_frame_and_was_lost_may_come_back_for_the_end(host: Host) -> None:
    session = host.session()
    first = host.page(session)

    def gone() -> None:
        raise Disconnected("gone")

    when_the_last_frame_was_looked_at(first, gone)
    host.serve(first)
    assert row_of(host, session).state is BookingState.RUNNING
    again = host.serve(host.page(session, resume=first.told[1]["resume"]))
    assert again.told[-1]["type"] == "end"
    assert (row_of(host, session).state, len(host.ends)) == (BookingState.DONE, 1)


def test_who_was_replaced_while_the_last_frame_was_looked_at_leaves_the_end_to_the_other(host: Host) -> None:
    session = host.session()
    first, taken, room = host.page(session), host.live._taken, host.room

    def replaced(attendance: Any, message: str | bytes) -> tuple[dict[str, Any], bool]:
        state, done = taken(attendance, message)
        attendance.connection += done  # as of one that came while the frame was looked at
        return state, done

    host.live._taken = replaced  # type: ignore[method-assign]
    host.serve(first)
    assert first.told[-1]["type"] == "state"
    assert (room.count(), row_of(host, session).state) == (1, BookingState.RUNNING)


def test_a_lost_connection_that_nobody_takes_up_ends_the_check(host: Host) -> None:
    session = host.session()
    page = host.page(session)
    page.spoil[20] = None
    host.serve(page)
    host.room.sweep()
    assert host.room.count() == 1
    host.server.clock.ms += GRACE_MS + 1
    host.room.sweep()
    row = row_of(host, session)
    assert (row.state, row.code, host.room.count()) == (BookingState.FAILED, "connection_lost", 0)
    assert host.ends == ["connection_lost"]


@pytest.mark.parametrize(
    "message",
    [
        json.dumps({"type": "verdict", "is_live": True}),
        json.dumps({"landmarks": [[0, 0, 0]] * 478}),
        b"short",
        b"\x7f\xf8" + bytes(6) + b"\xff\xd8 a picture",
        FRAME + bytes(MAX_FRAME_BYTES),
        FRAME[:8] + b"not a picture",
        SOUND_MARK,
        SOUND_MARK + bytes(3),
        SOUND_MARK + bytes(2 * MOST_SAMPLES + 2),
    ],
    ids=[
        "verdict",
        "landmarks",
        "short",
        "no time",
        "too big",
        "no picture",
        "no sound",
        "half a sample",
        "long sound",
    ],
)
def test_what_is_no_frame_ends_the_check(host: Host, message: str | bytes) -> None:
    session = host.session()
    page = host.page(session)
    page.spoil[5] = message
    assert host.serve(page).told[-1:] == REFUSED
    assert row_of(host, session).state is BookingState.FAILED


@pytest.mark.parametrize(
    "hello",
    [
        b"\x00",
        "no json",
        "[" * 5_000,
        "{}",
        json.dumps({"type": "hello", "session": 1}),
        json.dumps({"type": "hello", "session": "s", "score": 1}),
        json.dumps({"type": "hello", "session": "s" * 9_000}),
    ],
)
def test_who_does_not_say_hello_is_refused(host: Host, hello: str | bytes) -> None:
    page = Page(host.server, [hello])
    assert host.serve(page).told == REFUSED
    assert page.closed


def test_more_frames_than_a_camera_takes_end_the_check(host: Host) -> None:
    page = host.page(host.session(), answers=False)
    page.receive = lambda timeout_s: page.script.pop(0) if page.script else FRAME  # type: ignore[method-assign]  # no time passes
    told = host.serve(page).told
    assert told[-1:] == REFUSED
    assert sum(message["type"] == "state" for message in told) == FRAMES_AT_ONCE


def test_sound_that_nobody_asked_for_changes_nothing(host: Host) -> None:
    session = host.session()
    page = host.page(session)
    page.script.insert(2, SOUND_MARK + bytes(320))
    assert host.serve(page).told[-1]["outcome"] == "passed"


def test_more_pieces_of_sound_than_time_end_the_check(host: Host) -> None:
    page = host.page(host.session(), answers=False)
    piece = SOUND_MARK + bytes(2)
    page.receive = lambda timeout_s: page.script.pop(0) if page.script else piece  # type: ignore[method-assign]  # no time passes
    told = host.serve(page).told
    assert told[-1:] == REFUSED
    assert not any(message["type"] == "state" for message in told)


def test_sound_of_a_line_that_stood_still_for_ten_seconds_ends_no_check(host: Host) -> None:
    page = host.page(host.session())
    page.script += [SOUND_MARK + bytes(1_360)] * 235
    assert host.serve(page).told[-1]["outcome"] == "passed"


def test_a_policy_that_listens_says_so_before_it_begins(host: Host) -> None:
    spoken = host.serve(host.page(host.session(replace(ASKED, policy="by-voice")))).told
    assert spoken[0] == {"type": "welcome", "colours": False, "without": False, "microphone": True}
    assert "microphone" not in host.serve(host.page(host.session())).told[0]


@pytest.mark.parametrize(("policy", "listens"), [("standard", True), ("no-flash", False)])
def test_only_the_way_without_colours_is_said_to_listen(host: Host, policy: str, *, listens: bool) -> None:
    """And where there are no colours to do without, none does."""
    asked = replace(ASKED, policy=policy, without_colours="by-voice")
    welcome = host.serve(host.page(host.session(asked))).told[0]
    assert "microphone" not in welcome
    assert welcome.get("microphone_without", False) is listens


@pytest.mark.parametrize("call", ["push", "hear"])
def test_what_cannot_be_kept_ends_the_check_and_frees_its_place(host: Host, call: str) -> None:
    breaks(host, call, StoreError("no space left"))
    page = host.page(host.session())
    page.script.append(SOUND_MARK + bytes(320))
    assert host.serve(page).told[-1] == {"type": "failed", "code": "unavailable"}
    assert (host.ends, host.room.count()) == (["unavailable"], 0)


def test_whatever_breaks_a_connection_off_its_place_is_free_in_a_while(host: Host) -> None:
    breaks(host, "push", RuntimeError("a defect"))
    with pytest.raises(RuntimeError):
        host.serve(host.page(host.session()))
    assert host.room.count() == 1
    host.server.clock.ms += GRACE_MS + 1
    host.room.sweep()
    assert (host.ends, host.room.count()) == (["connection_lost"], 0)


def breaks(host: Host, call: str, error: Exception) -> None:
    """From the next check on, that call of its session raises."""
    opened = host.open

    def broken(*_: Any, **__: Any) -> Any:
        raise error

    def opening(*asked: Any) -> Any:
        session = opened(*asked)
        setattr(session, call, broken)
        return session

    host.room._open_session = opening


def test_without_the_recogniser_no_check_begins_and_the_log_says_what_to_install(host: Host) -> None:
    def without(*_: Any) -> Any:
        raise MissingTool("PocketSphinx is not installed", next_step="pip install 'medauth[speech]'")

    host.room._open_session = without
    session = host.session(replace(ASKED, policy="by-voice"))
    with structlog.testing.capture_logs() as lines:
        assert host.serve(host.page(session)).told[-1] == {"type": "failed", "code": "unavailable"}
    assert "pip install 'medauth[speech]'" in [line.get("next_step") for line in lines]
    assert row_of(host, session).state is BookingState.FAILED


def test_a_full_room_says_busy_and_the_session_stays_good(tmp_path: Path, keyring: FileKeyring) -> None:
    server = memory_server(tmp_path, keyring)
    host = Host(server, most=1)
    first, second = host.session(), host.session()
    page = host.page(first)
    page.spoil[3] = None
    host.serve(page)
    assert host.serve(host.page(second)).told[-1] == {"type": "failed", "code": "busy"}
    assert row_of(host, second).state is BookingState.WAITING
    server.close()


def test_colours_can_be_done_without_where_the_app_said_so_beforehand(host: Host) -> None:
    session = host.session(replace(ASKED, without_colours="no-flash"))
    page = host.page(session)
    page.script[1] = json.dumps({"type": "begin", "colours": False})
    assert host.serve(page).told[0] == {"type": "welcome", "colours": True, "without": True}
    assert host.opened[1] == "no-flash"


def test_colours_cannot_be_refused_where_the_app_did_not_say_so(host: Host) -> None:
    page = host.page(host.session())
    page.script[1] = json.dumps({"type": "begin", "colours": False})
    assert host.serve(page).told[-1:] == REFUSED


def test_the_round_trip_is_this_sides_own_measurement(host: Host) -> None:
    host.serve(host.page(host.session(), answers=False))
    assert host.check is not None
    assert host.check.session._round_trip_ms == 40.0


def test_failures_are_counted_for_the_address_or_the_device_that_the_app_names(host: Host) -> None:
    host.serve(host.page(host.session()))
    assert host.opened[2] == "192.0.2.1"
    host.serve(host.page(host.session(replace(ASKED, client="device-7"))))
    assert host.opened[2] == "device-7"
