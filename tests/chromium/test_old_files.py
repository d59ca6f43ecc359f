"""The page in one file that an earlier version wrote opens as it did, with the numbers of its run."""

from playwright.sync_api import Page

from tests.chromium.test_interactive import check_numbers
from tests.golden.cases import CASES, DATA, trace_of


def test_the_file_of_an_earlier_version_shows_its_numbers(page: Page) -> None:
    page.goto((DATA / "run.html").as_uri())
    kind, layer, head = CASES[0].heads[0]
    check_numbers(page, trace_of(CASES[0]), layer, head, kind)
