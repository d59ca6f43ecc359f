"""Lessons in the browser, without a server: steps, guesses, questions, progress, presenting, the article, pictures."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Download, Locator, Page, expect

import attention
from attention.browser import lessons as told
from attention.lessons import folder
from attention.lessons.parse import parse
from attention.lessons.records import Lesson
from attention.lessons.state import MOST_SENTENCE
from tests.chromium import harness
from tests.chromium.axe import faults
from tests.chromium.lesson_pictures import NO_LANDMARKS, bring
from tests.chromium.test_accessibility import DEEP, SECONDS, TARGETS

KEY = "headlight.lessons"
SENTENCE = "a dog saw a bird"
FIRST = """---
title: How one row looks
about: what a row of weights is
minutes: 3
---

## A row of weights {#row}

Each token looks at others. See [the second lesson](02-second#start) and [the paper](https://example.org/paper).

- One thing.
- Another thing, with d_k.

```figure local
text: the cat sat on the mat
pin: sat
causal: yes
own: yes
seed: 7
controls: causal seed temperature
show: sentence arithmetic
```

```guess
ask: Which token does “sat” take most of?
options: tokens
answer: most
after: It takes {most_weight} of {most}; there are {n} tokens.
```

```try
Take another seed.
```

## How flat it is {#flat}

The entropy says how evenly a row is spread: [the paper](https://example.org/paper), and
[another](https://example.org/other).

```figure local
text: the cat sat
seed: 3
controls: temperature
show: arithmetic
```

```guess
ask: How large is the entropy of the last row?
number: 0 1.2
answer: entropy
after: The entropy is {entropy} nats.
```

## Check yourself {#check}

```question doubled
covers: 1
step: row
ask: What is twice {number}?
why: Twice {number} is {answer}.
```

```question larger
covers: 2
step: 02-second#start
ask: Which is larger?
options: {left} | {right} | neither
why: It is {answer}.
```
"""
SECOND = """---
title: A model's head
about: the same of a trained model
minutes: 2
---

## One head {#start}

Here a model is run.

```figure head
model: local
text: the cat sat on the mat
head: 1
pin: on
show: sentence figures
```

```guess
ask: Which token does “on” take most of?
options: tokens
answer: most
after: It is {most}.
```
"""
ANSWERS = """export const answers = {
    doubled: (random) => { const number = random.int(3, 900) / 8; return { given: { number }, answer: 2 * number }; },
    larger: (random) => {
        const [left, right] = random.shuffle([1, 2, 3]);
        return { given: { left, right }, answer: left > right ? 0 : 1 };
    },
};"""
NONE = "export const answers = {};"
TREE = """(name) => new Promise((resolve) => { setTimeout(() => resolve(JSON.parse(localStorage.getItem(name)))); })"""
SOURCES = (("https://example.org/paper", "An author 2020. A title"),)


def made(text: str, name: str) -> Lesson:
    lesson, problems = parse(text, name)
    assert problems == ()
    return lesson


LESSONS = (made(FIRST, "01-first"), made(SECOND, "02-second"))


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One page for all that is looked at here; an error on it fails the tests."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.add_init_script(DEEP)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with pytest.MonkeyPatch.context() as patch:
        # Questions of this test alone.
        for path in (harness.STATIC / "lesson" / "answers").glob("*.js"):
            patch.setitem(harness.INSTEAD, f"/answers/{path.name}", ANSWERS if path.stem == "why" else NONE)
        page.goto(f"{harness.address()}/light")
        yield page
        context.close()
    assert not errors


@pytest.fixture
def page(window: Page) -> Page:
    """The page, which `opened` or `harness.renew` makes one that knows nothing."""
    window.set_viewport_size({"width": 1280, "height": 800})
    window.mouse.move(0, 0)
    return window


def opened(page: Page, query: str = "", *, dark: bool = False, sentence: str = "", again: bool = False) -> Locator:
    """The lessons at an address, as the server that was asked for it would send them.

    again: loaded anew, in a browser that knows what it has kept.
    """
    (harness.empty if again else harness.renew)(page, dark=dark, query=query)
    wanted = next((lesson for lesson in LESSONS if f"lesson={lesson.name}" in query), None)
    return sent(page, wanted, sentence=sentence, article="article=1" in query)


def sent(page: Page, lesson: Lesson | None, *, sentence: str = "", article: bool = False) -> Locator:
    """What the server sends next."""
    chosen = LESSONS if article else (lesson,) if lesson else ()
    data = told.payload(LESSONS, chosen, sentence=sentence, article=article, sources=SOURCES)
    return harness.add(page, "lesson", data, width=1400)


def kept(page: Page) -> Any:
    return page.evaluate(TREE, KEY)


def place(page: Page) -> dict[str, str]:
    return dict(page.evaluate("() => Object.fromEntries(new URLSearchParams(location.search))"))


def box(lessons: Locator, name: str) -> Any:
    """Where the first such part lies."""
    return lessons.locator(name).first.bounding_box()


def guessed(page: Page) -> Locator:
    return page.locator("#hl-lesson .guess")


def boxes(lessons: Locator) -> Any:
    """Where the parts of a figure lie, once what is covered is drawn too: what is not there yet counts as hidden."""
    expect(lessons.locator(".figure .part-arithmetic .arithmetic")).to_have_count(1)
    places = lambda: [lessons.locator(name).bounding_box() for name in (".figure", ".try", ".figure .part-arithmetic")]  # noqa: E731
    seen = places()
    while (now := places()) != seen:
        seen = now
    return seen


def said(page: Page, part: str) -> Locator:
    """What stands there after a guess, not what holds its room."""
    return page.locator(f"#hl-lesson .verdict:not(.ghost) {part}")


def test_a_newcomer_finds_the_first_lesson_at_once(page: Page) -> None:
    lessons = opened(page)
    begin = lessons.locator(".begin")
    expect(begin).to_contain_text("Start with the first lesson")
    expect(begin).to_contain_text("How one row looks")
    expect(lessons.locator(".lesson h2")).to_have_text(["How one row looks", "A model's head"])
    expect(lessons.locator(".lesson").first).to_contain_text("3 steps")
    assert harness.messages(page) == []
    begin.click()
    assert harness.messages(page) == [["place", {"lesson": "01-first", "text": "", "article": False}]]
    expect(lessons.locator(".lessons-root")).to_have_attribute("aria-busy", "true")
    sent(page, LESSONS[0])
    expect(lessons.locator("h1")).to_have_text("How one row looks")
    expect(lessons.locator(".step h2")).to_have_text("A row of weights")
    expect(lessons.locator(".step h2")).to_be_focused()
    assert place(page) == {"lesson": "01-first", "step": "row"}


def test_steps_go_by_buttons_keys_and_the_browsers_back(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    title = lessons.locator(".step h2")
    lessons.locator(".next").click()
    expect(title).to_have_text("How flat it is")
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Check yourself")
    assert place(page)["step"] == "check"
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text("How flat it is")
    page.go_back()
    expect(title).to_have_text("Check yourself")
    page.go_back()
    page.go_back()
    expect(title).to_have_text("A row of weights")
    page.go_forward()
    expect(title).to_have_text("How flat it is")
    lessons.locator(".line a").nth(2).click()
    expect(lessons.locator(".line [aria-current=step]")).to_have_attribute("aria-label", "Step 3: Check yourself")
    assert kept(page)["lessons"]["01-first"]["seen"] == ["row", "flat", "check"]
    assert harness.messages(page) == []
    lessons.locator(".next").click()
    assert harness.messages(page) == [["place", {"lesson": "02-second", "text": "", "article": False}]]
    expect(title).to_have_text("Check yourself")
    sent(page, LESSONS[1])
    expect(title).to_have_text("One head")


def test_keys_that_belong_to_somebody_else_are_left_alone(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    title = lessons.locator(".step h2")
    lessons.get_by_label("Your sentence").focus()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("A row of weights")
    lessons.get_by_role("button", name="Show it without a guess").click()
    lessons.locator(".sentence .token[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("A row of weights")
    lessons.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text("A row of weights")


def test_a_result_is_covered_until_it_was_guessed_and_nothing_moves(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    weights = lessons.locator(".sentence .token").first
    expect(guessed(page).get_by_role("button", name="cat")).to_be_visible()
    expect(weights).to_be_hidden()
    expect(lessons.locator(".arithmetic")).to_be_hidden()
    expect(lessons.locator(".inputs input").first).to_be_visible()
    expect(lessons.locator(".plain-sentence .pinned")).to_have_text("sat")
    # What comes after the pinned token is masked, and cannot be guessed.
    expect(guessed(page).locator(".options button")).to_have_text(["the", "cat", "sat"])
    # The words before the guess lead to it, those after it explain the result.
    expect(lessons.get_by_text("Each token looks at others.")).to_be_visible()
    expect(lessons.get_by_text("Take another seed.")).to_be_hidden()
    before = boxes(lessons)
    guessed(page).get_by_role("button", name="cat").click()
    expect(weights).to_be_visible()
    expect(lessons.get_by_text("Take another seed.")).to_be_visible()
    expect(lessons.locator(".arithmetic")).to_be_visible()
    assert boxes(lessons) == before
    own = kept(page)["lessons"]["01-first"]["guesses"]["row"]
    assert own["said"] == "cat"
    right = own["truth"] == "cat"
    words = "✓ Right: you said “cat”" if right else "✗ Not so: you said “cat”; it is"
    expect(said(page, ".said")).to_contain_text(words)
    weight = page.evaluate("""async () => {
        const { storeOf } = await import("/app/static/store.js?v=test");
        const { head, look } = storeOf("01-first.row").shown();
        return Math.max(...head.row("weights", look.query));
    }""")
    after = f"It takes {float(f'{weight:.3g}'):g} of {own['truth']}; there are 6 tokens."
    expect(said(page, ".after")).to_contain_text(after)
    assert harness.messages(page) == []


def test_on_a_wide_page_the_guess_is_beside_the_words_and_the_truth_beside_the_guess(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 1000})
    lessons = opened(page, "?lesson=01-first")
    guessed(page).get_by_role("button", name="cat").click()
    words, guess, figure = box(lessons, ".step > .prose"), box(lessons, ".guess"), box(lessons, ".figure")
    assert words["x"] + words["width"] <= guess["x"] == figure["x"]
    assert guess["y"] + guess["height"] <= figure["y"]
    options, truth = box(lessons, ".options"), box(lessons, ".verdict:not(.ghost) .said")
    assert options["x"] + options["width"] <= truth["x"]
    assert truth["y"] < options["y"]
    page.set_viewport_size({"width": 390, "height": 844})
    options, truth = box(lessons, ".options"), box(lessons, ".verdict:not(.ghost) .said")
    assert options["y"] + options["height"] <= truth["y"]


def test_the_keyboard_comes_to_what_is_true_and_goes_on_from_there(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    guessed(page).get_by_role("button", name="cat").press("Enter")
    expect(lessons.locator(".verdict:not(.ghost)")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(lessons.locator(".step h2")).to_have_text("How flat it is")


def test_a_guess_stays_when_the_person_comes_back_and_can_be_made_again(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    guessed(page).get_by_role("button", name="the", exact=True).click()
    words = said(page, ".said").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(said(page, ".said")).to_have_text(words)
    opened(page, "?lesson=01-first", again=True)
    expect(said(page, ".said")).to_have_text(words)
    expect(guessed(page).locator("[aria-pressed=true]")).to_have_text("the")
    expect(lessons.locator(".arithmetic")).to_be_visible()
    expect(lessons.get_by_text("Take another seed.")).to_be_visible()
    guessed(page).get_by_role("button", name="Guess again").click()
    expect(lessons.locator(".arithmetic")).to_be_hidden()
    expect(lessons.get_by_text("Take another seed.")).to_be_hidden()
    assert kept(page)["lessons"]["01-first"]["guesses"] == {}
    guessed(page).get_by_role("button", name="Show it without a guess").click()
    expect(said(page, ".said")).to_have_text(re.compile("^It is “"))


def test_what_was_true_stays_beside_what_the_figure_says_now(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first&step=flat")
    guessed(page).get_by_role("slider").fill("0.6")
    guessed(page).get_by_role("button", name="That is my guess").click()
    truth = kept(page)["lessons"]["01-first"]["guesses"]["flat"]["truth"]
    expect(said(page, ".said")).to_contain_text(f"you said 0.6; it is {float(f'{truth:.3g}'):g}.")
    expect(said(page, ".since")).to_be_empty()
    lessons.locator(".inputs input[type=range]").fill("8")
    expect(said(page, ".since")).to_contain_text("as the figure stands now, it is 1.1")
    expect(said(page, ".after")).to_contain_text("The entropy is 1.1 nats.")
    expect(said(page, ".said")).to_contain_text(f"it is {float(f'{truth:.3g}'):g}.")


def test_questions_take_what_people_type_and_say_why(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first&step=check")
    question = lessons.locator(".question").first
    ask = question.locator(".ask")
    expect(ask).to_contain_text("What is twice")
    number = float(ask.inner_text().removeprefix("What is twice ").removesuffix("?"))
    field, check = question.get_by_role("textbox"), question.get_by_role("button", name="Check")
    check.click()
    expect(question.locator(".hint")).to_contain_text("Type a number")
    for typed in (f"{2 * number:g}", f"{4 * number:g}/2", f"{2 * number}".replace(".", ","), f"{200 * number:g} %"):
        field.fill(typed)
        field.press("Enter")
        expect(question.locator(".result"), typed).to_contain_text("✓ Right.")
    field.fill(f"{2.5 * number}")
    check.click()
    expect(question.locator(".result")).to_contain_text("✗ Not yet.")
    expect(question.locator(".why")).to_contain_text(f"Twice {number:g} is {2 * number:g}")
    mark = kept(page)["lessons"]["01-first"]["marks"]["doubled"]
    assert mark == {"seed": 1, "said": f"{2.5 * number}", "right": False, "everRight": True, "tries": 5}
    question.get_by_role("button", name="Another one").click()
    expect(ask).not_to_contain_text(f"twice {number:g}?")
    expect(question.locator(".result")).to_be_empty()
    question.get_by_role("textbox").fill("1")
    check.click()
    question.locator(".shown-in a").click()
    expect(lessons.locator(".step h2")).to_have_text("A row of weights")
    assert harness.messages(page) == []


def test_a_choice_is_marked_and_comes_back(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first&step=check")
    question = lessons.locator(".question").nth(1)
    options = question.locator("label")
    expect(options).to_have_count(3)
    left, right = (int(options.nth(at).inner_text()) for at in (0, 1))
    options.nth(0 if left > right else 1).click()
    question.get_by_role("button", name="Check").click()
    expect(question.locator(".result")).to_contain_text("✓ Right.")
    expect(question.locator(".why")).to_have_text(f"It is {max(left, right)}.")
    opened(page, "?lesson=01-first&step=check", again=True)
    expect(question.locator(".result")).to_contain_text("✓ Right.")
    opened(page, again=True)
    expect(lessons.locator(".lesson").first).to_contain_text("1 of 2 questions right")
    expect(lessons.locator(".begin")).to_contain_text("Go on")
    lessons.get_by_role("button", name="Forget my progress").click()
    assert kept(page) is None
    opened(page, again=True)
    expect(lessons.locator(".begin")).to_contain_text("Start with the first lesson")


def test_the_persons_sentence_is_shown_said_to_the_server_and_kept(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    field = lessons.get_by_label("Your sentence")
    expect(field).to_have_attribute("maxlength", str(MOST_SENTENCE))
    field.fill(SENTENCE)
    field.press("Enter")
    expect(lessons.locator(".plain-sentence .chip")).to_have_text(SENTENCE.split())
    assert harness.messages(page) == [["place", {"lesson": "01-first", "text": SENTENCE, "article": False}]]
    assert place(page)["sentence"] == SENTENCE
    opened(page, "?lesson=01-first", again=True)
    expect(field).to_have_value(SENTENCE)
    assert harness.messages(page) == [["place", {"lesson": "01-first", "text": SENTENCE, "article": False}]]
    lessons.get_by_role("button", name="Clear").click()
    expect(lessons.locator(".plain-sentence .chip")).to_have_text(["the", "cat", "sat", "on", "the", "mat"])
    assert "sentence" not in place(page)


def test_a_figure_that_keeps_its_own_text_says_so(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first", sentence=SENTENCE)
    expect(lessons.locator(".plain-sentence .chip")).to_have_text(SENTENCE.split())
    expect(lessons.locator(".keeps")).to_be_hidden()
    lessons.locator(".next").click()
    expect(lessons.locator(".keeps")).to_be_visible()
    lessons.get_by_role("button", name="Clear").click()
    expect(lessons.locator(".keeps")).to_be_hidden()


def test_a_browser_that_keeps_nothing_can_learn_too(page: Page) -> None:
    harness.empty(page, query="?lesson=01-first")
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full'); }; }")
    lessons = sent(page, LESSONS[0])
    guessed(page).get_by_role("button", name="cat").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(said(page, ".said")).to_contain_text("“cat”")
    expect(lessons.locator(".line .seen")).to_have_count(2)
    page.goto("about:blank")  # what is refused here is refused in no other test


@pytest.mark.parametrize("text", ["not JSON", "3", json.dumps({"version": 0}), json.dumps({"version": 1, "sentence": "", "lessons": {"01-first": {"seen": 3}}})])  # noqa: E501
def test_what_cannot_be_read_is_no_progress(page: Page, text: str) -> None:
    harness.renew(page)
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, text])
    lessons = sent(page, None)
    expect(lessons.locator(".begin")).to_contain_text("Start with the first lesson")


def test_presenting_shows_one_line_at_a_time(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    page.keyboard.press("p")
    assert place(page)["present"] == "1"
    expect(lessons.locator("h1")).to_be_hidden()
    prose = lessons.locator(".step > .prose")
    expect(prose.locator("p").first).to_be_visible()
    expect(prose.locator("li").first).to_be_hidden()
    expect(lessons.locator(".figure")).to_be_visible()
    seen = []
    for _ in range(6):
        page.keyboard.press("PageDown")
        seen.append(lessons.locator(".one-line.now").first.inner_text().split("\n")[0])
    # The guess is one line, and the next key reveals it.
    assert seen[:5] == ["One thing.", "Another thing, with dk.", "Your guess", "Your guess", "Try it"]
    expect(lessons.locator(".step h2")).to_have_text("How flat it is")
    page.keyboard.press("PageUp")
    expect(lessons.locator(".step h2")).to_have_text("A row of weights")
    expect(lessons.locator(".try")).to_be_visible()
    assert page.evaluate("() => document.documentElement.classList.contains('hl-presenting')")
    page.keyboard.press("Escape")
    expect(lessons.locator("h1")).to_be_visible()
    expect(prose.locator("li").first).to_be_visible()
    assert not page.evaluate("() => document.documentElement.classList.contains('hl-presenting')")
    opened(page, "?lesson=01-first&step=flat&present=1", again=True)
    expect(lessons.locator(".lessons-root")).to_have_class(re.compile("presenting"))


def test_one_presents_all_of_a_figure_beside_the_words(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    lessons = opened(page, "?lesson=01-first&present=1")
    guessed(page).evaluate("(one) => one.querySelector('.before button').click()")
    words, figure = box(lessons, ".one-line.now"), box(lessons, ".figure")
    assert words["x"] + words["width"] <= figure["x"]
    assert figure["y"] + figure["height"] <= box(lessons, ".foot")["y"]
    inside = lessons.locator(".figure").evaluate("(one) => one.scrollHeight - one.clientHeight")
    assert inside <= 0


def test_the_article_mounts_what_is_near_and_prints_everything(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 500})
    harness.renew(page, query="?article=1")
    lessons = sent(page, None, article=True)
    bring(page, LESSONS[1])
    ready = "() => [...deep('.figure')].map((one) => one.querySelector('.figure-foot').childElementCount > 0)"
    assert not all(page.evaluate(ready))
    expect(lessons.locator(".guess .options").first).to_be_hidden()
    page.evaluate("() => { globalThis.prints = []; globalThis.print = () => prints.push(1); }")
    lessons.get_by_role("button", name="Print").click()
    page.wait_for_function("() => prints.length === 1")
    assert all(page.evaluate(ready))
    expect(said(page, ".said").first).to_contain_text("It is “")
    expect(lessons.locator(".question")).to_have_count(2)
    expect(lessons.locator(".answers li").first).to_contain_text("Twice")
    expect(lessons.locator(".sources li a")).to_have_text(["https://example.org/paper", "https://example.org/other"])
    expect(lessons.locator(".sources li").first).to_contain_text("An author 2020. A title: https://example.org/paper")
    expect(lessons.locator(".source")).to_have_text(["[1]", "[1]", "[2]"])
    lessons.get_by_role("navigation").get_by_role("link", name="One head").click()
    expect(lessons.locator("h3").filter(has_text="One head")).to_be_focused()


def test_what_is_printed_from_a_dark_page_is_drawn_on_light_paper(page: Page) -> None:
    lessons = opened(page, "?article=1", dark=True)
    bring(page, LESSONS[1])
    page.evaluate("""() => {
        globalThis.papers = [];
        globalThis.print = () => papers.push(document.documentElement.dataset.headlight);
    }""")
    lessons.get_by_role("button", name="Print").click()
    page.wait_for_function("() => papers.length === 1")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.wait_for_function("() => document.documentElement.dataset.headlight === 'dark'")
    assert page.evaluate("() => papers") == ["light"]


def test_a_models_head_waits_for_its_run_and_knows_its_facts(page: Page) -> None:
    lessons = opened(page, "?lesson=02-second")
    expect(lessons.locator(".run-status")).to_contain_text("The model is being run")
    guessed(page).get_by_role("button", name="Show it without a guess").click()
    expect(guessed(page).locator(".not-yet")).to_contain_text("as soon as the figure knows")
    bring(page, LESSONS[1])
    expect(lessons.locator(".run-status")).to_be_hidden()
    expect(guessed(page).locator(".options button")).to_have_text(["the", "cat", "sat", "on"])
    # What was asked for before comes as soon as it is known.
    head = attention.trace("local", "the cat sat on the mat").head(0, 1)
    best = ["the", "cat", "sat", "on", "the", "mat"][int(head.weights[3].argmax())]
    expect(said(page, ".after")).to_have_text(f"It is {best}.")
    expect(lessons.locator(".hl-panel")).to_have_count(3)
    expect(lessons.locator(".sentence .token.pinned")).to_have_text("on")
    expect(lessons.locator(".run-check .good")).to_be_visible()
    link = lessons.get_by_role("link", name="Open in the inspector")
    link.focus()
    address = link.get_attribute("href") or ""
    assert address.startswith("/?")
    assert {"head=1", "model=local", "query=3"} <= set(address.removeprefix("/?").split("&"))
    # It leads to what the figure shows, not to what it showed at first.
    lessons.locator(".sentence .token").nth(2).click()
    lessons.get_by_text("‖a·f(x)‖", exact=True).first.click()
    link.focus()
    address = link.get_attribute("href") or ""
    assert {"head=1", "query=2", "weights=norms"} <= set(address.removeprefix("/?").split("&"))


def test_a_problem_takes_the_figures_place(page: Page) -> None:
    lessons = opened(page, "?lesson=02-second")
    harness.add(page, "runs", told.runs([{"store": "02-second.start", "problem": "This model is not here."}]))
    expect(lessons.locator(".run-status")).to_have_text("This model is not here.")


@pytest.mark.parametrize("query", ["?lesson=01-first&step=flat", "?lesson=02-second"])
def test_a_figure_can_be_saved_as_it_is(page: Page, query: str) -> None:
    lessons = opened(page, query)
    bring(page, LESSONS[1])
    guessed(page).get_by_role("button", name="Show it without a guess").click()
    with page.expect_download() as coming:
        lessons.get_by_role("button", name="SVG").click()
    svg = content(coming.value).decode()
    assert not re.search(r"[\"' :]var\(", svg), re.findall(r".{40}var\(.{20}", svg)
    assert "Source Sans 3" in svg
    assert "<desc" in svg
    with page.expect_download() as coming:
        lessons.get_by_role("button", name="PNG").click()
    assert content(coming.value).startswith(b"\x89PNG")
    assert coming.value.suggested_filename.startswith("headlight-0")


def content(download: Download) -> bytes:
    return download.path().read_bytes()


def test_words_of_a_lesson_are_text_and_links_lead_where_they_say(page: Page) -> None:
    lessons = opened(page, "?lesson=01-first")
    assert lessons.locator(".prose a").first.get_attribute("href") == "/learn?lesson=02-second&step=start"
    outside = lessons.locator(".prose a").nth(1)
    assert outside.get_attribute("rel") == "noopener noreferrer"
    nodes = page.evaluate("""async () => {
        const { elements } = await import("/app/static/lesson/tree.js?v=test");
        const tree = [["script", {}, ["alert(1)"]], ["a", { href: "javascript:alert(1)" }, ["x"]],
            ["p", { class: "x", onclick: "alert(1)", style: "color: red" }, ["<b>{n}</b>"]]];
        return elements(tree, { facts: { n: "<i>" } }).map((node) => node.outerHTML);
    }""")
    assert nodes == ["<span>alert(1)</span>", "<span>x</span>", '<p class="x">&lt;b&gt;&lt;i&gt;&lt;/b&gt;</p>']


@pytest.mark.parametrize(
    ("typed", "answer", "holds"),
    [
        ("0.5", 0.5, True), (".5", 0.5, True), ("0,5", 0.5, True), ("1/2", 0.5, True), ("50%", 0.5, True),
        ("50 %", 50, True), ("1,050,624", 1050624, True), ("1 050 624", 1050624, True), ("1,024", 1024, True),
        ("1,024", 1.024, True), ("1e6", 1e6, True), ("4·10^6", 4e6, True), ("4 × 10⁶", 4e6, True), ("−2", -2, True),
        ("0", 0, True), ("2/0", 0, False), ("0.52", 0.5, False), ("half", 0.5, False), ("", 0, False),
        ("1.2.3", 1.2, False), ("Infinity", 1, False),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_type_them(window: Page, typed: str, answer: float, holds: bool) -> None:
    script = """async ([typed, answer]) => {
        const { holds, readings } = await import("/app/static/lesson/typed.js?v=test");
        return readings(typed).some((value) => holds(value, answer));
    }"""
    assert window.evaluate(script, [typed, answer]) == holds


@pytest.mark.parametrize(
    "query", ["", "?lesson=01-first", "?lesson=01-first&step=check", "?lesson=02-second", "?article=1"]
)
def test_a_phone_shows_all_of_it_and_axe_finds_no_fault(page: Page, query: str) -> None:
    for dark, width in ((False, 390), (True, 1280)):
        page.set_viewport_size({"width": width, "height": 800})
        lessons = opened(page, query, dark=dark)
        if "02-second" in query or "article" in query:
            bring(page, LESSONS[1])
        expect(lessons.locator("h1")).to_be_visible()
        page.wait_for_timeout(100)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(TARGETS, [24, "[data-none]"]) == []
        assert [fault for fault in faults(page) if not fault.startswith(NO_LANDMARKS)] == []


def test_in_the_app_a_lesson_comes_with_its_runs_and_leaves_the_inspect_page_alone(
    app_url: str, open_page: Callable[..., Page], settle: Callable[[Page], None], console_errors: list[str]
) -> None:
    lessons = folder.read(folder.OURS)[0]
    own = [(lesson, step) for lesson in lessons for step in lesson.steps if step.figure and told.needs_run(step.figure)]
    lesson, step = own[0]
    page = open_page(f"{app_url}/learn", size=(1280, 720))
    page.locator(".begin").click(timeout=SECONDS)
    expect(page.locator(".lesson-page h1")).to_have_text(lessons[0].title, timeout=SECONDS)
    page.goto(f"{app_url}/learn?lesson={lesson.name}&step={step.anchor}&present=1")
    expect(page.locator(".parts:not(.waiting)")).to_be_visible(timeout=SECONDS)
    settle(page)
    covers = "() => [[5, 5], [640, 30], [1270, 710]].every(([x, y]) => document.elementFromPoint(x, y).shadowRoot)"
    assert page.evaluate(covers), "who presents sees nothing but the lesson"
    page.keyboard.press("Escape")
    page.locator(".foot .back, .foot .next").last.click()
    page.go_back()
    expect(page.locator(".step h2")).to_have_text(step.title)
    page.get_by_label("Your sentence").fill(SENTENCE)
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("link", name="Inspect", exact=True).click()
    page.locator(".hl-foot").wait_for(timeout=SECONDS)
    assert "lesson" not in page.url
    assert SENTENCE not in page.locator(".sentence .tokens").last.inner_text()
    # Streamlit's own client looks for its server below the page's path first, and takes the root when that fails.
    console_errors[:] = [error for error in console_errors if "404" not in error]
