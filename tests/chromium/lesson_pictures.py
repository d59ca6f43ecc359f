"""Pictures of lessons as the browser shows them, without Streamlit, for who writes them:

    python -m tests.chromium.lesson_pictures FOLDER [LESSON …]

writes FOLDER/LESSON-STEP-light.png, -dark.png, -phone.png, and -covered.png before a guess; without names, of all
lessons. It says what went wrong on the page, and exits with 1 where something did.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import attention
from attention.browser import lessons as told
from attention.lessons import folder
from attention.lessons.records import Lesson
from attention.lessons.state import view_of
from attention.ui.lesson import change_of
from tests.chromium import harness
from tests.chromium.axe import faults
from tests.chromium.test_accessibility import DEEP, TARGETS
from tools import chromium

SIZES = {"light": (1440, 1000, False), "dark": (1280, 720, True), "phone": (390, 844, False)}
SHOW = "Show it without a guess"
WAIT_MS = 400
# The page has none of Streamlit's landmarks.
NO_LANDMARKS = ("region:", "landmark-one-main:")


def main(target: Path, names: list[str]) -> int:
    """Take the pictures; the number of errors on the pages."""
    lessons, problems = folder.read(folder.OURS)
    errors = [str(problem) for problem in problems]
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium.find(), args=list(chromium.FLAGS))
        page = browser.new_page()
        page.add_init_script(DEEP)
        page.on("pageerror", lambda error: errors.append(str(error)))
        for lesson in lessons:
            if not names or lesson.name in names:
                errors += pictures(page, lessons, lesson, target)
    print("\n".join(errors) or "No error.")
    return len(errors)


def pictures(page: Page, lessons: tuple[Lesson, ...], lesson: Lesson, target: Path) -> list[str]:
    """Those of one lesson; what figures say that cannot be shown."""
    said: list[str] = []
    for step in lesson.steps:
        for name, (width, height, dark) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            harness.empty(page, dark=dark, query=f"?lesson={lesson.name}&step={step.anchor}")
            page.evaluate("() => localStorage.clear()")
            harness.add(page, "lesson", told.payload(lessons, (lesson,)), width=1440)
            bring(page, lesson, lessons)
            page.wait_for_timeout(WAIT_MS)
            where = target / f"{lesson.name}-{step.anchor}"
            if (show := page.get_by_role("button", name=SHOW)).count() and show.is_visible():
                if name == "light":
                    page.screenshot(path=f"{where}-covered.png", full_page=True)
                show.click()
                page.wait_for_timeout(WAIT_MS)
            page.screenshot(path=f"{where}-{name}.png", full_page=True)
            found_by_axe = [fault for fault in faults(page) if not fault.startswith(NO_LANDMARKS)]
            small = page.evaluate(TARGETS, [24, "[data-none]"])
            said += [f"{where.name} ({name}): {fault}" for fault in (*found_by_axe, *map(str, small))]
            wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            found = page.locator("#hl-lesson .problem").all_inner_texts()
            said += [f"{where.name} ({name}): {words}" for words in found if words]
            said += [f"{where.name} ({name}): {wide} px wider than the page"] if wide > 0 else []
    return said


def bring(page: Page, lesson: Lesson, lessons: tuple[Lesson, ...] = ()) -> None:
    """The runs of a lesson's figures, as the server brings them."""
    groups = []
    for store, figure in told.figures((lesson,), lessons).items():
        view = view_of(figure)
        trace = attention.trace(view.model, view.text, view.pair or None, edits=view.edits)
        head = trace.head(view.layer, view.head, view.kind or None)
        query = told.pinned(head, figure, view)
        _, change = change_of(figure, "", view, head, query)
        group = told.group(head, view, query, show=figure.settings["show"], change=change)
        groups.append({"store": store} | group)
    harness.add(page, "runs", told.runs(groups))


if __name__ == "__main__":
    sys.exit(min(1, main(Path(sys.argv[1]), sys.argv[2:])))
