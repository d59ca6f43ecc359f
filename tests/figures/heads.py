"""Heads to draw: small, with distinct prime sizes, one for each thing that changes a figure."""

import torch

from attention.record import HeadView, Trace

N_HEADS, D_HEAD, N_Q, N_K = 2, 5, 7, 11


def tensors(n_q: int = N_Q, n_k: int = N_K, seed: int = 13) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"query": n_q, "key": n_k, "value": n_k}
    return {name: torch.randn(N_HEADS, n, D_HEAD, generator=generator) for name, n in shapes.items()}


def cross() -> HeadView:
    keys = [f"k{i}" for i in range(N_K)]
    queries = [f"q{i}" for i in range(N_Q)]
    return Trace.from_tensors(**tensors(), tokens=keys, pair_tokens=queries).head(0, 1)


def causal(names: list[str] | None = None, n: int = N_Q, **extra: object) -> HeadView:
    names = [f"t{i}" for i in range(n)] if names is None else names
    given = tensors(len(names), len(names))
    return Trace.from_tensors(**given, causal=True, tokens=names, **extra).head(0, 1)  # type: ignore[arg-type]
