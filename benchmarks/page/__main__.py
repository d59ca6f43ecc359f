"""What the page costs in a real browser, from the hand to the picture: `python -m benchmarks.page`.

The app itself (`streamlit run app.py`, offline) in Chromium at 1440 × 1000. Events are made in the page and times are
those of the page's own clock, in milliseconds; each is the median of ROUNDS (20), with what nine in ten keep below and
the slowest beside it. `ms` lasts from just before the event until the frame that shows its effect has been painted by
the page's thread; events come at any moment between two frames, so that half a frame (8 ms) of `ms` is mere waiting.
`work` is the same without that wait: the event's handlers, and the next frame. `idle` are both of an event that does
nothing.

- hover: from the pointer to the highlight, at 12 and 128 tokens in every view; `messages` went to the server meanwhile.
- switch: from the arrow key to another head's panels. "here" are heads that have travelled already; "other layer" one
  that the server must send, with the times at which the question left (`sent`) and the first, the largest and the
  largest message of the answer came, and when the script had ended.
- rerun: a floor. The page tells the server a look that it knows already, through the same line, and nothing that is
  drawn changes; until the script has ended. empty fragment: the same of a button in a fragment of Streamlit that does
  nothing else, in a process that holds torch as well; `first` is when the first message of the answer came.
- above the floors: what "other layer" takes beyond the median of the one, and of the other.
- st.plotly_chart: the same three figures of the same heads by plotly's charts, from the click to their last change.
- bytes: of what is packed for the browser on a model of GPT-2-small's size with random weights, and of the page that
  BertViz makes of the same run, where it is installed (`pip install bertviz==1.4.1`; BERTVIZ_TOKENS=64,256 names the
  lengths). websocket bytes: what the page really gets, when it opens and when the head changes.
- overview: all heads drawn anew from new bytes, and the pointer over them, with 24, 144 and 3,072 heads.
- long text: 4,096 tokens through our own attention: seconds and bytes of what the server makes of it, and from a pin to
  the picture.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit
import torch
import transformers
from playwright.sync_api import Browser, sync_playwright

from benchmarks.page import charts, heads, hover, long, models, sizes, switch
from benchmarks.page.times import ROUNDS
from tools import chromium
from tools.serving import ROOT, serving

RESULTS = ROOT / "benchmarks" / "results" / "page.json"
# Several models by turns, each of which stays loaded; and a file that is saved meanwhile disturbs nothing.
HOST = {
    "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none",
    "HEADLIGHT_MODELS_IN_MEMORY": "4",
    "HEADLIGHT_MAX_TOKENS": "8192",
    "HEADLIGHT_MAX_CHARACTERS": "60000",
}


def in_app(browser: Browser, folder: Path) -> Iterator[dict[str, Any]]:
    """All rows that the app itself gives."""
    with serving(ROOT / "app.py", folder / "app.log", HEADLIGHT_MODEL_FOLDER=str(folder), **HOST) as app:
        yield from hover.measure(browser, app.url)
        yield from switch.measure(browser, app.url)
        yield from heads.measure(browser, app.url, folder)
        yield from long.measure(browser, app.url)
        yield from sizes.traffic_rows(browser, app.url)


def main() -> None:
    """Measure all, print a line each, and write the results with the machine they came from."""
    path = chromium.find()
    if path is None:
        raise SystemExit("No Chromium was found; `make test` installs one.")
    transformers.logging.set_verbosity_error()
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    rows: list[dict[str, Any]] = []
    started = time.monotonic()
    load = os.getloadavg()[0]

    def keep(found: Iterator[dict[str, Any]]) -> None:
        for row in found:
            rows.append(row)
            print(json.dumps(row), flush=True)

    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        for name in models.SIZES:
            models.save(name, folder / name)
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        keep(in_app(browser, folder))
        keep(charts.measure(browser, folder))
        version = browser.version
        browser.close()
    keep(charts.compare(list(rows)))
    keep(sizes.payload_rows())
    machine = {
        "processor": platform.processor() or platform.machine(), "cores": os.cpu_count(), "chromium": version,
        "streamlit": streamlit.__version__, "torch": torch.__version__, "transformers": transformers.__version__,
        "rounds": ROUNDS, "load_before": round(load, 2), "minutes": round((time.monotonic() - started) / 60, 1),
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
