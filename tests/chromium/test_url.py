"""The browser's address of a changed look is letter for letter the one that `attention.view` writes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from attention.browser import store
from attention.edits import edits_of
from attention.table import keys
from attention.view import View, to_address
from tests.chromium.lab import Lab, opened

SECONDS = 60_000
HEARD = "() => !globalThis.headlightStores.get('inspect').local.size"
HEAD = "(head) => globalThis.headlightStores.get('inspect').shown.look.head === head"
SETUP = """async () => {
    const [{ query }, { written }] = await Promise.all(["url", "look"].map((name) => import(`/${name}.js`)));
    const texts = (changes) => Object.entries(changes).map(([name, value]) => [name, written(name, value)]);
    globalThis.made = ({ address, changes, search }) => query(address, Object.fromEntries(texts(changes)), search);
}"""
TEXTS = (
    "The cat sat.", "a+b = c & d; 100 %?", "é ~ ! * ' ( ) / \\ \"", "日本語 😀", "", "x " * 400, "line\nbreak\ttab",
    "#hash",
)  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "layer": (0, 1, 11), "head": (0, 7), "query": (0, 5), "also": ((), (1, 2)), "together": ("mean", "sum"),
    "key": (None, 3), "stage": ("masked", "scores"), "weights": ("weights", "norms"), "values": ("output",),
    "temperature": (1.0, 0.5, 1.189, 0.0625), "hide": ((), ("special", "first")), "rest": ("left", "shared"),
    "zoom": (None, (0, 3, 2, 7)), "measure": ("weights", "scores"), "sort": (False, True),
    "counted_on": ("text", "stored"), "beside": ((), ((0, 1), (2, 3))), "least": (0.0, 0.25), "top": (0, 4),
    "ids": (False, True), "edits": ((), edits_of("off-2.5-mean,cut-q7-k3")), "patch_text": ("", "The dog + 1."),
    "target": (None, 312), "distractor": (None, 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def test_all_that_the_browser_changes_has_values_here() -> None:
    assert set(VALUES) == set(store.OWNED)
    assert all(getattr(View(), name) in values or name == "query" for name, values in VALUES.items())


def test_the_browser_writes_the_address_that_the_server_writes(lab: Lab) -> None:
    chance, cases, expected = random.Random(5), [], []
    for _ in range(400):
        before = replace(View(), text=chance.choice(TEXTS), pair=chance.choice(("", *TEXTS)), **some(chance))
        changes = some(chance)
        foreign = chance.choice(("", "theme=dark", "a=1+2&b=%26"))
        address = store._address(before)
        told = changes | ({"edits": [str(edit) for edit in changes["edits"]]} if "edits" in changes else {})
        cases.append({"address": address, "changes": told, "search": f"?{urlencode(to_address(before))}&{foreign}"})
        after = urlencode(to_address(replace(before, **changes)))
        expected.append("&".join(filter(None, (after, foreign))))
    assert lab.page.evaluate("(cases) => cases.map(made)", cases) == expected
    assert any("packed=" in one for one in expected)


def some(chance: random.Random) -> dict[str, Any]:
    return {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.3}


def test_a_step_stands_in_the_address_before_the_server_hears_of_it_and_is_one_entry(
    app_url: str, page: Page, settle: Callable[[Page], None]
) -> None:
    page.goto(f"{app_url}/?v=1&model=local&text=The+cat+sat&theme=x")
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=SECONDS)
    settle(page)
    entries = page.evaluate("history.length")
    step = page.get_by_role("button", name="Next head (→)")
    query = "location.search + '|' + history.length"
    found = step.evaluate(f"(button) => {{ button.click(); button.click(); return {query}; }}")
    # A browser keeps no more than fifty entries, and this page may have been opened by other tests before.
    assert found == f"?v=1&model=local&text=The+cat+sat&head=2&theme=x|{min(entries + 1, 50)}"
    page.wait_for_function(HEARD, timeout=SECONDS)
    settle(page)
    assert page.evaluate(query) == found, "the server has nothing to add"
    page.go_back(wait_until="commit")
    page.wait_for_function(HEAD, arg=0, timeout=SECONDS)
    settle(page)
    # Back at once, before the server was told: the step is taken back with it, and does not come again.
    step.evaluate("async (button) => { button.click(); history.back(); }")
    page.wait_for_function(HEARD, timeout=SECONDS)
    settle(page)
    assert page.evaluate(HEAD, 0)
    assert "head=" not in page.url


def test_what_the_server_sends_is_what_it_would_write() -> None:
    view = replace(View(), text="x " * 400, layer=2, ids=True)
    address = store._address(view)
    assert dict(map(tuple, address["query"])) == to_address(view)
    assert [key for key in address["order"] if key in to_address(view)] == list(to_address(view))
    assert set(address["defaults"]) == {keys(View)[name] for name in store.OWNED}
    assert set(store.OWNED) <= set(asdict(view))
