"""Whatever changes a picture is part of the view, and so of the link, or stands here with the reason why not.

The keys are read from the source, so a new widget cannot be forgotten: it fails here until somebody says what it is.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from attention import assets, delivery
from attention.browser import store
from attention.view import View

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "attention" / "ui"
# Boxes that hold others, and pictures that take nothing.
HOLDERS = {"container", "popover", "form", "expander"}
# What a widget or component changes: fields of the view.
FIELDS = {
    "prompt": ("text",), "pair": ("pair",), "model": ("model",), "chat": ("chat",), "kind": ("kind",),
    "details": ("details",), "over": ("over",), "samples": ("text",), "shine-*": ("text", "layer", "head"),
    "both": ("settings",), "n-heads": ("settings",), "hit-*": ("layer", "head", "query"),
    "controls": store.OWNED, "predicted": ("text", "pair", "target", "distractor"), "continue-go": ("text", "pair"),
    "open-*": ("model",), "own-model": ("model",), "bar": (), "edits": ("edits",),
    "patch-text": ("patch_text",),
    "matters": ("target", "distractor", "switched_off", "frozen", "layer", "head"), "writes": ("target", "distractor"),
    "why": ("layer", "head", "query", "key"), "patch": ("target", "distractor", "layer", "head"),
    "share-file": tuple(field.name for field in fields(View)),
    "compare-examples": ("text", "head", "settings"),
    "compare-model-*": ("model",), "compare-head-*": ("kind", "layer", "head"),
    "compare-controls-*": store.OWNED, "compare-edits-*": ("edits",), "compare-difference": ("measure",),
}  # fmt: skip
REASONS = {
    "shows what the store holds, and changes it through the controls": (
        "run", "heads", "effect", "sentence", "figures", "arithmetic", "links", "dimensions", "map", "compare-run-*",
        "compare-sentence-*", "compare-figures-*",
    ),
    "opens a second box; what is typed there is the view's pair": ("sentence-b",),
    "a way to look for heads; the head that is found is the view's": (
        "search-how", "search-on", "search-pattern", "search-query*", "search-key*", "search-order", "search-least",
    ),
    "scores the model on stored texts; the picture made of it is the view's measure and ground": (
        "stored-start", "stored-again",
    ),
    "how the model writes on; what it wrote becomes the view's text": (
        "continue-how", "continue-seed", "continue-temperature", "continue-tokens", "continue-top-p",
    ),
    "answers a message or a failure, or has work done that was left": (
        "dismiss", "retry", "predict-again", "effect-again", "heads-again", "maps-again", "search-again",
        "changed-again",
        "compare-retry-*",
    ),
    "opens a popover": ("way-*",),
    "says in words what is shown, and takes nothing": (
        "foot", "habit", "related", "about-kind", "compare-foot-*",
    ),
    "cuts the view's text to what may be read": ("shorten",),
    "shows the link to what is shown, or makes a file or a picture of it": (
        "share-link", "save-*", "pictures",
    ),
    "ranks the heads of two views": ("compare-changed",),
    "removes a model from the disk": ("remove-*",),
    "holds a state of its own, in its browser and its address": ("build", "lesson"),
    "brings the runs of a lesson's figures, and takes nothing": ("runs",),
}  # fmt: skip


def keys() -> Iterator[tuple[str, str]]:
    """(key, file) of every widget and component; the changing end of a key is an asterisk."""
    for path in sorted(UI.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = dict(_constants(tree))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr not in HOLDERS | {"sort", "min", "max"}:
                for keyword in call.keywords:
                    if keyword.arg == "key" and (key := _text(keyword.value, names)) is not None:
                        yield key, path.name


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        targets, values = node.targets[0], node.value
        if isinstance(targets, ast.Name) and isinstance(values, ast.Constant) and isinstance(values.value, str):
            yield targets.id, values.value
        if isinstance(targets, ast.Tuple):
            yield from _several(targets, values)


def _several(targets: ast.Tuple, values: ast.expr) -> Iterator[tuple[str, str]]:
    names = [name.id for name in targets.elts if isinstance(name, ast.Name)]
    if isinstance(values, ast.Tuple):
        parts = [part.value if isinstance(part, ast.Constant) else None for part in values.elts]
    elif isinstance(values, ast.GeneratorExp):  # (f"search-{part}" for part in ("how", …))
        parts = list(eval(compile(ast.Expression(values), "constants", "eval")))
    else:
        return
    yield from ((name, part) for name, part in zip(names, parts, strict=True) if isinstance(part, str))


def _text(value: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.Name):
        return names.get(value.id)
    if isinstance(value, ast.JoinedStr) and isinstance(first := value.values[0], ast.Constant):
        return f"{first.value}*"
    if isinstance(value, ast.JoinedStr) and isinstance(first := value.values[0], ast.FormattedValue):
        name = _text(first.value, names)
        return None if name is None else f"{name}*"
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "key":
        # One of the two sides of a comparison.
        what = _text(value.args[0], names)
        return None if what is None else f"compare-{what}-*"
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):  # a place before the key
        return _text(value.right, names)
    return None


def test_every_widget_is_part_of_the_view_or_has_a_reason():
    explained = set(FIELDS) | {key for group in REASONS.values() for key in group}
    found = dict(keys())
    assert set(found) - explained == set(), "say in this file what these change"
    assert explained - set(found) == set(), "these are gone"


def test_what_they_change_are_fields_of_the_view():
    names = {field.name for field in fields(View)}
    assert {name for group in FIELDS.values() for name in group} <= names
    assert set(store.OWNED) <= names


def test_the_components_change_nothing_else():
    """What lessons and Build have to themselves changes figures of their own."""
    changed = set()
    for path in (one for one in assets.SOURCES if not delivery.of_lessons(one)):
        for body in re.findall(r"(?:table\.)?change\(\{([^}]*)\}", path.read_text(encoding="utf-8")):
            changed |= set(re.findall(r"(?:^|, )\s*(\w+)(?=:|,|$)", re.sub(r"\([^()]*\)", "", body.strip())))
    assert changed
    assert changed <= set(store.OWNED)


def test_a_key_that_nobody_explained_would_be_seen(tmp_path, monkeypatch):
    (tmp_path / "new.py").write_text('import streamlit as st\nNAME = "fresh"\nst.toggle("x", key=NAME)\n')
    monkeypatch.setattr("tests.ui.test_keys.UI", tmp_path)
    assert list(keys()) == [("fresh", "new.py")]
