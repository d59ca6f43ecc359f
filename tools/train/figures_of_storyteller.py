"""The storyteller's figures: losses, what each head does, and what it recalls."""

from __future__ import annotations

import math
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from tools.train import passages, probes
from tools.train.copying import raised_logits
from tools.train.passages import Recall
from tools.train.targets import KINDS, Lexicon

PERIODS = (20, 50, 80)  # tokens of the random sequences that are said twice
PARKED = 0.5  # mean weight on the first token from which a head is said to park there
NAMED = 0.4  # how far a head must go from an even spread (0) to nothing else (1) for its name


def random_figures(model: LlamaForCausalLM, count: int = 8, seed: int = 11) -> dict[str, Any]:
    """On random tokens said twice: accuracy, and for each head (layers, heads) prefix matching, previous, copying."""
    sums: dict[str, Any] = {"accuracy": 0.0, "prefix": 0.0, "previous": 0.0, "raised": 0.0}
    for period in PERIODS:
        ids = passages.random_twice(model.config.vocab_size, count, period, seed)
        weights, logits = probes.attention_maps(model, ids)
        sums["accuracy"] += float(probes.twice_right(logits, ids, period, 1).float().mean()) / len(PERIODS)
        sums["prefix"] = sums["prefix"] + probes.twice_scores(weights, period, 1) / len(PERIODS)
        sums["previous"] = sums["previous"] + weights.diagonal(-1, -2, -1)[..., 1:].mean((1, 3)) / len(PERIODS)
        sums["raised"] = sums["raised"] + raised_logits(model, ids, period, 1) / len(PERIODS)
    return sums


def recall_figures(model: LlamaForCausalLM, recalls: list[Recall]) -> dict[str, Any]:
    """Over all queries of some texts: share predicted rightly, and each head's mean weight on what followed."""
    right, total = 0, 0
    weight = torch.zeros(model.config.num_hidden_layers, model.config.num_attention_heads)
    for one in recalls:
        weights, logits = probes.attention_maps(model, one.ids[None])
        rows = list(one.queries)
        right += int((logits[0, rows].argmax(-1) == torch.tensor(one.answers)).sum())
        weight += (weights[:, 0, :, rows] * one.wanted).sum((-1, -2))
        total += len(rows)
    best = int(weight.argmax())
    heads = weight.shape[1]
    return {
        "texts": len(recalls),
        "queries": total,
        "accuracy": right / max(1, total),
        "weight": weight / max(1, total),
        "best": {"layer": best // heads, "head": best % heads, "weight": float(weight.max()) / max(1, total)},
    }


def text_figures(model: LlamaForCausalLM, ids: Tensor, tables: Lexicon) -> dict[str, Tensor]:
    """Every kind's scores (layers, heads) on texts (batch, n), and "even": how evenly a head looks."""
    weights, _ = probes.attention_maps(model, ids)
    scores = {kind: probes.kind_scores(weights, ids, kind, tables) for kind in KINDS}
    return {**scores, "even": probes.spread(weights)}


def even_scores(kinds: list[str], ids: Tensor, tables: Lexicon) -> Tensor:
    """The score of each kind (kinds,) that a head would have which looks evenly at all that it may."""
    length = ids.shape[1]
    even = torch.tril(torch.ones(length, length)) / torch.arange(1, length + 1)[:, None]
    even = even.expand(1, len(ids), 1, -1, -1)
    return torch.stack([probes.kind_scores(even, ids, kind, tables)[0, 0] for kind in kinds])


def names_of_heads(scores: dict[str, Tensor], ids: Tensor, tables: Lexicon) -> list[list[str]]:
    """What each head does on texts, [layer][head]: the kind that it goes furthest to from an even spread.

    A head that does not go `NAMED` of the way to any is "even" or "mixed". Of two kinds that are nearly as good (a
    previous-token head also looks nearby) the one of which an even head has less.
    """
    kinds = [kind for kind in scores if kind != "even"]
    base = even_scores(kinds, ids, tables)[:, None, None]
    way = (torch.stack([scores[kind] for kind in kinds]) - base) / (1 - base).clamp(min=1e-6)  # (kinds, layers, heads)
    which = (way + 0.1 * (1 - base)).argmax(0)
    best = way.gather(0, which[None])[0]

    def name(layer: int, head: int) -> str:
        if best[layer, head] >= NAMED:
            return kinds[int(which[layer, head])]
        return "even" if scores["even"][layer, head] > 0.9 else "mixed"

    layers, heads = best.shape
    return [[name(layer, head) for head in range(heads)] for layer in range(layers)]


def held_loss(model: LlamaForCausalLM, held: Tensor, bytes_per_token: float) -> dict[str, float]:
    """Mean loss a token over windows (batch, n) of held-out text, its perplexity and bits a byte."""
    with torch.no_grad():
        losses = [model(input_ids=part, labels=part).loss for part in held.split(16)]
    loss = float(torch.stack(losses).mean())
    return {"loss": loss, "perplexity": math.exp(loss), "bits_per_byte": loss / math.log(2) / bytes_per_token}


def default_ids(tokenizer: Tokenizer) -> Tensor:
    """The app's default sentence, (1, n), with `<s>` before it."""
    return torch.tensor([[0, *tokenizer.encode(passages.DEFAULT, add_special_tokens=False).ids]])
