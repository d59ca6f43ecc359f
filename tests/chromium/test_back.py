"""The browser's own Back and Forward step through what was looked at, in Chromium."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

SECONDS = 60_000


def test_back_undoes_and_forward_redoes(app_url: str, page: Page, settle: Callable[[Page], None]) -> None:
    page.goto(f"{app_url}/?model=local")
    box = page.get_by_label("Sentence to look at")
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=SECONDS)
    settle(page)
    page.get_by_role("button", name="Said twice").click()
    expect(box).to_have_value(re.compile("red door"))
    page.wait_for_url(re.compile("red"))
    settle(page)
    page.get_by_role("button", name="Next head (→)").click()
    page.wait_for_url("**head=1**")
    settle(page)
    page.go_back(wait_until="commit")
    expect(page.get_by_role("heading", name="Layer 0, head 0")).to_be_visible(timeout=SECONDS)
    expect(box).to_have_value(re.compile("red door"))
    settle(page)
    page.go_back(wait_until="commit")
    expect(box).to_have_value(re.compile("cat sat"), timeout=SECONDS)
    settle(page)
    page.go_forward(wait_until="commit")
    expect(box).to_have_value(re.compile("red door"), timeout=SECONDS)
