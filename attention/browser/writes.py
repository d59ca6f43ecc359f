"""What the `writes` component is given: the tokens that one head promotes and suppresses, as bytes. No Streamlit.

{reason} where nothing can be told. Else: run, layer, head: of what. target, distractor, choices, automatic, measure,
place: the prediction. promoted, suppressed: [{name, value, rank}], the strongest first. attended: the token with the
largest weight, {name, place, value, rank} or null. vocabulary: how many tokens are ranked. value: what the head adds
to the target's lead; keys: [{name, weight, value}] of the same split over the keys, remainder and ok. sentence: to be
quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attention.browser import codec, store
from attention.browser.matters import NAME_CHARS, aim_tree, named_place, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.analysis.choices import Choice
    from attention.analysis.effect import Metric
    from attention.analysis.writing import HeadWriting, WrittenToken
    from attention.record import HeadView

__all__ = ["Found", "named_place", "payload"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What a head writes for a prediction. place: the token at whose place it is made."""

    metric: Metric
    choices: tuple[Choice, ...]
    writing: HeadWriting
    place: str


def payload(head_view: HeadView, found: Found, *, automatic: bool) -> bytes:
    """The component's bytes."""
    own = found.writing
    if own.reason:
        return codec.pack({"reason": f"{own.reason[:1].upper()}{own.reason[1:]}."})
    measure = "logit difference" if found.metric.distractor is not None else "logit"
    return codec.pack(aim_tree(found.metric, found.choices, automatic=automatic) | {
        "reason": "", "run": store.run_id(head_view.trace, head_view.kind), "layer": own.address.layer,
        "head": own.head,
        "measure": measure, "place": found.place, "promoted": _tokens(own.promoted),
        "suppressed": _tokens(own.suppressed), "attended": _attended(own), "vocabulary": own.vocabulary,
        "value": own.value, "total": own.total, "remainder": own.remainder, "ok": own.ok, "keys": _keys(head_view, own),
        "sentence": _sentence(head_view, found),
    })  # fmt: skip


def _tokens(found: Sequence[WrittenToken]) -> list[dict[str, Any]]:
    return [_token(one) for one in found]


def _token(one: WrittenToken) -> dict[str, Any]:
    return {"name": one.text, "value": one.value, "rank": one.rank}


def _attended(own: HeadWriting) -> dict[str, Any] | None:
    return None if own.attended is None else _token(own.attended) | {"place": own.attended_key}


def _keys(head_view: HeadView, own: HeadWriting) -> list[dict[str, Any]]:
    from attention.tokens import label

    tokens = head_view.key_tokens
    names = [label(tokens[one.key], NAME_CHARS) if one.key < len(tokens) else f"key {one.key}" for one in own.by_key]
    return [
        {"name": name, "place": one.key, "weight": one.weight, "value": one.value}
        for name, one in zip(names, own.by_key, strict=True)
    ]


def _sentence(head_view: HeadView, found: Found) -> str:
    own = found.writing
    up, down = (
        ", ".join(f"“{one.text}” {signed(one.value)}" for one in listed[:3])
        for listed in (own.promoted, own.suppressed)
    )
    return (
        f"{head_view.trace.model.name}, layer {own.address.layer}, head {own.head}, at “{found.place}” (position "
        f"{own.position}): what it writes, through the last norm held at this run’s scale and the unembedding, less "
        f"the mean over the vocabulary, raises {up} and lowers {down}; one text."
    )
