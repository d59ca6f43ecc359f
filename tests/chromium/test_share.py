"""Sharing in Chromium: the link to what is shown now, the panel, files there and back, the page inside another one."""

import functools
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import segno
import torch
from playwright.sync_api import Frame, Page, expect

from attention import Trace
from attention.browser import codec, parts, qr
from attention.view import View, from_file, parse, to_address, to_query
from tests.chromium import harness
from tests.chromium.fixtures import OpenPage

# The first page of a server waits until torch is imported, which a busy machine takes its time for.
SECONDS = 180_000
VIEW = View(text="The cat sat on the mat because it was tired.", layer=2, head=3, query=8)
WIDER = "() => [document.documentElement.scrollWidth, innerWidth]"
DIALOG = "() => { const one = document.querySelector('[role=dialog]'); return [one.scrollWidth, one.clientWidth]; }"


class Iframes(HTMLParser):
    """The attributes of the iframes in a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "iframe":
            self.found.append(dict(attrs))


def address(base: str, view: View, **more: str) -> str:
    return f"{base}/?{urlencode(to_query(view) | more)}"


def drawn(page: Page | Frame) -> None:
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=SECONDS)
    page.wait_for_selector(".hl-foot", timeout=SECONDS)


def view_of(link: str) -> View:
    view, notices = parse(parse_qs(urlsplit(link).query, keep_blank_values=True))
    assert not notices
    return view


@pytest.fixture
def page(open_page: OpenPage, app_url: str) -> Page:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(address(app_url, VIEW))
    drawn(page)
    return page


def copied(page: Page) -> str:
    return str(page.evaluate("() => navigator.clipboard.readText()"))


def test_the_copied_link_is_what_is_shown_before_the_server_hears_of_it(page: Page) -> None:
    """A step to another head and a click on the button, in one go: no message can be underway before it."""
    before = page.url
    page.evaluate("""() => {
        const deep = (selector, root = document) => {
            const inside = [...root.querySelectorAll("*")].filter((one) => one.shadowRoot);
            return [...root.querySelectorAll(selector), ...inside.flatMap((one) => deep(selector, one.shadowRoot))];
        };
        const heads = deep(".heads canvas")[0];
        for (const key of ["ArrowRight", "ArrowUp"]) {
            heads.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
        }
        deep(".actions button").find((one) => one.textContent === "Copy link").click();
        globalThis.then = location.href;
    }""")
    expect(page.get_by_text("Link copied; it opens on this computer alone: see Share")).to_be_visible()
    assert page.evaluate("then") != before
    assert view_of(copied(page)) == View(text=VIEW.text, layer=1, head=4, query=8)
    assert view_of(page.evaluate("then")) == view_of(copied(page)), "the address says the same at once"


def matrix(link: str) -> list[list[int]]:
    """The code of a link by the library itself, quiet zone and all."""
    return [list(map(int, row)) for row in segno.make(link, error="l", micro=False).matrix_iter(border=4)]


def scanned(page: Page) -> list[list[int]]:
    """What is drawn, a point a module: 1 where it is dark, from the very pixels."""
    picture = page.get_by_role("img", name="QR code of the link above")
    return picture.evaluate("""async (svg) => {
        const side = svg.viewBox.baseVal.width, canvas = new OffscreenCanvas(side, side), image = new Image();
        const copy = svg.cloneNode(true);
        for (const name of ["width", "height"]) copy.setAttribute(name, side);
        image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
        await image.decode();
        const brush = canvas.getContext("2d");
        brush.drawImage(image, 0, 0);
        const { data } = brush.getImageData(0, 0, side, side);
        const line = [...Array(side).keys()];
        return line.map((row) => line.map((column) => (255 - data[4 * (row * side + column)]) / 255));
    }""")


def given(code: str | None, scannable: int = qr.LONGEST, *, complete: bool = True) -> bytes:
    return codec.pack({"complete": complete, "title": "Headlight", "scannable": scannable, "code": qr.payload(code)})


def test_a_code_is_drawn_of_the_shown_link_alone(open_page: OpenPage) -> None:
    """In the dark too it is dark on light, and no other link's code is ever shown."""
    trace = Trace.from_tensors(weights=torch.eye(3)[None], tokens=["a", "b", "c"])
    page = open_page(scheme="dark")
    harness.mount(page, "share", given(None), trace.head(0, 0), View(), dark=True, is_open=True)
    link = page.get_by_role("textbox", name="Link", exact=True).input_value()
    button, code = page.get_by_role("button", name="QR code"), page.locator(".share .code svg")
    assert page.evaluate("lab.sent") == [], "nobody wanted to see one"
    button.click()
    harness.add(page, "share", given(f"{link}?head=1"), is_open=True)
    assert page.evaluate("lab.sent") == [["code", link]]
    expect(code).to_have_count(0)
    harness.add(page, "share", given(link), is_open=True)
    assert scanned(page) == matrix(link)
    page.evaluate("lab.store.change({ head: 0, query: 2 })")
    later = page.get_by_role("textbox", name="Link", exact=True).input_value()
    assert later != link
    expect(code).to_have_count(0)
    assert page.evaluate("lab.sent") == [["code", link], ["code", later]]
    button.click()
    harness.add(page, "share", given(later), is_open=True)
    expect(code).to_be_hidden()
    harness.add(page, "share", given(later, len(later) - 1), is_open=True)
    expect(page.get_by_text("too long for a QR code")).to_be_visible()
    expect(button).to_be_hidden()
    harness.add(page, "share", given(later, complete=False), is_open=True)
    expect(button).to_be_hidden()


def test_a_picture_is_drawn_when_it_is_seen(open_page: OpenPage) -> None:
    """Behind another tab of the panel it waits, and what is drawn then is what is shown then."""
    query, key, value = torch.randn(3, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    trace = Trace.from_tensors(query=query, key=key, value=value, tokens=["a", "b", "c"])
    page, view = open_page(), View()
    head = trace.head(0, 0)
    root = harness.mount(page, "pictures", parts.panels(head, view), head, view)
    preview = root.locator(".frame img")
    expect(preview).to_be_visible()
    first = str(preview.get_attribute("alt"))
    root.evaluate("(root) => { root.hidden = true; }")
    page.evaluate("lab.store.change({ head: 1 })")
    page.wait_for_timeout(250)
    assert preview.get_attribute("alt") == first
    root.evaluate("(root) => { root.hidden = false; }")
    expect(preview).not_to_have_attribute("alt", first)


def test_the_panel_by_keyboard_alone(page: Page) -> None:
    page.get_by_role("button", name="Share").focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("textbox", name="Link", exact=True)
    expect(link).to_be_visible(timeout=SECONDS)
    assert link.input_value() == page.url
    expect(page.get_by_text(f"{len(page.url):,} characters")).to_be_visible()
    expect(page.get_by_text("A link carries its text")).to_be_visible()
    seen: list[str] = []
    for _ in range(13):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("""() => {
            let one = document.activeElement;
            while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
            return one.textContent || one.value || one.tagName;
        }"""))
        if seen[-1] == "QR code":
            page.keyboard.press("Enter")
            expect(page.get_by_role("button", name="QR code")).to_have_attribute("aria-expanded", "true")
        if seen[-1] == "Copy lines":
            break
    assert {"Copy link", "QR code"} <= set(seen)
    expect(page.get_by_text("Nobody else can open this link")).to_be_visible()
    page.wait_for_selector(".share .code svg", timeout=SECONDS)
    assert scanned(page) == matrix(page.url)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Inside another page copied")).to_be_visible()
    (frame,) = Iframes(copied(page)).found
    assert frame["title"] == "Headlight"
    assert parse_qs(urlsplit(str(frame["src"])).query) == parse_qs(urlsplit(page.url).query) | {"embed": ["true"]}
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=SECONDS)
    expect(page.get_by_role("button", name="Share", exact=True)).to_be_focused()


def test_numbers_go_out_and_come_back(page: Page, tmp_path: Path, console_errors: list[str]) -> None:
    page.get_by_role("button", name="Share").click()
    page.get_by_role("tab", name="Files").click()
    with page.expect_download(timeout=SECONDS) as coming:
        page.get_by_role("button", name="Numbers (NPZ)").click()
    file = tmp_path / coming.value.suggested_filename
    coming.value.save_as(file)
    assert file.name == "headlight-storyteller-all-heads.npz"
    with page.expect_download(timeout=SECONDS) as coming:
        page.get_by_role("link", name=re.compile("^Save headlight-storyteller-all-heads.npz again, .* [MK]B$")).click()
    assert Path(coming.value.path()).read_bytes() == file.read_bytes()
    page.get_by_role("tab", name="Open a file").click()
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "x.npz", "mimeType": "application/zip", "buffer": b"PK no archive"})
    expect(page.get_by_role("dialog").get_by_text("⚠")).to_be_visible(timeout=SECONDS)
    chooser.set_input_files(file)
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=SECONDS)
    page.wait_for_url(re.compile("model=opened"), timeout=SECONDS)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("File: storyteller", timeout=SECONDS)
    expect(page.get_by_text("a prediction needs the model itself")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("equal to the model’s own")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("Storyteller", timeout=SECONDS)
    # Streamlit asks for a file as soon as it shows its button, also where the next run has made another one meanwhile.
    console_errors[:] = [error for error in console_errors if "404" not in error]


def test_a_long_text_goes_out_as_a_file(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    """On a phone: the panel fits, and so does everything in it."""
    long = View(text="".join(map(chr, range(0x4E00, 0x4E00 + 2_000))), model="local")
    page = open_page(address(app_url, long), size=(390, 844), scheme="dark", touch=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    # Until the page has run once, its address is the one that was opened, and so is the link.
    page.wait_for_function("() => location.search.includes('packed=file.')", timeout=SECONDS)
    page.get_by_role("button", name="Copy link").tap(timeout=SECONDS)
    expect(page.get_by_text("Copied without its text, too long for a link")).to_be_visible()
    assert parse_qs(urlsplit(copied(page)).query)["packed"] == [to_address(long)["packed"]]
    page.get_by_role("button", name="Share").tap()
    expect(page.get_by_text("The text is too long for a link")).to_be_visible(timeout=SECONDS)
    with page.expect_download(timeout=SECONDS) as coming:
        page.get_by_role("button", name="Save this view as a file").tap()
    coming.value.save_as(tmp_path / "view.json")
    assert from_file((tmp_path / "view.json").read_bytes()) == long
    for tab in ("Link", "Picture", "Files", "Open a file"):
        page.get_by_role("tab", name=tab).tap()
        wide, room = page.evaluate(DIALOG)
        assert wide <= room
    wide, room = page.evaluate(WIDER)
    assert wide <= room


@pytest.fixture
def another_site(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve one page of HTML from an origin of its own."""
    handler = functools.partial(_Quiet, directory=tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def put(body: str) -> str:
        text = f'<!doctype html><link rel="icon" href="data:,"><title>A page</title>{body}'
        (tmp_path / "index.html").write_text(text, encoding="utf-8")
        return f"http://127.0.0.1:{server.server_port}/"

    yield put
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_inside_another_page(open_page: OpenPage, app_url: str, another_site: Callable[[str], str]) -> None:
    """Two frames, wide and narrow: the panels come first, nothing overflows, one way leads out, to what is shown."""
    source = address(app_url, VIEW, embed="true").replace("&", "&amp;")
    sizes = ((700, 500), (390, 600))
    frames = "".join(f'<iframe src="{source}" width="{w}" height="{h}" style="border: 0"></iframe>' for w, h in sizes)
    page = open_page(another_site(frames))
    for frame, (width, _) in zip(page.frames[1:], sizes, strict=True):
        drawn(frame)
        assert frame.evaluate(WIDER) == [width, width]
        expect(frame.get_by_role("button", name="Share")).to_have_count(0)
        expect(frame.get_by_role("navigation", name="Pages")).to_be_hidden()
        expect(frame.get_by_text("Try", exact=True)).to_be_hidden()
        top = {name: frame.locator(name).first.bounding_box() for name in (".hl-figures", ".heads")}
        assert top[".hl-figures"]["y"] < top[".heads"]["y"]  # type: ignore[index]
    wide = page.frames[1]
    wide.locator(".heads canvas").first.press("ArrowRight")
    out = wide.get_by_role("link", name="Open in Headlight")
    out.focus()
    assert view_of(str(out.get_attribute("href"))) == View(text=VIEW.text, layer=2, head=4, query=8)
    wide.wait_for_url(re.compile("embed=true.*head=4|head=4.*embed=true"), timeout=SECONDS)
    with page.expect_popup() as opened:
        out.click()
    opened.value.wait_for_load_state()
    assert "embed" not in opened.value.url
    opened.value.close()
