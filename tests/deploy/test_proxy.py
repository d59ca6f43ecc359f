"""The site as a host sets it up: two replicas behind nginx, and a browser before it.

What is tested is the very configuration that Compose uses. The last test ends one replica.
"""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tools.site import BASE, Site

pytestmark = pytest.mark.browser

COOKIE = "headlight_replica"
SECRET = "marmalade"
VIEW = f"/?v=1&model=storyteller&text=The+{SECRET}+cat+sat+down.&layer=2&head=3"
# Streamlit asks at the address of a page whether it is the root of the app, before it asks one level up.
PROBES = re.compile(r"status of 404")
SECONDS = 120


def opened(page: Page, url: str) -> Page:
    """With all of the page there, down to its foot."""
    page.goto(url)
    page.wait_for_selector(".hl-foot", timeout=SECONDS * 1000)
    return page


def hears_keys(page: Page, settle: Callable[[Page], None]) -> None:
    """Wait until the components that take keys are there: one that is pressed before is lost."""
    for part in (".hl-figures[data-drawn]", ".heads canvas"):
        page.wait_for_selector(part, timeout=SECONDS * 1000)
    settle(page)


def until(page: Page, true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, what
        page.wait_for_timeout(100)


def get(url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as err:
        return err.code, dict(err.headers)


def replica_of(site: Site, before: dict[int, int]) -> int:
    """The port of the replica that has more people than before."""
    (port,) = [port for port in site.replicas if site.sessions(port) > before[port]]
    return port


def cookie(context: BrowserContext) -> str:
    return next(one["value"] for one in context.cookies() if one["name"] == COOKIE)


def test_every_answer_carries_the_headers_and_a_new_person_a_cookie(site: Site):
    status, headers = get(f"{site.url}/")
    assert status == 200
    assert re.fullmatch(rf"{COOKIE}=[0-9a-f]{{32}}; Path={BASE}/; HttpOnly; SameSite=Lax", headers["Set-Cookie"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert re.fullmatch(r"'self' blob: 'wasm-unsafe-eval' 'sha256-\S+'", policy["script-src"])
    assert "nginx/" not in headers["Server"]
    _, known = get(f"{site.url}/", {"Cookie": f"{COOKIE}={'0a' * 16}"})
    assert COOKIE not in known.get("Set-Cookie", "")
    _, forged = get(f"{site.url}/", {"Cookie": f"{COOKIE}=x; Path=/"})
    assert COOKIE in forged["Set-Cookie"]
    _, secure = get(f"{site.url}/", {"X-Forwarded-Proto": "https"})
    assert secure["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")


def test_refusals_carry_the_headers_too(site: Site):
    for path, expected in (("/_stcore/metrics", 404), (f"/?text={'a' * 9000}", 414)):
        status, headers = get(site.url + path)
        assert status == expected
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_modules_under_a_version_are_kept_by_the_browser_alone_and_nothing_else_is(site: Site):
    _, headers = get(f"{site.url}/app/static/head.js?v=1")
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
    for path in ("/", "/app/static/head.js", "/app/static/none.js?v=1", "/?text=/app/static/head.js?v=1"):
        _, headers = get(site.url + path)
        assert "immutable" not in headers.get("Cache-Control", "")


def test_the_same_cookie_always_leads_to_the_same_replica_and_all_replicas_are_used(site: Site):
    people, turns = 24, 3
    for number in range(people):
        for _ in range(turns):
            get(f"{site.url}/person-{number}", {"Cookie": f"{COOKIE}={number:032x}"})
    used: dict[str, list[str]] = {}
    end = time.monotonic() + SECONDS
    while sum(map(len, used.values())) < people * turns:  # a line is written after its answer was sent
        assert time.monotonic() < end
        time.sleep(0.05)
        used = {}
        for line in site.lines():
            if found := re.search(r"/(person-\d+)\" ", line):
                used.setdefault(found[1], []).append(line.split()[-1])
    assert [len(set(replicas)) for replicas in used.values()] == [1] * people
    assert {one for replicas in used.values() for one in replicas} == {f"127.0.0.1:{port}" for port in site.replicas}


@pytest.mark.parametrize(
    "path",
    ["/_stcore/metrics", "/_stcore/%6detrics", "/_stcore/metrics/", "//_stcore//metrics", "/_stcore/x/../metrics",
     "/_stcore/METRICS", "/inspect/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent/openapi.json"],
)  # fmt: skip
def test_numbers_about_people_are_not_for_strangers(site: Site, path: str):
    assert get(site.url + path)[0] == 404


def test_outside_the_base_path_there_is_only_the_way_in(site: Site):
    root = site.url.removesuffix(BASE)
    assert get(f"{root}/_stcore/health")[0] == 404
    with urllib.request.urlopen(f"{root}/", timeout=30) as answer:
        assert answer.url == f"{site.url}/"


def test_what_is_too_large_is_refused_before_it_reaches_a_replica(site: Site):
    assert get(f"{site.url}/?text={'a' * 2048}")[0] == 200
    assert get(f"{site.url}/?text={'a' * 9000}")[0] == 414
    length = {"Content-Length": str(66 * 1024 * 1024), "Content-Type": "text/plain"}
    assert get(f"{site.url}/_stcore/upload_file/x/y", length, data=b"x")[0] == 413


def test_no_foreign_page_may_speak_for_a_person(site: Site):
    shake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": "https://other.example",
    }  # fmt: skip
    assert get(f"{site.url}/_stcore/stream", shake)[0] == 403


def test_a_session_survives_and_a_second_tab_joins_its_replica(site: Site, open_page, settle, console_errors):
    before = {port: site.sessions(port) for port in site.replicas}
    sockets: list[str] = []
    page = open_page()
    page.on("websocket", lambda socket: sockets.append(socket.url))
    opened(page, site.url + VIEW)
    assert SECRET in page.locator("textarea").first.input_value()
    mine = replica_of(site, before)
    name = cookie(page.context)
    hears_keys(page, settle)

    for head in (4, 5):
        page.keyboard.press("ArrowRight")
        until(page, lambda wanted=head: f"head={wanted}" in page.url, "the head in the address did not follow the key")
    assert len(sockets) == 1

    second = opened(page.context.new_page(), f"{site.url}/inspect?v=1&model=dates")
    assert cookie(page.context) == name
    assert site.sessions(mine) == before[mine] + 2
    second.close()
    console_errors[:] = [error for error in console_errors if not PROBES.search(error)]
    assert console_errors == []


@pytest.fixture
def violations(open_page) -> tuple[Page, list[str]]:
    """A page, and what it did against the policy so far."""
    page, heard = open_page(), []
    page.expose_function("violated", lambda text: heard.append(text))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', told => violated(told.violatedDirective + ' ' + told.blockedURI))"
    )
    return page, heard


def test_the_policy_is_kept_by_all_of_the_app_and_would_be_heard(site: Site, violations, console_errors):
    page, heard = violations
    for lens in ("dimensions", "rollout"):
        opened(page, f"{site.url}/?v=1&model=storyteller&lens={lens}")
    page.goto(f"{site.url}/models")
    page.wait_for_selector(".hl-item", timeout=SECONDS * 1000)
    assert heard == []
    console_errors[:] = [error for error in console_errors if not PROBES.search(error)]
    assert console_errors == []

    page.evaluate("document.body.append(Object.assign(new Image(), { src: 'https://other.example/x.png' }))")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))")
    until(page, lambda: len(heard) == 2, "what the policy forbids was not heard of")
    assert page.evaluate("window.ran") is None
    assert len(console_errors) >= 2
    console_errors.clear()


def test_sharing_saving_and_opening_pass_the_proxy_and_the_policy(site: Site, violations, console_errors, tmp_path):
    page, heard = violations
    opened(page, f"{site.url}/?v=1&model=storyteller&layer=1&head=2")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("tab", name="Picture").click()
    with page.expect_download(timeout=SECONDS * 1000) as coming:
        page.get_by_role("button", name=re.compile("PNG")).first.click(timeout=SECONDS * 1000)
    assert Path(coming.value.path()).read_bytes().startswith(b"\x89PNG")
    page.get_by_role("tab", name="Files").click()
    with page.expect_download(timeout=SECONDS * 1000) as coming:
        page.get_by_role("button", name="Numbers (NPZ)").click(timeout=SECONDS * 1000)
    saved = tmp_path / "head.npz"
    coming.value.save_as(saved)
    page.get_by_role("tab", name="Open a file").click()
    page.locator("input[type=file]").set_input_files(saved)
    page.get_by_role("dialog").wait_for(state="detached", timeout=SECONDS * 1000)
    assert heard == []
    assert console_errors == []


def test_a_frame_on_a_foreign_page_is_refused(site: Site, open_page, console_errors, tmp_path: Path):
    outside = tmp_path / "foreign.html"
    outside.write_text(f'<iframe src="{site.url}/?embed=true"></iframe>', encoding="utf-8")
    page = open_page(outside.as_uri())
    until(page, lambda: any("frame-ancestors" in error for error in console_errors), "the frame was let in")
    console_errors.clear()


def test_when_its_replica_dies_a_person_is_back_at_the_same_view(site: Site, open_page, settle, console_errors):
    before = {port: site.sessions(port) for port in site.replicas}
    page = opened(open_page(), site.url + VIEW)
    hears_keys(page, settle)
    page.keyboard.press("ArrowRight")
    until(page, lambda: "head=4" in page.url, "the head in the address did not follow the key")
    # The address changes at once; what the replica has not heard of goes with it.
    page.wait_for_function("() => !globalThis.headlightStores.get('inspect').local.size", timeout=SECONDS * 1000)
    mine = replica_of(site, before)
    (other,) = set(site.replicas) - {mine}
    there = site.sessions(other)
    reloads: list[str] = []
    page.on("load", lambda _: reloads.append(page.url))

    site.replicas[mine].kill()
    site.replicas[mine].wait()
    until(page, lambda: site.sessions(other) > there, "the browser did not come to the other replica")
    hears_keys(page, settle)
    assert "head=4" in page.url
    assert SECRET in page.locator("textarea").first.input_value()
    page.keyboard.press("ArrowRight")
    until(page, lambda: "head=5" in page.url, "the page that came back does not answer")
    assert not reloads
    # The same from a link, in a browser that knew only the replica that is gone.
    opened(page, page.url)
    assert SECRET in page.locator("textarea").first.input_value()
    assert console_errors == []


def test_no_log_has_the_text_of_a_link(site: Site):
    assert "/_stcore/stream" in site.log("access.log")
    for name in ("access.log", "error.log", *(f"{port}.log" for port in site.replicas)):
        assert SECRET not in site.log(name), name
