"""Figures of changed runs in lessons: what they say of the numbers that came, and how they can be used."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from attention.lessons import kinds
from tests.chromium.alone import kind_of, palette, settings_of
from tests.chromium.lab import Lab, opened

SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    const { storeOf } = await import("/store.js");
    globalThis.lab = {
        palette: null, changes: 0, mounted: 0,
        mount: async (kind, settings, change) => {
            document.body.replaceChildren();
            const root = document.createElement("div");
            document.body.append(root);
            const { default: make } = await import(`/lesson/figures/${kind}.js`);
            lab.mounted += 1;
            const context = {
                ui, palette: () => lab.palette, sentence: () => "", changed: () => { lab.changes += 1; },
                mount: () => () => {}, panels: () => null, inspector: (query) => `/?${query}`,
                store: `lab ${lab.mounted}`,
            };
            lab.store = storeOf(context.store);
            lab.make = () => make({ root, settings, context });
            lab.figure = await lab.make();
            if (change) lab.store.say("change", change);
        },
        facts: () => lab.figure.facts(),
    };
}"""
DARK = "(palette) => { lab.palette = palette; lab.figure.draw(); }"
CHANGE: dict[str, Any] = {
    "names": ["one", "two", "three"],
    "runs": [
        {"what": "no change", "values": [0.7, 0.2, 0.001], "kl": 0.0},
        {"what": "head 1.0 off", "values": [0.65, 0.25, 0.001], "kl": 0.02},
        {"what": "heads 1.0 and 2.0 off", "values": [0.02, 0.3, 0.6], "kl": 2.5},
        {"what": "head 2.0 off", "values": [0.3, 0.1, 0.2], "kl": 0.9},
        {"what": "head 2.0: its mean so far in its place", "values": [0.1, 0.1, 0.2], "kl": 1.9},
    ],
}
EACH = ["off-1.0", "off-1.0,off-2.0", "off-2.0", "off-2.0-running"]
LOSSES: dict[str, Any] = {
    "base": 2.0, "one": [[2.05, 3.5, 2.1], [1.9, 2.0, 2.3]], "others": [[4.0, 2.9, 5.0], [2.4, 2.02, 3.0]],
    "whole": [6.5, 2.6],
}  # fmt: skip
SCORE: dict[str, Any] = {
    "query": "b", "key": "a", "score": 5.5, "holds": True, "why": "",
    "parts": {
        "key": [{"name": f"head {at}", "value": value} for at, value in enumerate([4.0, -2.0, 1.5, *[0.25] * 8])],
        "query": [{"name": "embedding", "value": 5.0}, {"name": "constant", "value": 0.5}],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    for made in opened(browser, Lab, SETUP):
        made.page.evaluate("(palette) => { lab.palette = palette; }", palette("light"))
        yield made


def mounted(lab: Lab, kind: str, change: Any, **settings: Any) -> Page:
    own = {name: value for name, value in settings_of(kind).items() if name in kinds.OWN} | settings
    lab.page.evaluate("([kind, settings, change]) => lab.mount(kind, settings, change)", [kind, own, change])
    return lab.page


def facts(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = lab.page.evaluate("() => lab.facts()")
    return found


@pytest.mark.parametrize(
    ("kind", "change"), [("change", CHANGE), ("ablations", LOSSES), ("origins", SCORE)], ids=lambda one: str(one)[:9]
)
def test_each_knows_its_facts_says_what_it_shows_and_waits_for_it(lab: Lab, kind: str, change: Any) -> None:
    page = mounted(lab, kind, None, each=EACH)
    assert facts(lab) == {}
    assert lab.page.evaluate("() => lab.figure.isWaiting()")
    expect(page.locator(".said")).to_contain_text("being run")
    page = mounted(lab, kind, change, each=EACH)
    assert facts(lab).keys() == kind_of(kind).facts.keys()
    assert not lab.page.evaluate("() => lab.figure.isWaiting()")
    assert len(page.locator("svg").first.get_attribute("aria-label") or "") > 30
    assert page.locator("[data-result] svg").count() == page.locator("svg").count() > 0
    assert page.locator("[data-result] .parts").count() == 0, "the sentence can be seen before a guess"
    page.evaluate(DARK, palette("dark"))
    page.evaluate("(palette) => { lab.palette = palette; }", palette("light"))


@pytest.mark.parametrize(
    ("kind", "change"), [("change", CHANGE), ("ablations", LOSSES), ("origins", SCORE)], ids=lambda one: str(one)[:9]
)
def test_what_came_before_it_was_made_is_shown_at_once(lab: Lab, kind: str, change: Any) -> None:
    page = mounted(lab, kind, change, each=EACH)
    found, said = facts(lab), page.locator(".said").last.text_content()
    page.evaluate("async () => { lab.figure.stop(); lab.figure = await lab.make(); }")
    assert facts(lab) == found
    assert page.locator(".said").last.text_content() == said


def test_a_problem_is_said_in_the_figures_place(lab: Lab) -> None:
    for kind in ("change", "ablations", "origins"):
        page = mounted(lab, kind, None, each=EACH)
        page.evaluate("""() => lab.store.say("problem", { words: "No model is here." })""")
        expect(page.locator(".said")).to_have_text("No model is here.")


def test_a_change_is_told_with_its_sign_and_another_can_be_chosen(lab: Lab) -> None:
    page = mounted(lab, "change", CHANGE, each=EACH, inspects=["edits=one", "edits=two", "edits=three"])
    found = facts(lab)
    assert (found["token"], found["before"], found["after"], found["how"]) == ("one", 0.7, 0.65, 0)
    assert found["change"] == pytest.approx(-0.05)
    assert found["log_change"] == pytest.approx(math.log(0.65 / 0.7))
    assert found["moves_most"] == 2, "of the changes of one edit, set to 0"
    assert "0.650 with head 1.0 off, 0.020 with heads 1.0 and 2.0 off" in found["all"]
    assert "0.650  (−0.050)" in page.locator("svg").text_content()  # type: ignore[operator]
    changes = lab.page.evaluate("() => lab.changes")
    page.get_by_role("button", name="heads 1.0 and 2.0 off").click()
    assert lab.page.evaluate("() => lab.changes") > changes
    found = facts(lab)
    assert (found["after"], found["how"], found["top_after"], found["top_after_value"]) == (0.02, 1, "three", 0.6)
    assert found["kl"] == 2.5
    assert "0.600  (+0.599)" in page.locator("svg").text_content()  # type: ignore[operator]
    assert page.get_by_role("link", name="in the inspector").get_attribute("href") == "/?edits=two"


def test_a_token_that_is_followed_may_rise(lab: Lab) -> None:
    mounted(lab, "change", CHANGE, each=EACH, follow="three")
    lab.page.get_by_role("button", name="heads 1.0 and 2.0 off").click()
    found = facts(lab)
    assert (found["token"], found["how"]) == ("three", 2)


def test_a_row_has_no_divergence(lab: Lab) -> None:
    rows = {"names": CHANGE["names"], "runs": [run | {"kl": None} for run in CHANGE["runs"]]}
    page = mounted(lab, "change", rows, each=EACH, of="row")
    assert "kl" not in facts(lab)
    expect(page.locator(".said")).not_to_contain_text("divergence")


def test_losses_are_told_as_numpy_would(lab: Lab) -> None:
    page = mounted(lab, "ablations", LOSSES)
    one, others = (np.array(LOSSES[name]) - 2.0 for name in ("one", "others"))
    found = facts(lab)
    assert (found["heads"], found["cheap"]) == (6, int((one < kinds.CHEAP).sum()))
    assert (found["worst"], found["worst_change"]) == ("0.1", pytest.approx(one.max()))
    assert (found["layers"], found["cheap_layers"]) == (2, int((others.min(1) < kinds.CHEAP).sum()))
    assert (found["alone"], found["alone_change"]) == ("1.1", pytest.approx(others.min()))
    assert found["whole"] == pytest.approx(4.5)
    assert "+1.50" in (page.locator("svg").get_attribute("aria-label") or "")
    page.get_by_role("button", name="all others of its layer off").click()
    assert "+0.02" in (page.locator("svg").get_attribute("aria-label") or "")
    assert facts(lab) == found


def test_parts_of_a_score_are_summed_and_checked(lab: Lab) -> None:
    page = mounted(lab, "origins", SCORE)
    found = facts(lab)
    assert (found["top"], found["top_value"], found["second"], found["second_value"]) == ("head 0", 4, "head 1", -2)
    assert (found["parts"], found["sum"]) == (11, pytest.approx(5.5))
    assert "3 others +0.75" in (page.locator("svg").get_attribute("aria-label") or "")
    expect(page.locator(".verdict")).to_contain_text("✓")
    page.get_by_role("button", name="query").click()
    assert facts(lab)["top"] == "embedding"
    page = mounted(lab, "origins", SCORE | {"holds": False})
    expect(page.locator(".verdict")).to_contain_text("✗")
    page = mounted(lab, "origins", SCORE | {"why": "not defined: post-norm", "score": None})
    expect(page.locator(".said")).to_have_text("not defined: post-norm")
