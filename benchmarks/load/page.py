"""A person with a browser among those who act: from the key to another head's painted panels and changed address."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.page import opening
from benchmarks.page.switch import STORY_GRID, rows, to_and_fro
from tools import chromium

# Between two keys, and how many are pressed before somebody asks again whether it is over.
PAUSE_MS, AT_ONCE = 700, 5
STEPS = """async ([steps, pause]) => {
    const canvas = probe.all(".heads canvas")[0];
    const cells = () => probe.all(".hl-cells").filter(({ cells }) => cells).map(({ cells }) => cells);
    const press = (key) => canvas.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
    const found = [];
    for (const [key, layer, head] of steps) {
        await probe.sleep(pause);
        const before = cells();
        const there = () => {
            const look = globalThis.headlightStores.get('inspect').shown?.look;
            const query = new URLSearchParams(location.search);
            const inAddress = Number(query.get("layer") ?? 0) === layer && Number(query.get("head") ?? 0) === head;
            const drawn = cells().every((one, i) => one !== before[i]);
            return look?.layer === layer && look.head === head && inAddress && drawn;
        };
        found.push((await probe.toPainted(() => press(key), there)).ms);
    }
    return found;
}"""


def step(url: str, text: str, is_over: Callable[[], bool]) -> list[float]:
    """Seconds that each switch of heads took in Chromium until it was over."""
    path = chromium.find()
    if path is None:
        raise RuntimeError("No Chromium was found; `make test` installs one.")
    seconds: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        with opening.inspect(browser, url, model="storyteller", text=text, layer=0, head=0) as page:
            steps = to_and_fro(list(rows(*STORY_GRID)))
            while not is_over():
                some: list[Any] = [list(one[:3]) for one in itertools.islice(steps, AT_ONCE)]
                seconds += [ms / 1000 for ms in page.evaluate(STEPS, [some, PAUSE_MS])]
        browser.close()
    return seconds
