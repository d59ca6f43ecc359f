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
    TIMES,
    Layout,
    Turns,
    _layout_of,
    _said_again,
    _turns_of,
    layout_in,
    turns_of,
)
from attention.errors import InputError
from attention.record import Trace
from attention.source import load_source
from tests import small_models
from tests.tiny import build, ids

N = 13


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


def layout_of(model):
    """How the model pairs dimensions in its first layer, by a test run, or in words why that is not known."""
    trace = _said_again(model, TIMES)
    if isinstance(trace, str):
        return trace
    records = trace.records("encoder" if "encoder" in trace.kinds else None)
    return _layout_of(records[min(records)])


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
    assert layout_of(small_models.model("gpt2")) == NO_PAIRS
    assert layout_of(small_models.model("t5")) == STILL


REAL = [
    ("llama", "halves", 0, 6), ("qwen3", "halves", 0, 22), ("gpt_neox", "halves", 0, 4),
]  # fmt: skip


@pytest.mark.parametrize(("family", "arrangement", "start", "width"), REAL)
def test_layouts_of_real_code(family: str, arrangement: str, start: int, width: int) -> None:
    found = layout_of(small_models.model(family))
    assert (found.arrangement, found.start, found.width) == (arrangement, start, width)


@pytest.mark.parametrize("name", ["cohere", "glm4"])
def test_layouts_of_neighbours(name: str) -> None:
    assert layout_of(build(name, "decoder")).arrangement == "neighbours"


@pytest.mark.parametrize("name", ["storyteller", "cloze"])
def test_layouts_of_what_comes_with_headlight(name: str) -> None:
    assert layout_of(load_source(name, None, None).model) == Layout(arrangement="halves", start=0, width=32)


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
    assert turns_of(small_models.model("gpt2"), 13) == {
        ("decoder", 0): NO_PAIRS,
        ("decoder", 1): NOT_ALIKE,
    }
    assert set(turns_of(small_models.model("t5"), 13).values()) <= {STILL, NOT_ALIKE}
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
