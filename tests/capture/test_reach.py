"""What all capture modes reach: mixed models, joined and numbered keys, sinks by query; and what is said of others."""

import copy
import pickle
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
import transformers
from transformers import AttentionInterface

import attention
from attention.analysis.origins import score_origins
from attention.analysis.writing import head_writing
from attention.capture import Address, Call, Inputs, Product, observe, registry
from attention.capture.alias import Alias
from attention.capture.edited import Given
from attention.capture.edited_run import edits_of_run, run_edited
from attention.capture.registry import EAGER, SDPA
from attention.capture.replaced import Head, Kept, Reweighed
from attention.capture.second import second_run
from attention.edits import edits_of
from attention.errors import InputError, UnsupportedModelError
from attention.record import AttentionRecord, Mask, Token, Trace
from attention.record.cuts import is_cut
from attention.record.keys import keys_of
from benchmarks.coverage.build import build as tiny
from benchmarks.coverage.listing import Architecture, architectures
from tests.tiny import build, ids

N, N_PAIR = 13, 7


@cache
def known(name: str) -> Architecture:
    """The text architecture of this name, found alone: looking for all of them imports most."""
    (found,) = architectures({name})
    return found


def traced(name: str, n: int = N) -> tuple[Any, Trace]:
    """A tiny model of the class, and its trace; two texts where it takes two."""
    model = tiny(known(name))
    pair = ids(N_PAIR, seed=4) if model.config.is_encoder_decoder else None
    return model, attention.trace(model, ids(n), pair)


def all_ok(trace: Trace) -> bool:
    return all(error.ok for record in trace.all_records for error in trace.layer_errors(record))


def test_an_alias_answers_to_the_name_it_stands_for_and_is_found_by_its_own() -> None:
    assert SDPA in ("eager", "sdpa")
    assert SDPA == "sdpa"
    assert EAGER != "sdpa"
    assert SDPA == "headlight_sdpa"
    assert SDPA not in (None, 5, EAGER)
    assert {"headlight_sdpa": 1, "sdpa": 2}[SDPA] == 1
    assert {"sdpa": 2}.get(SDPA) is None
    for again in (copy.deepcopy(SDPA), pickle.loads(pickle.dumps(SDPA))):
        assert isinstance(again, Alias)
        assert (str(again), again.of) == ("headlight_sdpa", "sdpa")
    assert AttentionInterface()[SDPA] is registry.fused


@pytest.mark.parametrize("name", ["DeepseekV32ForCausalLM", "MistralLarge4TextModel"])
def test_sparse_attention_keeps_the_mask_that_models_make_for_implementations_by_name(name: str) -> None:
    _, trace = traced(name)
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    seen = [record.allowed(0)[-1].sum() for record in trace.all_records]
    assert min(seen) == 8  # of 13 tokens, those that its index has chosen


def test_attention_beside_the_registry_is_shown_with_it() -> None:
    model, first = traced("BigBirdPegasusForConditionalGeneration")
    again = attention.trace(model, ids(N, seed=9), ids(N_PAIR, seed=8))
    for trace in (first, again):
        assert trace.kinds == ("encoder", "decoder", "cross")
        assert trace.notes == ()
        assert all_ok(trace)
    assert len(first.all_records) == len(again.all_records) == 6


def test_a_registry_model_is_watched_in_its_first_run_only(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("llama", "decoder")
    attention.trace(model, ids(N))
    monkeypatch.setattr("attention.capture.recorded.Watch", None)
    assert attention.trace(model, ids(N, seed=8)).model.capture_mode == "registry"


def test_a_model_that_cannot_run_on_our_attention_runs_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise KeyError("not an implementation of mine")

    monkeypatch.setitem(AttentionInterface._global_mapping, SDPA, refuse)
    trace = attention.trace(build("llama", "decoder"), ids(N))
    assert trace.model.capture_mode == "call"
    assert all_ok(trace)


def test_a_model_that_does_not_run_on_text_says_so_in_its_own_words() -> None:
    model = build("bert", "encoder")

    def demand(*args: Any) -> None:
        raise ValueError("You have to\n specify pixel_values")

    model.encoder.register_forward_pre_hook(demand)
    with pytest.raises(UnsupportedModelError) as caught:
        attention.trace(model, ids(N))
    said = "BertModel does not run on a text alone. Its own message (ValueError): You have to specify pixel_values"
    assert str(caught.value) == said


def test_a_fault_of_ours_is_not_put_down_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise TypeError("a fault in the watch")

    monkeypatch.setattr("attention.capture.recorded.Watch", broken)
    with pytest.raises(TypeError, match="a fault in the watch"):
        attention.trace(build("llama", "decoder"), ids(N))


def test_a_model_that_draws_random_numbers_draws_the_same_in_both_runs() -> None:
    model = build("llama", "decoder")
    model.model.layers[0].register_forward_hook(lambda module, args, output: output + torch.rand_like(output))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trace = attention.trace(model, ids(N))
    assert torch.equal(torch.rand(3), expected)
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert all_ok(trace)


def test_decoder_and_cross_attention_in_one_softmax() -> None:
    _, trace = traced("T5Gemma2ForConditionalGeneration")
    assert trace.kinds == ("encoder", "decoder")
    assert any("one softmax" in note for note in trace.notes)
    view = trace.head(0, 0, "decoder")
    assert view.key_tokens == (*trace.pair_tokens, *trace.tokens)
    assert view.query_tokens == trace.pair_tokens
    assert view.weights.shape == (N_PAIR, N_PAIR + N)
    assert trace.head(0, 0, "encoder").key_tokens == trace.tokens


def test_keys_that_are_no_tokens_are_numbered_behind_them() -> None:
    _, trace = traced("DeepseekV4ForCausalLM")
    assert trace.kinds == ("decoder",)
    more = next(record for record in trace.all_records if record.n_k > N)
    view = trace.head(more.layer, 0)
    assert view.key_tokens[:N] == trace.tokens
    assert [token.text for token in view.key_tokens[N:]] == [f"key {i}" for i in range(more.n_k - N)]
    assert all_ok(trace)


def test_keys_are_named_by_evidence_only() -> None:
    def record(n_q: int, n_k: int, mask: Mask) -> AttentionRecord:
        query, key = torch.randn(2, n_q, 3), torch.randn(2, n_k, 3)
        return AttentionRecord(layer=0, kind="decoder", query=query, key=key, value=key, mask=mask)

    text, pair = (tuple(Token(piece=p, text=p) for p in letters) for letters in ("abcde", "xyz"))
    assert keys_of(record(5, 5, Mask(after=0)), text, text, text) == text
    assert keys_of(record(3, 8, Mask()), pair, pair, text) == (*pair, *text)
    behind = [str(key) for key in keys_of(record(5, 7, Mask(after=0)), text, text, text)]
    assert behind == ["a", "b", "c", "d", "e", "key 0", "key 1"]
    in_front = torch.ones(5, 7, dtype=torch.bool).tril(2)
    for mask in (Mask(array=in_front), Mask()):
        assert [str(key) for key in keys_of(record(5, 7, mask), text, text, text)] == [f"key {i}" for i in range(7)]


@pytest.mark.parametrize("name", ["DeepseekV4ForCausalLM", "T5Gemma2ForConditionalGeneration"])
def test_a_hidden_token_sees_itself_where_other_keys_come_behind_the_tokens(name: str) -> None:
    """Told by the model's own output: what comes up to the hidden token is as it was, and what comes later is not."""
    model = tiny(known(name))
    pair = ids(N_PAIR, seed=4) if model.config.is_encoder_decoder else None
    inputs = Inputs(ids=tuple(ids(N)), pair_ids=tuple(pair or ()))
    base = run_edited(model, inputs, (), Given()).logits[0]
    edits = edits_of_run(model, inputs, edits_of("hide-k3"))
    again = second_run(model, inputs, edits).result.tensor[0]
    for made in (run_edited(model, inputs, edits, Given()).logits[0], again):
        moved = (made - base).abs().amax(-1)
        assert moved[:4].max() < 1e-5 * base.abs().max() < 100 * moved[4:].max()
    trace = attention.trace(model, ids(N), pair, edits="hide-k3")
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert all_ok(trace)
    for record in trace.records("decoder").values():
        seeing = (record.stages(0).weights[:, 3] > 0).nonzero().flatten().tolist()
        assert seeing == [3]
        assert is_cut(record, 0)[:, 3].logical_not().nonzero().flatten().tolist() == [3]


@pytest.mark.parametrize("name", ["Inkling2ForCausalLM", "DeepseekV4ForCausalLM"])
def test_weights_of_another_text_come_with_the_bias_and_the_sink_that_its_queries_had(name: str) -> None:
    model = tiny(known(name))
    one, other = (Inputs(ids=tuple(ids(N, seed=seed))) for seed in (3, 8))
    kept, theirs, own = Kept(frozenset({"weights"})), Mixed(), Mixed()
    observe(model, [other], kept)
    observe(model, [other], theirs)
    observe(model, [one], own)
    for address in own.values:
        got = Mixed(Reweighed((Head(address, 1),), kept))
        observe(model, [one], got)
        group = 1 * len(own.values[address]) // theirs.weights[address].shape[0]
        expected = theirs.weights[address][1] @ own.values[address][group]
        assert (got.outputs[address][:, 1] - expected).abs().max() < 1e-5
        assert (own.outputs[address][:, 1] - expected).abs().max() > 1e-2


class Mixed:
    """Keeps what one text's operations are made of: weights (h, n_q, n_k), values (g, n_k, v), outputs (n_q, h, v)."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner
        self.weights: dict[Address, torch.Tensor] = {}
        self.values: dict[Address, torch.Tensor] = {}
        self.outputs: dict[Address, torch.Tensor] = {}

    def attend(self, call: Call, product: Product) -> torch.Tensor:
        output = product(call) if self.inner is None else self.inner.attend(call, product)
        assert call.address is not None
        self.weights[call.address] = call.stages().weights[0].clone()
        self.values[call.address] = call.value[0].clone()
        self.outputs[call.address] = output[0].clone()
        return output


def test_a_head_of_joined_attention_names_the_token_that_it_looks_at() -> None:
    model = tiny(known("T5Gemma2ForConditionalGeneration"))
    inputs = Inputs(ids=tuple(ids(N)), pair_ids=tuple(ids(N_PAIR, seed=4)))
    whole = (*inputs.pair_ids, *inputs.ids)
    found = [head_writing(model, inputs, Address("decoder", 1), head, 6, target=5) for head in range(4)]
    keys = [one.attended_key for one in found]
    assert max(key for key in keys if key is not None) >= N_PAIR
    assert all(one.ok and one.attended is not None and one.attended.id == whole[one.attended_key or 0] for one in found)
    assert "key 9 comes behind the tokens" in score_origins(model, inputs, Address("decoder", 1), 1, 6, 9).reason
    with pytest.raises(InputError, match="decoder 1 has key 0 to 19"):
        score_origins(model, inputs, Address("decoder", 1), 1, 6, 20)


def test_a_sink_of_each_query() -> None:
    _, trace = traced("Inkling2ForCausalLM")
    record = trace.record(0)
    assert record.sink is not None
    assert record.sink.shape == (record.n_heads, N)
    view = trace.head(0, 1)
    assert view.sink_weight is not None
    assert (abs(view.weights.sum(-1) + view.sink_weight - 1) < 1e-6).all()
    whole, part = record.stages(1), record.stages(1, 4, 9)
    assert [name for name, _ in part.steps] == [name for name, _ in whole.steps]
    assert all(torch.allclose(step, whole[name][4:9], atol=1e-6) for name, step in part.steps)
    assert all_ok(trace)
    for wrong in (record.sink.flip(1), None):
        assert not replace(trace, all_records=(replace(record, sink=wrong),)).head(0, 1).error.ok


@pytest.mark.parametrize("name", ["FunnelForMaskedLM", "CanineModel", "ProphetNetForConditionalGeneration"])
def test_attention_over_other_things_than_tokens_is_not_shown_and_said(name: str) -> None:
    _, trace = traced(name)
    assert any("do not run over the tokens" in note for note in trace.notes)
    assert {record.n_q for record in trace.all_records} <= {N, N_PAIR}
    assert all_ok(trace)


def test_a_causal_mask_is_read_off_the_scores_also_where_query_and_key_are_unknown() -> None:
    _, trace = traced("ProphetNetForCausalLM")
    assert trace.kinds == ("decoder",)
    assert trace.record(0).query is None
    assert trace.record(0).mask.causal


def test_a_hybrid_says_which_layers_have_no_attention() -> None:
    assert traced("JambaForCausalLM")[1].notes == ("Layers 0, 2 have no softmax attention: linear_attention.",)
    assert traced("Lfm2MoeForCausalLM")[1].notes == ("Layer 1 has no softmax attention: conv.",)
    names = "linear_attention, mlp, moe"
    assert traced("NemotronHForCausalLM")[1].notes == (f"Layers 0, 1, 3 have no softmax attention: {names}.",)


def test_an_encoder_alone_is_not_asked_for_its_decoder() -> None:
    model = tiny(known("UMT5EncoderModel"))
    assert model.config.is_encoder_decoder
    trace = attention.trace(model, ids(N))
    assert trace.kinds == ("encoder",)
    assert trace.notes == ()
    assert all_ok(trace)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MambaForCausalLM", "state-space"), ("RwkvForCausalLM", "recurrent"), ("FNetForMaskedLM", "Fourier"),
        ("LongformerModel", "in bands"), ("YosoForMaskedLM", "by hashing"), ("MraForMaskedLM", "chosen blocks"),
        ("PerceiverForMaskedLM", "other things than the tokens"), ("CpmAntForCausalLM", "other things than the tokens"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_the_model_is(name: str, says: str) -> None:
    with pytest.raises(UnsupportedModelError, match=says):
        attention.trace(tiny(known(name)), ids(N))


def test_an_unknown_sort_is_refused_without_a_guess() -> None:
    class Nothing(torch.nn.Module):
        def forward(self, hidden: Any, *args: Any, **kwargs: Any) -> Any:
            return hidden, None

    model = build("gpt2", "decoder")
    for block in model.transformer.h:
        block.attn = Nothing()
    with pytest.raises(UnsupportedModelError, match=r"it has none .*, or it attends in bands"):
        attention.trace(model, ids(N))


def test_transformers_has_what_the_alias_relies_on() -> None:
    """The registry is asked by hash, and by equality only for "eager": then our name is found under its own."""
    interface = transformers.modeling_utils.ALL_ATTENTION_FUNCTIONS
    assert interface.get_interface(EAGER, print) is registry.eager
    assert interface.get_interface("eager", print) is print
