"""A first visit, from the address to the painted panels: `python -m benchmarks.first_visit`.

Fresh browser contexts in Chromium at 1440 × 1000, ours and an empty Streamlit page by turns, each served by a process
of its own that has been visited before. ROUNDS (30) times, for medians of ten still differ by a tenth; medians, in
milliseconds since the navigation began, by the page's own clock:

- empty: until the one line of text of the empty page has been painted.
- first: ours in a fresh browser, until cells and axes of the three panels have been painted.
- again: ours a second time in that same browser, whose cache is warm.

`requests` and `bytes` are those of the network until then, without the websocket; `modules` are requests for JavaScript
of ours. `ratio` is first / empty.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
from pathlib import Path
from typing import Any

import streamlit
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tools import chromium
from tools.serving import ROOT, serving

RESULTS = ROOT / "benchmarks" / "results" / "first_visit.json"
ROUNDS = int(os.environ.get("ROUNDS", "30"))
SIZE = {"width": 1440, "height": 1000}
SECONDS = 120_000
EMPTY = 'import streamlit as st\n\nst.set_page_config(layout="wide")\nst.text("empty")\n'
# The element that ends the wait, and how long after the navigation the frame that shows it had been painted.
SHOWN = {"empty": '[data-testid="stText"]', "ours": ".hl-figures[data-drawn]"}
PAINTED = """(selector) => new Promise((resolve) => {
    const look = () => {
        const found = document.querySelector(selector);
        if (!found?.getClientRects().length) return requestAnimationFrame(look);
        return requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    };
    look();
})"""
ASKED = """() => performance.getEntriesByType("resource")
    .map(({ name, transferSize }) => [name.replace(location.origin, ""), transferSize])"""


def visit(context: BrowserContext, url: str, selector: str) -> dict[str, float]:
    """One visit in this context: when it was painted, and what it had fetched."""
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.goto(url, wait_until="commit")
    painted = float(page.evaluate(PAINTED, selector))
    # What came from the cache of the browser was no request.
    asked = [(name, size) for name, size in page.evaluate(ASKED) if size]
    page.close()
    modules = [name for name, _ in asked if name.startswith("/app/static/") and ".js" in name]
    return {
        "ms": painted, "requests": 1 + len(asked), "bytes": sum(size for _, size in asked), "modules": len(modules),
    }  # fmt: skip


def measure(browser: Browser, urls: dict[str, str]) -> list[dict[str, Any]]:
    """One row a kind of visit, of which the first round is not counted."""
    found: dict[str, list[dict[str, float]]] = {"empty": [], "first": [], "again": []}
    for _ in range(1 + ROUNDS):
        for name, url in urls.items():
            context = browser.new_context(viewport=SIZE)
            first = visit(context, url, SHOWN[name])
            found["empty" if name == "empty" else "first"].append(first)
            if name != "empty":
                found["again"].append(visit(context, url, SHOWN[name]))
            context.close()
    return [row(name, visits[1:]) for name, visits in found.items()]


def row(name: str, visits: list[dict[str, float]]) -> dict[str, Any]:
    """Medians of one kind of visit, and its fastest and slowest."""
    times = [one["ms"] for one in visits]
    medians = {key: round(statistics.median(one[key] for one in visits), 1) for key in visits[0]}
    return {"visit": name, **medians, "fastest_ms": round(min(times), 1), "slowest_ms": round(max(times), 1)}


def main() -> None:
    """Measure, print a line each, and write the results with the machine they came from."""
    path = chromium.find()
    if path is None:
        raise SystemExit("No Chromium was found; `make test` installs one.")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        with serving(folder / "empty.py", folder / "empty.log") as empty, serving(
            ROOT / "app.py", folder / "app.log"
        ) as ours:
            rows = measure(browser, {"empty": empty.url, "ours": ours.url})
        version = browser.version
        browser.close()
    times = {one["visit"]: one["ms"] for one in rows}
    ratio = round(times["first"] / times["empty"], 2)
    for one in rows:
        print(one, flush=True)
    print(f"first / empty: {ratio}")
    facts = {
        "rounds": ROUNDS, "streamlit": streamlit.__version__, "chromium": version, "python": platform.python_version(),
        "machine": platform.machine(), "cores": os.cpu_count(), "load_before": round(load, 2),
    }  # fmt: skip
    made = {"facts": facts, "ratio": ratio, "again_ratio": round(times["again"] / times["empty"], 2), "visits": rows}
    RESULTS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
