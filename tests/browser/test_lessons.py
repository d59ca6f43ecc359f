"""Lessons as they travel."""

from typing import Any

import pytest

import attention
from attention.browser import codec, lessons, parts
from attention.lessons.changes import ablations
from attention.lessons.kinds import SHOWN
from attention.lessons.parse import parse
from attention.lessons.records import Lesson
from attention.lessons.state import view_of
from attention.view import View
from tests.lessons.test_parse import WHOLE


def made(text: str = WHOLE, name: str = "03-scores") -> Lesson:
    lesson, problems = parse(text, name)
    assert problems == ()
    return lesson


def told(*chosen: Lesson, **more: Any) -> Any:
    return codec.parse(lessons.payload((made(), made(name="04-next")), chosen, **more))


def test_the_list_of_lessons_says_how_long_they_are_and_what_they_ask() -> None:
    tree = told()
    assert [one["name"] for one in tree["contents"]] == ["03-scores", "04-next"]
    assert tree["contents"][0]["steps"] == [
        {"anchor": "dot", "title": "A score", "questions": []},
        {"anchor": "check", "title": "Check yourself", "questions": ["sqrt_d"]},
    ]
    assert tree["lesson"] is None
    assert tree["lessons"] == []


def test_a_lesson_travels_block_by_block() -> None:
    tree = told(made())
    blocks = tree["lesson"]["steps"][0]["blocks"]
    assert [block["type"] for block in blocks] == ["prose", "figure", "guess", "try"]
    assert blocks[0]["tree"] == [["p", {}, ["A ", ["strong", {}, ["score"]], " of ", "q", ["sub", {}, ["i"]], " and ", "k", ["sub", {}, ["j"]], "."]]]  # noqa: E501
    assert blocks[1]["store"] == "03-scores.dot"
    assert blocks[1]["needs_run"]
    assert blocks[1]["settings"] == {"own": False, "pin": "it", "show": ["sentence", "figures"]}
    (question,) = tree["lesson"]["steps"][1]["blocks"]
    assert question["covers"] == [12, 13]
    assert question["step"] == ["03-scores", "dot"]
    assert set(tree["styles"]) == set(SHOWN)


def test_the_way_into_the_inspector_is_the_figures_own_state() -> None:
    figure = told(made())["lesson"]["steps"][0]["blocks"][1]
    assert "layer=2" in figure["inspect"]
    theirs = made(WHOLE.replace("layer: 2", "own: yes"))
    figure = told(theirs, sentence="A word of mine.")["lesson"]["steps"][0]["blocks"][1]
    assert "text=A+word+of+mine." in figure["inspect"]
    assert figure["takes"]


CHANGED = """---
title: One
about: a row
minutes: 1
---

## A row {#row}

```figure change
text: the cat sat
own: yes
each: off-0.1 | off-0.1-q2 | temper-0.2-t2
```
"""


def test_each_change_of_a_figure_has_its_own_way_into_the_inspector() -> None:
    figure = told(made(CHANGED))["lesson"]["steps"][0]["blocks"][0]
    assert figure["settings"]["each"] == ["off-0.1", "off-0.1-q2", "temper-0.2-t2"]
    assert ["edits=off-0.1-q2" in way for way in figure["settings"]["inspects"]] == [False, True, False]
    assert "edits" not in figure["inspect"]


def test_changes_that_name_tokens_are_not_offered_for_a_persons_own_sentence() -> None:
    figure = told(made(CHANGED), sentence="A word of mine.")["lesson"]["steps"][0]["blocks"][0]
    assert figure["settings"]["each"] == ["off-0.1", "temper-0.2-t2"]
    assert all("text=A+word+of+mine." in way for way in figure["settings"]["inspects"])


def test_losses_come_back_by_layer_and_head() -> None:
    each: list[object] = [*ablations(2, 3)]
    tree = lessons.ablations(range(len(each)), 2, 3)
    assert tree["base"] == 0
    assert tree["one"][1][2] == each.index({(1, 2)})
    assert tree["others"][1][0] == each.index({(1, 1), (1, 2)})
    assert tree["whole"] == [each.index({(layer, 0), (layer, 1), (layer, 2)}) for layer in (0, 1)]


LOCAL = """---
title: One
about: a row
minutes: 1
---

## A row {#row}

```figure local
text: the cat sat
```
"""


def test_figures_that_are_made_in_the_browser_are_given_their_panels() -> None:
    assert told(made())["panels"] == {}
    (local,) = told(made(LOCAL, "05-row"))["panels"].values()
    view = View(model="local", text="the cat sat")
    theirs = codec.parse(parts.panels(attention.trace(view.model, view.text).head(0, 0), view))
    assert local.keys() == theirs.keys()
    assert {name: frame.keys() for name, frame in local["frames"].items()} == {
        name: frame.keys() for name, frame in theirs["frames"].items()
    }
    assert local["labels"] == theirs["labels"]


def test_an_article_holds_all_that_were_chosen() -> None:
    tree = told(made(), made(name="04-next"), article=True)
    assert tree["lesson"] is None
    assert [one["name"] for one in tree["lessons"]] == ["03-scores", "04-next"]


@pytest.mark.parametrize("all_heads", [False, True])
def test_a_group_is_what_a_store_needs(all_heads: bool) -> None:
    ((store, figure),) = lessons.figures([made()]).items()
    assert store == "03-scores.dot"
    view = view_of(figure)
    head_view = attention.trace(view.model, view.text).head(2, 0)
    query = lessons.pinned(head_view, figure, view)
    assert head_view.query_tokens[query].text == "it"
    made_of = lessons.group(head_view, view, query, show=SHOWN if all_heads else SHOWN[:2])
    (one,) = codec.parse(lessons.runs([{"store": store} | made_of]))["groups"]
    assert one["look"]["look"]["query"] == query
    assert [layer["layer"] for layer in one["run"]["layers"]] == ([0, 1, 2, 3] if all_heads else [2])
    assert one["look"]["run"] == one["run"]["id"]
    assert one["look"]["address"] is None, "a figure's look is no page's address"
    assert one["panels"]["frames"]
    assert one["facts"]["holds"] is True
    if not all_heads:
        assert one["overview"] is one["rotary"] is None
        return
    assert [own["value"] for own in one["overview"]["measures"] if not own["why"]] == ["weights"]
    assert one["overview"]["counts"] == one["run"]["grid"]["counts"]
    assert one["rotary"]["run"] == one["run"]["id"]
