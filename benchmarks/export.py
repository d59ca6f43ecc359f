"""What an exported page weighs and how soon it is there: `python -m benchmarks.export`.

The file with all heads, beside those of BertViz (`head_view` and `model_view`) for the same model and text, where that
is installed (`pip install bertviz==1.4.1`, or on PYTHONPATH): the bundled storyteller with 12 and 64 tokens, and a
GPT-2 of the small one's size with random weights with 16, 64 and 256. `interactive` has the file's bytes, `seconds` how
long they took to make; `parts` what of them are the modules and the typeface, which are the same in each file, and the
packed numbers. BertViz's pages fetch their libraries from a network; ours hold all they need.

`first_paint_ms` and `shown_ms` are what Chromium takes from opening the file on the disk to the first paint (sentence,
model, checks), and until all heads are there and the panels are drawn; medians of several openings, each in a new
context. `notebook` is what a notebook keeps of one output.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, sync_playwright

import attention
from attention.export import interactive as made
from attention.export.notebook import bundle
from attention.record import Trace
from attention.view import View
from benchmarks.page import models
from tools import chromium

ROUNDS = int(os.environ.get("ROUNDS", "7"))
STORY = (12, 64)
GPT2 = (16, 64, 256)
RESULTS = Path(__file__).parent / "results" / "export.json"
OPENED = """() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
    shown: performance.getEntriesByName('shown')[0].startTime,
})"""


def rows(browser: Browser) -> Iterator[dict[str, Any]]:
    """A row for each model and length."""
    for n in STORY:
        text = models.story(n)
        trace = attention.trace("storyteller", text)
        yield row(browser, "storyteller", trace, View(text=text), bertviz("storyteller", text))
    model, tokenizer = models.build("gpt2-small-size"), models.tokenizer()
    for n in GPT2:
        text = models.words(n)
        trace = attention.trace(model, text, tokenizer=tokenizer)
        yield row(browser, "gpt2-small-size", trace, View(model="gpt2-small-size", text=text), bertviz(model, text))


def row(browser: Browser, name: str, trace: Trace, view: View, theirs: dict[str, int | None]) -> dict[str, Any]:
    """What is measured of one trace."""
    made.interactive(trace, view)  # what is made once a process, and once a trace, is not counted
    started = time.perf_counter()
    page = made.interactive(trace, view)
    seconds = time.perf_counter() - started
    heads = sum(record.n_heads for record in trace.records().values())
    return {
        "model": name, "tokens": len(trace.tokens), "heads": heads, "interactive": len(page),
        "seconds": round(seconds, 3), "parts": parts(page), "notebook": len(bundle(trace)["text/html"]),
        "bertviz": theirs, **opened(browser, page),
    }  # fmt: skip


def parts(page: bytes) -> dict[str, int]:
    """Bytes of the file that are packed modules, packed numbers and the typeface."""
    text = page.decode()
    fields = {name: re.search(rf'id="{name}">([^<]*)<', text) for name in ("code", "data")}
    fonts = sum(len(one) for one in re.findall(r"data:font/woff2;base64,([^)]*)\)", text))
    return {name: len(found[1]) for name, found in fields.items() if found} | {"fonts": fonts}


def bertviz(model: Any, text: str) -> dict[str, int | None]:
    """The bytes of BertViz's two pages of the same weights, null where it is not installed."""
    try:
        library = importlib.import_module("bertviz")
    except ImportError:
        return {"head_view": None, "model_view": None}
    import transformers

    if isinstance(model, str):
        tokenizer = transformers.AutoTokenizer.from_pretrained(models.STORYTELLER)
        network = transformers.AutoModelForCausalLM.from_pretrained(models.STORYTELLER, attn_implementation="eager")
    else:
        tokenizer, network = models.tokenizer(), model
        network.set_attn_implementation("eager")
    ids = tokenizer(text, return_tensors="pt").input_ids
    with torch.no_grad():
        weights = network(input_ids=ids, output_attentions=True, use_cache=False).attentions
    if not isinstance(model, str):
        network.set_attn_implementation("sdpa")
    pieces = tokenizer.convert_ids_to_tokens(ids[0])
    return {
        name: len(getattr(library, name)(weights, pieces, html_action="return").data.encode())
        for name in ("head_view", "model_view")
    }


def opened(browser: Browser, page: bytes) -> dict[str, float]:
    """Medians of the time to the first paint and until everything is there, in milliseconds."""
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.html"
        path.write_bytes(page)
        for _ in range(ROUNDS):
            context = browser.new_context(viewport={"width": 1440, "height": 1000}, offline=True)
            tab = context.new_page()
            tab.goto(path.as_uri())
            tab.wait_for_selector("#status", state="detached")
            tab.wait_for_selector(".hl-figures[data-drawn]")
            found.append(tab.evaluate(OPENED))
            context.close()
    return {
        f"{name}_ms": round(statistics.median(one[key] for one in found), 1)
        for name, key in (("first_paint", "paint"), ("shown", "shown"))
    }


def main() -> None:
    """Measure all, print a line each, and write the results with the machine they came from."""
    path = chromium.find()
    if path is None:
        raise SystemExit("No Chromium was found; `make test` installs one.")
    measured = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        version = browser.version
        for one in rows(browser):
            measured.append(one)
            print(json.dumps(one), flush=True)
        browser.close()
    machine = {
        "processor": platform.processor() or platform.machine(), "cores": os.cpu_count(), "chromium": version,
        "torch": torch.__version__, "rounds": ROUNDS,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
