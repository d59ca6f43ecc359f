"""The box of models in Chromium: a list in groups that the keyboard reaches, which narrows as one types."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.chromium.opened import Opened

SECONDS = 30_000


@pytest.fixture(scope="module")
def opened(browser: Browser, app_url: str, settle: Callable[[Page], None]) -> Iterator[Opened]:
    made = Opened(browser, app_url, settle)
    yield made
    made.close()


@pytest.fixture
def page(opened: Opened) -> Iterator[Page]:
    yield opened.at("?text=One two three.&model=storyteller")
    opened.check()


@pytest.fixture
def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Model")


def options(page: Page) -> Locator:
    """The lines of the open list."""
    return page.get_by_role("listbox", name="Models").get_by_role("option")


def titles(page: Page) -> list[str]:
    """What they begin with."""
    return list(options(page).evaluate_all("(lines) => lines.map((line) => line.firstChild.textContent)"))


def active(box: Locator) -> str:
    """The title of the line that Enter would take."""
    return box.evaluate("""(box) => {
        const line = box.getRootNode().getElementById(box.getAttribute("aria-activedescendant"));
        return line?.firstChild.textContent ?? "";
    }""")


def test_the_list_opens_at_the_chosen_model_and_names_its_groups(page: Page, box: Locator) -> None:
    expect(box).to_have_value("Storyteller")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.click()
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("group", name="in the box").get_by_role("option")).to_have_count(4)
    expect(page.get_by_role("group", name="to fetch").get_by_role("option").first).to_be_attached()
    assert active(box) == "Storyteller"
    expect(options(page).and_(page.get_by_role("option", selected=True))).to_contain_text("Storyteller")
    place = page.get_by_role("listbox", name="Models").bounding_box()
    window = page.viewport_size
    assert place
    assert window
    assert 0 <= place["x"] <= window["width"] - place["width"]
    assert 0 <= place["y"] <= window["height"] - place["height"]


def test_typing_narrows_it_and_escape_takes_nothing(page: Page, box: Locator) -> None:
    box.fill("cloze")
    assert titles(page) == ["Cloze model"], "it is the very id: nothing else could be meant"
    box.fill("cloz")
    assert titles(page) == ["Cloze model", "Open “cloz”"]
    assert active(box) == "Cloze model"
    box.press("Escape")
    expect(box).to_have_value("Storyteller")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.fill("no such thing anywhere")
    assert titles(page) == ["Open “no such thing anywhere”"]
    box.blur()
    expect(box).to_have_value("Storyteller")
    assert "model=cloze" not in page.url


def test_arrow_keys_go_round_and_enter_takes_the_line(page: Page, box: Locator) -> None:
    box.focus()
    box.press("ArrowDown")
    assert active(box) == "Storyteller"
    box.press("ArrowUp")
    box.press("ArrowUp")
    listed = titles(page)
    at = listed.index("Storyteller")
    assert active(box) == listed[at - 2]
    for _ in range(at - 1):
        box.press("ArrowUp")
    assert active(box) == listed[-1]
    box.press("ArrowDown")
    assert active(box) == listed[0] == "Cloze model"
    box.press("Enter")
    page.wait_for_url(re.compile("model=cloze"), timeout=SECONDS)
    expect(box).to_have_value("Cloze model", timeout=SECONDS)


def test_the_details_are_one_of_a_few_for_the_keyboard_too(page: Page) -> None:
    group = page.get_by_role("radiogroup", name="Look closer")
    links = group.get_by_role("radio", name="Links")
    expect(links).to_be_checked()
    links.focus()
    links.press("ArrowLeft")
    last = group.get_by_role("radio", name="Patch")
    expect(last).to_be_checked()
    expect(last).to_be_focused()
    page.wait_for_url(re.compile("lens=patch"), timeout=SECONDS)
    expect(page.locator(".st-key-patch")).to_be_visible(timeout=SECONDS)
    expect(last).to_be_focused()
    assert "head=" not in page.url, "the arrow keys were the group’s own"


def test_a_sample_is_one_click(page: Page) -> None:
    tried = page.get_by_role("group", name="Try").get_by_role("button", name="Said twice")
    tried.click()
    page.wait_for_url(re.compile("text=(?!One)"), timeout=SECONDS)
    expect(page.get_by_label("Sentence to look at")).not_to_have_value("One two three.")
    expect(tried).to_be_focused()


@pytest.mark.parametrize(("typed", "model"), [("Cloze model", "cloze"), ("CLOZE", "cloze"), ("local", "local")])
def test_words_that_name_a_model_outright_mean_it(page: Page, box: Locator, typed: str, model: str) -> None:
    box.fill(typed)
    box.press("Enter")
    page.wait_for_url(re.compile(f"model={model}"), timeout=SECONDS)


def test_a_finger_takes_a_line_on_a_phone(open_page, app_url: str) -> None:
    page = open_page(f"{app_url}/?text=One two three.", size=(390, 844), touch=True)
    expect(page.locator(".hl-figures[data-drawn]")).to_be_visible(timeout=SECONDS)
    box = page.get_by_role("combobox", name="Model")
    box.tap()
    line = page.get_by_role("option", name=re.compile("^Date translator"))
    assert line.bounding_box()["height"] >= 40
    line.tap()
    page.wait_for_url(re.compile("model=dates"), timeout=SECONDS)
    expect(box).to_have_value("Date translator", timeout=SECONDS)
