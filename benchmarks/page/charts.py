"""The same figures by `st.plotly_chart`: from the click to the last change of the charts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser

from benchmarks.page import models, opening
from benchmarks.page.times import ROUNDS, spreads
from tools.serving import serving

SCRIPT = Path(__file__).parent / "charts_app.py"
MODEL = "gpt2-small-size"
LENGTHS = (64, 512)


def measure(browser: Browser, folder: Path) -> Iterator[dict[str, Any]]:
    """A row a length, and one for a rerun of an empty fragment. folder: where the models are."""
    with serving(SCRIPT, folder / "charts.log") as app:
        for n in LENGTHS:
            query = urlencode({"model": str(folder / MODEL), "text": models.words(n)})
            with opening.bare(browser) as page:
                page.goto(f"{app.url}/?{query}")
                page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .hm').length === 3")
                page.evaluate("() => probe.quiet(1000)")
                times = page.evaluate("rounds => acts.charts(rounds)", ROUNDS)
                yield {"what": "st.plotly_chart", "model": MODEL, "tokens": n, **spreads(times, "ms", "bytes")}
        with opening.bare(browser) as page:
            page.goto(f"{app.url}/?{query}")
            page.evaluate("() => probe.quiet(1500)")
            times = page.evaluate("rounds => acts.nothing(rounds)", ROUNDS)
            yield {"what": "empty fragment", **spreads(times, "ms", "first")}


def compare(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """How many times as long the charts took as this page, and what the page takes beyond the floors of a rerun."""
    charts = {row["tokens"]: row["ms"]["median"] for row in rows if row["what"] == "st.plotly_chart"}
    reruns = {row["tokens"]: row["ms"]["median"] for row in rows if row["what"] == "rerun" and row["model"] == MODEL}
    empty = next(row["ms"]["median"] for row in rows if row["what"] == "empty fragment")
    for row in rows:
        if row["what"] != "switch" or row["model"] != MODEL:
            continue
        n, taken = row["tokens"], row["ms"]["median"]
        facts = {"tokens": n, "way": row["way"]}
        yield {"what": "charts to page", **facts, "ratio": round(charts[n] / taken, 1)}
        if row["way"] != "here":
            beyond = {"rerun": round(taken - reruns[n], 1), "empty_fragment": round(taken - empty, 1)}
            yield {"what": "above the floors", **facts, **beyond}
