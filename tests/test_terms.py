"""The page's terms: what their file may hold, the browser's list that is made of it, and the lessons they lead to."""

import re
from pathlib import Path

import pytest

from attention import terms
from attention.assets import ASSETS, STATIC
from attention.catalogue import read
from attention.errors import InputError
from attention.terms import Term, module

GOOD = {"key": "scores", "title": "q·k", "says": "A dot product.", "lesson": "03-scores#dot"}
ANCHOR = re.compile(r"^## .*\{#([a-z0-9-]+)\}\s*$", re.MULTILINE)
# The lessons by their files' names, which stay.
LESSONS = (
    "01-why", "02-vectors", "03-scores", "04-softmax", "05-values", "06-masks", "07-heads", "08-output", "09-positions",
    "10-cost", "11-building", "12-testing", "13-interview", "14-stack",
    "15-minute", "16-induction",
)  # fmt: skip


def steps(folder: Path) -> dict[str, set[str]]:
    """The steps of each lesson of a folder, by its name."""
    return {path.stem: set(ANCHOR.findall(path.read_text("utf-8"))) for path in folder.glob("[0-9]*.md")}


def led_nowhere(found: tuple[Term, ...], there: dict[str, set[str]]) -> list[str]:
    """The keys of terms whose lesson is none, or has no such step."""
    return [
        term.key for term in found
        if term.place[0] not in LESSONS or term.place[1] not in {"", *there.get(term.place[0], {term.place[1]})}
    ]  # fmt: skip


def test_the_browsers_list_is_made_of_the_file() -> None:
    assert (STATIC / "terms" / "list.js").read_text("utf-8") == module(), "run: python -m tools.terms"
    assert module().count('"says": ') == len(terms.terms()) > 60


def test_every_term_leads_to_a_lesson_and_a_step_that_are_there() -> None:
    assert led_nowhere(terms.terms(), steps(ASSETS / "lessons")) == []


@pytest.mark.parametrize("lesson", ["15-more", "03-scores#none", "03-score"])
def test_a_term_that_leads_nowhere_is_found(lesson: str, tmp_path: Path) -> None:
    (tmp_path / "03-scores.md").write_text("---\ntitle: Scores\n---\n\n## A dot product {#dot}\n\ntext\n", "utf-8")
    there = steps(tmp_path)
    assert there == {"03-scores": {"dot"}}
    assert led_nowhere((Term(**GOOD),), there) == []
    assert led_nowhere((Term(**GOOD | {"lesson": lesson}),), there) == ["scores"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"key": "Scores"}, "small letters"), ({"key": "a.b.c"}, "one or two parts"),
        ({"lesson": "scores"}, "03-scores#dot"), ({"lesson": "03-scores#"}, "03-scores#dot"),
        ({"says": "A dot product"}, "ends with a full stop"),
        ({"says": "A dot product. It is large."}, "one sentence"), ({"says": f"{'a' * 200}."}, "at most 160"),
    ],
)  # fmt: skip
def test_what_is_no_term_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Term(**GOOD | wrong)


def test_a_term_twice_or_a_key_unknown_is_refused(tmp_path: Path) -> None:
    entry = "[[term]]\n" + "".join(f'{name} = "{value}"\n' for name, value in GOOD.items())
    path = tmp_path / "terms.toml"
    path.write_text(entry + entry, "utf-8")
    with pytest.raises(InputError, match="more than once"):
        read(path, "term", Term, key="key")
    path.write_text(entry + 'colour = "red"\n', "utf-8")
    with pytest.raises(InputError, match="unknown keys"):
        read(path, "term", Term, key="key")


def test_a_step_is_told_apart_from_its_lesson() -> None:
    assert Term(**GOOD).place == ("03-scores", "dot")
    assert Term(**GOOD | {"lesson": "03-scores"}).place == ("03-scores", "")
