"""From the key to another head's panels: where the heads have travelled already, and where the server must send one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.page import models, opening
from benchmarks.page.times import ROUNDS, spread, spreads

STORY = (12, 64)
STORY_GRID = (4, 6)
GPT2 = "gpt2-small-size"
GPT2_GRID = (12, 12)
GPT2_LENGTHS = (64, 512)
Step = tuple[str, int, int, bool]


def measure(browser: Browser, url: str) -> Iterator[dict[str, Any]]:
    """A row for each way to another head, and one for the rerun that changes nothing of each page."""
    for n in STORY:
        with opening.inspect(browser, url, model="storyteller", text=models.story(n)) as page:
            yield {"what": "switch", "way": "here", **_facts("storyteller", n, page), **_here(page, STORY_GRID)}
            if n == max(STORY):
                yield {"what": "rerun", **_facts("storyteller", n, page), **_rerun(page)}
    for n in GPT2_LENGTHS:
        with opening.inspect(browser, url, model=f"./{GPT2}", text=models.words(n)) as page:
            facts = _facts(GPT2, n, page)
            yield {"what": "rerun", **facts, **_rerun(page)}
            if facts["travels"] == "layer":
                yield {"what": "switch", "way": "here", **facts, **_here(page, (1, GPT2_GRID[1]))}
                opening.show(page, url, model=f"./{GPT2}", text=models.words(n))
            yield {"what": "switch", "way": "other layer", **facts, **_away(page)}


def _facts(model: str, n: int, page: Page) -> dict[str, Any]:
    level = page.evaluate("() => globalThis.headlightStores.get('inspect').shown.run.level")
    if opening.tokens(page) != n:
        raise RuntimeError(f"{n} tokens were meant; there are {opening.tokens(page)}.")
    return {"model": model, "tokens": n, "travels": level}


def _here(page: Page, grid: tuple[int, int]) -> dict[str, Any]:
    steps = list(itertools.islice(to_and_fro(list(rows(*grid))), ROUNDS))
    seen = page.evaluate("steps => acts.walk(steps, true)", steps)
    return spreads(seen["times"], "ms", "work", "handler") | {"idle": spreads(seen["idle"], "ms", "work")}


def _away(page: Page) -> dict[str, Any]:
    """Down one column of heads and up the next, so that no head comes twice; only steps to another layer count."""
    down = [("ArrowDown" if key == "ArrowRight" else "ArrowUp" if key == "ArrowLeft" else "ArrowRight", head, layer)
            for key, layer, head in rows(*reversed(GPT2_GRID))]  # fmt: skip
    steps: list[Step] = []
    for key, layer, head in down:
        steps.append((key, layer, head, key != "ArrowRight"))
        if sum(timed for *_, timed in steps) == ROUNDS:
            break
    times = page.evaluate("steps => acts.walk(steps, false)", steps)["times"]
    after = [one["ms"] - one["largest"] for one in times]
    found = spreads(times, "ms", "sent", "first", "largest", "finished", "bytes")
    return found | {"painted_after_arrival": spread(after)}


def _rerun(page: Page) -> dict[str, Any]:
    times = page.evaluate("rounds => acts.rerun(rounds)", ROUNDS)
    return spreads(times, "ms", "first", "bytes")


def rows(n_rows: int, columns: int) -> Iterator[tuple[str, int, int]]:
    """The keys that lead through all heads from the first one, row by row, and where each leads."""
    for row in range(n_rows):
        if row:
            yield "ArrowDown", row, 0 if row % 2 == 0 else columns - 1
        along = range(1, columns) if row % 2 == 0 else range(columns - 2, -1, -1)
        for column in along:
            yield "ArrowRight" if row % 2 == 0 else "ArrowLeft", row, column


def to_and_fro(steps: list[tuple[str, int, int]]) -> Iterator[Step]:
    """The same steps, then back, and so on; all of them are timed."""
    opposite = {"ArrowRight": "ArrowLeft", "ArrowLeft": "ArrowRight", "ArrowDown": "ArrowUp"}
    places = [(0, 0), *((layer, head) for _, layer, head in steps)]
    back = [(opposite[key], *place) for (key, *_), place in zip(reversed(steps), reversed(places[:-1]), strict=True)]
    return ((*step, True) for step in itertools.cycle([*steps, *back]))
