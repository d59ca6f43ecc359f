"""The panels' axes, which need no plotly, beside plotly's own from the same layouts; and that no panel waits for it."""

import numpy as np
import pytest
from playwright.sync_api import Page

import attention
from attention.browser import parts
from attention.view import View
from tests.chromium import harness

TEXT = "The cat sat on the mat because it was tired."
# What differs by the rounding of a font's own measures.
PIXELS = 3
# Of each panel [word, bold, x, y, width, height] of all labels, by its own drawing and by plotly's.
BOTH = """async () => {
    const axes = await import("/app/static/axes.js?v=test");
    const Plotly = await axes.plotly();
    const labels = (root) => [...root.querySelectorAll("text")].filter((one) => one.textContent).map((one) => {
        const [{ x, y, width, height }, origin] = [one.getBoundingClientRect(), root.getBoundingClientRect()];
        const isBold = getComputedStyle(one.querySelector("tspan") ?? one).fontWeight > 600;
        return [one.textContent, isBold, x - origin.x, y - origin.y, width, height];
    });
    const made = [];
    for (const plot of document.querySelectorAll(".hl-plot")) {
        const host = Object.assign(document.createElement("div"), { className: "plotly-beside" });
        document.body.append(host);
        await Plotly.react(host, [], structuredClone(plot.layout), axes.CONFIG);
        made.push([labels(plot), labels(host)]);
    }
    return made;
}"""


@pytest.fixture(scope="module")
def head() -> attention.HeadView:
    return attention.trace("storyteller", TEXT).head(1, 2)


def test_the_axes_stand_where_plotly_draws_them(page: Page, head: attention.HeadView) -> None:
    view = View(layer=1, head=2, query=10)
    harness.mount(page, "figures", parts.panels(head, view), head, view, is_open=True)
    page.wait_for_selector(".hl-figures[data-drawn]")
    both = page.evaluate(BOTH)
    assert [len(own) for own, _ in both] == [24, 12, 3]
    for own, theirs in both:
        assert sorted(map(tuple, (one[:2] for one in own))) == sorted(map(tuple, (one[:2] for one in theirs)))
        for name, bold, *box in theirs:
            same = [one[2:] for one in own if one[:2] == [name, bold]]
            assert min(np.abs(np.subtract(one, box)).max() for one in same) < PIXELS, name


def test_the_panels_do_not_wait_for_plotly(page: Page, head: attention.HeadView) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    view = View(layer=1, head=2)
    harness.mount(page, "figures", parts.panels(head, view), head, view, is_open=True)
    assert page.locator(".hl-figures").get_attribute("data-drawn") == "1"
    assert page.locator(".hl-plot text").count() > 30
    assert not [url for url in asked if "plotly" in url]
