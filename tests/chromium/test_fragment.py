"""What the browser changes reruns one fragment: the page's top, with its boxes and samples, is not made again."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60_000
# What no change in the browser asks for again.
NEVER = ("draw", "facts_line", "heads_tree", "trace")
# The app as it is, with a line in a file for each call of what is counted; wrapped once, however often this runs.
PLANTED = """
import runpy
from functools import wraps
from attention import api
from attention.browser import codec
from attention.analysis import thumbnails
from attention.browser import store
from attention.ui import workbench
from attention.ui import prompt_bar

def counted(module, name):
    own = getattr(module, name)
    if hasattr(own, "__wrapped__"):
        return
    @wraps(own)
    def call(*args, **named):
        with open({log!r}, "a") as log:
            log.write(name + "\\n")
        return own(*args, **named)
    setattr(module, name, call)

for module, name in ((prompt_bar, "draw"), (workbench, "facts_line"), (workbench, "_draw"), (store, "look"),
                     (store, "heads_tree"), (thumbnails, "thumbnails"), (api, "trace")):
    counted(module, name)
runpy.run_path({app!r}, run_name="__main__")
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("counted") / "calls.txt"


@pytest.fixture(scope="module")
def url(serve_source: Callable[[str], str], log: Path) -> str:
    return serve_source(PLANTED.format(app=str(ROOT / "app.py"), log=str(log)))


def test_a_change_in_the_browser_reruns_the_fragment_alone(
    url: str, log: Path, open_page: Callable[..., Page], settle: Callable[[Page], None]
) -> None:
    page = open_page(f"{url}/?v=1")
    page.wait_for_selector(".hl-foot", timeout=SECONDS)
    settle(page)
    first = counts(log)
    assert first["draw"] >= 1
    assert (first["_draw"], first["heads_tree"], first["thumbnails"]) == (1, 1, 1)
    changes: list[tuple[Callable[[], None], str]] = [
        (lambda: page.locator("body").press("ArrowRight"), "head=1"),
        (lambda: page.locator(".sentence .token").nth(4).click(), "query=4"),
        (lambda: page.get_by_role("button", name="Q·K", exact=True).click(), "stage=scores"),
        (lambda: page.locator(".controls input[type=range]").press("ArrowRight"), "temperature="),
        (lambda: page.get_by_role("button", name="first token", exact=True).click(), "hide=first"),
        (lambda: page.locator(".heads select").select_option("scores"), "measure=scores"),
    ]
    before = first
    for change, written in changes:
        change()
        page.wait_for_url(re.compile(re.escape(written)), timeout=SECONDS)
        settle(page)
        after = counts(log)
        found = after - before
        assert found["look"] >= 1, f"the server heard of {written}"
        assert found["_draw"] <= 2, f"{written} is one rerun, and one more at most"
        assert {name: found[name] for name in NEVER} == dict.fromkeys(NEVER, 0), written
        assert found["thumbnails"] == (1 if "measure" in written else 0), written
        before = after


def test_pointing_runs_nothing(
    url: str, log: Path, open_page: Callable[..., Page], settle: Callable[[Page], None]
) -> None:
    page = open_page(url)
    page.wait_for_selector(".hl-foot", timeout=SECONDS)
    settle(page)
    before = counts(log)
    for index in range(5):
        page.locator(".sentence .token").nth(index).hover()
    page.locator(".hl-cover").nth(1).hover()
    expect(page.locator(".hl-tip")).to_be_visible()
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    assert counts(log) == before


def counts(log: Path) -> Counter[str]:
    return Counter(log.read_text(encoding="utf-8").split())
