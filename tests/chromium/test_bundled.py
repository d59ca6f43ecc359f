"""The models in the box, in Chromium: the first visit, heads worth a look, two boxes, and the page of models."""

import re

from playwright.sync_api import expect

DRAWN = ".hl-figures[data-drawn]"
SECONDS = 60_000
PHONE = (390, 844)


def test_a_first_visit_opens_on_a_trained_head_that_does_something(open_page, app_url, settle):
    page = open_page(app_url)
    page.wait_for_selector(DRAWN, timeout=SECONDS)
    settle(page)
    expect(page.get_by_role("heading", name="Layer 1, head 1")).to_be_visible()
    expect(page.locator(".label").filter(has_text="looks at")).to_contain_text("it")
    expect(page.get_by_role("button", name=re.compile("cat, weight 0.9"))).to_be_visible()
    expect(page.locator(".hl-habit").filter(has_text="Guided in training")).to_contain_text("things and names")
    expect(page.locator(".hl-foot .hl-good")).to_have_count(2)


def test_a_head_worth_a_look_is_two_clicks_away(open_page, app_url, settle):
    page = open_page(app_url)
    page.wait_for_selector(DRAWN, timeout=SECONDS)
    settle(page)
    page.get_by_role("button", name="heads worth a look").click()
    page.get_by_role("button", name="Induction · layer 3, head 2").click()
    expect(page.get_by_role("heading", name="Layer 3, head 2")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_label("Sentence to look at")).to_have_value(re.compile("Quibbleton"))


def test_a_source_and_its_target_have_a_box_each(open_page, app_url, settle):
    page = open_page(f"{app_url}/?v=1&model=dates&text=the 3rd of May, 1998&pair=1998-05-03&kind=cross&layer=1&head=2")
    page.wait_for_selector(DRAWN, timeout=SECONDS)
    settle(page)
    expect(page.get_by_label("Source")).to_have_value("the 3rd of May, 1998")
    target = page.get_by_label("Target")
    expect(target).to_have_value("1998-05-03")
    target.fill("1998-05")
    target.press("Enter")
    page.wait_for_url(re.compile(r"pair=1998-05(&|$)"))
    settle(page)
    expect(page.get_by_text("8 of 256 tokens").or_(page.get_by_text(re.compile(r"^8 of \d+ tokens$")))).to_be_visible()


def test_sentence_b_is_asked_for_and_begins_with_a_line(open_page, app_url, settle):
    page = open_page(f"{app_url}/?v=1&model=cloze&text=The king slept.")
    page.wait_for_selector(DRAWN, timeout=SECONDS)
    settle(page)
    expect(page.locator(".sentence .token.second")).to_have_count(0)
    page.get_by_role("button", name="+ Sentence B").click()
    box = page.get_by_label("Sentence B")
    box.fill("He was old.")
    box.press("Enter")
    expect(page.locator(".sentence .token.second")).to_have_count(1, timeout=SECONDS)


def test_a_link_to_the_page_of_models_works_as_the_very_first_visit(serve, open_page, settle, console_errors):
    page = open_page(f"{serve('app.py', cold=True)}/models", size=PHONE)
    expect(page.get_by_text("4 layers × 6 heads").first).to_be_visible(timeout=SECONDS)
    settle(page)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= PHONE[0]
    # Streamlit's own client looks for its server below the page's path first, and takes the root when that fails.
    console_errors[:] = [error for error in console_errors if "404" not in error]
    card = page.locator('[class*="st-key-item-"]').filter(has_text="Date translator")
    card.get_by_role("button", name="Inspect").click()
    page.wait_for_selector(DRAWN, timeout=SECONDS)
    expect(page.get_by_label("Source")).to_have_value("the 3rd of May, 1998")
