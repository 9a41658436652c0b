"""The other end of a live check without a browser: frames up over a real WebSocket, states down, and what it all weighed."""

from __future__ import annotations

import json
import struct
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect
from websockets.typing import Origin

_TIME = struct.Struct(">d")
_ANSWER_S = 60.0
_CLOSE_S = 1.0
_MAX_BYTES = 2**20


class LiveClient:
    """One attended check. `ended` holds the last message once there is one."""

    def __init__(
        self, url: str, session: str, origin: str = "", *, resume: str = "", hello: dict[str, Any] | None = None
    ) -> None:
        self.sent_bytes = self.received_bytes = 0
        self.ended: dict[str, Any] | None = None
        address = url.replace("http", "ws", 1) + "/api/v1/live"
        self._open = ExitStack()
        said_origin = Origin(origin or url)
        line = connect(address, origin=said_origin, compression=None, max_size=_MAX_BYTES, close_timeout=_CLOSE_S)
        self._line = self._open.enter_context(line)
        try:
            self.greeting = self._greeted(hello or {"type": "hello", "session": session, "resume": resume})
        except BaseException:
            self.close()
            raise

    def _greeted(self, hello: dict[str, Any]) -> dict[str, Any]:
        self.say(hello)
        greeting = self._hear()
        if greeting["type"] == "welcome":
            self.say({"type": "begin", "colours": True})
            greeting = self._hear()
        return greeting

    def show(self, jpeg: bytes, at_ms: float) -> dict[str, Any]:
        """Sends a frame with the page's own time, and returns what is to be shown then."""
        message = _TIME.pack(at_ms) + jpeg
        self.sent_bytes += len(message)
        self._line.send(message)
        return self._hear()

    def wait(self) -> dict[str, Any]:
        """The next message, such as the end."""
        return self._hear()

    def close(self) -> None:
        """Goes away."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def say(self, message: dict[str, Any]) -> None:
        """Sends a text message."""
        text = json.dumps(message)
        self.sent_bytes += len(text)
        self._line.send(text)

    def _hear(self) -> dict[str, Any]:
        text = self._line.recv(_ANSWER_S)
        self.received_bytes += len(text)
        message: dict[str, Any] = json.loads(text)
        if message["type"] in {"end", "failed"}:
            self.ended = message
        return message
