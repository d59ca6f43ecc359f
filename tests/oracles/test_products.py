"""A score by its dimensions, and by the pairs that turn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention.analysis.dimensions import Layout
from attention.errors import InputError
from attention.record import Trace
from tests.oracles.products import in_pairs, products
from tests.tiny import build, ids

N = 13


@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("llama", "decoder"), ("bert", "encoder")])
def test_products_sum_to_the_score(name: str, kind: str) -> None:
    trace = attention.trace(build(name, kind), ids(N))
    for layer, head, query, key in ((0, 0, 3, 1), (1, 3, 12, 0), (2, 2, 5, 5)):
        view = trace.head(layer, head)
        made = products(view.record, head, query, key)
        size = float(np.abs(view.scores).max())
        assert made.score == pytest.approx(float(view.scores[query, key]), abs=1e-5 * size)
        assert made.scaled == pytest.approx(float(view.scaled[query, key]), abs=1e-5 * size)
        assert float(made.products.sum(dtype=np.float64)) == pytest.approx(made.score, abs=1e-5 * size)
        np.testing.assert_allclose(made.products, view.query[query] * view.key[key], rtol=1e-5)


def test_the_largest_are_the_largest_in_size() -> None:
    query, key = torch.tensor([[[1.0, -3, 2, 0.5]]]), torch.tensor([[[1.0, 2, 1, 1]]])
    made = products(Trace.from_tensors(query=query, key=key).record(0), 0, 0, 0)
    assert made.largest(2) == [(1, -6.0), (2, 2.0)]
    assert made.score == -2.5
    assert made.scaled == -1.25


def test_what_is_not_known_or_not_there() -> None:
    assert "taken apart" in products(Trace.from_tensors(weights=torch.eye(3)[None]).record(0), 0, 0, 0)
    record = attention.trace(build("gpt2", "decoder"), ids(N)).record(0)
    with pytest.raises(InputError, match="Queries are 0 to 12"):
        products(record, 0, 13, 0)


def test_pairs_sum_to_the_score_and_keep_below_their_most() -> None:
    trace = attention.trace("storyteller", "The cat sat on the mat because it was tired.")
    made = products(trace.record(3), 2, 8, 2)
    found = in_pairs(made, Layout(arrangement="halves", start=0, width=32))
    assert found.products.shape == (16,)
    assert found.alone == ()
    assert float(found.products.sum(dtype=np.float64)) == pytest.approx(made.score, rel=1e-5, abs=1e-5)
    assert (np.abs(found.products) <= found.most * (1 + 1e-5)).all()
    assert found.products[3] == pytest.approx(made.products[3] + made.products[19], abs=1e-6)


def test_dimensions_that_do_not_turn_stand_alone() -> None:
    query, key = torch.randn(2, 1, 1, 7, generator=torch.Generator().manual_seed(2))
    made = products(Trace.from_tensors(query=query, key=key).record(0), 0, 0, 0)
    found = in_pairs(made, Layout(arrangement="neighbours", start=0, width=4))
    assert [at for at, _ in found.alone] == [4, 5, 6]
    assert float(found.products.sum()) + sum(one for _, one in found.alone) == pytest.approx(made.score, abs=1e-5)
    with pytest.raises(InputError, match="there are 7"):
        in_pairs(made, Layout(arrangement="halves", start=0, width=8))


def test_the_most_of_a_pair_is_what_no_distance_changes() -> None:
    """Turning both of a pair's dimensions of the key changes its product, not the most it could be."""
    query, key = torch.randn(2, 1, 1, 4, generator=torch.Generator().manual_seed(2))
    layout = Layout(arrangement="halves", start=0, width=4)
    record = Trace.from_tensors(query=query, key=key).record(0)
    other = torch.stack([-key[..., 2], -key[..., 3], key[..., 0], key[..., 1]], -1)
    one, two = (in_pairs(products(replace(record, key=k), 0, 0, 0), layout) for k in (key[0][None], other[0][None]))
    np.testing.assert_allclose(one.most, two.most, rtol=1e-5)
    assert not np.allclose(one.products, two.products)
