"""What becomes of one head and of several on look-ups at once, and what a run takes: `python -m benchmarks.training`.

The training of the lessons (`static/training`) in Chromium, in a worker, one run after the other, on two and on four
look-ups with 1, 2 and 4 heads at d_model 16, each from the same seeds: with one seed all have the same first weights
and the same batches. By number of heads:

- losses: on 1,024 fresh examples after all steps, a seed each, in nats (who guesses has ln 16 = 2.77), their median,
  the lowest and the highest;
- accuracy: the share of right answers, the median over the seeds of the mean over the marks;
- weights: what head 0 gives to the marked places of an example, from the one that it weighs most on: the mean over the
  examples, and of that the median over the seeds;
- own: how many of the marks are the one that some head gives most to on the whole, a seed each;
- seconds: of one run, from its settings to its result, and with the worker's start (`with_start`), medians.

`lesson` is the time of all runs of the lesson's figure (1, 2 and 4 heads from three seeds, four look-ups) through its
own workers, from the click to the last result, the median of several. SEEDS and ROUNDS change how many there are.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tools import chromium

LOOKUPS, HEADS = (2, 4), (1, 2, 4)
SEEDS = int(os.environ.get("SEEDS", "9"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
LESSON_SEEDS = 3
STATIC = Path(__file__).resolve().parents[1] / "static"
RESULTS = Path(__file__).parent / "results" / "training.json"
# Runs side by side, as the figure starts them: what came of each, and the seconds that all took together.
TRAIN = """async (runs) => {
    const { start } = await import("/training/start.js");
    const began = performance.now();
    const results = await new Promise((resolve, reject) => {
        const made = [];
        start(runs, {
            told: () => {}, failed: (message) => reject(new Error(message)),
            here: () => reject(new Error("There was no worker.")),
            done: (index, { settings, loss, accuracy, received, ranked, check, seconds }) => {
                made[index] = { settings, loss, accuracy, received, ranked, isChecked: check.ok, seconds };
                if (made.filter(Boolean).length === runs.length) resolve(made);
            },
        });
    });
    return { results, seconds: (performance.now() - began) / 1000 };
}"""


class Files(SimpleHTTPRequestHandler):
    """The browser's modules, and a blank page for what is none."""

    def do_GET(self) -> None:
        if self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>training</title>")
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def measure(page: Page, lookups: int, heads: int) -> dict[str, Any]:
    """One row of the table."""
    found = [page.evaluate(TRAIN, [{"lookups": lookups, "heads": heads, "seed": seed}]) for seed in seeds()]
    results = [one["results"][0] for one in found]
    if not all(result["isChecked"] for result in results):
        raise RuntimeError("The gradient is not the slope of the loss.")
    losses = [result["loss"] for result in results]
    weights = [result["ranked"][0] for result in results]
    return {
        "lookups": lookups,
        "heads": heads,
        "losses": [round(loss, 4) for loss in losses],
        "loss": round(statistics.median(losses), 4),
        "lowest": round(min(losses), 4),
        "highest": round(max(losses), 4),
        "accuracy": round(statistics.median(statistics.mean(result["accuracy"]) for result in results), 4),
        "weights": [round(statistics.median(column), 3) for column in zip(*weights, strict=True)],
        "own": [len({row.index(max(row)) for row in result["received"]}) for result in results],
        "seconds": round(statistics.median(result["seconds"] for result in results), 2),
        "with_start": round(statistics.median(one["seconds"] for one in found), 2),
    }


def seeds() -> range:
    """The seeds that all rows share."""
    return range(1, SEEDS + 1)


def lesson(page: Page) -> float:
    """The median seconds of all runs of the lesson's figure."""
    runs = [{"lookups": 4, "heads": heads, "seed": seed} for seed in range(1, LESSON_SEEDS + 1) for heads in HEADS]
    return round(statistics.median(page.evaluate(TRAIN, runs)["seconds"] for _ in range(ROUNDS)), 2)


def measured(page: Page) -> dict[str, Any]:
    """All rows, a line printed for each."""
    rows = []
    for lookups in LOOKUPS:
        for heads in HEADS:
            rows.append(measure(page, lookups, heads))
            print(json.dumps(rows[-1]), flush=True)
    return {"rows": rows, "lesson": lesson(page)}


def main() -> None:
    """Measure all, print a line each, and write the results with the machine they came from."""
    path = chromium.find()
    if path is None:
        raise SystemExit("No Chromium was found; `make test` installs one.")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(STATIC)))
    Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        page = browser.new_page()
        page.goto(f"http://localhost:{server.server_port}/")
        made = measured(page)
        machine = {
            "processor": platform.processor() or platform.machine(), "cores": os.cpu_count(),
            "chromium": browser.version, "seeds": SEEDS, "rounds": ROUNDS,
        }  # fmt: skip
        browser.close()
    server.shutdown()
    RESULTS.write_text(json.dumps({"machine": machine, **made}, indent=1) + "\n")


if __name__ == "__main__":
    main()
