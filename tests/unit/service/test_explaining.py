"""Moments are remembered while a check runs, explained once it is over, sealed, signed, and opened for the operator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import EvidenceError, InputError, ModelError
from medauth.evidence.archive import KeepFrames
from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame, Observation
from medauth.service.explaining import MOST_PICTURES, Explaining
from medauth.service.pictures import pictures_of, statement_of
from medauth.signals.interface import Explainable, HeatMap, ModelUse, Notable
from tests.unit.checks import IMAGE, TRACK, Movements, Server, memory_server, read_frame


@dataclass
class Watching(Movements):
    """A signal that finds every frame notable while a step is on show."""

    asked: list[str] = field(default_factory=list)
    last: Notable | None = None
    broken: bool = False

    def update(self, observation: Observation) -> None:
        super().update(observation)
        prompt = observation.prompt
        strength = observation.frame.t_ms % 700
        self.last = None if prompt is None else Notable(f"step-{prompt.index + 1}.smile", strength)

    def notable(self) -> Notable | None:
        return self.last

    def explained(self, image: NDArray[np.uint8], track: FaceTrack, what: str) -> HeatMap | None:
        assert image is IMAGE
        assert track is TRACK
        self.asked.append(what)
        if self.broken:
            raise ModelError("the model is gone")
        heat = np.ones((2, 2), np.float32)
        return HeatMap(self.name, what, "Grad-CAM", heat, np.zeros((4, 4), np.uint8), ModelUse("m", "0"))


@pytest.fixture
def server(tmp_path, keyring) -> Server:
    return memory_server(tmp_path, keyring)


def drawn(heat_map: HeatMap) -> bytes:
    return f"picture of {heat_map.what}".encode()


def finished(server, keep: KeepFrames = KeepFrames.KEY, *, broken: bool = False):
    check = server.check(signal=Watching, keep=keep, draw=drawn)
    check.movements.broken = broken
    check.until_done()
    return check, check.session.finish()


def test_pictures_are_sealed_and_their_digests_signed(server) -> None:
    check, verdict = finished(server)
    name = "heat.emotion.step-1.smile.png"
    blobs = statement_of(verdict.evidence_id, server.store, server.keyring)["blobs"]
    assert blobs[name] == hashlib.sha256(b"picture of step-1.smile").hexdigest()
    assert len(blobs) == 1 + len(check.movements.prompts)
    assert b"picture" not in server.blobs.read(verdict.evidence_id, name)


def test_operator_opens_heat_maps_and_kept_frames(server) -> None:
    _, verdict = finished(server)
    found = pictures_of(verdict.evidence_id, server.store, server.blobs, server.keyring)
    assert found["heat.emotion.step-2.smile.png"] == b"picture of step-2.smile"
    assert found["frame-00000.jpg"].startswith(b"\xff\xd8")


def test_nothing_of_it_reaches_the_person(server) -> None:
    check, verdict = finished(server)
    assert "heat" not in repr(verdict)
    assert "heat" not in repr(check.progress)


def test_model_is_asked_once_a_picture_and_only_after_the_last_frame(server) -> None:
    check = server.check(signal=Watching, draw=drawn)
    check.until_done()
    assert check.movements.asked == []
    check.session.finish()
    assert check.movements.asked == [f"step-{index + 1}.smile" for index in check.movements.prompts]


def test_who_keeps_no_frames_keeps_no_pictures(server) -> None:
    check, verdict = finished(server, KeepFrames.NONE)
    assert list(statement_of(verdict.evidence_id, server.store, server.keyring)["blobs"]) == ["traces"]
    assert check.movements.asked == []


def test_a_failed_explanation_costs_no_verdict(server) -> None:
    _, verdict = finished(server, broken=True)
    assert verdict.evidence_id
    assert list(statement_of(verdict.evidence_id, server.store, server.keyring)["blobs"]) == ["traces"]


def test_another_picture_than_the_signed_one_is_refused(server, monkeypatch) -> None:
    _, verdict = finished(server)
    whole = server.blobs.read
    names = {"heat.emotion.step-1.smile.png": "heat.emotion.step-2.smile.png"}
    monkeypatch.setattr(server.blobs, "read", lambda record, name: whole(record, names.get(name, name)))
    with pytest.raises(EvidenceError, match="does not open"):
        pictures_of(verdict.evidence_id, server.store, server.blobs, server.keyring)


def test_a_start_has_no_pictures(server) -> None:
    _, verdict = finished(server)
    start = statement_of(verdict.evidence_id, server.store, server.keyring)["start_record_id"]
    with pytest.raises(InputError, match="is a start"):
        statement_of(start, server.store, server.keyring)


def test_strongest_moment_is_kept_and_their_number_bounded() -> None:
    person = Watching(person=None)  # type: ignore[arg-type]
    seen: list[bytes] = []

    def read(captured, index, t_ms):
        seen.append(captured.jpeg)
        return read_frame(captured, index, t_ms)

    assert isinstance(person, Explainable)
    explaining = Explaining({"emotion": person}, read, drawn)
    for index, (what, strength) in enumerate([("a", 1.0), ("a", 3.0), ("a", 2.0), *((str(n), 1.0) for n in range(20))]):
        person.last = Notable(what, strength)
        frame = Frame(index, 0.0, str(index).encode(), b"", IMAGE)
        explaining.take(Observation(frame, TRACK, None, None))
    explaining.take(Observation(frame, None, CaptureProblem.NO_FACE, None))
    assert len(explaining.pictures()) == MOST_PICTURES
    assert seen[0] == b"1"
