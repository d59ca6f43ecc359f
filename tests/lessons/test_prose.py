"""Markdown as a tree: no markup of a stranger becomes an element."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention.lessons import prose

ALLOWED = {
    "p", "strong", "em", "code", "pre", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a",
    "blockquote", "h3", "h4", "br", "hr", "sub", "formula",
}  # fmt: skip


def tags(nodes):
    for node in nodes:
        if not isinstance(node, str):
            yield node[0]
            yield from tags(node[2])


def text(nodes) -> str:
    return "".join(node if isinstance(node, str) else text(node[2]) for node in nodes)


def test_the_usual_forms() -> None:
    made = prose.tree("A **b** *c* `d_k`\n\n- one\n- two\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n> quoted")
    assert [node[0] for node in made] == ["p", "ul", "table", "blockquote"]
    assert made[1] == ("ul", {}, (("li", {}, ("one",)), ("li", {}, ("two",))))


def test_a_letter_with_an_index_is_written_so_but_for_code() -> None:
    (made,) = prose.tree("W_O and d_model, n_heads_x, `k_j`")
    assert made[2][:4] == ("W", ("sub", {}, ("O",)), " and ", "d")
    assert ("sub", {}, ("model",)) in made[2]
    assert ("code", {}, ("k_j",)) in made[2]
    assert text(made[2]) == "WO and dmodel, n_heads_x, k_j"


def test_what_stands_above_the_line_may_follow_an_index() -> None:
    (made,) = prose.tree("σ_q² and W_Kᵀ")
    assert made[2] == ("σ", ("sub", {}, ("q",)), "² and ", "W", ("sub", {}, ("K",)), "ᵀ")


def test_a_formula() -> None:
    assert prose.tree("```formula\na_i = softmax(s_i)\n```") == (
        ("formula", {}, ("a", ("sub", {}, ("i",)), " = softmax(", "s", ("sub", {}, ("i",)), ")")),
    )


def test_markup_stays_text() -> None:
    hostile = '<img src=x onerror="alert(1)"> <script>alert(2)</script>'
    made = prose.tree(hostile)
    assert set(tags(made)) == {"p"}
    assert text(made) == hostile


@pytest.mark.parametrize("href", ["https://arxiv.org/abs/1706.03762", "#dot", "03-scores#dot", "03-scores"])
def test_links_lead_to_the_web_and_to_steps(href: str) -> None:
    words = f"first\n\nsee\n[this]({href})"
    assert list(prose.links(words)) == [(3, href)]
    assert list(prose.faults(words)) == []
    assert prose.tree(words)[1][2][-1] == ("a", {"href": href}, ("this",))


@pytest.mark.parametrize(
    "href",
    [
        "ftp://example.org", "//example.org/x", "/etc/passwd", "mailto:a@example.org", "https:#dot",
        "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x",
    ],
)  # fmt: skip
def test_of_other_links_the_words_stay_and_their_line_is_said(href: str) -> None:
    words = f"| a |\n|---|\n| see [*this*]({href}) |"
    ((line, said),) = prose.faults(words)
    assert line == 2
    assert "may lead to" in said
    assert list(prose.links(words)) == []
    made = prose.tree(words)
    assert "a" not in set(tags(made))
    assert text(made) == "asee this"


def test_of_pictures_the_words_stay_and_their_line_is_said() -> None:
    assert list(prose.faults("one\ntwo ![x](https://example.org/x.png)")) == [(1, prose.PICTURE)]
    assert prose.tree("![what it shows](x.png)") == (("p", {}, ("what it shows",)),)


@given(st.text(max_size=200))
def test_whatever_is_written_no_other_element_is_made(written: str) -> None:
    assert set(tags(prose.tree(written))) <= ALLOWED
    leading = {href for _, href in prose.links(written)}
    assert all(href.startswith(("http://", "https://")) or ":" not in href for href in leading)
