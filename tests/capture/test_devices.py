"""A model whose weights accelerate keeps elsewhere gives the numbers of the same model with its weights in place."""

import copy
from collections.abc import Callable
from pathlib import Path

import accelerate
import numpy as np
import pytest
import torch
from torch import nn

import attention
from attention.analysis import copying
from attention.capture import autocast
from attention.capture.devices import computed_on, present, runs_on
from tests.tiny import build, ids

N = 9
PAIR = [1, 7, 9, 4]


def on_cpu(model: nn.Module, folder: Path) -> nn.Module:
    return accelerate.cpu_offload(model, execution_device="cpu")


def on_disk(model: nn.Module, folder: Path) -> nn.Module:
    return accelerate.disk_offload(model, folder, execution_device="cpu")


def first_layer(model: nn.Module, folder: Path) -> nn.Module:
    """One part on disk, the others where they were."""
    layer = next(name for name, _ in model.named_modules() if name.endswith(".0"))
    leaves = [name for name, own in model.named_modules() if list(own.parameters(recurse=False))]
    places = {name: "cpu" for name in leaves if not name.startswith(layer + ".")} | {layer: "disk"}
    return accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=folder, force_hooks=True)


WAYS: list[Callable[[nn.Module, Path], nn.Module]] = [on_cpu, on_disk, first_layer]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("llama", "decoder"), ("t5", "both")])
def test_an_offloaded_model_gives_the_numbers_of_the_same_model_in_place(name, kind, way, tmp_path):
    model = build(name, kind)
    offloaded = way(copy.deepcopy(model), tmp_path)
    assert any(weight.is_meta for weight in offloaded.parameters())
    pair = PAIR if kind == "both" else None
    expected, trace = (attention.trace(one, ids(N), pair=pair) for one in (model, offloaded))
    assert trace.fidelity.ok
    for kind in expected.kinds:
        for layer in expected.records(kind):
            head, own = trace.head(layer, 1, kind), expected.head(layer, 1, kind)
            assert head.error.ok
            assert set(head.error.parts) == set(own.error.parts)
            np.testing.assert_array_equal(head.weights, own.weights)
            np.testing.assert_array_equal(head.contribution, own.contribution)
            for weight, other in zip(linear(head), linear(own), strict=True):
                assert (weight is None and other is None) or torch.equal(weight, other)
    assert any(weight.is_meta for weight in offloaded.parameters())  # as it was given to us


def linear(head):
    return head.record.projection.linear


@pytest.mark.parametrize("way", WAYS)
def test_it_predicts_writes_and_copies_the_same(way, tmp_path):
    model = build("gpt2", "decoder")
    offloaded = way(copy.deepcopy(model), tmp_path)
    expected, found = (attention.predict(one, ids(N)) for one in (model, offloaded))
    np.testing.assert_array_equal(found.rows.logits, expected.rows.logits)
    written = [attention.generate(one, ids(N), n_tokens=4) for one in (model, offloaded)]
    assert written[0].ids == written[1].ids
    paths = []
    for one in (model, offloaded):
        with copying.watching(one) as seen:
            attention.trace(one, ids(N))
        paths.append(seen.path())
    assert torch.equal(paths[1].mean, paths[0].mean)
    assert torch.equal(paths[1].unembedding, paths[0].unembedding)
    assert torch.equal(paths[1].norm.gain, paths[0].norm.gain)


def test_autocast_and_random_numbers_follow_the_device_of_the_run(tmp_path):
    offloaded = on_disk(build("gpt2", "decoder"), tmp_path)
    assert runs_on(offloaded) == torch.device("cpu")
    assert computed_on(offloaded) == {torch.device("cpu")}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert autocast.of(offloaded).dtype == torch.bfloat16


def test_weights_are_present_while_inside_alone(tmp_path):
    model = build("gpt2", "decoder")
    weight = model.lm_head.weight.detach().clone()
    on_disk(model, tmp_path)
    with present(model.lm_head):
        assert torch.equal(model.lm_head.weight, weight)
    assert model.lm_head.weight.is_meta
