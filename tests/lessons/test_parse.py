"""Lessons' files: what is read of them, and each fault at its line."""

import pytest

from attention.lessons.parse import parse
from attention.lessons.records import Figure, Guess, Prose, Question, Try

HEAD = "---\ntitle: Scores\nabout: what they are\nminutes: 7\n---\n"
WHOLE = HEAD + """
## A score {#dot}

A **score** of q_i and k_j.

```figure head
layer: 2
pin: it
show: sentence figures
```

```guess
ask: Which token?
  Of all?
options: tokens
answer: most
after: It is {most}, with {most_weight}.
```

```try
Pin *another*.
```

## Check yourself {#check}

```question sqrt_d
covers: 12 13
step: dot
ask: How large, for {d}?
options: small | large
why: It is {answer}.
```
"""


def test_everything_is_read_in_its_order() -> None:
    lesson, problems = parse(WHOLE, "03-scores")
    assert problems == ()
    assert (lesson.name, lesson.title, lesson.about, lesson.minutes) == ("03-scores", "Scores", "what they are", 7)
    first, second = lesson.steps
    assert (first.anchor, first.title, first.line) == ("dot", "A score", 7)
    assert [type(block) for block in first.blocks] == [Prose, Figure, Guess, Try]
    assert first.figure is not None
    assert first.guess is not None
    assert first.figure.settings["layer"] == 2
    assert first.figure.settings["show"] == ("sentence", "figures")
    assert first.figure.settings["model"] == "storyteller", "what is not said is the default"
    assert first.guess.ask == "Which token? Of all?", "a line that begins with two spaces goes on"
    assert first.guess.options == ("tokens",)
    (question,) = second.questions
    assert question == Question(
        line=31, name="sqrt_d", covers=(12, 13), step=("03-scores", "dot"), ask="How large, for {d}?",
        why="It is {answer}.", options=("small", "large"), step_line=33,
    )  # fmt: skip


def test_a_number_is_guessed_between_two_others() -> None:
    text = WHOLE.replace("options: tokens", "number: -2 2.5").replace("answer: most", "answer: entropy")
    lesson, problems = parse(text, "x")
    assert problems == ()
    guess = lesson.steps[0].guess
    assert guess is not None
    assert (guess.low, guess.high, guess.options) == (-2.0, 2.5, ())


def test_a_fence_of_another_sort_is_prose_whatever_it_holds() -> None:
    inner = "````\n```figure nonsense\n## no step {#x}\n```\n````\n"
    lesson, problems = parse(HEAD + "\n## One {#one}\n\n" + inner, "x")
    assert problems == ()
    (prose,) = lesson.steps[0].blocks
    assert isinstance(prose, Prose)
    assert prose.tree == (("pre", {}, (("code", {}, ("```figure nonsense\n## no step {#x}\n```",)),)),)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("title: Scores\n", "", 1, "lacks title"),
        ("minutes: 7", "minutes: soon", 4, "a whole number from 1 to 60"),
        ("about: what they are", "abuot: x", 3, "abuot"),
        ("{#dot}", "", 7, "## title {#anchor}"),
        ("{#check}", "{#dot}", 29, "stands twice"),
        ("figure head", "figure hat", 11, "There is no figure 'hat'"),
        ("layer: 2", "layr: 2", 12, "no setting 'layr'"),
        ("layer: 2", "layer: two", 12, "a whole number from 0"),
        ("layer: 2", "what is this", 12, "key: value"),
        ("show: sentence figures", "show: sentence everything", 14, "some of sentence"),
        ("answer: most", "answer: least", 17, "no fact 'least'"),
        ("{most_weight}", "{heaviest}", 17, "no fact 'heaviest'"),
        ("options: tokens", "options: tokens\nnumber: 0 1", 17, "either options, or number"),
        ("options: tokens", "number: 3 1", 17, "the lowest and the highest"),
        ("ask: Which token?\n  Of all?\n", "", 17, "lacks ask"),
        ("Pin *another*.", "![a picture](https://example.org/x.png)", 26, "may not hold a picture"),
        ("Pin *another*.", "[a link](javascript:alert%281%29)", 26, "may lead to"),
        ("Pin *another*.", "[a link](file:///etc/passwd)", 26, "may lead to"),
        ("question sqrt_d", "question Sqrt-D", 31, "the name of its computation"),
        ("covers: 12 13", "covers: 61", 31, "numbers from 1 to 60"),
        ("step: dot\n", "", 31, "lacks step"),
        ("step: dot\n", "step: dot\nhint: none\n", 31, "'hint'"),
        ("why: It is {answer}.\n```\n", "why: It is {answer}.\n", 31, "has no end"),
    ],
)
def test_each_fault_is_told_at_its_line(old: str, new: str, line: int, words: str) -> None:
    assert WHOLE.count(old) == 1
    _, problems = parse(WHOLE.replace(old, new), "x")
    assert any(problem.line == line and words in problem.words for problem in problems), problems
    assert all(str(problem).startswith("x.md:") for problem in problems)


@pytest.mark.parametrize("text", ["", "\n", "no head\n## One {#one}\n", "---\n", HEAD, HEAD + "words\n## One {#one}\n"])
def test_what_is_no_lesson_says_so(text: str) -> None:
    _, problems = parse(text, "x")
    assert problems


def test_a_guess_needs_a_figure() -> None:
    _, problems = parse(HEAD + "\n## One {#one}\n```guess\nask: a\nanswer: b\noptions: c | d\n```\n", "x")
    assert [problem.words for problem in problems] == ["A guess needs a figure in its step, which shows what is true."]


def test_a_step_has_one_figure() -> None:
    _, problems = parse(WHOLE.replace("```try\nPin *another*.", "```figure head"), "x")
    assert any("A step has one figure" in problem.words for problem in problems)
