"""What each head does: its weights on a text against what heads of a named kind look at (`targets`).

A score is the mean share of a head's weight that falls on the kind's targets, over the queries that have any: 1 is a
head that does nothing else. Weights are the model's own, from its eager attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tools.train.targets import Lexicon, target

AS_GOOD = 0.02  # a difference in weight that nobody sees


@contextmanager
def eager(model: PreTrainedModel) -> Iterator[None]:
    """While inside, the model is in evaluation mode and gives its attention weights; nothing is learned."""
    before, training = model.config._attn_implementation, model.training
    model.set_attn_implementation("eager")
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.set_attn_implementation(before)
        model.train(training)


def attention_maps(model: PreTrainedModel, ids: Tensor) -> tuple[Tensor, Tensor]:
    """ids (batch, n) → weights (layers, batch, heads, n, n), rows sum to 1, and logits (batch, n, vocabulary)."""
    with eager(model):
        out = model(input_ids=ids, output_attentions=True)
    return torch.stack(out.attentions).float(), out.logits.float()


def kind_scores(weights: Tensor, ids: Tensor, kind: str, tables: Lexicon, *, causal: bool = True) -> Tensor:
    """Scores (layers, heads) of one kind. weights (layers, batch, heads, n, n), ids (batch, n); queries from 2 on."""
    rows = torch.arange(2, ids.shape[1]).expand(len(ids), -1)
    wanted = target(kind, ids, rows, tables, causal=causal)  # (batch, rows, n)
    return on_targets(weights[..., 2:, :], wanted)


def on_targets(weights: Tensor, wanted: Tensor) -> Tensor:
    """Mean weight on wanted keys, over queries that want any: (layers, heads).

    weights (layers, batch, heads, r, n), wanted (batch, r, n). Zeros where no query wants anything.
    """
    mass = (weights * wanted[None, :, None]).sum(-1)  # (layers, batch, heads, r)
    asked = wanted.any(-1)[None, :, None]  # (1, batch, 1, r)
    return (mass * asked).sum((1, 3)) / asked.sum().clamp(min=1)


def clearest(weights: Tensor, ids: Tensor, kind: str, tables: Lexicon, *, causal: bool = True) -> tuple[int, float]:
    """The row that shows best what a head does: of those of words, the last one with the most weight on the kind's
    targets, within `AS_GOOD`; and its weight on them. weights (n, n) of one head, ids (n,).
    """
    wanted = target(kind, ids[None], torch.arange(len(ids))[None], tables, causal=causal)[0]
    mass = (weights * wanted).sum(-1) * (tables.small | tables.big)[ids]
    row = int((mass >= mass.max() - AS_GOOD).nonzero()[-1])
    return row, float(mass[row])


def spread(weights: Tensor) -> Tensor:
    """How evenly heads look at all that they may: mean entropy over ln(keys), (layers, heads).

    weights (layers, batch, heads, n, n); causal rows from 2 on; 1 is even.
    """
    entropy = -(weights * weights.clamp(min=1e-12).log()).sum(-1)[..., 2:]
    most = torch.arange(3, weights.shape[-1] + 1).log()
    return (entropy / most).mean((1, 3))


def parked(weights: Tensor) -> Tensor:
    """Mean weight on the first token, queries from 2 on: (layers, batch, heads, n, n) → (layers, heads)."""
    return weights[..., 2:, 0].mean((1, 3))


def matches(period: int, begin: int, length: int) -> Tensor:
    """What prefix matching wants in a sequence said twice, boolean (rows, length).

    Rows are the queries from `begin` + `period` on, all but the last; each wants the token after its earlier
    occurrence, `period` − 1 places back. begin: where the first saying starts; length: of the whole row.
    """
    queries = torch.arange(begin + period, length - 1)
    return torch.arange(length) == (queries - period + 1)[:, None]


def twice_scores(weights: Tensor, period: int, begin: int) -> Tensor:
    """Prefix matching (layers, heads): mean weight on what followed. weights (layers, batch, heads, n, n)."""
    length = weights.shape[-1]
    wanted = matches(period, begin, length)
    rows = weights[..., begin + period : length - 1, :]
    return on_targets(rows, wanted.expand(weights.shape[1], -1, -1))


def twice_right(logits: Tensor, ids: Tensor, period: int, begin: int) -> Tensor:
    """Whether each token of the second saying but its first is predicted: boolean (batch, period − 1)."""
    predicted = logits[:, begin + period : -1].argmax(-1)
    return predicted == ids[:, begin + period + 1 :]
