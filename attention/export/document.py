"""One head as JSON, for programs and people without numpy: what ran, the tokens, the rules, every step and the result.

JSON knows no NaN and no infinities. Where the query may not look, the masked score is null, and so is any other number
that is none. docs/files.md describes each part.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from attention.errors import InputError
from attention.export.archive import WHAT, sendable
from attention.export.provenance import provenance
from attention.export.shown import on_show
from attention.view.url import in_full

if TYPE_CHECKING:
    from attention.record import AttentionRecord, HeadView, Token, Trace
    from attention.view import View

FORMAT, VERSION = "headlight-head", 1
# Each number takes some ten bytes.
MOST_NUMBERS = 4_000_000


def to_json(trace: Trace, view: View) -> str:
    """The head that the view names, as JSON in UTF-8 without NaN.

    {format, version, provenance, view, tokens: {queries, keys}, head: {kind, layer, head, rules, query, key, value,
    stages: {name: rows}, weights, sink, output, contribution, no_contribution, unknown}}. Raises NoSuchHeadError where
    there is no such head, InputError where its maps are too large to be read as text.
    """
    return of_head(on_show(trace, view), view)


def of_head(head_view: HeadView, view: View) -> str:
    """This very head, as `to_json` gives the one that the view names."""
    _check_size(head_view.record)
    tree = {
        "format": FORMAT, "version": VERSION, "provenance": provenance(head_view.trace, head_view).tree(),
        "view": in_full(view),
        "tokens": {"queries": _tokens(head_view.query_tokens), "keys": _tokens(head_view.key_tokens)},
        "head": _head(head_view),
    }  # fmt: skip
    return json.dumps(sendable(tree), ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _check_size(record: AttentionRecord) -> None:
    count = record.n_q * record.n_k * 5
    if count > MOST_NUMBERS:
        raise InputError(
            f"This head's steps are {count:,} numbers; at most {MOST_NUMBERS:,} are written as text. Shorten the text, "
            "or save everything as .npz."
        )


def _tokens(tokens: tuple[Token, ...]) -> list[dict[str, Any]]:
    return [
        {
            "piece": token.piece, "text": token.text, "mark": token.mark, "id": token.id, "special": token.special,
            "span": token.span, "segment": token.segment,
        }
        for token in tokens
    ]  # fmt: skip


def _head(head_view: HeadView) -> dict[str, Any]:
    steps = [(name, array) for name, array in head_view.stages if name != "weights"]
    vectors = {name: numbers(getattr(head_view, name)) for name in ("query", "key", "value")}
    return {
        "kind": head_view.kind, "layer": head_view.layer, "head": head_view.head, "rules": _rules(head_view), **vectors,
        "stages": {name: {"what": WHAT[name], "numbers": numbers(array)} for name, array in steps},
        "weights": numbers(head_view.weights), "sink": numbers(head_view.sink_weight),
        "output": numbers(head_view.output), "contribution": numbers(head_view.contribution),
        "no_contribution": head_view.no_contribution, "unknown": list(head_view.unknown),
    }  # fmt: skip


def _rules(head_view: HeadView) -> dict[str, Any]:
    """What stands between q·k and the weights. may_look: queries × keys, or null where every query sees every key."""
    record = head_view.record
    allowed = record.allowed(head_view.head)
    bias = None if record.position_bias is None else record.position_bias.rows(head_view.head, 0, record.n_q)
    return {
        "scale": record.scale, "softcap": record.softcap, "temperature": record.temperature,
        "sink_scales_output": record.sink_scales, "causal": record.mask.causal,
        "may_look": None if allowed is None else allowed.cpu().numpy().astype(int).tolist(),
        "position_bias": None if bias is None else numbers(bias.float().cpu().numpy()),
    }  # fmt: skip


def numbers(array: np.ndarray | None) -> Any:
    """The numbers as nested lists, each in the fewest digits that tell its float32 exactly; null for what is none."""
    if array is None:
        return None
    flat = [_number(one) for one in np.asarray(array, dtype=np.float32).ravel()]
    return _nested(flat, list(array.shape))


def _number(one: np.float32) -> float | None:
    return float(str(one)) if np.isfinite(one) else None


def _nested(flat: list[Any], shape: list[int]) -> list[Any]:
    if len(shape) == 1:
        return flat
    step = len(flat) // shape[0] if shape[0] else 0
    return [_nested(flat[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]
