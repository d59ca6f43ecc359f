"""A field is one row: a made-up one is found wherever fields are listed."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention import table
from attention.browser import store
from attention.errors import InputError
from attention.table import Row, changed, rows
from attention.view import PARAMETERS, View, parse, revised, to_query
from attention.view.parameters import described, parameters

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Wider(View):
    """A view with one field more: this row is all that is said of it."""

    shade: int = table.row(
        3, table.index(), "how dark it is", key="dark",
        is_step=True, by_browser=True, within="run", about_run=True, in_tiles=True,
    )  # fmt: skip


def test_a_made_up_field_is_found_in_every_list() -> None:
    for lists in (table.steps, table.by_browser, table.about_run, table.in_tiles):
        assert set(lists(Wider)) - set(lists(View)) == {"shade"}
    [own] = set(parameters(Wider)) - set(PARAMETERS)
    assert (own.name, own.of, own.help, own.accepts, own.default) == (
        "dark", "shade", "how dark it is", "a whole number from 0", "3",
    )  # fmt: skip
    assert "| `dark` | how dark it is | a whole number from 0 | 3 |" in described(Wider)


def test_it_is_written_read_and_reset() -> None:
    view = Wider(shade=5, layer=2)
    assert to_query(view)["dark"] == "5"
    assert "dark" not in to_query(Wider())
    assert revised(view, {"shade": "7", "dark": "8"}).shade == 7  # type: ignore[attr-defined]
    assert revised(view, {"shade": ""}).shade == 3  # type: ignore[attr-defined]
    for change in ({"text": "Another."}, {"kind": "cross"}, {"chat": True}):
        assert changed(view, **change).shade == 3
    assert changed(view, layer=1).shade == 5
    assert changed(view, text="Another.", shade=9).shade == 9
    with pytest.raises(InputError, match="A wider's shade must be a whole number from 0"):
        Wider(shade=-1)


def test_the_resets_are_those_that_they_always_were() -> None:
    within = {
        one: [name for name, row in rows(View).items() if row.within == one] for one in ("run", "kind", "model")
    }  # fmt: skip
    assert within == {
        "run": ["query", "also", "key", "zoom", "target", "distractor"], "kind": ["beside"],
        "model": ["pair", "chat", "settings", "edits", "patch_text", "kind", "layer", "head", "temperature", "hide"],
    }  # fmt: skip
    assert table.steps(View) == (
        "model", "text", "pair", "chat", "settings", "edits", "patch_text", "kind", "layer", "head",
    )
    assert set(rows(View)) - set(table.by_browser(View)) == {
        "model", "text", "pair", "chat", "settings", "kind", "details", "over", "switched_off", "frozen",
    }  # fmt: skip
    chosen = {"details", "over", "switched_off", "frozen"}
    assert set(store.SHOWN) == {*table.by_browser(View), *chosen}


@pytest.mark.parametrize(("name", "row"), rows(View).items())
def test_a_default_is_allowed_and_comes_back(name: str, row: Row) -> None:
    default = table.defaults(View)[name]
    assert row.sort.allows(default)
    assert row.help
    assert row.otherwise
    if written := row.sort.write(default):
        assert row.sort.read(written) == default


@given(st.text(max_size=30))
def test_whatever_is_read_is_allowed_and_written_the_same(raw: str) -> None:
    for row in rows(View).values():
        try:
            value = row.sort.settle(row.sort.read(raw))
        except ValueError:
            continue
        assert row.sort.allows(value)
        assert row.sort.read(row.sort.write(value)) == value


def test_the_document_has_the_table() -> None:
    text = (ROOT / "docs" / "links.md").read_text("utf-8")
    assert described(View) in text


@pytest.mark.parametrize(
    "where", ["attention/ui/state.py", "attention/ui/opened.py", "attention/browser/store.py", "static/store.js"]
)
def test_no_list_of_fields_is_kept_by_hand_where_there_once_was_one(where: str) -> None:
    names = "|".join(rows(View))
    several = re.compile(rf'(?:["\'](?:{names})["\'],\s*){{3}}|(?:\bview\.(?:{names}),\s*){{3}}')
    assert not several.search((ROOT / where).read_text("utf-8"))


def test_old_links_mean_the_same_in_any_order() -> None:
    there = {"v": "1", "chat": "1", "model": "storyteller", "layer": "2", "text": "Hi."}
    assert parse(there)[0] == View(model="storyteller", text="Hi.", layer=2, chat=True)
