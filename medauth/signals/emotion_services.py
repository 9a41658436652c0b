"""Members of an ensemble that run elsewhere: an HTTP service of one's own choice, and Amazon Rekognition.

A face leaves this machine, so both need the setting that says its owner agreed. A service answers differently tomorrow:
it is never heard in a check, whose verdict must be judged again from its frames. Where none answers the others speak.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ConfigError, MissingTool
from medauth.protocol.canonical import require_flat
from medauth.signals.circuit_breaker import CircuitBreaker

_MOST_BYTES = 65_536
"""A few probabilities are less; more is no answer."""
_HERE = {"localhost", "127.0.0.1", "::1"}
NAMES: Mapping[str, str] = {
    "angry": "anger", "disgusted": "disgust", "fearful": "fear", "happy": "happiness", "sad": "sadness",
    "surprised": "surprise", "calm": "neutral",
}  # fmt: skip
"""What others call our classes. Rekognition's `CALM` is the nearest to neutral; `CONFUSED` and `UNKNOWN` are none."""


class Rekognition(Protocol):
    """What is used of boto3's client `rekognition`."""

    def detect_faces(self, **words: Any) -> Mapping[str, Any]:
        """`Image` and `Attributes` to `FaceDetails`."""


class HttpEmotionModel:
    """Posts the face and reads probabilities: `{"probabilities": {"happiness": 0.8, ...}}`, in shares or percent.

    `form` `jpeg` posts the picture itself as image/jpeg; `deepface` posts what the REST service of DeepFace takes
    (`{"img": "data:image/jpeg;base64,...", "actions": ["emotion"]}`), whose answer (`results[0].emotion`) is read, too.
    """

    name = "http"
    repeatable = False

    def __init__(
        self,
        url: str,
        *,
        form: str = "jpeg",
        timeout_s: float = 1.0,
        key: str = "",
        breaker: CircuitBreaker | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
            raise ConfigError(
                "an emotion service without encryption",
                expected="https://, or http:// on this machine",
                next_step="set MEDAUTH_EMOTION_URL",
            )
        if form not in _BODIES:
            raise ConfigError(f"an emotion service of form {form!r}", expected=" or ".join(_BODIES))
        self._url = url
        self._form = form
        self._timeout_s = timeout_s
        self._key = key
        self._breaker = breaker or CircuitBreaker()
        # Neither keys nor queries, which may hold some.
        asked = f"{form} {parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"
        self.sha256 = hashlib.sha256(asked.encode()).hexdigest()

    def probabilities(self, face: NDArray[np.uint8]) -> Mapping[str, float] | None:
        """None where the service does not answer in time, or not with probabilities."""
        return _asked(self._breaker, lambda: self._ask(face))

    def _ask(self, face: NDArray[np.uint8]) -> Mapping[str, float]:
        import requests

        body, kind = _BODIES[self._form](_jpeg(face))
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        with requests.post(
            self._url, data=body, headers=headers, timeout=self._timeout_s, stream=True, allow_redirects=False
        ) as answer:
            if answer.status_code != 200:  # noqa: PLR2004
                raise ValueError(f"status {answer.status_code}")
            said = answer.raw.read(_MOST_BYTES, decode_content=True)
            require_flat(said)
            return _renamed(_found_in(json.loads(said)))


class RekognitionEmotionModel:
    """Amazon Rekognition's DetectFaces: `FaceDetails[0].Emotions`, each a `Type` and a `Confidence` of 0 to 100.

    Written and tested by the documented form of its answers; no account was at hand to ask it.
    """

    name = "rekognition"
    repeatable = False

    def __init__(self, client: Rekognition, region: str = "", breaker: CircuitBreaker | None = None) -> None:
        self._client = client
        self._breaker = breaker or CircuitBreaker()
        self.sha256 = hashlib.sha256(f"rekognition DetectFaces {region}".encode()).hexdigest()

    def probabilities(self, face: NDArray[np.uint8]) -> Mapping[str, float] | None:
        """None where there is no answer, or no face in it."""
        return _asked(self._breaker, lambda: self._ask(face))

    def _ask(self, face: NDArray[np.uint8]) -> Mapping[str, float]:
        found = self._client.detect_faces(Image={"Bytes": _jpeg(face)}, Attributes=["EMOTIONS"])
        emotions = found["FaceDetails"][0]["Emotions"]
        return _renamed({emotion["Type"]: emotion["Confidence"] for emotion in emotions})


def rekognition_client(region: str, timeout_s: float) -> Rekognition:
    """boto3's client, with credentials from where AWS tools look for them. Raises `MissingTool` without boto3."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise MissingTool(
            "boto3 is not installed", expected="the extra `rekognition`", next_step="pip install 'medauth[rekognition]'"
        ) from error
    limits = Config(connect_timeout=timeout_s, read_timeout=timeout_s, retries={"max_attempts": 0})
    client: Rekognition = boto3.client("rekognition", region_name=region or None, config=limits)
    return client


def _asked(breaker: CircuitBreaker, ask: Callable[[], Mapping[str, float]]) -> Mapping[str, float] | None:
    if not breaker.allows():
        return None
    try:
        answer = ask()
    except Exception:  # noqa: BLE001 - whatever a service or its library does, the others go on
        breaker.failed()
        return None
    breaker.succeeded()
    return answer


def _jpeg(face: NDArray[np.uint8]) -> bytes:
    done, encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done, "an 8-bit colour picture"
    return bytes(encoded)


def _found_in(answer: Any) -> Mapping[str, Any]:
    """The probabilities in an answer of either form. Raises `ValueError`."""
    if isinstance(answer, Mapping) and isinstance(answer.get("results"), list) and answer["results"]:
        answer = answer["results"][0]
    for key in ("probabilities", "emotion"):
        if isinstance(answer, Mapping) and isinstance(answer.get(key), Mapping):
            found: Mapping[str, Any] = answer[key]
            return found
    raise ValueError("no probabilities")


def _renamed(found: Mapping[str, Any]) -> Mapping[str, float]:
    named = {NAMES.get(str(name).lower(), str(name).lower()): float(value) for name, value in found.items()}
    if not named:
        raise ValueError("no probabilities")
    return named


_BODIES: Mapping[str, Callable[[bytes], tuple[bytes, str]]] = {
    "jpeg": lambda jpeg: (jpeg, "image/jpeg"),
    "deepface": lambda jpeg: (
        json.dumps(
            {"img": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}", "actions": ["emotion"]}
        ).encode(),
        "application/json",
    ),
}
