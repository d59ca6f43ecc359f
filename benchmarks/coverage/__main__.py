"""`python -m benchmarks.coverage`: examine all and write the results and the page, or only some and print them."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.coverage.examine import Row
from benchmarks.coverage.listing import architectures, base_models_left_out
from benchmarks.coverage.page import page
from benchmarks.coverage.workers import LIMIT, examine_all, quieten

ROOT = Path(__file__).parents[2]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "coverage.json", ROOT / "docs" / "coverage.md"


def main() -> None:
    """Examine, print a line each, and write unless only some were asked for."""
    asked = _arguments()
    quieten()
    todo = [one for one in architectures() if not asked.only or one.name in asked.only or one.model_type in asked.only]
    started = time.perf_counter()
    rows = []
    for row in examine_all(todo, asked.jobs, asked.limit):
        rows.append(row)
        print(
            json.dumps(asdict(row)) if asked.only else f"{len(rows)}/{len(todo)} {row.outcome} {row.name}", flush=True
        )
    if not asked.only:
        _write(rows, time.perf_counter() - started, asked.jobs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="classes or model types; nothing is written"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one architecture")
    return parser.parse_args()


def _write(rows: list[Row], seconds: float, jobs: int) -> None:
    results: dict[str, Any] = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "left_out": base_models_left_out(),
        "rows": [_plain(row) for row in sorted(rows, key=lambda row: row.name.lower())],
    }
    RESULTS.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")


def _plain(row: Row) -> dict[str, Any]:
    """A row for a file: short numbers, and none that JSON does not know."""
    made = asdict(row)
    for name in ("error", "check", "fidelity"):
        number = made[name]
        made[name] = None if number is None or number != number else float(f"{min(number, 1e30):.3g}")
    return made


if __name__ == "__main__":
    main()
