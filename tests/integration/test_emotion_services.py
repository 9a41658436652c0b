"""Emotion services: a local HTTP server, well and badly behaved, and Rekognition's answers as its documentation has them.

Nothing here spoke with Amazon: `DOCUMENTED` is built from the API reference of DetectFaces (FaceDetail, Emotion).
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import cv2
import numpy as np
import pytest

from medauth.errors import ConfigError
from medauth.signals.circuit_breaker import CircuitBreaker
from medauth.signals.emotion_services import HttpEmotionModel, RekognitionEmotionModel

FACE = np.full((192, 192, 3), 90, np.uint8)
DOCUMENTED = {
    "FaceDetails": [
        {
            "BoundingBox": {"Width": 0.6, "Height": 0.8, "Left": 0.2, "Top": 0.1},
            "Confidence": 99.9,
            "Emotions": [
                {"Type": "HAPPY", "Confidence": 93.3},
                {"Type": "CONFUSED", "Confidence": 2.1},
                {"Type": "CALM", "Confidence": 1.5},
                {"Type": "SURPRISED", "Confidence": 6.3},
                {"Type": "DISGUSTED", "Confidence": 0.4},
                {"Type": "ANGRY", "Confidence": 0.3},
                {"Type": "SAD", "Confidence": 2.2},
                {"Type": "FEAR", "Confidence": 5.9},
            ],
        }
    ],
    "OrientationCorrection": "ROTATE_0",
}


class Server(HTTPServer):
    """Answers what it is told to, and remembers what it was asked."""

    answer: bytes = b'{"probabilities": {"happiness": 0.75, "neutral": 0.25}}'
    status = 200
    silent: threading.Event | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[Mapping[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/analyze"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((dict(self.headers), body))
        if self.server.silent is not None:
            self.server.silent.wait(5)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_face_goes_out_and_probabilities_come_back(server: Server) -> None:
    model = HttpEmotionModel(server.url, key="secret")
    assert model.probabilities(FACE) == {"happiness": 0.75, "neutral": 0.25}
    headers, body = server.asked[0]
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Authorization"] == "Bearer secret"
    sent = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    assert sent is not None
    assert sent.shape == FACE.shape


def test_deepface_is_asked_in_its_own_form(server: Server) -> None:
    percent = {"angry": 1.0, "disgust": 0.5, "fear": 0.5, "happy": 90.0, "sad": 2.0, "surprise": 1.0, "neutral": 5.0}
    server.answer = json.dumps({"results": [{"emotion": percent, "dominant_emotion": "happy"}]}).encode()
    found = HttpEmotionModel(server.url, form="deepface").probabilities(FACE)
    assert found is not None
    assert (found["happiness"], found["anger"], found["neutral"]) == (90.0, 1.0, 5.0)
    asked = json.loads(server.asked[0][1])
    assert asked["actions"] == ["emotion"]
    kind, _, picture = asked["img"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert base64.b64decode(picture).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"{}"),
        (302, b"{}"),
        (200, b"no json"),
        (200, b"[1]"),
        (200, b"{}"),
        (200, b'{"probabilities": {}}'),
        (200, b'{"probabilities": {"happiness": "much"}}'),
        (200, b'{"probabilities": {"happiness": 1}' + b" " * 100_000 + b"}"),
    ],
)
def test_a_bad_answer_is_none_and_three_of_them_open_the_breaker(server: Server, status: int, answer: bytes) -> None:
    server.status, server.answer = status, answer
    model = HttpEmotionModel(server.url)
    assert [model.probabilities(FACE) for _ in range(6)] == [None] * 6
    assert len(server.asked) == 3


def test_a_service_that_hangs_is_given_up_in_time(server: Server) -> None:
    server.silent = threading.Event()
    model = HttpEmotionModel(server.url, timeout_s=0.05, breaker=CircuitBreaker(failures=1))
    assert model.probabilities(FACE) is None
    server.silent.set()
    assert model.probabilities(FACE) is None, "the breaker is open"
    assert len(server.asked) == 1


def test_nobody_there_is_no_answer() -> None:
    assert HttpEmotionModel("http://127.0.0.1:9/").probabilities(FACE) is None


@pytest.mark.parametrize("url", ["http://example.org/", "ftp://localhost/", "", "file:///etc/passwd"])
def test_faces_do_not_travel_in_the_open(url: str) -> None:
    with pytest.raises(ConfigError, match="without encryption"):
        HttpEmotionModel(url)


def test_the_digest_is_of_the_address_and_holds_no_key() -> None:
    one, other = (HttpEmotionModel(f"https://a.example/x?key={key}", key=key) for key in ("1", "2"))
    assert one.sha256 == other.sha256
    assert one.sha256 != HttpEmotionModel("https://b.example/x").sha256
    with pytest.raises(ConfigError, match="form"):
        HttpEmotionModel("https://a.example", form="xml")


class Documented:
    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def detect_faces(self, **words: Any) -> Mapping[str, Any]:
        self.asked.append(words)
        return self.answer


def test_rekognition_as_documented() -> None:
    client = Documented(DOCUMENTED)
    found = RekognitionEmotionModel(client).probabilities(FACE)
    assert found is not None
    assert found["happiness"] == 93.3
    assert found["neutral"] == 1.5
    assert {"surprise", "disgust", "anger", "sadness", "fear"} < set(found)
    assert client.asked[0]["Attributes"] == ["EMOTIONS"]
    assert client.asked[0]["Image"]["Bytes"].startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "answer", [{"FaceDetails": []}, {}, {"FaceDetails": [{}]}, {"FaceDetails": [{"Emotions": []}]}]
)
def test_rekognition_without_a_face_says_nothing(answer: dict[str, Any]) -> None:
    assert RekognitionEmotionModel(Documented(answer)).probabilities(FACE) is None
