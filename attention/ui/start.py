"""Where a person is taken: a first visit, another model, a sample, or a head that is worth a look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from attention.bundled import Shine, notes, shine_named, shine_of
from attention.catalogue import LOCAL, Sample, default_model, is_offered, samples
from attention.config import Limits
from attention.view import View, change


def opening(view: View) -> View:
    """The view of a visit whose address says nothing: the head that the default model's makers would begin with, or
    the first model that this installation offers, on a text of its own.
    """
    limits = Limits.from_environment()
    if not is_offered(view.model, limits):
        return change(view, **to_model(view, default_model(limits)))
    found = notes(view.model).opening
    return view if found is None else replace(view, layer=found[0], head=found[1])


def arrival(view: View, named: Collection[str]) -> View:
    """The view of an address that names these parameters: one that names no model means what is offered here."""
    if not named:
        return opening(view)
    return view if "model" in named else replace(view, model=default_model(Limits.from_environment()))


def to_model(view: View, model: str) -> dict[str, Any]:
    """The changes for another model. A text that the person typed stays; one that was offered gives way to the new
    model's own, where it has some. The local layer takes any text as it is.
    """
    offered = {sample.text for sample in samples(view.model)} | {shine.text for shine in notes(view.model).shines}
    own = samples(model)
    if model == LOCAL or view.text not in offered or view.text in {sample.text for sample in own}:
        return {"model": model, **_head_for(model, view.text)}
    return {"model": model, **to_sample(model, own[0])}


def to_sample(model: str, sample: Sample) -> dict[str, Any]:
    """The changes for a sample: its texts, and the head and the row that show what it tells."""
    shine = shine_named(model, sample.look)
    head = _head_for(model, sample.text) if shine is None else _place(shine)
    row = {} if sample.row is None else {"query": sample.row}
    return {"text": sample.text, "pair": sample.pair, **head, **row}


def to_shine(shine: Shine) -> dict[str, Any]:
    """The changes for a head that does something nameable on a text of its own."""
    return {"text": shine.text, "pair": shine.pair, **_place(shine), "query": shine.query}


def _head_for(model: str, text: str) -> dict[str, Any]:
    shine = shine_of(model, text)
    default = View()
    if model == default.model and text == default.text:
        first = opening(default)
        return {"kind": first.kind, "layer": first.layer, "head": first.head}
    return {} if shine is None else _place(shine)


def _place(shine: Shine) -> dict[str, Any]:
    return {"kind": shine.kind, "layer": shine.layer, "head": shine.head}
