"""A score by its dimensions, and how rotary models pair them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention.analysis.dimensions import (
    FEW_DIGITS,
    NO_PAIRS,
    NOT_ALIKE,
    NOT_BACK,
    STILL,
    Layout,
    Turns,
    _turns_of,
    in_pairs,
    layout_in,
    layout_of,
    products,
    turns_of,
)
from attention.errors import InputError
from attention.record import Trace
from attention.source import load_source
from tests import twins
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


LAYOUTS = [
    Layout(arrangement="halves", start=0, width=12), Layout(arrangement="neighbours", start=0, width=12),
    Layout(arrangement="halves", start=0, width=6), Layout(arrangement="halves", start=6, width=6),
    Layout(arrangement="neighbours", start=8, width=4),
]  # fmt: skip


def turned(layout: Layout, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Keys (2, 24, 12) of one token, turned by its place, as Su et al. 2021 have it."""
    key = torch.randn(2, 1, 12, generator=torch.Generator().manual_seed(6)).double().expand(-1, 24, -1).clone()
    for number, (a, b) in enumerate(layout.pairs()):
        angle = torch.arange(24).double() * 10000 ** (-2 * number / layout.width)
        x, y = key[..., a].clone(), key[..., b].clone()
        key[..., a], key[..., b] = x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()
    return key.to(dtype)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layout_is_found_from_how_keys_turn(layout: Layout, dtype: torch.dtype) -> None:
    found = layout_in(turned(layout, dtype))
    assert found.arrangement == layout.arrangement
    if dtype == torch.float32:
        assert found == layout


def test_no_layout_is_guessed() -> None:
    generator = torch.Generator().manual_seed(1)
    assert layout_in(torch.randn(2, 24, 12, generator=generator)) == NO_PAIRS
    assert layout_in(torch.randn(2, 1, 12, generator=generator).expand(-1, 24, -1)) == STILL
    assert layout_of(twins.model("gpt2")) == NO_PAIRS
    assert layout_of(twins.model("t5")) == STILL


REAL = [
    ("llama", "halves", 0, 6), ("qwen3", "halves", 0, 22), ("gpt_neox", "halves", 0, 4),
]  # fmt: skip


@pytest.mark.parametrize(("family", "arrangement", "start", "width"), REAL)
def test_layouts_of_real_code(family: str, arrangement: str, start: int, width: int) -> None:
    found = layout_of(twins.model(family))
    assert (found.arrangement, found.start, found.width) == (arrangement, start, width)


@pytest.mark.parametrize("name", ["cohere", "glm4"])
def test_layouts_of_neighbours(name: str) -> None:
    assert layout_of(build(name, "decoder")).arrangement == "neighbours"


@pytest.mark.parametrize("name", ["storyteller", "cloze"])
def test_layouts_of_what_comes_with_headlight(name: str) -> None:
    assert layout_of(load_source(name, None, None).model) == Layout(arrangement="halves", start=0, width=32)


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


# Turning back


def projected(model: torch.nn.Module, which: str, tokens: list[int]) -> list[np.ndarray]:
    """What each layer's own projection of queries or keys puts out, (heads, n, d), before anything is turned."""
    seen: list[np.ndarray] = []

    def keep(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
        seen.append(output[0].unflatten(-1, (-1, 12)).transpose(0, 1).double().numpy())

    hooks = [one.register_forward_hook(keep) for name, one in model.named_modules() if name.endswith(which)]
    with torch.no_grad():
        model(torch.tensor([tokens]))
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("name", ["llama", "cohere"])
def test_turned_back_they_are_what_the_models_own_projections_put_out(name: str) -> None:
    model, tokens = build(name, "decoder"), ids(40)
    trace, found = attention.trace(model, tokens), turns_of(model, 40)
    assert list(found) == [("decoder", layer) for layer in range(3)]
    for which, part in (("q_proj", "query"), ("k_proj", "key")):
        for layer, theirs in enumerate(projected(model, which, tokens)):
            recorded = getattr(trace.record(layer), part).double().numpy()
            ours = found["decoder", layer].back(recorded)
            assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
            assert np.abs(recorded - theirs).max() > 0.1 * np.abs(theirs).max()
            np.testing.assert_allclose(np.linalg.norm(ours, axis=-1), np.linalg.norm(recorded, axis=-1), rtol=1e-5)


def test_layers_that_turn_alike_share_their_angles() -> None:
    found = turns_of(build("modernbert", "encoder"), 30)
    whole, near, also_near = (found["encoder", layer] for layer in range(3))
    assert near is also_near
    assert whole is not near
    assert whole.layout == near.layout
    assert not np.allclose(whole.angles, near.angles, atol=1e-3)
    assert near.angles.shape == (30, 6)
    assert not near.angles[0].any()


def test_what_cannot_be_turned_back_says_why() -> None:
    assert turns_of(twins.model("gpt2"), 13) == {
        ("decoder", 0): NO_PAIRS,
        ("decoder", 1): NOT_ALIKE,
    }
    assert set(turns_of(twins.model("t5"), 13).values()) <= {STILL, NOT_ALIKE}
    half = turns_of(build("llama", "decoder").bfloat16(), 13)["decoder", 0]
    assert half.layout.arrangement == "halves"
    assert (half.angles, half.why) == (None, FEW_DIGITS)
    with pytest.raises(InputError, match="few digits"):
        half.back(np.zeros((2, 12)))


def test_a_learned_sink_makes_places_differ_below_the_first_layer() -> None:
    found = turns_of(build("gpt_oss", "decoder"), 13)
    assert found["decoder", 0].angles is not None
    assert found["decoder", 1] == NOT_ALIKE


def test_angles_that_do_not_turn_them_back_are_refused() -> None:
    """A model that changes its queries by place in another way than its keys."""
    layout = Layout(arrangement="halves", start=0, width=12)
    key = turned(layout)
    made = Trace.from_tensors(query=torch.flip(key, [1]), key=key).record(0)
    found = _turns_of(made, [], first=True)
    assert isinstance(found, Turns)
    assert (found.angles, found.why) == (None, NOT_BACK)
    assert _turns_of(replace(made, query=key), [], first=True).angles is not None
