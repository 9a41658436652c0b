"""Sound in a check: taken in while digits are asked for, committed to, kept where all frames are, and never else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import CeremonyError, CheckExpired, EvidenceError, InputError
from medauth.evidence.archive import SOUND_FILE, KeepFrames
from medauth.evidence.commitment import SoundChain
from medauth.protocol.challenge import Action, scripted_step
from medauth.protocol.policy import BY_VOICE, REHEARSAL
from medauth.protocol.sound import RATE_HZ
from medauth.service.erasure import Erasure
from medauth.service.mirrored import compare_files
from medauth.store.keyring import FileKeyring
from tests.unit.checks import Check, Clip, Server, memory_server
from tests.unit.test_session import statement

STEPS = tuple(scripted_step(Action.SAY_DIGITS, number, pause_ms=800) for number in (3_210, 6_543))
PIECE = np.arange(RATE_HZ // 50, dtype=np.int16)


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    server = memory_server(tmp_path, keyring)
    yield server
    server.close()


def begun(server: Server, keep: KeepFrames = KeepFrames.KEY) -> Check:
    return server.check(policy=BY_VOICE, steps=STEPS, keep=keep)


def test_sound_outside_of_a_prompt_is_nobodys(server: Server) -> None:
    check = begun(server)
    check.frame()
    early = check.session.listens
    check.session.hear(PIECE)
    check.until_prompt()
    assert (early, check.session.listens) == (False, True)
    check.session.hear(PIECE)
    check.until_done()
    check.session.finish()
    assert statement(server, check.record_id)["sound"]["count"] == 1


def test_the_statement_commits_to_every_piece_and_its_place(server: Server) -> None:
    check = begun(server, KeepFrames.ALL)
    check.until_prompt()
    for _ in range(3):
        check.frame()
        check.session.hear(PIECE)
    check.until_done()
    check.session.finish()
    stated = statement(server, check.record_id)
    sound = stated["sound"]
    assert (sound["count"], sound["samples"], len(sound["kept"])) == (3, 3 * len(PIECE), 3)
    chain = SoundChain("chk_1")
    for _, among, t_us, digest in sound["kept"]:
        chain.add(bytes.fromhex(digest), t_us / 1_000, among)
    assert chain.head.hex() == sound["chain"]
    assert sound["kept"][0][1] < sound["kept"][1][1] < stated["frames"]["count"]


def test_an_audit_compares_every_kept_piece(server: Server) -> None:
    check = begun(server, KeepFrames.ALL)
    check.until_prompt()
    check.session.hear(PIECE)
    check.until_done()
    check.session.finish()
    row, stated = server.store.record(check.record_id), statement(server, check.record_id)
    keys = server.keyring.unwrap(check.record_id, row.wrapped_key)
    assert "3 sealed files" in compare_files(row, server.blobs, keys, stated)
    stated["sound"]["kept"][0][3] = "00" * 32
    with pytest.raises(EvidenceError, match="kept sound 0"):
        compare_files(row, server.blobs, keys, stated)
    stated["sound"]["kept"] = []
    with pytest.raises(EvidenceError, match="files"):
        compare_files(row, server.blobs, keys, stated)


@pytest.mark.parametrize("keep", [KeepFrames.NONE, KeepFrames.KEY])
def test_no_voice_is_kept_where_not_all_frames_are(server: Server, keep: KeepFrames) -> None:
    check = begun(server, keep)
    check.until_prompt()
    check.session.hear(PIECE)
    check.until_done()
    check.session.finish()
    sound = statement(server, check.record_id)["sound"]
    assert (sound["count"], sound["kept"]) == (1, [])
    assert not list((server.folder / "evidence").rglob(f"*{SOUND_FILE}*"))


def test_what_was_kept_of_a_voice_is_sealed_and_goes_with_its_check(server: Server) -> None:
    check = begun(server, KeepFrames.ALL)
    check.until_prompt()
    check.session.hear(PIECE)
    check.until_done()
    check.session.finish()
    (kept,) = (server.folder / "evidence").rglob(f"{SOUND_FILE}*")
    assert PIECE.tobytes()[:40] not in kept.read_bytes()
    Erasure(server.store, server.blobs, server.keyring, lambda: int(server.wall.ms)).erase("chk_1")
    assert not list((server.folder / "evidence").rglob(f"{SOUND_FILE}*"))


def test_a_check_that_is_dropped_leaves_no_voice(server: Server) -> None:
    check = begun(server, KeepFrames.ALL)
    check.until_prompt()
    check.session.hear(PIECE)
    assert list((server.folder / "evidence").rglob(f"{SOUND_FILE}*"))
    check.session.close()
    assert not list((server.folder / "evidence").rglob(f"{SOUND_FILE}*"))


def test_a_check_without_digits_says_nothing_of_sound(server: Server) -> None:
    check = server.check()
    check.session.hear(PIECE)
    check.until_done()
    check.session.finish()
    assert "sound" not in statement(server, check.record_id)


def test_more_sound_than_time_is_refused_and_the_check_goes_on(server: Server) -> None:
    check = begun(server)
    check.until_prompt()
    for _ in range(6):
        check.session.hear(PIECE)
    with pytest.raises(InputError, match="samples of sound"):
        check.session.hear(PIECE)
    check.until_done()


@pytest.mark.parametrize("sound", [b"", b"\0", np.zeros(3), np.zeros(4_001, np.int16)])
def test_what_is_no_sound_is_refused_whenever_it_comes(server: Server, sound: object) -> None:
    check = begun(server)
    with pytest.raises(InputError):
        check.session.hear(sound)  # type: ignore[arg-type]


def test_sound_alone_keeps_no_check_open(server: Server) -> None:
    check = begun(server)
    check.frame()
    server.clock.ms += 200_000
    check.session.hear(PIECE)
    with pytest.raises(CheckExpired):
        check.session.hear(PIECE)
    check.session.finish()
    with pytest.raises(CeremonyError):
        check.session.hear(PIECE)


def test_a_rehearsal_hears_nothing(server: Server) -> None:
    check = server.check(policy=replace(REHEARSAL, steps=3))
    with pytest.raises(InputError, match="rehearsal"):
        check.session.hear(PIECE)


class Recording:
    """A microphone that gives a piece a frame."""

    def __init__(self) -> None:
        self.begun = self.given = 0
        self.closed = False

    def listen(self) -> None:
        self.begun += 1

    def heard(self) -> list[NDArray[Any]]:
        self.given += 1
        return [PIECE]

    def close(self) -> None:
        self.closed = True


def test_a_run_listens_from_each_prompt_on(server: Server) -> None:
    check, microphone = begun(server), Recording()
    check.session.run(Clip(900, server.clock), microphone=microphone)
    assert microphone.begun == len(STEPS)
    assert microphone.closed
    assert statement(server, check.record_id)["sound"]["count"] == microphone.given > 0


@pytest.mark.parametrize("late_ms", [0, 1, 40])
def test_a_run_whose_time_is_over_while_it_listens_ends_with_a_verdict(server: Server, late_ms: int) -> None:
    check, microphone = begun(server), Recording()
    over_ms = server.clock.ms + BY_VOICE.timing.session_max_ms

    def heard() -> list[NDArray[Any]]:
        server.clock.ms = max(server.clock.ms, over_ms + late_ms)
        return [PIECE[:1]] * 3

    microphone.heard = heard  # type: ignore[method-assign]  # a computer that was busy until then
    verdict = check.session.run(Clip(900, server.clock), microphone=microphone)
    assert "challenge.expired" in {reason.code for reason in verdict.reasons}
    assert microphone.closed


def test_whether_it_listens_may_be_asked_from_another_thread(server: Server) -> None:
    check = begun(server)
    check.until_prompt()
    asked: list[bool] = []
    other = Thread(target=lambda: asked.append(check.session.listens))
    with check.session._lock:  # a frame is being looked at: the step may close with it
        other.start()
        other.join(0.05)
        assert not asked
    other.join()
    assert asked == [True]


def test_a_run_without_a_microphone_is_refused_where_one_is_needed(server: Server) -> None:
    with pytest.raises(InputError, match="without a microphone"):
        begun(server).session.run(Clip(3, server.clock))
