"""What a model passes to its attention function beside query, key and value: cut to some queries, and kept small."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def _a_query(value: Tensor) -> bool:
    """Whether an argument holds one number a head and query, (1, h, n_q, 1)."""
    return value.dim() == 4 and value.shape[-1] == 1


def rows_of(mask: Tensor | None, rows: slice) -> Tensor | None:
    """The rows of a mask (…, n_q, n_k) for these queries; one that is the same for all queries stays as it is."""
    return mask if mask is None or mask.dim() < 3 or mask.shape[-2] == 1 else mask[..., rows, :]


def of_rows(arguments: dict[str, Any], rows: slice) -> dict[str, Any]:
    """The arguments for these queries alone: of a bias, and of what has a number for each query, their rows."""
    cut = {
        name: rows_of(value, rows)
        for name, value in arguments.items()
        if isinstance(value, Tensor) and (name == "position_bias" or _a_query(value))
    }
    return {**arguments, **cut}


def has_one_a_query(sink: Tensor, n_q: int) -> bool:
    """Whether each query has a sink of its own, (b, h, n_q, 1), and not each head, (h,) in whatever shape."""
    return sink.dim() == 4 and sink.shape[2] == n_q


def sink_of(sink: Tensor, n_q: int) -> Tensor:
    """One text's sinks: (h,), or (h, n_q) where each query has its own."""
    return sink[0, :, :, 0] if has_one_a_query(sink, n_q) else sink.flatten()


def kept(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the model's own function may need again; of what grows with the text, one number a query."""
    plain = (bool, int, float, str, type(None))
    return {
        name: value
        for name, value in arguments.items()
        if name not in ("position_bias", "dropout")
        and (isinstance(value, plain) or (isinstance(value, Tensor) and (value.dim() <= 1 or _a_query(value))))
    }
