"""A live check that a passkey confirms, in a real browser with its virtual authenticator, through the real component.

Whoever is filmed is a person of numbers: the server's session is a double that is answered rightly, so that the check comes
out live; everything after the verdict is as a person meets it.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.capture.interface import CapturedFrame
from medauth.config import Settings
from medauth.protocol.base64url import decoded, encoded
from medauth.protocol.policy import NO_FLASH
from medauth.service.booking import Booking, Request
from medauth.service.passkeys import passkey_step
from medauth.service.tokens import Tokens
from medauth.serving import bookings_of, tokens_of
from medauth.session import AuthenticationSession, Progress
from medauth.store.booking_interface import BookingRow
from medauth.store.keyring import FileKeyring
from medauth.web.factory import create_app
from tests.browser.conftest import page_of
from tests.browser.test_browser_check import LISTEN, until
from tests.unit.checks import FRAME_MS, Server
from tests.unit.protocol.performer import answer
from tests.unit.web.authenticator import Authenticator

pytestmark = [pytest.mark.browser]
Browsers = Callable[..., Browser]
FAKE_CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@dataclass
class Numbers:
    """The server at http://localhost, where browsers allow passkeys, and what its operator sees."""

    url: str
    auth: Medauth

    def session(self, holder: Authenticator) -> str:
        step = passkey_step(holder.booked(), self.url).to_text()
        asked = Request(subject="user-42", purpose="login", policy="no-flash", origin=self.url, webauthn=step)
        bookings = bookings_of(self.auth)
        return bookings.session(bookings.book("acc_test", asked)[0].row.booking_id)

    def row(self, session: str) -> BookingRow:
        return bookings_of(self.auth).attended(session).row

    def token(self, session: str) -> dict[str, Any] | None:
        tokens: Tokens = tokens_of(self.auth, self.url)
        token = tokens.issue(bookings_of(self.auth).attended(session))
        return None if token is None else json.loads(decoded(token.split(".")[1]))


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Numbers]:
    folder: Path = tmp_path_factory.mktemp("numbers")
    with open_medauth(Settings(data_dir=folder)) as auth:
        assert isinstance(auth.keyring, FileKeyring)
        people = Server(folder, auth.store, auth.keyring)

        def _open(booking: Booking, _policy: str, _client: str) -> AuthenticationSession:
            check = people.check(f"chk_{booking.row.booking_id}", policy=NO_FLASH)
            push = check.session.push

            def _push(frame: CapturedFrame) -> Progress:
                people.clock.ms += FRAME_MS
                people.wall.ms += FRAME_MS
                before = check.session.prompt
                progress = push(frame)
                if progress.prompt is not None and (before is None or progress.prompt.index != before.index):
                    answer(check.person, progress.prompt)
                return progress

            check.session.push = _push  # type: ignore[method-assign,assignment]  # answered as soon as it is asked
            return check.session

        app = create_app(auth, open_session=_open)
        app.wsgi_app = _silent(app.wsgi_app)  # type: ignore[method-assign]
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Numbers(f"http://localhost:{server.port}", auth)
        finally:
            server.shutdown()


def _silent(app: Any) -> Any:
    """Werkzeug's server writes a response behind a WebSocket's goodbye, at which a browser drops what came before it."""

    def _served(environ: dict[str, Any], start_response: Any) -> Any:
        body = app(environ, start_response)
        if environ["PATH_INFO"] == "/api/v1/live":
            environ["werkzeug.socket"].shutdown(socket.SHUT_WR)
        return body

    return _served


def plug_in(page: Page, holder: Authenticator, rp_id: str = "localhost", *, ready: bool = True) -> Any:
    """A virtual authenticator with the holder's key (WebAuthn, section 11)."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}
    options = kind | {"hasResidentKey": True, "automaticPresenceSimulation": ready}
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    private = holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    credential = {
        "credentialId": base64.b64encode(holder.id).decode(),
        "isResidentCredential": False,
        "rpId": rp_id,
        "privateKey": base64.b64encode(private).decode(),
        "signCount": holder.sign_count,
    }
    devtools.send("WebAuthn.addCredential", {"authenticatorId": made, "credential": credential})
    return lambda: devtools.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": made, "enabled": True})


def attend(page: Page, numbers: Numbers, session: str, locale: str = "en") -> None:
    page.goto(f"{numbers.url}/check?locale={locale}#{session}")
    page.wait_for_selector("medauth-check h2")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Start the check" if locale == "en" else "Prüfung beginnen").click()


def ended(page: Page) -> Any:
    until(page, "told.some(([name]) => name !== 'progress')")
    return page.evaluate("told.at(-1)")


def test_a_passkey_confirms_a_live_check_and_the_token_names_it(browsers: Browsers, numbers: Numbers) -> None:
    holder = Authenticator(numbers.url)
    session = numbers.session(holder)
    with page_of(browsers(*FAKE_CAMERA)) as page:
        plug_in(page, holder)
        attend(page, numbers, session)
        assert ended(page) == ["done", {"outcome": "passed"}]
        said = page.evaluate("said")
    assert said.count("Confirm with your passkey") == 1
    assert (numbers.row(session).outcome, numbers.row(session).passkey_state) == ("live", "verified")
    token = numbers.token(session)
    assert token is not None
    assert token["webauthn"] == {"credential": encoded(holder.id), "sign_count": 8, "user_verified": True}


def test_the_screen_says_what_to_do_and_can_be_left_by_keyboard(
    browsers: Browsers, numbers: Numbers, tmp_path: Path
) -> None:
    holder = Authenticator(numbers.url)
    session = numbers.session(holder)
    with page_of(browsers(*FAKE_CAMERA)) as page:
        plug_in(page, holder, ready=False)
        attend(page, numbers, session, "de")
        title = page.get_by_role("heading", name="Mit Ihrem Passkey bestätigen")
        expect(title).to_be_focused(timeout=60_000)
        expect(page.get_by_role("button", name="Passkey verwenden")).to_be_visible()
        page.screenshot(path=tmp_path / "passkey.png")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert ended(page) == ["done", {"outcome": "not_passed"}]
    assert (numbers.row(session).outcome, numbers.row(session).passkey_state) == ("live", "missing")
    assert numbers.token(session) is None


def test_the_button_asks_again(browsers: Browsers, numbers: Numbers) -> None:
    holder = Authenticator(numbers.url)
    session = numbers.session(holder)
    with page_of(browsers(*FAKE_CAMERA)) as page:
        touch = plug_in(page, holder, ready=False)
        attend(page, numbers, session)
        button = page.get_by_role("button", name="Use the passkey")
        expect(button).to_be_visible(timeout=60_000)
        touch()
        button.click()
        assert ended(page) == ["done", {"outcome": "passed"}]


def test_another_persons_passkey_is_of_no_use(browsers: Browsers, numbers: Numbers) -> None:
    holder = Authenticator(numbers.url)
    session = numbers.session(holder)
    with page_of(browsers(*FAKE_CAMERA)) as page:
        plug_in(page, Authenticator(numbers.url, id=holder.id))
        attend(page, numbers, session)
        assert ended(page) == ["done", {"outcome": "not_passed"}]
    assert (numbers.row(session).outcome, numbers.row(session).passkey_state) == ("live", "failed")
    assert numbers.token(session) is None
