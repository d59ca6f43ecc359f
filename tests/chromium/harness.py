"""A page that holds components without Streamlit: the run and the look come to it as the server would send them.

`mount(page, "links", data, head_view, view)` opens an empty page with a store, hands it the run and the look, and
mounts the component in a shadow root, as Streamlit does. `messages(page)` is what the server would have been told.
"""

import base64
import json
import mimetypes
from dataclasses import asdict, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Locator, Page

from attention.browser import parts, store
from attention.figures.palette import THEMES
from attention.record import HeadView
from attention.view import View
from tests.chromium.pages import EMPTIED

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
COMPONENTS = ROOT / "assets" / "components"
LIMIT = 2048
# What a test's page gets for a path that ends so, in place of the file. A route of Playwright's would do it too, but
# a page with one keeps nothing that it has fetched or compiled.
INSTEAD: dict[str, str] = {}
FONTS = "".join(
    f"@font-face {{ font-family: 'Source Sans 3'; font-weight: 200 900; src: url(/app/static/fonts/{path.name}); }}"
    for path in sorted((STATIC / "fonts").glob("*latin-wght*.woff2"))
)
PAGE = f"""<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1"><title>harness</title><style>{FONTS}
:root {{ --st-background-color: PAPER; background: PAPER; }}
body {{ margin: 0; padding: 16px; font: 400 16px/1.5 "Source Sans 3", sans-serif; }}</style><body></body>"""
STORE = """async () => {
    const { start } = await import("/app/static/headlight.js?v=test");
    const { storeOf } = await import("/app/static/store.js?v=test");
    const ui = start(await (await fetch("/settings")).json());
    const bytes = (text) => Uint8Array.fromBase64(text);
    globalThis.begin = () => {
        const store = storeOf("lab");
        const lab = { ui, store, bytes, sent: [], told: [], mounted: new Map(), stops: new Map() };
        store.connect((message) => lab.told.push(message));
        globalThis.lab = lab;
    };
    begin();
    // A font is fetched when it is first used, and labels are measured before: as another one, on each machine its own.
    await Promise.all([400, 600, 700].map((weight) => document.fonts.load(`${weight} 14px "Source Sans 3"`)));
}"""
# Takes down what stands on the page, and gives it a store that knows nothing; whether it could.
RENEW = """async (query) => {
    if (!globalThis.lab) return false;
    lab.stops.forEach((stop) => stop?.());
    document.body.replaceChildren();
    headlightStores.clear();
    await new Promise((resolve) => setTimeout(resolve));  // some let go of the page only now
    localStorage.clear();
    history.replaceState(null, "", `${location.pathname}${query}`);
    scrollTo(0, 0);
    begin();
    return true;
}"""
ARRIVE = """async ([run, look]) => {
    if (run) lab.store.arriveRun(lab.ui.parse(lab.bytes(run)));
    lab.store.arriveLook(lab.ui.parse(lab.bytes(look)));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""
MOUNT = """async ([name, data, css, width, open]) => {
    const { default: component } = await import(`/component/${name}.js`);
    const own = lab;
    let root = own.mounted.get(name);
    if (!root) {
        const host = Object.assign(document.createElement("div"), { id: `hl-${name}` });
        host.style.maxWidth = `${width}px`;
        document.body.append(host);
        root = open ? host : host.attachShadow({ mode: "open" });
        root.append(Object.assign(document.createElement("style"), { textContent: css }));
        own.mounted.set(name, root);
    }
    own.stop = component({
        data: own.bytes(data), store: "lab", parentElement: root,
        setTriggerValue: (key, value) => own.sent.push([key, value]),
        setStateValue: (key, value) => own.sent.push([key, value]),
    });
    own.stops.set(name, own.stop);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""


def mount(
    page: Page, name: str, data: bytes, head_view: HeadView, view: View, *,
    width: int = 1100, dark: bool = False, is_open: bool = False,
) -> Locator:  # fmt: skip
    """An empty page with a store and this one component on it; the element that holds the component."""
    renew(page, dark=dark)
    arrive(page, head_view, view)
    return add(page, name, data, width=width, is_open=is_open)


def empty(page: Page, *, dark: bool = False, query: str = "") -> None:
    """Open an empty page that has a store and nothing on it. query: what its address says, as in "?lesson=01-why"."""
    page.goto(f"{address()}/{'dark' if dark else 'light'}{query}")
    page.evaluate(STORE)


def renew(page: Page, *, dark: bool = False, query: str = "") -> None:
    """As `empty`, in a browser that has kept nothing, and where a page of those colours is open, on that page."""
    shows = f"{address()}/{'dark' if dark else 'light'}"
    if page.url.partition("?")[0] != shows or not page.evaluate(RENEW, query):
        empty(page, dark=dark, query=query)
        page.evaluate("() => localStorage.clear()")


def arrive(page: Page, head_view: HeadView, view: View, *, run: bool = True) -> None:
    """Hand the store what the server would send for this head: the look, and with `run` the run before it."""
    pinned = parts.default_query(head_view.query_tokens) if view.query is None else view.query
    look = store.look(head_view, view, pinned, seen=0, limit=LIMIT, undo=False)
    page.evaluate(ARRIVE, [_text(store.run(head_view, replace(view, query=pinned))) if run else None, _text(look)])


def add(page: Page, name: str, data: bytes, *, width: int = 1100, is_open: bool = False) -> Locator:
    """Mount a component on the page, or give one that is there new data."""
    css = (COMPONENTS / name / "style.css").read_text(encoding="utf-8")
    page.evaluate(MOUNT, [name, _text(data), css, width, is_open])
    return page.locator(f"#hl-{name}")


def messages(page: Page) -> list[Any]:
    """All that the server would have been told so far: by the store, and by the components themselves."""
    page.wait_for_timeout(250)  # the store waits for the end of fast steps before it tells
    return page.evaluate("() => [...lab.told, ...lab.sent]")


class _Files(BaseHTTPRequestHandler):
    """What the page fetches. Modules may be kept: a page that serves one test after another fetches them once."""

    def do_GET(self) -> None:
        kind, body = _answer(self.path.partition("?")[0].strip("/"))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store" if kind == "text/html" else "max-age=31536000, immutable")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@cache
def address() -> str:
    """Where this process answers what the page asks for: of the app's host, for a browser changes the process of a page
    that goes to another one.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    Thread(target=server.serve_forever, daemon=True).start()
    EMPTIED.append(f"http://127.0.0.1:{server.server_port}/")
    return f"http://127.0.0.1:{server.server_port}"


def _answer(name: str) -> tuple[str, bytes]:
    # Where a component asks for another one.
    name = name.replace("app/static/component/", "component/")
    if (body := next((body for end, body in INSTEAD.items() if name.endswith(end)), None)) is not None:
        return "text/javascript", body.encode()
    if name.startswith("app/static/"):
        path = STATIC / name.removeprefix("app/static/")
        return mimetypes.guess_type(path)[0] or "font/woff2", path.read_bytes()
    if name.startswith("component/"):
        path = COMPONENTS / name.removeprefix("component/").removesuffix(".js") / "main.js"
        return "text/javascript", f"const HEADLIGHT = {_settings()};\n{path.read_text(encoding='utf-8')}".encode()
    if name == "settings":
        return "application/json", _settings().encode()
    return "text/html", PAGE.replace("PAPER", THEMES["dark" if name == "dark" else "light"].paper).encode()


def _settings() -> str:
    palettes = {name: asdict(palette) for name, palette in THEMES.items()}
    return json.dumps({"base": "", "version": "test", "lessons": "/learn", "palettes": palettes})


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
