"""What travels to the browser so that it makes every head by itself: the run and the look, as bytes. No Streamlit.

The run (q, k, v, rules and tokens of one kind of attention) travels once: all its heads where they are few bytes, else
the layer in view, else the head. The look is small and travels with every answer. `static/store.js` puts both together.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from attention import derived
from attention.browser import codec, tiles
from attention.browser.heads import fits, heads_tree
from attention.table import about_run, by_browser, defaults, in_tiles, keys, named, rows
from attention.view import PARAMETERS, View, to_address
from attention.view.parameters import PACKED

if TYPE_CHECKING:
    from attention.record import HeadView, Kind, Token, Trace

# The store of the inspect page: the one whose look is the page's address.
INSPECT = "inspect"
# The two of the page “Compare”: side A and side B.
COMPARED = ("compare.a", "compare.b")
Level = Literal["all", "layer", "head", "tiles"]
# Cells of a map from which on the browser gets a pooled picture instead of what it could make the whole map of.
LONG = 1_100_000
# Bytes that one view may take.
MOST_BYTES = 1_000_000
NAME_CHARS = 24
ID_DIGITS = 12
# Why a run cannot be changed where nobody says more.
NO_MODEL = "There is no model here that could run on with a change."
# What the browser changes by itself, and tells the server of afterwards; the rest needs another run or widget.
OWNED = by_browser(View)
# Of these, what is about one text, model and kind, and means nothing for another one.
OF_THE_RUN = about_run(View)
# What the tiles of a long text depend on.
IN_TILES = in_tiles(View)
# What the server alone changes, and the browser shows.
SHOWN = (*OWNED, *named(View, lambda row: not (row.by_browser or row.decides_run or row.is_step)))
# The keys of an address in the order of `to_address`, and what is left out of it because it is so anyway.
ORDER = [*(parameter.name for parameter in PARAMETERS if parameter.name != PACKED), PACKED]
DEFAULTS = {keys(View)[name]: rows(View)[name].sort.write(defaults(View)[name]) for name in OWNED}
KEYS = {name: key for name, key in keys(View).items() if name != key}


def level(trace: Trace, kind: Kind) -> Level:
    """How much of this kind of attention travels at once."""
    records = list(trace.records(kind).values())
    lost = any(record.query is None or record.key is None for record in records)
    cells = max(record.n_q * record.n_k for record in records)
    if cells > LONG or (lost and 8 * cells > MOST_BYTES):
        return "tiles"
    return "head" if lost else fits(trace, kind)


def run_id(trace: Trace, kind: Kind) -> str:
    """The name of a run, by which the browser knows whether what it has is what the look is about."""
    return f"{trace.id}/{kind}"


def about(trace: Trace, kind: Kind) -> str:
    """A name for what the tokens and heads of a run are about, the same for a run with edits, whose tokens and heads
    are the same: by it a change of the look is known to mean what is shown now.
    """
    return derived.kept(trace, ("about", kind), lambda: _about(trace, kind))


def _about(trace: Trace, kind: Kind) -> str:
    sides = (trace.tokens, trace.pair_tokens)
    told = (trace.model.name, *([(token.piece, token.id) for token in side] for side in sides))
    return f"{sha256(repr(told).encode()).hexdigest()[:ID_DIGITS]}/{kind}"


def run(head_view: HeadView, view: View, *, much: Level | None = None) -> bytes:
    """{id, kind, usual, kinds, level, layers, grid, tokens, tiles} for this head's kind of attention; layers as in
    `heads_tree`.

    much: how much of it, whatever it weighs, as a file wants it ("all"); such bytes are not kept.

    usual: the kind that an edit means which names none; kinds: all that the run has. grid: {layers: their numbers,
    counts: heads a layer}. tokens: {queries, keys: [{name, text, mark, id, special, segment}], same}. reached: the
    first query that changes can have reached, 0 for all, null without changes. Each layer has its `titles` and
    `noContribution` beside. tiles: null, or in place of layers, of a long text, what the view shows of this head
    (`browser.tiles`), with `titles`, `noContribution` and `reasons`.
    """
    trace, kind = head_view.trace, head_view.kind
    if much is not None:
        return codec.pack(_run(head_view, view, much, *_place(head_view, much)))
    much = level(trace, kind)
    layer, head = _place(head_view, much)
    key = ("travel", kind, layer, head, _seen_of(view) if much == "tiles" else None)
    return derived.kept(trace, key, lambda: codec.pack(_run(head_view, view, much, layer, head)))


def kept_bytes(trace: Trace) -> int:
    """Bytes of all that was made of a trace and lies beside it, as long as it does."""
    return derived.size(trace, *trace.all_records)


def _place(head_view: HeadView, much: Level) -> tuple[int | None, int | None]:
    """The layer and the head that travel; None for all of them."""
    layer = None if much == "all" else head_view.layer
    return layer, head_view.head if much in ("head", "tiles") else None


def _seen_of(view: View) -> tuple[Any, ...]:
    return tuple(getattr(view, name) for name in IN_TILES)


def look(
    head_view: HeadView, view: View, pinned: int, *, seen: int, limit: int, undo: bool, redo: bool = False,
    addressed: bool = False, unedited: str = NO_MODEL,
) -> bytes:  # fmt: skip
    """{run, base, seen, look, count, undo, redo, address, about, tiles, unedited}: what the server shows, and how far
    it has heard the browser. about, tiles: which fields name something of one run, and on which the tiles of a long
    text depend. base: what these are about, see `about`. unedited: why the run cannot be changed, "" where it can.

    count: how many tokens each side has, and the most that there may be here and in this model. address: null,
    or, on a page that is `addressed`, what `static/url.js` makes its address of.
    """
    trace = head_view.trace
    most = min(limit, trace.model.max_tokens or limit)
    shown = {name: _plain(getattr(view, name)) for name in SHOWN} | {"edits": [str(edit) for edit in view.edits]}
    return codec.pack({
        "run": run_id(trace, head_view.kind), "base": about(trace, head_view.kind), "seen": seen,
        "look": shown | {"query": pinned},
        "undo": undo, "redo": redo,
        "count": {"tokens": len(trace.tokens), "pair": len(trace.pair_tokens), "limit": most},
        "address": _address(view) if addressed else None, "about": list(OF_THE_RUN), "tiles": list(IN_TILES),
        "unedited": unedited,
    })  # fmt: skip


def _address(view: View) -> dict[str, Any]:
    query = [list(pair) for pair in to_address(view).items()]
    return {"query": query, "order": ORDER, "defaults": DEFAULTS, "keys": KEYS}


def _run(head_view: HeadView, view: View, much: Level, layer: int | None, head: int | None) -> dict[str, Any]:
    from attention.analysis.cone import first_query

    trace, kind = head_view.trace, head_view.kind
    records = trace.records(kind)
    layers: list[dict[str, Any]] = []
    if much != "tiles":
        one = None if layer is None else [layer]
        layers = heads_tree(trace, kind, one, None if head is None else [head], maps=True)["layers"]
    return {
        "id": run_id(trace, kind), "kind": kind, "usual": trace.default_kind, "kinds": list(trace.kinds), "level": much,
        "layers": [own | _beside(trace, kind, own["layer"]) for own in layers],
        "grid": {"layers": list(records), "counts": [record.n_heads for record in records.values()]},
        "tokens": tokens(head_view), "tiles": _tiles(head_view, view) if much == "tiles" else None,
        "reached": first_query(trace, kind),
    }  # fmt: skip


def _tiles(head_view: HeadView, view: View) -> dict[str, Any]:
    """What this view shows of a long text's head; what cannot be told is left out, with the reason."""
    from attention.analysis.tiles import refusal

    names = [name for name, _ in head_view.record.stages(head_view.head, 0, 1).steps]
    before = [name for name in names if name not in ("softmaxed", "weights")]
    if len(before) > 1 and not head_view.record.mask.closes(head_view.record.n_q, head_view.record.n_k):
        before.remove("masked")  # where nothing is masked that is no step
    stages = [view.stage if view.stage in before else before[-1]] if before else []
    asked = [view.values, *([view.weights] if view.weights != "weights" else [])]
    reasons = {what: why for what in asked if (why := refusal(head_view.record, head_view.head, what))}
    box = None if view.zoom is None else (view.zoom[0], view.zoom[1] + 1, view.zoom[2], view.zoom[3] + 1)
    made = tiles.tiles_tree(
        head_view, stages=[*stages, *([] if view.weights in reasons else [view.weights])], box=box,
        pins=[*(() if view.query is None else (view.query,)), *view.also],
        values=[] if view.values in reasons else [view.values], limit_bytes=MOST_BYTES - _head_bytes(head_view),
    )  # fmt: skip
    beside = _beside(head_view.trace, head_view.kind, head_view.layer)
    return made | beside | {"reasons": reasons, "asked": _plain(_seen_of(view))}


def _head_bytes(head_view: HeadView) -> int:
    """What the tokens' names take of a view's bytes, before the numbers."""
    return len(codec.pack(tokens(head_view)))


def _beside(trace: Trace, kind: Kind, layer: int) -> dict[str, Any]:
    """What is said of a layer: how each step is written, and why its heads' contributions cannot be told, or ""."""
    from attention.analysis.titles import stage_titles

    record = trace.record(layer, kind)
    return {"titles": stage_titles(trace.head(layer, 0, kind)), "noContribution": record.no_projection}


def tokens(head_view: HeadView) -> dict[str, Any]:
    """The tokens of both sides as the browser writes them; same: whether the queries look at themselves."""
    queries, keys = head_view.query_tokens, head_view.key_tokens
    return {"queries": [_token(t) for t in queries], "keys": [_token(t) for t in keys], "same": queries == keys}


def _token(token: Token) -> dict[str, Any]:
    from attention.tokens import label, visible

    text = visible(token.text) if token.text else visible(token.piece)
    return {
        "name": label(token, NAME_CHARS), "text": text, "mark": token.mark, "id": token.id, "special": token.special,
        "segment": token.segment,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
