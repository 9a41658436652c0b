"""A running server on this machine's own network, and people of numbers who attend its checks over real WebSockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from werkzeug.serving import make_server

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.evaluation.live_client import LiveClient
from medauth.service.access import Scope
from medauth.serving import accesses_of
from medauth.store.keyring import FileKeyring
from medauth.web.factory import create_app
from medauth.web.room import Room
from tests.unit.checks import FRAME_MS, Server, memory_server
from tests.unit.protocol.performer import answer
from tests.unit.web.people import Host

PICTURE = b"\xff\xd8 a picture"
MOST_FRAMES = 3_000


@dataclass
class Verifier:
    """The server, what stands behind it, and an app's key."""

    url: str
    auth: Medauth
    host: Host
    room: Room
    access_id: str
    key: str
    _answered: tuple[int, int] = (0, 0)

    def ask(self, method: str, path: str, **body: Any) -> requests.Response:
        """As the app's server asks."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.request(method, self.url + path, json=body or None, headers=headers, timeout=30)

    def book(self, **change: Any) -> Any:
        """A check for a person on this server's own page."""
        asked = {"subject": "user-42", "purpose": "login", "policy": "standard", "origin": self.url} | change
        return self.ask("POST", "/api/v1/checks", **asked).json()

    def state(self, booking_id: str) -> Any:
        """Where it stands."""
        return self.ask("GET", f"/api/v1/checks/{booking_id}").json()

    def perform(
        self, client: LiveClient, *, until: Callable[[dict[str, Any]], bool] | int = MOST_FRAMES, follows: bool = True
    ) -> list[dict[str, Any]]:
        """Frame by frame whatever is asked; all that was told. Ends early at a number of frames, or at what was told."""
        told: list[dict[str, Any]] = []
        while client.ended is None and not (told and _reached(until, told)):
            self.host.server.clock.ms += FRAME_MS
            self.host.server.wall.ms += FRAME_MS
            told.append(client.show(PICTURE, 1_000.0 * len(told)))
            if told[-1].get("done"):
                told.append(client.wait())
                break
            prompt = told[-1].get("prompt")
            check = self.host.check
            if follows and prompt and check is not None and check.session.prompt is not None:
                if self._answered == (id(check), prompt["index"]):
                    continue
                self._answered = (id(check), prompt["index"])
                answer(check.person, check.session.prompt)
        return told


def _reached(until: Callable[[dict[str, Any]], bool] | int, told: list[dict[str, Any]]) -> bool:
    return len(told) >= until if isinstance(until, int) else until(told[-1])


@contextmanager
def verifier(folder: Path, keyring: FileKeyring) -> Iterator[Verifier]:
    """Serves until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = memory_server(folder, keyring)
    auth = open_medauth(Settings(data_dir=folder, web_port=port))
    auth._store, auth._keyring = server.store, keyring
    host = Host(Server(folder, server.store, keyring))
    app = create_app(auth, open_session=host.open)
    app.extensions["medauth.room"]._on_end = host._ended
    access, key = accesses_of(auth).grant("an app", list(Scope), ["standard", "no-flash"])
    with serving(app, port) as url:
        yield Verifier(url, auth, host, app.extensions["medauth.room"], access.access_id, key)
    auth.close()


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """Any WSGI app on a thread of its own for each request."""
    running = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        thread.join(10)
        running.server_close()
