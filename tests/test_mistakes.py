"""Each mistake does what is said of it, and without one the layer is that of `attention/mhsa.py`."""

import pytest
import torch
from torch import Tensor

from attention.errors import InputError
from attention.layer_settings import LocalSettings, from_line
from attention.local import build, embed
from attention.mistakes import MISTAKES, run, weights_of
from attention.tokens import words

TEXT = "The cat sat on the mat because it was tired."
N = len(words(TEXT))


def made(mistake: str = "", line: str = "", mask: Tensor | None = None) -> dict[str, Tensor]:
    settings = from_line(line)
    return run(embed(words(TEXT), settings)[None], weights_of(build(settings)), settings, mistake, mask)


@pytest.mark.parametrize("line", [
    "", "both", "heads=8,kv=2,both", "kv=1,temperature=3", "d=30,heads=5,unscaled", "heads=1",
])  # fmt: skip
def test_without_a_mistake_it_is_our_layer(line: str) -> None:
    settings = from_line(line)
    with torch.no_grad():
        due = build(settings).run(embed(words(TEXT), settings)[None])
    found = made(line=line)
    assert torch.allclose(found["weights"], due.stages.weights, atol=1e-6)
    assert torch.allclose(found["output"], due.output, atol=1e-5)
    assert torch.equal(found["key"], due.key)


def test_a_mask_closes_what_it_says() -> None:
    mask = torch.arange(N) != 2
    found = made(mask=mask.expand(N, -1))
    assert not found["weights"][..., 2].any()
    assert torch.allclose(found["weights"].sum(-1), torch.ones(1, 4, N))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_changes_the_output(mistake: str) -> None:
    right, wrong = made()["output"], made(mistake)["output"]
    assert right.shape == wrong.shape
    assert not torch.allclose(right, wrong, atol=1e-2)


def test_they_do_what_is_said_of_them() -> None:
    right = made()
    assert torch.allclose(made("transpose")["scores"], right["scores"].transpose(-2, -1), atol=1e-4)
    assert torch.allclose(made("axis")["weights"].sum(-2), torch.ones(1, 4, N))
    assert torch.equal(made("unscaled")["scaled"], right["scores"])
    assert torch.allclose(made("width")["scaled"] * 2, right["scaled"], rtol=1e-5), "√4 heads"
    assert (made("late")["weights"].sum(-1)[..., :-1] < 1 - 1e-6).all()
    assert made("late")["weights"].sum(-1)[..., 0].max() < 0.9
    assert not made("late")["weights"].triu(1).any()
    row = made("diagonal")["weights"][0, :, :, :]
    assert row[:, 0].isnan().all()
    assert not row[:, 1:].isnan().any()
    assert not row[:, 1:].diagonal(1, -2, -1).isnan().any()
    assert torch.equal(made("split")["query"].flatten(), right["Q"].flatten()), "the same numbers, cut elsewhere"
    assert torch.equal(made("merge")["concat"].flatten(), right["heads"].flatten())
    assert torch.allclose(made("average")["concat"], right["heads"].mean(1))


def test_with_one_head_or_no_scale_some_are_none() -> None:
    assert torch.equal(made("width", "heads=1")["output"], made("", "heads=1")["output"])
    assert torch.equal(made("split", "heads=1")["output"], made("", "heads=1")["output"])
    assert torch.equal(made("unscaled", "unscaled")["output"], made("", "unscaled")["output"])
    assert torch.equal(made("late", "both")["output"], made("", "both")["output"])


def test_another_mistake_is_refused() -> None:
    with pytest.raises(InputError, match="There is no mistake 'typo'; there are: transpose, axis"):
        made("typo")


def test_biases_are_added_where_they_are() -> None:
    settings = LocalSettings()
    weights = weights_of(build(settings))
    x = embed(words(TEXT))[None]
    moved = run(x, weights | {"output_bias": torch.full((64,), 3.0)}, settings)
    assert torch.allclose(moved["output"], run(x, weights, settings)["output"] + 3, atol=1e-5)
