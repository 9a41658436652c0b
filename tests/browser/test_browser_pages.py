"""The pages of operators and auditors in a real browser, and every page against the rules of axe-core (WCAG 2.1 AA)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from medauth.capture.video_file import VideoFile
from medauth.evaluation.rehearsal import FRANCK
from medauth.protocol.verdict import Verdict
from medauth.service.access import Scope
from medauth.serving import accesses_of, register_of
from tests.browser.conftest import Site, camera, page_of

pytestmark = [pytest.mark.browser, pytest.mark.media]
Browsers = Callable[..., Browser]
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
STUDIO_MS = 180_000


@pytest.fixture(scope="session")
def rehearsed(site: Site, clip: Path) -> Verdict:
    """A whole check, so that there is something to see."""
    source = VideoFile(clip, start_ms=FRANCK.start_ms, end_ms=FRANCK.end_ms)
    return site.auth.rehearse(FRANCK.steps, subject="user-42").run(source)


@pytest.fixture(scope="session")
def key(site: Site) -> str:
    _, secret = accesses_of(site.auth).grant("desk", [Scope.OPERATOR, Scope.AUDITOR], ["standard"])
    return secret


@pytest.fixture(scope="session")
def short_film(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of the clip as browsers play it (WebM, VP8)."""
    path = tmp_path_factory.mktemp("film") / "short.webm"
    source = cv2.VideoCapture(str(clip))
    source.set(cv2.CAP_PROP_POS_MSEC, FRANCK.start_ms)
    size = (int(source.get(cv2.CAP_PROP_FRAME_WIDTH)), int(source.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), 24, size)
    for _ in range(72):
        writer.write(source.read()[1])
    writer.release()
    return path


def enter(page: Page, site: Site, key: str, path: str = "/console") -> None:
    """Signs in, as a person does."""
    page.goto(f"{site.url}/sign-in?next=/console")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/console")
    page.goto(site.url + path)


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page: rule, and where."""
    page.evaluate(AXE.read_text() + "; undefined")
    found = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", RULES)["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def paths(verdict: Verdict) -> list[str]:
    return [
        "/console",
        f"/console/checks/{verdict.check_id}",
        "/ledger",
        "/auditor",
        "/studio",
        "/console/checks/chk_none",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_accessibility(
    browsers: Browsers, site: Site, film: Path, rehearsed: Verdict, key: str, scheme: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not in node_modules: npm ci")
    with page_of(browsers(*camera(film)), color_scheme=scheme) as page:
        for path in ("/", "/sign-in", "/receipt"):
            page.goto(site.url + path)
            assert violations(page) == [], path
        page.goto(f"{site.url}/check?locale=en#{site.session('rehearsal')}")
        page.wait_for_selector("medauth-check h2")
        assert violations(page) == [], "the check, before it begins"
        page.get_by_role("button", name="Start the check").click()
        page.wait_for_selector("medauth-check .live:not([hidden])")
        assert violations(page) == [], "the check, while it runs"
    with page_of(browsers(), color_scheme=scheme) as page:
        enter(page, site, key)
        for path in paths(rehearsed):
            page.goto(site.url + path)
            page.wait_for_load_state("networkidle")
            assert violations(page) == [], path


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_no_page_is_wider_than_its_screen(
    browsers: Browsers, site: Site, rehearsed: Verdict, key: str, width: int, height: int
) -> None:
    with page_of(browsers(), viewport={"width": width, "height": height}) as page:
        enter(page, site, key)
        for path in paths(rehearsed):
            page.goto(site.url + path)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_console_shows_plots_pictures_and_a_report_and_runs_no_code_but_its_own(
    browsers: Browsers, site: Site, rehearsed: Verdict, key: str
) -> None:
    complaints: list[str] = []
    with page_of(browsers(), viewport={"width": 1280, "height": 900}) as page:
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        enter(page, site, key, f"/console/checks/{rehearsed.check_id}")
        expect(page.locator(".plot canvas").first).to_be_visible()
        titles = page.locator(".plot h3").all_text_contents()
        assert {"Expression", "Eyes open, in share of open level", "Deepfake net", "Pulse"} <= set(titles)
        page.get_by_text("pictures: heat maps").click()
        picture = page.get_by_role("img", name=re.compile("Heat map")).first
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("naturalWidth", 412)
        report = page.request.get(f"{site.url}/console/checks/{rehearsed.check_id}/report.pdf")
        assert report.body().startswith(b"%PDF-")
        assert len(report.body()) > 50_000
    assert complaints == []


def test_by_keyboard_alone_a_check_is_found_labelled_and_left(
    browsers: Browsers, site: Site, rehearsed: Verdict, key: str
) -> None:
    with page_of(browsers(), reduced_motion="reduce") as page:
        page.goto(f"{site.url}/sign-in?next=/console")
        page.wait_for_function("document.activeElement?.name === 'key'")  # the field has the focus
        page.keyboard.type(key)
        page.keyboard.press("Enter")
        page.wait_for_url(site.url + "/console")
        link = f'a[href="/console/checks/{rehearsed.check_id}"]'
        walk(page, link)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/console/checks/{rehearsed.check_id}")
        walk(page, "#label select")
        page.keyboard.type("print")
        walk(page, "#label button")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/console/checks/{rehearsed.check_id}#label")
        row = register_of(site.auth).label_of(rehearsed.check_id)
        assert row is not None
        assert row.label == "print"
        walk(page, "nav button")
        page.keyboard.press("Enter")
        page.wait_for_url(site.url + "/sign-in")


def walk(page: Page, selector: str) -> None:
    """Tabs until the element has the focus, and shows it."""
    page.wait_for_load_state("networkidle")
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{selector} cannot be reached by the Tab key")


def test_the_auditors_browser_verifies_and_tells_a_tampered_bundle(
    browsers: Browsers, site: Site, rehearsed: Verdict, key: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(site.auth.bundle(rehearsed.evidence_id).to_bytes())
    bundle: dict[str, Any] = json.loads(good.read_text())
    other = bundle["envelope"] | {"payload": bundle["start"]["envelope"]["payload"]}
    bad.write_text(json.dumps(bundle | {"envelope": other}))
    sent: list[str] = []
    with page_of(browsers()) as page:
        enter(page, site, key, "/auditor")
        page.on("request", lambda request: sent.append(f"{request.method} {request.url} {request.post_data}"))
        page.set_input_files("#bundle", good)
        expect(page.locator("#state")).to_have_text(re.compile("so does this server"), timeout=60_000)
        assert not any(line.startswith("POST") for line in sent), "the bundle goes nowhere"
        page.set_input_files("#bundle", bad)
        expect(page.locator("#state")).to_have_text("The bundle does not hold.", timeout=20_000)
        expect(page.locator("#here .badge.fails")).to_have_count(1)
        expect(page.locator("#there")).to_be_hidden()


def test_the_studio_draws_findings_over_a_clip_captures_a_face_and_saves_curves(
    browsers: Browsers, site: Site, key: str, short_film: Path
) -> None:
    with page_of(browsers(), viewport={"width": 1280, "height": 900}) as page:
        enter(page, site, key, "/studio")
        page.select_option("#detector", "mediapipe")
        page.set_input_files("#file", short_film)
        expect(page.locator("#state")).to_have_text("Done.", timeout=STUDIO_MS)
        expect(page.locator("#impression")).to_contain_text("fake probability")
        expect(page.locator("#bars li")).to_have_count(8)
        expect(page.locator("#actions")).to_contain_text("against this face at rest")
        expect(page.locator("#moments li").first).to_contain_text(re.compile(r"(AU \d+|nothing that moves)"))
        drawn = "document.getElementById('over').getContext('2d').getImageData(0, 0, 360, 288).data.some((v) => v)"
        assert page.evaluate(drawn)
        page.get_by_role("button", name="Capture this face").click()
        expect(page.locator("#shots li")).to_have_count(1)
        with page.expect_download() as saving:
            page.get_by_role("button", name="Curves (CSV)").click()
        head = Path(saving.value.path()).read_text().splitlines()[0]
        assert head.startswith("time_ms,")
        assert "happiness" in head
        film = page.request.get(site.url + str(page.get_attribute("#annotated", "href")))
        assert film.body()[:4] == b"\x1aE\xdf\xa3"
        plays = "(address) => document.createElement('video').canPlayType('video/webm; codecs=vp8')"
        assert page.evaluate(plays) == "probably"


def test_the_studio_films_with_the_camera(browsers: Browsers, site: Site, key: str, film: Path) -> None:
    with page_of(browsers(*camera(film))) as page:
        enter(page, site, key, "/studio")
        page.get_by_role("button", name="Film 10 s").click()
        page.wait_for_timeout(3_000)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#state")).to_have_text("Done.", timeout=STUDIO_MS)
        expect(page.locator("#bars li")).to_have_count(8)


def test_what_is_no_recording_is_told_in_words(browsers: Browsers, site: Site, key: str, tmp_path: Path) -> None:
    playlist = tmp_path / "film.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with page_of(browsers()) as page:
        enter(page, site, key, "/studio")
        page.set_input_files("#file", playlist)
        expect(page.locator("#state")).to_have_text(re.compile("expected"), timeout=STUDIO_MS)
        expect(page.locator("#findings")).to_be_hidden()
