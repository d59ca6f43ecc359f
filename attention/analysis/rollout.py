"""Attention rollout (Abnar and Zuidema 2020, equation 1): weights multiplied through the layers, from input to output.

Each layer is taken for ½ A + ½ I, A being the average of its heads and I what the residual connection carries past
them; R_l = (½ A_l + ½ I) R_(l−1). It is a rough story, and what it leaves out is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from attention.analysis.blocks import allowed_of, fixed, row_blocks, weights_of
from attention.errors import InputError
from attention.stages import exactly

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Kind, Trace

LEAVES_OUT = (
    "Rollout leaves out the values, the output projections, the feed-forward layers and the norms, takes the heads of "
    "a layer for their average, and gives the residual connection half of every layer."
)
DRIFT = (
    "In a causal model rollout drifts to the first token: layers of heads that look evenly at all they may do so too. "
    "Beside it stands how far this model’s rollout differs from that of such even layers."
)
CROSS = "What the decoder takes from the other text, by its cross-attention, is left out as well."
SINKS = "A learned sink's share is left out: rows are brought back to a sum of 1."


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """What is left of each input token in each place after the layers, by this story.

    mixed: (n, n) float32, query by input token, rows sum to 1. even: (n, n), the same for heads that look evenly at all
    they may; None unless the model is causal. notes: what it leaves out and what to beware of, in sentences.
    """

    kind: Kind
    layers: tuple[int, ...]
    mixed: np.ndarray
    even: np.ndarray | None
    notes: tuple[str, ...]


def rollout(trace: Trace, kind: Kind | None = None, *, layers: int | None = None) -> Rollout:
    """Rollout through the first `layers` layers, or all.

    Two (n, n) matrices are in memory, and blocks of rows. Raises InputError where it is not defined: for
    cross-attention, and where layers without a map of all tokens lie between.
    """
    kind = trace.default_kind if kind is None else kind
    records = _all_layers(trace, kind, layers)
    causal = all(_causal(record) for record in records)
    notes = [LEAVES_OUT]
    notes += [DRIFT] if causal else []
    notes += [CROSS] if "cross" in trace.kinds and kind == "decoder" else []
    notes += [SINKS] if any(record.sink is not None and not record.sink_scales for record in records) else []
    return Rollout(
        kind=kind,
        layers=tuple(record.layer for record in records),
        mixed=fixed(_through(records, _mean_of_heads)),
        even=fixed(_through(records, _even_head)) if causal else None,
        notes=tuple(notes),
    )


def _all_layers(trace: Trace, kind: Kind, most: int | None) -> list[AttentionRecord]:
    """The records of the first `most` layers, each exactly one; raises InputError with what is missing."""
    if kind == "cross":
        raise InputError("Rollout follows one text through its layers; choose self-attention, not cross-attention.")
    records, whole = trace.records(kind), _depth(trace, kind)
    count = max(records) + 1 if whole is None else whole
    if most is not None and not 1 <= most <= count:
        raise InputError(f"Rollout through {most} layers is not possible: this model has 1 to {count}.")
    wanted = range(count if most is None else most)
    missing = [layer for layer in wanted if layer not in records]
    if missing:
        raise InputError(
            f"Rollout needs the attention of every layer; there is none of layer {', '.join(map(str, missing))}, so "
            "what goes through it is not known."
        )
    twice = sorted({record.layer for record in trace.all_records if record.kind == kind and record.op > 0})
    if twice:
        raise InputError(f"Layer {twice[0]} attends more than once, so there is no one map of it to multiply.")
    chosen = [records[layer] for layer in wanted]
    size = chosen[0].n_q
    if any((record.n_q, record.n_k) != (size, size) for record in chosen):
        raise InputError("Rollout needs maps of all tokens by all tokens; some layer here has other keys or queries.")
    return chosen


def _depth(trace: Trace, kind: Kind) -> int | None:
    facts = trace.model
    two = facts.n_decoder_layers is not None
    return facts.n_decoder_layers if two and kind == "decoder" else facts.n_layers


def _causal(record: AttentionRecord) -> bool:
    if record.mask.causal:
        return True
    array = record.mask.array
    return array is not None and not bool(array.triu(1).any())


@exactly
def _through(records: list[AttentionRecord], rows_of: Callable[[AttentionRecord, int, int], Tensor]) -> Tensor:
    """The product over the layers of ½ A + ½ I, (n, n) float32, made in blocks of rows."""
    n = records[0].n_q
    before = torch.eye(n, dtype=torch.float32)
    for record in records:
        after = torch.empty(n, n, dtype=torch.float32)
        for start, stop in row_blocks(n, n):
            mixed = rows_of(record, start, stop) / 2
            mixed.diagonal(start).add_(0.5)
            after[start:stop] = (mixed / mixed.sum(-1, keepdim=True)) @ before
        before = after
    return before


def _mean_of_heads(record: AttentionRecord, start: int, stop: int) -> Tensor:
    total = torch.zeros(stop - start, record.n_k, dtype=torch.float32)
    for head in range(record.n_heads):
        total += weights_of(record, head, start, stop).float()
    return total / record.n_heads


def _even_head(record: AttentionRecord, start: int, stop: int) -> Tensor:
    allowed = allowed_of(record, 0, start, stop)
    return allowed.float() / allowed.sum(-1, keepdim=True).clamp(min=1)
