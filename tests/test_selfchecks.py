"""A correct layer passes every check with any settings, and each bug fails the checks that it should."""

from functools import partial

import pytest
import torch
from torch import Tensor

from attention import selfchecks
from attention.errors import InputError
from attention.layer_settings import LocalSettings, from_line
from attention.local import build, embed
from attention.mhsa import MultiHeadSelfAttention
from attention.mistakes import MISTAKES, Weights, run, weights_of
from attention.selfchecks import CHECKS, catching, check, check_all
from attention.tokens import words

TEXT = "The cat sat on the mat because it was tired."
LINES = (
    "", "both", "heads=8,kv=2,both,seed=7", "kv=1,temperature=3", "d=30,heads=5,unscaled", "heads=1", "d=4,heads=4",
)  # fmt: skip
# Which check catches which bug, in the layer of a first visit. The last two are the same for all.
TABLE = {
    "transpose": {"keys", "bias"},
    "axis": {"rows", "causality", "keys", "copies", "padding", "bias"},
    "unscaled": set(),
    "width": set(),
    "late": {"rows", "causality", "keys", "padding"},
    "diagonal": {"rows", "causality", "one", "keys", "padding", "bias"},
    "split": {"causality", "order", "keys", "copies", "padding", "bias"},
    "merge": {"causality", "order", "padding"},
    "average": {"shape", "one"},
}


def given(line: str = "", dtype: torch.dtype = torch.float64) -> tuple[Tensor, dict[str, Tensor], LocalSettings]:
    settings = from_line(line)
    weights = weights_of(build(settings).to(dtype))
    return embed(words(TEXT), settings)[None].to(dtype), weights, settings


Steps = dict[str, Tensor]


def by_module(x: Tensor, weights: Weights, settings: LocalSettings, *, mask: Tensor | None = None) -> Steps:
    """`attention/mhsa.py` as an implementation to be checked. Its padding hides columns, as the masks here do."""
    layer = MultiHeadSelfAttention(
        settings.d_model, settings.n_heads, n_kv_heads=settings.n_kv_heads, causal=settings.causal,
        scaled=settings.scaled, temperature=settings.temperature,
    ).to(x.dtype)  # fmt: skip
    for name in ("query", "key", "value", "output"):
        linear = getattr(layer, f"to_{name}")
        linear.weight.copy_(weights[name].T)
        linear.bias.copy_(torch.as_tensor(weights.get(f"{name}_bias", 0.0)))
    made = layer.run(x, padding=None if mask is None else mask[:1])
    return {
        "query": made.query, "key": made.key, "value": made.value, "scores": made.stages["scores"],
        "weights": made.stages.weights, "heads": made.heads.transpose(1, 2), "concat": made.heads.flatten(2),
        "output": made.output,
    }  # fmt: skip


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("implementation", [run, by_module], ids=["mistakes.run", "mhsa"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_a_correct_layer_passes_all(line: str, implementation: selfchecks.Implementation, dtype: torch.dtype) -> None:
    found = check_all(implementation, *given(line, dtype))
    assert list(found) == list(CHECKS)
    assert {name: one.words for name, one in found.items() if one.holds is not True} == {}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_bug_is_caught_by_these(mistake: str) -> None:
    assert set(catching(mistake, *given())) == TABLE[mistake] | {"gradient", "reference"}


def test_every_check_catches_something() -> None:
    assert set().union(*TABLE.values()) | {"gradient", "reference"} == set(CHECKS)


def test_a_small_fault_is_seen() -> None:
    """Not only the bugs of the list: one weight of W_O that is a thousandth off."""
    def off(x: Tensor, weights: Weights, settings: LocalSettings, *, mask: Tensor | None = None) -> Steps:
        moved = weights["output"].clone()
        moved[3, 5] += 1e-3
        return run(x, {**weights, "output": moved}, settings, mask=mask)

    assert check("reference", off, *given()).holds is False


def test_what_cannot_be_computed_does_not_hold() -> None:
    def broken(x: Tensor, weights: Weights, settings: LocalSettings, *, mask: Tensor | None = None) -> Steps:
        return {"weights": x @ x}

    found = check("rows", broken, *given())
    assert found.holds is False
    assert found.words.startswith("It cannot be computed: ")


def test_one_token_is_too_few() -> None:
    x, weights, settings = given()
    assert check("rows", run, x[:, :1], weights, settings).holds is None


def test_another_check_is_refused() -> None:
    with pytest.raises(InputError, match="There is no check 'typo'; there are: shape, rows"):
        check("typo", run, *given())


def test_the_words_say_how_far_it_is_off() -> None:
    assert check("shape", run, *given()).words == "Off by 0.0e+00; none is allowed."
    assert check("shape", partial(run, mistake="average"), *given()).words == "Off by 1.0e+00; none is allowed."
