"""A figure's state as a view."""

from attention.lessons.parse import parse
from attention.lessons.records import Figure
from attention.lessons.state import takes, view_of
from tests.lessons.test_parse import HEAD


def figure(lines: str) -> Figure:
    lesson, problems = parse(f"{HEAD}\n## One {{#one}}\n```figure head\n{lines}\n```\n", "x")
    assert problems == ()
    made = lesson.steps[0].figure
    assert made is not None
    return made


def test_the_keys_are_those_of_a_link() -> None:
    view = view_of(figure("model: cloze\ntext: A b.\nlayer: 1\nlens: rollout\nquery: 3"))
    assert (view.model, view.text, view.layer, view.details, view.query) == ("cloze", "A b.", 1, "rollout", 3)


def test_the_persons_sentence_takes_the_place_of_a_text_that_may_be_theirs() -> None:
    theirs = figure("text: A b.\nown: yes\nquery: 1\nlayer: 2")
    assert takes(theirs, "Mine.")
    view = view_of(theirs, "Mine.")
    assert (view.text, view.query, view.layer) == ("Mine.", None, 2)
    assert view_of(theirs, "  ").text == "A b."
    assert view_of(figure("text: A b."), "Mine.").text == "A b."
