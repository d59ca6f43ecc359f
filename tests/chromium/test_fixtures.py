"""The fixtures themselves: what a page throws is heard, whoever opened it."""

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium.pages import Pages

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


def test_a_page_that_serves_again_has_nothing_of_the_test_before(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 700, "height": 500})
    pages, said = Pages("window.watched = 1;"), []
    kept = pages.take(context, (700, 500), "light")
    kept.page.on("console", lambda message: said.append(message.text))
    kept.page.set_viewport_size({"width": 300, "height": 300})
    kept.page.emulate_media(media="print", color_scheme="dark", reduced_motion="reduce", forced_colors="active")
    kept.page.evaluate("() => { window.left = 1; console.log('heard'); }")
    pages.give_back(context, [kept])
    again = pages.take(context, (700, 500), "light")
    assert again.page is kept.page
    assert again.page.evaluate("() => [window.left, window.watched, innerWidth]") == [None, 1, 700]
    media = ["print", "(prefers-color-scheme: dark)", "(prefers-reduced-motion)", "(forced-colors: active)"]
    assert not again.page.evaluate("(media) => media.some((one) => matchMedia(one).matches)", media)
    again.page.evaluate("() => console.log('not heard')")
    assert said == ["heard"]
    again.page.add_init_script("window.left = 2;")
    pages.give_back(context, [again])
    assert pages.take(context, (700, 500), "light").page is not kept.page, "what was changed for good is closed"
    assert kept.page.is_closed()
    context.close()


def test_a_page_that_serves_again_has_room_in_its_history(browser: Browser) -> None:
    context = browser.new_context()
    pages, lengths = Pages(""), []
    for _ in range(3):
        kept = pages.take(context, (700, 500), "light")
        kept.page.evaluate("() => { for (const part of [1, 2, 3]) location.hash = part; }")
        lengths.append(kept.page.evaluate("() => history.length"))
        pages.give_back(context, [kept])
    assert lengths[1] == lengths[2] < lengths[0] + 3
    context.close()
