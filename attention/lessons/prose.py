"""Markdown as a tree of plain lists, of which the browser makes elements: no markup ever travels.

A node is a text, or (tag, attributes, children). CommonMark with tables; HTML stays text. A picture, and a link that
leads elsewhere than a lesson may, become their words: its pictures are its live figures. `faults` says where such
stand. A letter with an index, as in d_k or W_O, becomes one below the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Node = str | tuple[str, dict[str, str], tuple[Any, ...]]
TAGS = {
    "paragraph": "p", "strong": "strong", "em": "em", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li",
    "table": "table", "thead": "thead", "tbody": "tbody", "tr": "tr", "th": "th", "td": "td",
    "blockquote": "blockquote", "hr": "hr",
}  # fmt: skip
BREAKS: dict[str, Node] = {"softbreak": " ", "hardbreak": ("br", {}, ())}
CODE = ("code_inline", "fence", "code_block")
FORMULA = "formula"
PICTURE = "A lesson may not hold a picture; it is a figure block."
INDEX = re.compile(r"\b([A-Za-zα-ωΑ-Ω])_([A-Za-z0-9]{1,5})(?![^\W²³ᵀ]|\()")


def tree(markdown: str) -> tuple[Node, ...]:
    """The Markdown as nodes."""
    root = SyntaxTreeNode(_parser().parse(markdown))
    return tuple(made for child in root.children for made in _nodes(child))


def line(markdown: str) -> tuple[Node, ...]:
    """One line of Markdown, without a paragraph around it."""
    root = SyntaxTreeNode(_parser().parseInline(markdown))
    return tuple(made for child in root.children for made in _inside(child))


def faults(markdown: str) -> Iterator[tuple[int, str]]:
    """What the Markdown may not hold, and in which of its lines, from 0."""
    for line, sort, href in _leading(markdown):
        if sort == "image":
            yield line, PICTURE
        elif not _may_lead(href):
            yield line, f"A link leads to {href[:60]!r}; it may lead to https://…, #step or lesson#step."


def links(markdown: str) -> Iterator[tuple[int, str]]:
    """Where the Markdown's links lead, each with its line, from 0."""
    return ((line, href) for line, sort, href in _leading(markdown) if sort == "link_open" and _may_lead(href))


def _leading(markdown: str) -> Iterator[tuple[int, str, str]]:
    """Each link and each picture: its line, which of the two, and where it leads."""
    begun = 0
    for token in _parser().parse(markdown):
        # The words of a table's cell say no line of their own; its row does.
        begun = token.map[0] if token.map else begun
        line = begun
        for child in token.children or ():
            line += child.type in BREAKS
            if child.type in ("link_open", "image"):
                yield line, child.type, str(child.attrs.get("href", ""))


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 (the library's name)
        """Every link is read as one, so that `faults` can say of a bad one where it stands."""
        return True


@cache
def _parser() -> MarkdownIt:
    return _Parser("commonmark", {"html": False}).enable("table")


def _nodes(node: SyntaxTreeNode) -> Iterator[Node]:
    kind = node.type
    if kind == "text":
        yield from _indexed(node.content)
    elif kind == "inline":
        yield from _inside(node)
    elif kind in BREAKS:
        yield BREAKS[kind]
    elif kind in CODE:
        yield _code(node)
    elif kind == "heading":
        yield (f"h{max(3, min(4, int(node.tag[1])))}", {}, tuple(_inside(node)))
    elif kind == "link":
        href = str(node.attrs["href"])
        yield from [("a", {"href": href}, tuple(_inside(node)))] if _may_lead(href) else _inside(node)
    elif kind in TAGS:
        yield (TAGS[kind], {}, tuple(_inside(node)))
    else:  # a picture
        yield from _inside(node)


def _inside(node: SyntaxTreeNode) -> Iterator[Node]:
    for child in node.children:
        # The paragraphs of a tight list are not shown as such.
        if child.type == "paragraph" and child.hidden:
            yield from _inside(child)
        else:
            yield from _nodes(child)


def _code(node: SyntaxTreeNode) -> Node:
    if node.type == "code_inline":
        return ("code", {}, (node.content,))
    if node.type == "fence" and node.info.strip() == FORMULA:
        return (FORMULA, {}, tuple(_indexed(node.content.strip())))
    return ("pre", {}, (("code", {}, (node.content.rstrip("\n"),)),))


def _indexed(text: str) -> Iterator[Node]:
    """The text with single letters' indices below the line."""
    end = 0
    for found in INDEX.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        yield found[1]
        yield ("sub", {}, (found[2],))
        end = found.end()
    if end < len(text):
        yield text[end:]


def _may_lead(href: str) -> bool:
    """Whether it is a link to another site, to a step of this lesson (#step), or of another one (lesson#step)."""
    try:
        found = urlsplit(href)
    except ValueError:  # such as https://[
        return False
    if found.scheme in ("http", "https"):
        return bool(found.netloc)
    return bool(href and re.fullmatch(r"([a-z0-9-]+)?(#[a-z0-9-]+)?", href))
