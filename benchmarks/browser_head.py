"""What a head costs in the browser: `python -m benchmarks.browser_head`.

`static/head.js` in Chromium, on one causal head of width 64 and random numbers, at 64, 256, 512 and 1,024 tokens:

- whole: weights and output of all queries, as when a head is switched; `first` the very first one in a fresh page, not
  compiled yet; `open` the same without a mask;
- scores: the whole map of Q·Kᵀ, which no mask shortens;
- check: the output alone, compared with the model's own;
- row: all stages of one query, the mean of queries spread over the text, as when the pointer moves;
- thumbnail: all weights, pooled to 32 × 32;
- parse: from the bytes that arrive to arrays.

Times are medians of several rounds. Beside them: the bytes of the head that travels (q, k, v and the model's own
output), those of three float32 maps (scores, masked, weights) in its place, and what the same head takes here in torch.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Page, Route, sync_playwright

from attention.browser import codec
from attention.browser.heads import heads_tree
from attention.record import AttentionRecord, Mask, ModelFacts, Token, Trace
from tools import chromium

LENGTHS = (64, 256, 512, 1024)
WIDTH = 64
ROUNDS = int(os.environ.get("ROUNDS", "25"))
ROWS = 64
STATIC = Path(__file__).resolve().parents[1] / "static"
RESULTS = Path(__file__).parent / "results" / "browser_head.json"
ADDRESS = "http://headlight.test"
MEASURE = """async ([rounds, rows]) => {
    const { parse } = (await import("/headlight.js")).start({ palettes: {} });
    const { head, check } = await import("/head.js");
    const bytes = new Uint8Array(await (await fetch("/run")).arrayBuffer());
    const run = parse(bytes);
    const unmasked = (layer) => ({ ...layer, mask: { ...layer.mask, after: null } });
    const open = { ...run, layers: run.layers.map(unmasked) };
    const whole = (given) => { const own = head(given, 0, 0); return [own.map("weights"), own.output]; };
    const { queries } = head(run, 0, 0);
    const some = Array.from({ length: rows }, (_, i) => Math.floor(((i + 1) * queries) / rows) - 1);
    const warm = head(run, 0, 0);
    const ways = {
        whole: () => whole(run), open: () => whole(open), scores: () => head(run, 0, 0).map("scores"),
        check: () => check(run, 0, 0), row: () => some.map((query) => warm.rows(query)),
        thumbnail: () => head(run, 0, 0).thumbnail(), parse: () => parse(bytes),
    };
    const timed = (way, times) => {
        const started = performance.now();
        for (let i = 0; i < times; i++) way();
        return (performance.now() - started) / times;
    };
    const first = timed(ways.whole, 1);
    // The browser's clock has steps of 0.1 ms, so what is short is run several times.
    const again = Math.ceil(2 ** 18 / queries ** 2);
    const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
    for (let round = -2; round < rounds; round++) {
        for (const [name, way] of Object.entries(ways)) {
            const spent = timed(way, again);
            if (round >= 0) times[name].push(name === "row" ? spent / rows : spent);
        }
        await new Promise((resolve) => setTimeout(resolve));
    }
    return { first, times, ok: check(run, 0, 0).ok };
}"""


def trace_of(n: int) -> Trace:
    """One causal head on n tokens, with the output that it puts out."""
    draw = torch.Generator().manual_seed(n)
    query, key, value = (torch.randn(1, n, WIDTH, generator=draw) for _ in range(3))
    made = AttentionRecord(
        layer=0, kind="decoder", query=query, key=key, value=value, scale=WIDTH**-0.5, mask=Mask(after=0)
    )
    output = made.stages(0).mixed[:, None]
    record = AttentionRecord(
        layer=0, kind="decoder", query=query, key=key, value=value, scale=made.scale, mask=made.mask, output=output
    )
    tokens = tuple(Token(piece=str(i), text=str(i)) for i in range(n))
    facts = ModelFacts(name="", architecture="", capture_mode="tensors")
    return Trace(model=facts, tokens=tokens, all_records=(record,))


def in_torch(trace: Trace) -> float:
    """Median seconds to make every stage and the output of the head here."""
    times = []
    for _ in range(ROUNDS):
        view = trace.head(0, 0)
        started = time.perf_counter()
        _ = view.stages, view.output
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def in_browser(page: Page, data: bytes) -> dict[str, Any]:
    """{first, times: {way: [milliseconds]}, ok} of this run in a fresh page."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS).strip("/")
        if name == "run":
            route.fulfill(body=data, content_type="application/octet-stream")
        elif name.endswith(".js"):
            route.fulfill(body=(STATIC / name).read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>head</title>", content_type="text/html")

    page.route("**/*", answer)
    page.goto(ADDRESS)
    return page.evaluate(MEASURE, [ROUNDS, ROWS])


def measure(page: Page, n: int) -> dict[str, Any]:
    """One row of the table."""
    trace = trace_of(n)
    data = codec.pack(heads_tree(trace))
    seen = in_browser(page, data)
    if not seen["ok"]:
        raise RuntimeError(f"The browser's head of {n} tokens is not the one that was sent.")
    return {
        "tokens": n,
        "head_kb": round(len(data) / 1e3, 1),
        "maps_kb": round(3 * 4 * n * n / 1e3, 1),
        "ms": {way: round(statistics.median(times), 3) for way, times in seen["times"].items()},
        "slowest_ms": {way: round(max(times), 3) for way, times in seen["times"].items()},
        "first_whole_ms": round(seen["first"], 1),
        "torch_ms": round(in_torch(trace) * 1e3, 2),
    }


def main() -> None:
    """Measure all, print a line each, and write the results with the machine they came from."""
    path = chromium.find()
    if path is None:
        raise SystemExit("No Chromium was found; `make test` installs one.")
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        for n in LENGTHS:
            page = browser.new_page()
            rows.append(measure(page, n))
            page.close()
            print(json.dumps(rows[-1]), flush=True)
        version = browser.version
        browser.close()
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "chromium": version,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "rounds": ROUNDS,
        "width": WIDTH,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
