"""What each component is given, as bytes: numbers and tokens of one trace or one head, no Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from attention import derived
from attention.browser import codec, store
from attention.catalogue import LOCAL
from attention.view import STAGE_LABELS, VALUES_LABELS, WEIGHTS_LABELS, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from attention.record import HeadView, Token

DIMENSION = {"output": "dimension of this head", "contribution": "dimension of the model"}
UNKNOWN = "this model’s code does not show query and key apart: these scores entered its softmax"
CAPTIONS = {
    "scores": "how well each key answers each query",
    "weights": "share of each value; rows sum to 1",
    "norms": "share of what each key brings",
    "difference": "what it brings, less its weight",
    "output": "what each token receives",
    "contribution": "what this head adds to each token",
}
# What panels say of any head.
SAID = {
    "labels": {"stage": STAGE_LABELS, "weights": WEIGHTS_LABELS, "values": VALUES_LABELS},
    "captions": CAPTIONS, "unknown": UNKNOWN, "dimension": DIMENSION,
}  # fmt: skip


def bar(
    pages: list[dict[str, Any]], *, undo: bool, redo: bool = False, embedded: bool = False, shares: bool = True
) -> bytes:
    """pages: [{title, path, here}]; undo, redo: whether there is a step to take back, and one to take again. embedded:
    inside another page; shares: whether there is something to share.
    """
    return codec.pack({"pages": pages, "undo": undo, "redo": redo, "embedded": embedded, "shares": shares})


def prompt(text: str, *, label: str, title: str, placeholder: str, count: str = "tokens") -> bytes:
    """A box of text. label: its name for screen readers. title: written above, or "". count: whose tokens it counts."""
    return codec.pack({"text": text, "label": label, "title": title, "placeholder": placeholder, "count": count})


def picker(chosen: str, groups: list[tuple[str, list[dict[str, str]]]], *, free: bool) -> bytes:
    """chosen: the title that is shown. groups: the lines [{title, id, facts}] by their group's name, "" for none.

    free: whether a hub id or a folder may be typed.
    """
    placeholder = "A model, hub id or folder" if free else "A model"
    return codec.pack({"chosen": chosen, "groups": groups, "free": free, "placeholder": placeholder})


class Offered(Protocol):
    """Something to try: its name, what its button says, and what is to be seen."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def about(self) -> str: ...


def samples(listed: Iterable[Offered]) -> bytes:
    """What to try: {samples: [{name, label, about}]}."""
    return codec.pack({"samples": [{"name": one.name, "label": one.label, "about": one.about} for one in listed]})


def details(names: Mapping[str, str], chosen: str) -> bytes:
    """names: the deeper views and what they are called; chosen: the one that is shown."""
    return codec.pack({"names": dict(names), "chosen": chosen})


def opener(label: str, name: str) -> bytes:
    """A button that opens the popover of that key."""
    return codec.pack({"label": label, "name": name})


def words(place: str, lines: Iterable[Iterable[tuple[str, str]]]) -> bytes:
    """Lines of what is said, each of parts (sort, text). sort: plain, small, good, bad, open, or term: and the key of a
    term. place: foot, habit or said.
    """
    told = [[{"sort": sort, "text": text} for sort, text in parts] for parts in lines]
    return codec.pack({"place": place, "lines": told})


def panels(head_view: HeadView, view: View) -> bytes:
    """What the panels need beside the run: {frames, labels, captions, unknown, across, dimension, about, brought}.

    frames: plotly's layouts of a map of tokens and of one of dimensions. labels: what the switches are called. about:
    the model's name, and the kind of attention where it has several. brought: what only the model can tell of this
    head, where it is asked for.
    """
    if (brought := _brought(head_view, view)) is not None:
        return _panels(head_view, brought)
    return derived.kept(head_view.record, "panels", lambda: _panels(head_view, None))


def _panels(head_view: HeadView, brought: dict[str, Any] | None) -> bytes:
    from attention.figures.frames import across, of_numbers, of_tokens

    trace = head_view.trace
    return codec.pack(SAID | {
        "frames": {"tokens": of_tokens(head_view), "numbers": of_numbers(head_view)}, "across": across(""),
        "about": {"model": trace.model.name, "kind": head_view.kind if len(trace.kinds) > 1 else ""},
        "brought": brought,
    })  # fmt: skip


def local_panels() -> dict[str, Any]:
    """The same for runs that are made in the browser, whose tokens nobody knows here."""
    from attention.figures.frames import across, of_nobody

    about = {"model": LOCAL, "kind": ""}
    return SAID | {"frames": of_nobody(), "across": across(""), "about": about, "brought": None}


def _brought(head_view: HeadView, view: View) -> dict[str, Any] | None:
    """{run, layer, head, norms, contribution}: ‖f(x)‖ of each key, or the contribution after W_O; or why not."""
    asked = {"norms": view.weights != "weights", "contribution": view.values == "contribution"}
    if not any(asked.values()):
        return None
    made = {"norms": norms, "contribution": _contribution}
    parts = {name: made[name](head_view) if wanted else None for name, wanted in asked.items()}
    run = store.run_id(head_view.trace, head_view.kind)
    return {"run": run, "layer": head_view.layer, "head": head_view.head, **parts}


def norms(head_view: HeadView) -> dict[str, Any]:
    """{lengths: ‖f(x)‖ of each key, float32 (n_k,), or null; reason; note}."""
    from attention.analysis.norms import kept_norms

    made = kept_norms(head_view.record, head_view.head)
    if isinstance(made, str):
        return {"lengths": None, "reason": made, "note": ""}
    return {"lengths": made.lengths, "reason": "", "note": _followed(head_view)}


def _contribution(head_view: HeadView) -> dict[str, Any]:
    return {"z": head_view.contribution, "reason": head_view.no_contribution, "note": _followed(head_view)}


def _followed(head_view: HeadView) -> str:
    return f"before {head_view.norm_follows}, a norm that follows" if head_view.norm_follows else ""


def first_query(head_view: HeadView, word: str = "") -> int:
    """The token that is pinned where none was chosen: the one that a classifier's head reads, else `default_query`; in
    cross-attention the row that writes it, which is the one before.
    """
    tokens, trace = head_view.query_tokens, head_view.trace
    if "ForSequenceClassification" in trace.model.architecture and len(trace.kinds) == 1:
        if trace.kinds == ("decoder",):
            return len(tokens) - 1
        if tokens[0].special:
            return 0
    return default_query(tokens, word, writes=head_view.kind == "cross")


def default_query(tokens: tuple[Token, ...], word: str = "", *, writes: bool = False) -> int:
    """The token that is pinned where none was chosen. writes: in its place the row that writes it, the one before.

    The last one that reads `word`, else the first blank, else the last one with a letter or digit, else the last one. A
    character in several tokens counts where it begins, and a token that is shown by its bytes' numbers is no word.
    """
    if writes:
        return max(0, default_query(tokens, word) - 1)
    # A control token that a person typed: a blank, in a model that fills them.
    blanks = [i for i, token in enumerate(tokens) if token.special and token.span and token.span[0] < token.span[1]]
    named = [i for i, token in enumerate(tokens) if word and token.text == word]
    if named:
        return named[-1]
    if blanks:
        return blanks[0]
    wordlike = [i for i, token in enumerate(tokens) if _is_word(token)]
    return wordlike[-1] if wordlike else len(tokens) - 1


def _is_word(token: Token) -> bool:
    inside = token.part is not None and token.part[0] > 0
    return not (token.special or inside or token.text.startswith("⟨")) and any(map(str.isalnum, token.text))
