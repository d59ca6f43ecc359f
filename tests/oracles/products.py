"""Inside one score: the products q_i · k_i, dimension by dimension, which sum to it, and those of turning pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attention.analysis.blocks import fixed
from attention.analysis.dimensions import NO_QUERY, Layout
from attention.errors import InputError
from attention.record import wide

if TYPE_CHECKING:
    from attention.record import AttentionRecord


@dataclass(frozen=True, kw_only=True, eq=False)
class Products:
    """One score taken apart. query, key, products: (d,) float32. score: their sum, before the scale (stage `scores`).

    order: dimensions by falling |product|. scaled: score × the model's scale.
    """

    query: np.ndarray
    key: np.ndarray
    products: np.ndarray
    score: float
    scaled: float
    order: np.ndarray

    def largest(self, count: int = 5) -> list[tuple[int, float]]:
        """(dimension, product) of the largest in size."""
        return [(int(at), float(self.products[at])) for at in self.order[:count]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """The products by turning pairs; all of them and those alone sum to the score.

    dimensions (p, 2); products (p,), both together; most (p,): |q||k| of the pair, the largest that its product could
    be at any distance. alone: (dimension, product) of those that do not turn.
    """

    dimensions: np.ndarray
    products: np.ndarray
    most: np.ndarray
    alone: tuple[tuple[int, float], ...]


def products(record: AttentionRecord, head: int, query: int, key: int) -> Products | str:
    """The score of one query and key by dimensions, or in words why not. Raises InputError for a place not there."""
    if record.query is None or record.key is None:
        return NO_QUERY
    if not (0 <= query < record.n_q and 0 <= key < record.n_k):
        raise InputError(f"Queries are 0 to {record.n_q - 1} and keys 0 to {record.n_k - 1}; got {query} and {key}.")
    q = wide(record.query[head, query]).detach().cpu()
    k = wide(record.key[record.kv_head(head), key]).detach().cpu()
    each = q.double() * k.double()
    score = float(each.sum())
    return Products(
        query=fixed(q.float()),
        key=fixed(k.float()),
        products=fixed(each.float()),
        score=score,
        scaled=score * record.scale,
        order=fixed(each.abs().argsort(descending=True, stable=True)),
    )


def in_pairs(made: Products, layout: Layout) -> Pairs:
    """The products by the pairs of a layout; raises InputError for one of another width."""
    pairs = layout.pairs()
    if layout.start + layout.width > len(made.products):
        raise InputError(f"This layout turns {layout.start + layout.width} dimensions; there are {len(made.products)}.")
    each, q, k = (array.astype(np.float64) for array in (made.products, made.query, made.key))
    lengths = np.linalg.norm(q[pairs], axis=1) * np.linalg.norm(k[pairs], axis=1)
    others = np.setdiff1d(np.arange(len(each)), pairs)
    return Pairs(
        dimensions=fixed(pairs),
        products=fixed(each[pairs].sum(axis=1).astype(np.float32)),
        most=fixed(lengths.astype(np.float32)),
        alone=tuple((int(at), float(each[at])) for at in others),
    )
