"""Runs of many sorts of attention, tiny and with random weights, for the tests of files."""

from collections.abc import Callable
from typing import Any

import torch

import attention
from attention.record import Trace
from tests.tiny import build, ids

N = 11
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 32}


def of_model(name: str, kind: str, *, dtype: torch.dtype | None = None, **sizes: Any) -> Callable[[], Trace]:
    """Traces this architecture on N ids; both sides where it has two. The model is gone afterwards."""

    def run() -> Trace:
        model = build(name, kind, **sizes)
        model = model if dtype is None else model.to(dtype)
        pair = {"pair": ids(N - 4, seed=4)} if kind == "both" else {}
        MODELS.append(model)
        return attention.trace(model, ids(N), **pair)

    return run


# A trace asks its model now and then, so models stay until the process ends; they are tiny.
MODELS: list[Any] = []


def of_tensors(**more: Any) -> Callable[[], Trace]:
    """Three heads in two layers on one group, from tensors of one's own."""

    def run() -> Trace:
        draw = torch.Generator().manual_seed(5)
        q, k, v = (torch.randn(2, h, N, 5, generator=draw, dtype=torch.float32) for h in (3, 1, 1))
        output = torch.randn(2, N, 3, 5, generator=draw)
        given = {"query": q, "key": k, "value": v, "output": output}
        return Trace.from_tensors(**{name: one for name, one in {**given, **more}.items() if one is not None})

    return run


def dense() -> dict[str, Any]:
    draw = torch.Generator().manual_seed(6)
    mask = torch.rand(N, N, generator=draw) < 0.7
    return {
        "mask": mask, "position_bias": torch.randn(3, N, N, generator=draw), "softcap": 4.0,
        "sink": torch.randn(3, generator=draw), "scale": 0.3, "output": None,
    }  # fmt: skip


def given_weights() -> dict[str, Any]:
    draw = torch.Generator().manual_seed(7)
    weights = torch.randn(2, 3, N, N, generator=draw).softmax(-1)
    return {"query": None, "key": None, "value": None, "output": None, "weights": weights}


SORTS: dict[str, Callable[[], Trace]] = {
    "storyteller": lambda: attention.trace("storyteller", "The cat sat on the mat because it was tired."),
    "local": lambda: attention.trace("local", "The cat, =1+1 “sat”."),
    "gpt2": of_model("gpt2", "decoder"),
    "bert": of_model("bert", "encoder"),
    "t5": of_model("t5", "both"),
    "gpt-oss": of_model("gpt_oss", "decoder"),
    "gemma2": of_model("gemma2", "decoder"),
    "bloom": of_model("bloom", "decoder"),
    "llama in bfloat16": of_model("llama", "decoder", dtype=torch.bfloat16),
    "deberta": of_model("deberta-v2", "encoder", **RELATIVE),
    "tensors": of_tensors(causal=True),
    "tensors without rules": of_tensors(**dense()),
    "tensors in float64": lambda: Trace.from_tensors(
        query=torch.randn(2, 4, 3, dtype=torch.float64), key=torch.randn(2, 6, 3, dtype=torch.float64),
        pair_tokens=list("abcd"), tokens=list("uvwxyz"),
    ),
    "weights alone": of_tensors(**given_weights()),
}  # fmt: skip
