"""What a model is made of is all of it, each once, and seen anew when it changes."""

import pytest
import torch
from torch import nn

from attention.capture import anatomy
from attention.capture.anatomy import anatomy_of, modules_of, unchanged, weights_of
from tests import small_models


@pytest.mark.parametrize("family", ["gpt2", "t5", "marian"])
def test_all_modules_and_weights_are_found_once(family: str):
    model = small_models.model(family)
    assert sorted(map(id, modules_of(model))) == sorted(map(id, model.modules()))
    assert sorted(map(id, weights_of(model))) == sorted(map(id, model.parameters()))


def test_a_weight_or_module_that_stands_twice_counts_once_and_one_that_is_missing_not():
    layer = nn.Linear(3, 3, bias=False)
    other = nn.Linear(3, 3)
    other.weight = layer.weight
    model = nn.ModuleDict({"one": layer, "again": layer, "other": other})
    model.register_module("none", None)
    assert {id(module) for module in modules_of(model)} == {id(model), id(layer), id(other)}
    assert len(modules_of(model)) == 3
    assert [weight.shape for weight in weights_of(model)].count(torch.Size([3, 3])) == 1
    assert len(weights_of(model)) == 2


def test_a_layer_that_is_replaced_makes_a_new_anatomy():
    model = small_models.model("gpt2")
    before = anatomy_of(model)
    assert anatomy_of(model) is before
    model.transformer.ln_f = nn.LayerNorm(model.config.n_embd)
    after = anatomy_of(model)
    assert after is not before
    assert after.names[id(model.transformer.ln_f)] == "transformer.ln_f"


def test_who_leaves_a_model_unchanged_looks_through_it_once_and_the_next_one_anew(monkeypatch: pytest.MonkeyPatch):
    model, other = small_models.model("gpt2"), nn.Linear(3, 3)
    look, looked = anatomy._found, []
    monkeypatch.setattr(anatomy, "_found", lambda model: looked.append(model) or look(model))

    @unchanged
    def run(model: nn.Module) -> None:
        for _ in range(3):
            assert sorted(map(id, modules_of(model))) == sorted(map(id, model.modules()))
            assert modules_of(other) == [other]

    run(model)
    assert [one is model for one in looked] == [True, False, False, False]
    model.transformer.ln_f = nn.LayerNorm(model.config.n_embd)
    run(model)
    assert sum(one is model for one in looked) == 2


def test_a_run_that_fails_is_over():
    model = small_models.model("gpt2")

    @unchanged
    def run(model: nn.Module) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run(model)
    model.transformer.ln_f = nn.LayerNorm(model.config.n_embd)
    assert model.transformer.ln_f in modules_of(model)
