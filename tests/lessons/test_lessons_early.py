"""What lessons 1 to 6 say of the bundled models, held against the models."""

import json
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import attention
from attention.catalogue import find
from attention.lessons.folder import OURS, read
from attention.lessons.records import Figure, Guess, Step, Try
from attention.lessons.state import view_of
from attention.record import HeadView, Token, Trace


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a head: the names of its keys, weights, and weight × length of each value."""

    names: list[str]
    weights: np.ndarray
    taken: np.ndarray

    @property
    def most(self) -> str:
        return self.names[int(self.weights.argmax())]

    @property
    def brings(self) -> str:
        return self.names[int(self.taken.argmax())]

    def of(self, name: str) -> float:
        return float(self.weights[self.names.index(name)])


@cache
def step(name: str, anchor: str) -> Step:
    return next(one for lesson in read(OURS)[0] if lesson.name == name for one in lesson.steps if one.anchor == anchor)


@cache
def traced(model: str, text: str, pair: str = "") -> Trace:
    return attention.trace(model, text, pair or None)


def head_of(name: str, anchor: str) -> HeadView:
    """The head that a step's figure shows."""
    figure = step(name, anchor).figure
    assert figure is not None
    view = view_of(figure)
    return traced(view.model, view.text, view.pair).head(view.layer, view.head, view.kind or None)  # type: ignore[arg-type]


def names(tokens: tuple[Token, ...]) -> list[str]:
    return [token.text.strip() or str(token) for token in tokens]


def row(head: HeadView, query: int | str) -> Row:
    """The row of a token, by its place or its last occurrence."""
    asked = names(head.query_tokens)
    at = query if isinstance(query, int) else max(i for i, one in enumerate(asked) if one == query)
    assert head.value is not None
    lengths = np.linalg.norm(head.value, axis=1)
    return Row(names(head.key_tokens), head.weights[at], head.weights[at] * lengths)


def test_a_rare_name_is_put_together_from_pieces() -> None:
    trace = head_of("01-why", "tokens").trace
    assert len(trace.tokens) == 12
    assert [name for name in names(trace.tokens) if name in ("Qu", "ib", "ble", "ton")] == ["Qu", "ib", "ble", "ton"]
    assert "tailor" not in names(trace.tokens)
    assert trace.model.d_model == 192


def test_the_rows_of_cross_attention_write_the_next_character() -> None:
    head = head_of("01-why", "cross")
    figure = step("01-why", "cross").figure
    assert figure is not None
    asked = names(head.query_tokens)
    pinned = figure.settings["query"]
    # The pinned row is the “0” after the second “-”; what the model writes after it is the “3”.
    assert (asked[pinned - 1], asked[pinned], asked[pinned + 1]) == ("-", "0", "3")
    assert row(head, pinned).most == "3"
    assert row(head, pinned).weights.max() > 0.95
    first = asked.index("-")
    for place in (first, first + 1):
        month = row(head, place)
        assert sum(month.of(letter) for letter in "May") > 0.45
    assert row(head, first + 1).most in "May"


def test_mat_gives_cat_little_in_every_head_of_the_cloze_model() -> None:
    shown = head_of("03-scores", "related")
    trace = shown.trace
    heads = [trace.head(layer, head) for layer in trace.records() for head in range(trace.model.n_heads)]
    assert len(heads) == 24
    given = {(one.layer, one.head): row(one, "mat").of("cat") for one in heads}
    assert max(given, key=lambda one: given[one]) == (shown.layer, shown.head)
    assert row(shown, "mat").most == "cat"
    assert row(shown, "mat").of("cat") == pytest.approx(0.16, abs=0.02)
    assert max(row(one, "cat").of("mat") for one in heads) == pytest.approx(0.14, abs=0.005)
    assert len(trace.tokens) == 9


def test_a_guided_head_gives_cat_everything_from_every_later_row() -> None:
    trace = traced("storyteller", "The cat sat on the mat.")
    head = trace.head(1, 1)
    after = names(trace.tokens).index("cat") + 1
    assert all(row(head, place).of("cat") > 0.99 for place in range(after, len(trace.tokens)))


def test_what_weighs_most_need_not_bring_most() -> None:
    head = head_of("05-values", "norms")
    pinned = row(head, "it")
    assert (pinned.most, pinned.brings) == ("<s>", "on")
    assert pinned.of("<s>") > 1.3 * pinned.of("on")
    tired = row(head, "tired")
    assert tired.most == tired.brings == "<s>"


def vocabulary(model: str) -> int:
    found = find(model)
    assert found is not None
    assert found.path is not None
    return int(json.loads((found.path / "config.json").read_text("utf-8"))["vocab_size"])


@pytest.mark.parametrize(
    ("name", "written", "true"),
    [
        ("01-why", "4,096", vocabulary("storyteller")), ("04-softmax", "0.705", np.exp(2) / np.exp([2, 1, -1]).sum()),
        ("04-softmax", "ln 9 = 2.197", np.log(9)), ("04-softmax", "ln 99 = 4.595", np.log(99)),
        ("04-softmax", "weighs 0.943", np.exp(5) / (np.exp(5) + 9)), ("03-scores", "ln 10 = 2.30", np.log(10)),
        ("03-scores", "√1.5 = 1.22", np.sqrt(1.5)), ("03-scores", "1/9 = 0.11", 1 / 9),
    ],
)  # fmt: skip
def test_numbers_in_the_words_are_right(name: str, written: str, true: float) -> None:
    text = (OURS / f"{name}.md").read_text("utf-8")
    assert written in text
    number = re.findall(r"\d[\d,.]*", written)[-1].replace(",", "").rstrip(".")
    digits = len(number.partition(".")[2])
    assert float(number) == pytest.approx(true, abs=0.5001 * 10**-digits)

# What a beginner needs

EARLY = ("01-why", "02-vectors", "03-scores", "04-softmax", "05-values", "06-masks")
# Code, links' addresses, front matter and titles are no prose.
NO_PROSE = re.compile(r"```.*?```|\]\([^)]*\)|\A---.*?---\n|^#.*?$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", EARLY)
def test_every_step_has_a_figure_a_guess_and_something_to_try(name: str) -> None:
    lesson = next(lesson for lesson in read(OURS)[0] if lesson.name == name)
    *steps, check = lesson.steps
    for one in steps:
        kinds = [type(block) for block in one.blocks]
        assert [kinds.count(kind) for kind in (Figure, Guess, Try)] == [1, 1, 1], f"{name}#{one.anchor}"
    assert check.anchor == "check"


@pytest.mark.parametrize(
    "written",
    [
        "tokens?", "vectors?", "recurrent", "values?", "causal", "query|queries", "keys?", "maps?", "heads?",
        "pin|pinned", "matrix|matrices", "ranks?", "dot products?", "scores?", "softmax", "variances?", "entropy",
        "temperatures?",
    ],
)  # fmt: skip
def test_a_word_is_explained_where_it_is_first_used(written: str) -> None:
    """Where it is explained it is bold."""
    texts = [NO_PROSE.sub("", (OURS / f"{name}.md").read_text("utf-8")) for name in EARLY]
    first = re.search(rf"(\*\*)?\b({written})\b", "\n".join(texts), re.IGNORECASE)
    assert first is not None
    assert first.group(1), first.string[first.start() - 60 : first.end() + 20]
