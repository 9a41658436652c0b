"""A check by voice in a real browser: the microphone is asked for, digits are shown, and what it plays is what was heard."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from medauth.service.pictures import statement_of
from tests.browser.conftest import Site, camera, page_of
from tests.browser.test_browser_check import Visit, until

pytestmark = [pytest.mark.browser, pytest.mark.media]
RECORDING = Path(__file__).parent.parent / "integration" / "digits_7153.wav"
SAID = "7153"


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    """Digits that a program says, with a pause before and after, once: Chromium plays a file over and over unless told not to."""
    pytest.importorskip("pocketsphinx", reason="no recogniser: pip install 'medauth[speech]'")
    with wave.open(str(RECORDING), "rb") as file:
        said = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.concatenate([said, np.zeros(16_000 * 4, np.int16)]).astype("<i2").tobytes())
    return path


def test_digits_are_shown_and_what_the_microphone_plays_is_heard(
    browsers: Callable[..., Browser], site: Site, film: Path, microphone: Path
) -> None:
    session = site.session("by-voice")
    flags = (*camera(film), f"--use-file-for-fake-audio-capture={microphone}")
    with page_of(browsers(*flags)) as page:
        visit = Visit(page, site, session)
        visit.start()
        page.get_by_role("button", name="Use the microphone").click()
        until(page, "document.querySelector('medauth-check').shadowRoot.querySelector('.digits') !== null")
        shown = page.evaluate("document.querySelector('medauth-check').shadowRoot.querySelector('.digits').textContent")
        assert len(shown.split()) == 4
        visit.end()
        said = page.evaluate("said")
    assert any(", ".join(shown.split()) in text for text in said), said
    assert {"type", "microphone"} <= {key for told in visit.down for key in told}
    statement = statement_of(site.row(session).record_id, site.auth.store, site.auth.keyring)
    (speech,) = [reading for reading in statement["readings"] if reading["signal"] == "speech"]
    assert statement["sound"]["count"] > 0, speech
    # The digits asked are others: what was played is heard as what it is, where the room is not too busy for all of it.
    assert SAID in speech["details"]["heard"] or speech["code"] == "speech.gap", speech
    assert statement["verdict"]["decision"] != "live"


@pytest.mark.parametrize(("way", "asked"), [("Go on with colours", 0), ("Without colours", 1)])
def test_a_microphone_is_asked_for_on_the_way_that_listens_alone(
    browsers: Callable[..., Browser], site: Site, film: Path, way: str, asked: int
) -> None:
    pytest.importorskip("pocketsphinx", reason="no recogniser: pip install 'medauth[speech]'")
    with page_of(browsers(*camera(film))) as page:
        visit = Visit(page, site, site.session("standard", without_colours="by-voice"))
        visit.start()
        page.get_by_role("button", name=way).click()
        use = page.get_by_role("button", name="Use the microphone")
        if asked:
            use.wait_for()
            assert [told["type"] for told in visit.down] == ["welcome"], "nothing has begun"
            use.click()
            use.wait_for(state="hidden")
        assert use.count() == 0
        until(page, "said.length > 2")
        page.get_by_role("button", name="Stop").click()
        assert visit.end() == ["failed", {"code": "stopped"}]


def test_nothing_is_heard_while_the_page_is_hidden(
    browsers: Callable[..., Browser], site: Site, film: Path, microphone: Path
) -> None:
    flags = (*camera(film), f"--use-file-for-fake-audio-capture={microphone}")
    with page_of(browsers(*flags)) as page:
        visit = Visit(page, site, site.session("by-voice"))
        page.evaluate("""() => {
          window.pieces = 0;
          const send = WebSocket.prototype.send;
          WebSocket.prototype.send = function (data) {
            if (data instanceof ArrayBuffer && new Uint8Array(data, 0, 8).every((byte) => byte === 255)) pieces += 1;
            return send.call(this, data);
          };
        }""")
        visit.start()
        page.get_by_role("button", name="Use the microphone").click()
        until(page, "pieces > 5")
        page.evaluate("""() => {
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
          window.atHiding = pieces;
        }""")
        page.wait_for_timeout(1_000)
        assert page.evaluate("pieces - atHiding") == 0


def test_a_microphone_that_is_not_allowed_says_what_to_do(
    browsers: Callable[..., Browser], site: Site, film: Path
) -> None:
    with page_of(browsers(*camera(film))) as page:
        visit = Visit(page, site, site.session("by-voice"))
        page.evaluate("""() => {
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = (asked) =>
            asked.audio ? Promise.reject(new DOMException("no", "NotAllowedError")) : open(asked);
        }""")
        visit.start()
        page.get_by_role("button", name="Use the microphone").click()
        assert visit.end() == ["failed", {"code": "microphone_denied"}]
        page.get_by_text("The microphone is not allowed").wait_for()
