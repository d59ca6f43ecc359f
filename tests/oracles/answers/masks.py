"""Answers of lesson 6, by torch's own masks."""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

Given = dict[str, Any]


def causal_weight(given: Given) -> float:
    scores = torch.tensor([[0, 0, 0], [given["a"], given["b"], given["c"]], [0, 0, 0]], dtype=torch.float64)
    return float(scores.masked_fill(torch.ones(3, 3).triu(1).bool(), -torch.inf).softmax(dim=1)[1, 0])


def masked_after(given: Given) -> float:
    scores = torch.tensor([[given["a"], given["b"], given["c"]]], dtype=torch.float64)
    return float((scores.softmax(dim=1) * torch.tensor([1, 1, 0])).sum())


def open_cells(given: Given) -> float:
    ones = torch.ones(given["n"], given["n"], dtype=torch.bool)
    makers = {
        "tril(ones)": ones.tril(),
        "tril(ones, diagonal=-1)": ones.tril(diagonal=-1),
        "~triu(ones, diagonal=1)": ~ones.triu(diagonal=1),
        "~triu(ones, diagonal=0)": ~ones.triu(diagonal=0),
    }
    return float(makers[given["code"]].sum())


def low_fill(given: Given) -> float:
    seen = -float(given["seen"].rpartition("−")[2].replace(",", "")) if "only" in given["seen"] else None
    scores = torch.tensor([seen or 0.0] + [0.0] * (given["keys"] - 1), dtype=torch.float64)
    closed = torch.arange(given["keys"]) >= (0 if seen is None else 1)
    return float(scores.masked_fill(closed, -1e9 if "1e9" in given["fill"] else -10_000).softmax(dim=0)[0])


def flag(given: Given) -> int:
    """Two keys, the second one flagged: whether its value is in the output of the library itself."""
    value = given["flag"] == "True"
    x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    if given["library"] == "nn.MultiheadAttention":
        layer = nn.MultiheadAttention(2, 1, batch_first=True)
        # The other key stays open, so that no row is closed as a whole.
        mask = torch.tensor([[False, value], [False, value]])
        weights = layer(x, x, x, attn_mask=mask)[1].detach()
        return 0 if float(weights[0, 0, 1]) > 0 else 1
    mask = torch.tensor([[True, value], [True, value]])
    if given["library"] == "F.scaled_dot_product_attention":
        out = scaled_dot_product_attention(x, x, x, attn_mask=mask)
        return 0 if float(out[0, 0, 1]) > 0 else 1
    return _by_transformers(value)


def _by_transformers(value: bool) -> int:
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        attn_implementation="eager",
    )  # fmt: skip
    model = BertModel(config).eval()
    weights = model(
        input_ids=torch.tensor([[1, 2]]), attention_mask=torch.tensor([[1, int(value)]]), output_attentions=True
    ).attentions[0].detach()
    return 0 if float(weights[0, 0, 0, 1]) > 0 else 1


def both_masks(given: Given) -> float:
    places = torch.arange(given["places"])
    causal = torch.ones(given["places"], given["places"], dtype=torch.bool).tril()
    return float((causal & (places < given["words"]))[given["row"] - 1].sum())


def rows_changed(given: Given) -> float:
    """By a head itself: one token's vector is exchanged, and rows are compared bit by bit."""
    make = torch.Generator().manual_seed(given["n"])
    x = torch.randn(1, given["n"], 4, generator=make, dtype=torch.float64)
    other = x.clone()
    other[0, given["at"] - 1] += 1
    causal = given["kind"] == "a causal mask"
    outputs = [scaled_dot_product_attention(one, one, one, is_causal=causal) for one in (x, other)]
    return float((outputs[0] != outputs[1]).any(dim=-1).sum())
