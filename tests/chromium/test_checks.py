"""The checks on the page, in Chromium: they pass on the app as it is and fail, in words, on a planted fault."""

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

FAULT = Path(__file__).parent / "fault"
ROOT = Path(__file__).resolve().parents[2]


def test_the_foot_says_that_the_checks_hold(app_url: str, page: Page) -> None:
    page.goto(app_url)
    foot = page.locator(".hl-foot")
    sentence = "✓ weights and output equal LlamaAttention's own eager attention within"
    expect(foot).to_contain_text(sentence, timeout=60_000)
    expect(foot.locator(".hl-bad")).to_have_count(0)
    expect(foot.locator(".hl-good")).to_have_count(2)


def test_a_wrong_scale_turns_the_foot_into_a_warning(
    serve: Callable[..., str], page: Page, shot: Callable[[Page, str], Path]
) -> None:
    page.goto(serve("app.py", PYTHONPATH=os.pathsep.join([str(FAULT), str(ROOT)])))
    warning = page.locator(".hl-foot [role=alert]")
    expect(warning).to_contain_text("Do not trust this head", timeout=60_000)
    expect(warning).to_contain_text("1e-05 is allowed")
    shot(page, "planted-fault")
