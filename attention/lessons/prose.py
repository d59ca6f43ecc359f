"""Markdown as a tree of plain lists, of which the browser makes elements: no markup ever travels.

A node is a text, or (tag, attributes, children). CommonMark with tables; HTML stays text, and pictures are refused: a
lesson's pictures are its live figures. A letter with an index, as in d_k or W_O, becomes one below the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from attention.errors import InputError

Node = str | tuple[str, dict[str, str], tuple[Any, ...]]
TAGS = {
    "paragraph": "p", "strong": "strong", "em": "em", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li",
    "table": "table", "thead": "thead", "tbody": "tbody", "tr": "tr", "th": "th", "td": "td",
    "blockquote": "blockquote", "hr": "hr",
}  # fmt: skip
BREAKS: dict[str, Node] = {"softbreak": " ", "hardbreak": ("br", {}, ())}
CODE = ("code_inline", "fence", "code_block")
FORMULA = "formula"
INDEX = re.compile(r"\b([A-Za-zα-ωΑ-Ω])_([A-Za-z0-9]{1,5})(?![^\W²³ᵀ]|\()")


def tree(markdown: str) -> tuple[Node, ...]:
    """The Markdown as nodes; raises InputError for what a lesson may not hold."""
    root = SyntaxTreeNode(_parser().parse(markdown))
    return tuple(made for child in root.children for made in _nodes(child))


def line(markdown: str) -> tuple[Node, ...]:
    """One line of Markdown, without a paragraph around it."""
    root = SyntaxTreeNode(_parser().parseInline(markdown))
    return tuple(made for child in root.children for made in _inside(child))


def links(nodes: tuple[Node, ...]) -> Iterator[str]:
    """Where the nodes' links lead, in their order."""
    for node in nodes:
        if isinstance(node, tuple):
            if node[0] == "a":
                yield node[1]["href"]
            yield from links(node[2])


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


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
        yield ("a", {"href": _address(str(node.attrs["href"]))}, tuple(_inside(node)))
    elif kind in TAGS:
        yield (TAGS[kind], {}, tuple(_inside(node)))
    else:
        raise InputError(f"A lesson may not hold a {kind.replace('_', ' ')}; a picture is a figure block.")


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


def _address(href: str) -> str:
    """A link to another site, to a step of this lesson (#step), or of another one (lesson#step)."""
    found = urlsplit(href)
    if found.scheme in ("http", "https") and found.netloc:
        return href
    if not found.scheme and not found.netloc and re.fullmatch(r"([a-z0-9-]+)?(#[a-z0-9-]+)?", href) and href:
        return href
    raise InputError(f"A link leads to {href[:60]!r}; it may lead to https://…, #step or lesson#step.")
