"""Two live figure groups on one page: each shows its own run, and what is done in one changes nothing in the other."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

import attention
from attention import Trace

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "chromium" / "groups.py"
UNDELIVERED = ROOT / "tests" / "chromium" / "undelivered"
FIRST, SECOND = "first", "second"
# As in groups.py; the first one's is the address.
TEXTS = {FIRST: "The cat sat on the mat.", SECOND: "One day the dog saw a bird."}
MODELS = {FIRST: "local", SECOND: "storyteller"}
HEADS = {FIRST: (0, 1), SECOND: (1, 2)}
LINK = urlencode({"v": "1", "model": "local", "head": "1", "text": TEXTS[FIRST]})
SECONDS = 60_000
CHECKED = re.compile("^✓ made here, equal to the model’s own")
# Everything of a group that a person can change, as it stands there now.
STATE = """(name) => {
    const within = (root) => [root,
        ...[...root.querySelectorAll("*")].flatMap((one) => (one.shadowRoot ? within(one.shadowRoot) : []))];
    const roots = within(document.querySelector(`.st-key-${name}`));
    const all = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
    const texts = (selector) => all(selector).map((one) => one.textContent);
    return JSON.stringify({
        heading: texts(".heads h2"), tokens: all(".sentence .token").map((one) => [
            one.textContent, one.className, one.getAttribute("aria-label"), one.getAttribute("aria-pressed")]),
        cells: all(".hl-cells").map(({ cells: { z } }) => ({ shape: z.shape, z: Array.from(z) })),
        marks: all(".hl-row, .hl-column, .hl-cell, .hl-pin").map(({ style }) => style.cssText),
        arithmetic: texts(".arithmetic"), dimensions: texts(".dimensions"), tables: all(".dimensions .table").map(
            (one) => one.hidden),
        controls: texts(".controls"), pressed: all(".controls [aria-pressed]").map((one) => one.ariaPressed),
        slider: all(".controls input").map((one) => one.value), tip: all(".hl-tip").map((one) => one.hidden),
        heard: texts("[data-testid=stText]"),
    });
}"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, beside the static files: Streamlit serves those that lie there."""
    folder = tmp_path_factory.mktemp("groups")
    (folder / "static").symlink_to(ROOT / "static")
    (folder / "groups.py").write_text(SCRIPT.read_text("utf-8"), "utf-8")
    return folder / "groups.py"


@pytest.fixture(scope="module")
def groups_url(serve: Callable[..., str], script: Path) -> str:
    return serve(script, PYTHONPATH=str(ROOT))


@pytest.fixture
def groups(groups_url: str, open_page: Callable[..., Page], settle: Callable[[Page], None]) -> Page:
    return opened(open_page(), groups_url, settle)


def opened(page: Page, url: str, settle: Callable[[Page], None]) -> Page:
    """The page with both groups drawn, at rest."""
    page.set_viewport_size({"width": 1500, "height": 2600})
    page.goto(f"{url}/?{LINK}")
    expect(page.locator(".hl-figures[data-drawn]")).to_have_count(2, timeout=SECONDS)
    settle(page)
    return page


@pytest.fixture(scope="module")
def runs() -> dict[str, Trace]:
    return {name: attention.trace(MODELS[name], TEXTS[name]) for name in TEXTS}


def group(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-{name}")


def state(page: Page, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.evaluate(STATE, name))
    return found


def token(page: Page, name: str, place: int) -> Locator:
    return group(page, name).locator(".sentence .token").nth(place)


def weights_of(found: dict[str, Any]) -> np.ndarray:
    cells = found["cells"][1]
    return np.nan_to_num(np.array(cells["z"], dtype=np.float32)).reshape(cells["shape"])


def test_each_shows_its_own_run_and_both_checks_stand(groups: Page, runs: dict[str, Trace]) -> None:
    check_runs(groups, runs)


def test_they_do_where_the_modules_are_delivered_one_by_one(
    serve: Callable[..., str], script: Path, page: Page, settle: Callable[[Page], None], runs: dict[str, Trace]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    path = os.pathsep.join([str(UNDELIVERED), str(ROOT)])
    check_runs(opened(page, serve(script, PYTHONPATH=path), settle), runs)
    ours = {url.partition("/app/static/")[2].partition("?")[0] for url in asked if "/app/static/" in url}
    assert {"store.js", "mount.js"} <= ours
    assert "delivered.js" not in ours


def check_runs(page: Page, runs: dict[str, Trace]) -> None:
    for name, run in runs.items():
        layer, head = HEADS[name]
        found = state(page, name)
        assert found["heading"] == [f"Layer {layer}, head {head}"]
        assert "".join(one[0] for one in found["tokens"]).count(TEXTS[name].split()[1]) == 1
        assert np.abs(weights_of(found) - run.head(layer, head).weights).max() < 1e-5
        expect(group(page, name).locator(".controls .own")).to_have_text(CHECKED)
    assert set(page.evaluate("() => [...headlightStores.keys()]")) == {FIRST, SECOND}


def next_head(page: Page, name: str) -> None:
    group(page, name).get_by_role("button", name="Next head (→)").click()


def keys_in_the_map(page: Page, name: str) -> None:
    group(page, name).locator(".heads canvas").press("ArrowRight")


def pin(page: Page, name: str) -> None:
    token(page, name, 2).click()
    page.mouse.move(1, 1)


def several(page: Page, name: str) -> None:
    group(page, name).get_by_role("button", name="several", exact=True).click()
    pin(page, name)


def temperature(page: Page, name: str) -> None:
    group(page, name).get_by_role("slider", name="Temperature").fill("2")


def leave_out(page: Page, name: str) -> None:
    group(page, name).get_by_role("button", name="first token").click()


def stage(page: Page, name: str) -> None:
    group(page, name).get_by_role("button", name="Q·K", exact=True).click()


def as_table(page: Page, name: str) -> None:
    group(page, name).get_by_role("button", name="as a table").click()


def hover(page: Page, name: str) -> None:
    token(page, name, 3).hover()


def swipe(page: Page, name: str) -> None:
    """As a finger on the panels does, to the head before."""
    page.evaluate(
        """(name) => {
            const root = document.querySelector(`.st-key-${name} .hl-figures`);
            const touch = { pointerType: "touch", clientY: 10, bubbles: true };
            root.dispatchEvent(new PointerEvent("pointerdown", { ...touch, clientX: 200 }));
            root.dispatchEvent(new PointerEvent("pointerup", { ...touch, clientX: 300 }));
        }""", name,
    )  # fmt: skip


ACTS = (next_head, keys_in_the_map, pin, several, temperature, leave_out, stage, as_table, hover, swipe)


@pytest.mark.parametrize("acting", [FIRST, SECOND])
def test_what_is_done_in_one_changes_nothing_in_the_other(
    groups: Page, settle: Callable[[Page], None], acting: str
) -> None:
    other = SECOND if acting == FIRST else FIRST
    before, untouched = state(groups, acting), state(groups, other)
    for act in ACTS:
        act(groups, acting)
        settle(groups)
        after = state(groups, acting)
        assert after != before, act.__name__
        assert state(groups, other) == untouched, act.__name__
        before = after
    expect(group(groups, other).locator(".controls .own")).to_have_text(CHECKED)


def test_the_pages_own_arrow_keys_mean_neither_of_two_groups(groups: Page, settle: Callable[[Page], None]) -> None:
    before = [state(groups, name)["heading"] for name in TEXTS]
    groups.locator("body").press("ArrowRight")
    settle(groups)
    assert [state(groups, name)["heading"] for name in TEXTS] == before


def test_each_tells_the_server_its_own_changes_and_one_alone_the_address(
    groups: Page, settle: Callable[[Page], None]
) -> None:
    address = groups.url
    next_head(groups, SECOND)
    temperature(groups, SECOND)
    settle(groups)
    assert groups.url == address
    expect(group(groups, SECOND).get_by_text(re.compile(r"^second heard \d: 1\.3, None, 4$"))).to_be_visible()
    expect(group(groups, FIRST).get_by_text("first heard 0: 0.1, None, 1", exact=True)).to_be_visible()
    next_head(groups, FIRST)
    pin(groups, FIRST)
    settle(groups)
    assert groups.evaluate("() => Object.fromEntries(new URLSearchParams(location.search))").items() >= {
        ("head", "2"), ("query", "2"), ("model", "local"), ("text", TEXTS[FIRST]),
    }  # fmt: skip
    expect(group(groups, FIRST).get_by_text(re.compile(r"^first heard \d: 0\.2, 2, 1$"))).to_be_visible()
    expect(group(groups, SECOND).get_by_text(re.compile(r"^second heard \d: 1\.3, None, 4$"))).to_be_visible()


def test_back_goes_back_in_the_group_of_the_address_alone(groups: Page, settle: Callable[[Page], None]) -> None:
    before = state(groups, FIRST)["heading"]
    next_head(groups, FIRST)
    settle(groups)
    # Not told to the server yet when the browser goes back.
    group(groups, SECOND).get_by_role("slider", name="Temperature").evaluate(
        """(slider) => {
            slider.value = "1";
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            history.back();
        }"""
    )
    groups.wait_for_url("**head=1**")
    settle(groups)
    assert state(groups, FIRST)["heading"] == before
    assert state(groups, SECOND)["slider"] == ["1"]
    expect(group(groups, SECOND).get_by_text(re.compile(r"^second heard 1: 1\.2, None, 2$"))).to_be_visible()
