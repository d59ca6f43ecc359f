"""The example notebook, run from first to last cell offline, and its outputs as a person opens them again.

Outputs that may run scripts are interactive with the network cut; those from which scripts and frames were taken out,
as a notebook that is not trusted has them, still show the picture and a table.
"""

import html.parser
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "notebooks" / "look_at_a_head.ipynb"
SHOWN = 4
# What JupyterLab's sanitizer lets through of what stands in our outputs.
ALLOWED = {"div": (), "p": (), "table": (), "caption": (), "tr": (), "th": (), "td": (), "img": ("alt", "src", "style")}
DROPPED = ("script", "style", "iframe")


class Sanitized(html.parser.HTMLParser):
    """The markup without scripts, frames, and attributes that are not plainly harmless."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.made, self.inside = "", ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self.inside = tag
        elif tag in ALLOWED and not self.inside:
            kept = "".join(f' {name}="{html.escape(value or "")}"' for name, value in attrs if name in ALLOWED[tag])
            self.made += f"<{tag}{kept}>"

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""
        elif tag in ALLOWED and not self.inside:
            self.made += f"</{tag}>"

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.made += html.escape(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook with the outputs of a fresh run in an empty folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook's own machinery
        from nbclient import NotebookClient

        notebook = nbformat.read(NOTEBOOK, as_version=4)
        folder = tmp_path_factory.mktemp("notebook")
        before = dict(os.environ)
        os.environ |= {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        try:
            NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
        finally:
            os.environ.clear()
            os.environ.update(before)
    notebook.metadata["folder"] = str(folder)
    return notebook


def displays(notebook: nbformat.NotebookNode) -> list[dict[str, str]]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"] for output in outputs if "data" in output]


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs if output["output_type"] == "stream")


def opened(browser: Browser, folder: Path, body: str, *, scripts: bool = True) -> Iterator[Page]:
    path = folder / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>notebook</title>{body}", encoding="utf-8")
    context = browser.new_context(viewport={"width": 1200, "height": 1200}, java_script_enabled=scripts, offline=True)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith(("file:", "data:", "about:")) else wrong.append(one.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert not wrong


def test_no_output_is_kept_in_the_repository() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_it_runs_and_shows_what_it_says(run: nbformat.NotebookNode) -> None:
    shown = displays(run)
    assert len(shown) == SHOWN
    assert shown[0]["text/plain"] == "<Trace of 'storyteller': 12 tokens, decoder 4 × 6 heads>"
    assert all({"text/plain", "text/html"} <= set(data) for data in shown)
    assert printed(run).count("True") == 2
    assert {"cat.html", "head.svg", "cat.npz"} <= {path.name for path in Path(run.metadata["folder"]).iterdir()}


def test_an_output_is_interactive_without_network(run: nbformat.NotebookNode, browser: Browser, tmp_path: Path) -> None:
    for page in opened(browser, tmp_path, displays(run)[1]["text/html"]):
        frame = page.frame_locator("iframe")
        expect(frame.locator("#hl-heads h2")).to_have_text("Layer 1, head 2")
        expect(page.locator("img")).to_be_hidden()
        assert page.locator("iframe").bounding_box()["height"] > 900
        frame.get_by_role("button", name="Next head (→)").click()
        expect(frame.locator("#hl-heads h2")).to_have_text("Layer 1, head 3")
        frame.locator("#hl-sentence .token").nth(2).hover()
        expect(frame.locator("#hl-sentence .readout")).to_contain_text("“·cat” gets 0.")
        expect(frame.locator("#hl-controls .own")).to_contain_text("✓")


def test_every_output_that_is_not_trusted_still_shows_its_picture(
    run: nbformat.NotebookNode, browser: Browser, tmp_path: Path
) -> None:
    outputs = [Sanitized(data["text/html"]).made for data in displays(run)]
    assert not [one for one in outputs if "<script" in one or "<iframe" in one or "srcdoc" in one]
    for page in opened(browser, tmp_path, "".join(outputs), scripts=False):
        for picture in page.locator("img").all():
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] == pytest.approx(183 / 25.4 * 96, abs=1), "two columns of a paper, in CSS pixels"
            assert box["height"] > 200 / 900 * box["width"]
        assert page.locator("img").count() == SHOWN
        expect(page.locator("table").first).to_contain_text("What “tired” takes most of")
