"""A model comes back as it came, is shared between threads, and is not kept alive."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

import attention
from attention.capture.switch import switch_of
from tests.tiny import build, ids

N = 13


def state(model: PreTrainedModel) -> dict[str, Any]:
    modules = list(model.named_modules())
    return {
        "attention": [m.config._attn_implementation for _, m in modules if hasattr(m, "config")],
        "training": [m.training for _, m in modules],
        "hooks": [(len(m._forward_pre_hooks), len(m._forward_hooks)) for _, m in modules],
        "weights": {name: (weight.dtype, weight.device, weight.clone()) for name, weight in model.named_parameters()},
        "gradients": [weight.requires_grad for weight in model.parameters()],
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    weights = (
        (a[:2] == b[:2] and torch.equal(a[2], b[2]))
        for a, b in zip(one["weights"].values(), other["weights"].values(), strict=True)
    )
    return all(weights) and all(one[key] == other[key] for key in one if key != "weights")


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("t5", "both")])
def test_a_loaded_model_comes_back_as_it_came(name: str, kind: str, implementation: str) -> None:
    model = build(name, kind)
    model.set_attn_implementation(implementation)
    model.train()
    list(model.modules())[-1].eval()  # a mixture of modes must survive too
    before = state(model)
    first = attention.trace(model, ids(N))
    second = attention.trace(model, ids(N))
    assert same(state(model), before)
    assert (first.head(0, 0).weights == second.head(0, 0).weights).all()  # no dropout while we looked
    assert first.fidelity is not None
    assert first.fidelity.ok


def test_also_after_an_exception() -> None:
    model = build("gpt2", "decoder").train()
    before = state(model)
    model.transformer.h[1].mlp.register_forward_pre_hook(lambda *_: 1 / 0)
    before["hooks"] = state(model)["hooks"]
    with pytest.raises(ZeroDivisionError):
        attention.trace(model, ids(N))
    assert same(state(model), before)
    assert switch_of(model)._recording == 0


def test_threads_that_share_a_model_do_not_mix() -> None:
    model = build("llama", "decoder")
    texts = [ids(5 + i, seed=i) for i in range(12)]
    alone = [attention.trace(model, text).head(2, 1).weights for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: attention.trace(model, text), texts))
    for text, before, trace in zip(texts, alone, together, strict=True):
        assert [token.id for token in trace.tokens] == text
        assert len(trace.all_records) == 3
        assert abs(trace.head(2, 1).weights - before).max() < 1e-6
    assert model.config._attn_implementation == "sdpa"


def test_an_untouched_run_waits_until_nobody_records() -> None:
    model = build("llama", "decoder")
    switch, seen, inside, leave = switch_of(model), [], threading.Event(), threading.Event()

    def look() -> None:
        with switch.untouched(model):
            seen.append(model.config._attn_implementation)

    def hold() -> None:
        with switch.recording(model):
            inside.set()
            leave.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(5)
    looker = threading.Thread(target=look)
    looker.start()
    looker.join(0.1)
    assert seen == []
    leave.set()
    looker.join(5)
    holder.join(5)
    assert seen == ["sdpa"]


def test_a_trace_does_not_keep_its_model_alive() -> None:
    model = build("gpt2", "decoder")
    trace = attention.trace(model, ids(N))
    gone = weakref.ref(model)
    weight = weakref.ref(model.transformer.h[0].attn.c_proj.weight)
    del model
    gc.collect()
    assert gone() is None
    assert weight() is None
    view = trace.head(0, 0)
    assert view.error.ok  # the witness needs no weights
    assert view.contribution is None
    assert view.no_contribution == "the model is no longer loaded"


def test_a_trace_inside_inference_mode_works() -> None:
    with torch.inference_mode():
        assert attention.trace(build("gpt2", "decoder"), ids(N)).head(0, 0).error.ok


def test_a_model_used_by_its_owner_meanwhile_gives_its_own_result() -> None:
    model = build("llama", "decoder")
    with torch.no_grad():
        own = model(torch.tensor([ids(N)])).logits
        with switch_of(model).recording(model):
            meanwhile = model(torch.tensor([ids(N)])).logits
    assert torch.equal(own, meanwhile)


def test_models_that_share_a_configuration_do_not_break_each_other() -> None:
    model = build("llama", "decoder").train()
    before = state(model)
    base, leave, inside = model.model, threading.Event(), threading.Event()

    def hold() -> None:
        with switch_of(base).recording(base):
            inside.set()
            leave.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(5)
    with switch_of(model).recording(model):
        assert model.config._attn_implementation == "headlight_sdpa"
        leave.set()
        holder.join(5)
        assert model.config._attn_implementation == "headlight_sdpa"
        assert not any(module.training for module in model.modules())
    assert same(state(model), before)


def test_a_language_model_and_its_base_in_eight_threads() -> None:
    model = build("llama", "decoder")
    with ThreadPoolExecutor(8) as pool:
        traces = list(pool.map(lambda i: attention.trace(model if i % 2 else model.model, ids(5 + i)), range(24)))
    assert all(len(trace.all_records) == 3 for trace in traces)
    assert all(trace.fidelity is not None and trace.fidelity.ok for trace in traces)
    assert model.config._attn_implementation == "sdpa"


def test_the_owners_hooks_see_only_the_run_and_not_our_probes() -> None:
    model = build("llama", "decoder")
    seen: list[tuple[int, ...]] = []
    hook = model.model.layers[0].self_attn.o_proj.register_forward_hook(lambda _m, args, _o: seen.append(args[0].shape))
    trace = attention.trace(model, ids(N))
    hook.remove()
    assert set(seen) == {(1, N, 48)}
    assert trace.head(0, 0).contribution is not None


def test_a_hook_that_is_being_removed_harms_nobody() -> None:
    from attention.capture.projection import Finder
    from attention.capture.recorder import Recorder

    model = build("llama", "decoder")
    Finder(model, Recorder())._before(model.model, (torch.zeros(1),))  # as torch calls it in that moment


def test_a_changed_model_is_compared_again() -> None:
    model = build("llama", "decoder")
    first = attention.trace(model, ids(N)).fidelity
    assert attention.trace(model, ids(N)).fidelity is first
    second = attention.trace(model.to(torch.bfloat16), ids(N)).fidelity
    assert second is not None
    assert second.tolerance == 2e-2
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
    assert attention.trace(model, ids(N)).fidelity is not second
