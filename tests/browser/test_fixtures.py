"""The fixtures themselves: what a page throws is heard, whoever opened it."""

import pytest
from playwright.sync_api import Browser, Page

THROW = "() => { setTimeout(() => { throw new Error('thrown by a test'); }); }"


def opened(browser: Browser, way: str) -> Page:
    return browser.new_page() if way == "a page" else browser.new_context(locale="en-GB").new_page()


@pytest.mark.parametrize("way", ["a page", "a context"])
def test_an_exception_on_a_page_of_ones_own_is_heard(browser: Browser, page_errors: list[str], way: str) -> None:
    page = opened(browser, way)
    page.evaluate(THROW)
    page.wait_for_timeout(50)
    page.context.close()
    assert len(page_errors) == 1
    assert "thrown by a test" in page_errors.pop()
