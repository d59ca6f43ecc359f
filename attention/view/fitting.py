"""A view and the places that a trace really has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attention.edits import Edit
from attention.view.fields import STAGE_LABELS, STAGES, View


@dataclass(frozen=True, kw_only=True)
class Place:
    """One attention operation of a trace, seen from outside: how far head, query, key and stage can go there."""

    kind: str
    layer: int
    n_heads: int
    n_queries: int
    n_keys: int
    stages: tuple[str, ...]


def fit(view: View, *, places: Sequence[Place], default_kind: str) -> tuple[View, tuple[str, ...]]:
    """The nearest view that a trace with these places has, and a notice for each thing that had to move.

    places: one for each kind and layer, at least one. A kind that the trace lacks becomes its default; a layer the
    nearest one that has attention; head and query the last one; a stage that is not computed there the last stage
    before it.
    """
    notices: list[str] = []
    kinds = list(dict.fromkeys(place.kind for place in places))
    kind = view.kind
    if kind and kind not in kinds:
        notices.append(f"This model has no {kind} attention, only {_list(kinds)}. Shown instead: {default_kind}.")
        kind = ""
    here = [place for place in places if place.kind == (kind or default_kind)]
    place = next(p for p in here if p.layer == nearest(view.layer, [p.layer for p in here]))
    if place.layer != view.layer:
        notices.append(f"This model has no layer {view.layer} with attention. Shown instead: layer {place.layer}.")
    head = _last(view.head, place.n_heads, "head", f"Layer {place.layer}", notices)
    query = None if view.query is None else _last(view.query, place.n_queries, "token", "This text", notices)
    stage = _stage(view.stage, place.stages, notices)
    found = replace(view, kind=kind, layer=place.layer, head=head, query=query, stage=stage)
    return _fit_further(_fit_edits(found, places, default_kind, notices), place, here, notices), tuple(notices)


def _fit_edits(view: View, places: Sequence[Place], default_kind: str, notices: list[str]) -> View:
    """Edits of heads, layers and tokens that are not there are left out."""
    kept = tuple(edit for edit in view.edits if any(_takes(edit, place, default_kind) for place in places))
    if kept != view.edits:
        notices.append("The link changes heads or tokens that are not here; these changes are left out.")
    return replace(view, edits=kept)


def _takes(edit: Edit, place: Place, default_kind: str) -> bool:
    """Whether an edit can be one of this operation."""
    return (
        (edit.kind or default_kind) == place.kind
        and edit.layer in (None, place.layer)
        and all(
            number is None or number < count
            for number, count in (
                (edit.head, place.n_heads), (edit.query, place.n_queries), (edit.key, place.n_keys)
            )
        )
    )  # fmt: skip


def _fit_further(view: View, place: Place, here: Sequence[Place], notices: list[str]) -> View:
    """What is chosen beside the one head and token: what is not there is left out."""
    there = {one.layer: one.n_heads for one in here}
    also = tuple(token for token in view.also if token < place.n_queries and token != view.query)
    beside = tuple(one for one in view.beside if one[1] < there.get(one[0], 0))
    zoom = view.zoom if view.zoom and view.zoom[1] < place.n_queries and view.zoom[3] < place.n_keys else None
    key = None if view.key is None or view.key >= place.n_keys else view.key
    beyond = any(token >= place.n_queries for token in view.also)
    if beyond or (beside, zoom, key) != (view.beside, view.zoom, view.key):
        notices.append("The link names tokens or heads that are not here; they are left out.")
    return replace(view, also=also, beside=beside, zoom=zoom, key=key)


def nearest(number: int, there: Sequence[int]) -> int:
    """The closest of the numbers that are there; of two equally close ones the lower."""
    return min(there, key=lambda one: (abs(one - number), one))


def _last(number: int, count: int, what: str, where: str, notices: list[str]) -> int:
    if number < count:
        return number
    has = f"{what}s 0 to {count - 1}" if count > 1 else f"only {what} 0"
    notices.append(f"{where} has {has}, not {what} {number}. Shown instead: {what} {count - 1}.")
    return count - 1


def _stage(wanted: str, stages: Sequence[str], notices: list[str]) -> str:
    known = [stage for stage in STAGES if stage in stages]
    if wanted in known or not known:
        # Where no stage is known at all, the panel itself says so.
        return wanted
    before = [stage for stage in known if STAGES.index(stage) < STAGES.index(wanted)]
    found = before[-1] if before else known[0]
    notices.append(f"This model's scores have no step {STAGE_LABELS[wanted]}. Shown instead: {STAGE_LABELS[found]}.")
    return found


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
