"""Captured heads against the models' own eager maps, for many architectures and no code for any of them."""

import pytest
import torch
import transformers

import attention
from tests.tiny import build, ids, own_attentions, own_map

N, N_PAIR = 13, 7
FIRST = {"RobertaForQuestionAnswering": "first output"}
MODELS = [
    ("albert", "encoder", {}), ("bert", "masked", {}), ("camembert", "encoder", {}), ("distilbert", "encoder", {}),
    ("electra", "encoder", {}), ("ernie", "encoder", {}), ("eurobert", "encoder", {}), ("modernbert", "encoder", {}),
    ("nomic_bert", "encoder", {}), ("roberta", "masked", {}), ("openai_privacy_filter", "encoder", {}),
    ("biogpt", "decoder", {}), ("cohere", "decoder", {}), ("cohere2", "decoder", {}), ("exaone4", "decoder", {}),
    ("falcon_h1", "decoder", {}), ("gemma", "decoder", {}), ("gemma3_text", "decoder", {}), ("glm4", "decoder", {}),
    ("gemma2", "decoder", {"query_pre_attn_scalar": 24, "attn_logit_softcapping": 5.0}), ("gpt2", "decoder", {}),
    ("gpt2", "decoder", {"scale_attn_by_inverse_layer_idx": True}), ("gpt_neox", "decoder", {}),
    ("gpt_oss", "decoder", {}), ("granite", "decoder", {}), ("granite_swa", "decoder", {}), ("jamba", "decoder", {}),
    ("llama", "decoder", {}), ("llama4_text", "decoder", {}), ("mistral", "decoder", {}), ("olmo2", "decoder", {}),
    ("mixtral", "decoder", {}), ("opt", "decoder", {}), ("persimmon", "decoder", {}), ("phi", "decoder", {}),
    ("phi3", "decoder", {}), ("qwen2", "decoder", {}), ("qwen3", "decoder", {}), ("smollm3", "decoder", {}),
    ("recurrent_gemma", "decoder", {}), ("starcoder2", "decoder", {}), ("vaultgemma", "decoder", {}),
    ("bart", "both", {}), ("m2m_100", "both", {}), ("marian", "both", {}), ("mbart", "both", {}), ("mt5", "both", {}),
    ("pegasus", "both", {}), ("t5", "both", {}), ("umt5", "both", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "sizes"), MODELS, ids=[f"{m[0]}-{len(m[2])}" for m in MODELS])
def test_every_head_equals_the_models_own(name: str, kind: str, sizes: dict) -> None:
    model = build(name, kind, **sizes)
    text, pair = ids(N), ids(N_PAIR, seed=4) if kind == "both" else None
    trace = attention.trace(model, text, pair)
    own = own_attentions(model, text, pair)
    assert trace.fidelity is not None
    assert trace.fidelity.ok, trace.fidelity
    assert trace.kinds == (
        ("encoder", "decoder", "cross") if pair else ("decoder" if kind == "decoder" else "encoder",)
    )
    for own_kind in trace.kinds:
        records, maps = trace.records(own_kind), own_map(own, own_kind)
        places = list(records) if len(maps) > len(records) else range(len(records))
        for (layer, record), place in zip(records.items(), places, strict=True):
            for head in range(record.n_heads):
                view = trace.head(layer, head, own_kind)
                # Whole models drift apart by rounding between fused and eager attention; a head must not.
                assert torch.from_numpy(view.weights.copy()).sub(maps[place][0, head]).abs().max() < 1e-4
                assert view.error.ok, (layer, head, view.error)
                assert not view.error.unchecked
                assert {"weights", "output", "own output"} <= set(view.error.parts)


def test_rules_are_read_and_not_maps() -> None:
    window = attention.trace(build("mistral", "decoder"), ids(N)).record(0)
    assert (window.mask.before, window.mask.after, window.mask.array) == (4, 0, None)
    assert (window.n_heads, window.n_kv_heads) == (4, 2)
    both_ways = attention.trace(build("modernbert", "encoder", local_attention=6), ids(N)).record(1)
    assert both_ways.mask.before == both_ways.mask.after == 5  # 6 counts the token itself
    t5 = attention.trace(build("t5", "both"), ids(N), ids(N_PAIR, 4))
    bias = t5.record(1, "encoder").position_bias
    assert bias is not None
    assert bias.by_distance is not None
    assert bias.by_distance.shape == (4, 2 * N - 1)
    assert t5.record(0, "encoder").scale == 1.0
    assert t5.record(0, "cross").position_bias is None
    cap = attention.trace(build("gemma2", "decoder", attn_logit_softcapping=5.0), ids(N)).head(0, 0)
    assert [name for name, _ in cap.stages] == ["scores", "scaled", "softcapped", "masked", "weights"]
    sink = attention.trace(build("gpt_oss", "decoder"), ids(N)).head(0, 1)
    assert sink.sink_weight is not None
    assert (abs(sink.weights.sum(-1) + sink.sink_weight - 1) < 1e-6).all()
    assert sink.sink_weight.max() > 0.1


def test_layers_have_the_models_own_numbers() -> None:
    assert list(attention.trace(build("jamba", "decoder"), ids(N)).records()) == [1]
    assert list(attention.trace(build("recurrent_gemma", "decoder"), ids(N)).records()) == [2]
    assert list(attention.trace(build("albert", "encoder"), ids(N)).records()) == [0, 1, 2]
    two_values = attention.trace(build("diffllama", "decoder"), ids(N))
    assert list(two_values.records()) == list(two_values.records(op=1)) == [0, 1, 2]
    assert two_values.head(1, 2, op=1).error.ok


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("name", "kind"), [("bert", "encoder"), ("llama", "decoder"), ("gpt_oss", "decoder")])
def test_padding_on_either_side(name: str, kind: str, side: str) -> None:
    model, text = build(name, kind), ids(N)
    mask = [0, 0, 0] + [1] * (N - 3) if side == "left" else [1] * (N - 3) + [0, 0, 0]
    trace = attention.trace(model, text, attention_mask=mask)
    own = own_map(own_attentions(model, text, attention_mask=torch.tensor([mask])), kind)
    real = [i for i, one in enumerate(mask) if one]
    for layer, record in trace.records().items():
        assert record.mask.array is None or not record.mask.array[real][:, [i for i in range(N) if not mask[i]]].any()
        for head in range(record.n_heads):
            view = trace.head(layer, head)
            assert abs(view.weights[real] - own[layer][0, head].numpy()[real]).max() < 1e-5
            assert (view.weights[real][:, [i for i in range(N) if not mask[i]]] == 0).all()
            assert view.error.ok


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize(("name", "kind"), [("llama", "decoder"), ("bert", "encoder"), ("t5", "both")])
def test_other_precisions_keep_their_own_tolerance(name: str, kind: str, dtype: torch.dtype) -> None:
    model = build(name, kind).to(dtype)
    trace = attention.trace(model, ids(N), ids(N_PAIR, 4) if kind == "both" else None)
    assert trace.model.dtype == str(dtype).removeprefix("torch.")
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert all(trace.head(layer, 1, k).error.ok for k in trace.kinds for layer in trace.records(k))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_sink_on_the_output_is_told_in_half_precision(dtype: torch.dtype) -> None:
    trace = attention.trace(build("granite_swa", "decoder").to(dtype), ids(N))
    assert trace.record(0).sink_scales
    assert trace.head(0, 0).error.ok


def test_kinds_are_told_by_what_a_query_may_see() -> None:
    assert attention.trace(build("gpt2", "decoder"), [5, 6], attention_mask=[1, 0]).kinds == ("decoder",)
    chunked = build("llama4_text", "decoder", attention_chunk_size=4, no_rope_layers=[1, 1, 1])
    assert attention.trace(chunked, ids(N)).kinds == ("decoder",)


def test_facts_are_the_models_own() -> None:
    assert attention.trace(build("albert", "encoder"), ids(N)).model.d_model == 48
    assert attention.trace(build("opt", "decoder", word_embed_proj_dim=32), ids(N)).model.d_model == 48
    t5 = attention.trace(build("t5", "both", n_positions=8), ids(N), ids(N_PAIR)).model  # T5 heeds no n_positions
    assert (t5.n_layers, t5.n_decoder_layers) == (3, 2)


def test_a_value_cut_from_one_projection_does_not_keep_all_of_it() -> None:
    for name in ("gpt_neox", "phi3", "gpt2"):
        for record in attention.trace(build(name, "decoder"), ids(61)).all_records:
            tensors = (record.query, record.key, record.value, record.output)
            storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
            assert sum(storages.values()) <= 1.2 * sum(t.nbytes for t in tensors)


def test_what_is_not_shown_is_said() -> None:
    notes = attention.trace(build("longt5", "both"), ids(N), ids(N_PAIR)).notes
    assert any("No encoder attention is shown" in note for note in notes)
    assert attention.trace(build("t5", "both"), ids(N), ids(N_PAIR)).notes == ()


def test_one_token_and_a_start_token_alone() -> None:
    assert attention.trace(build("llama", "decoder"), [5]).kinds == ("decoder",)
    assert attention.trace(build("bert", "encoder"), [5]).kinds == ("encoder",)
    started = attention.trace(build("bart", "both"), ids(N), "")
    assert [token.id for token in started.pair_tokens] == [1]
    assert started.head(0, 0, "cross").weights.shape == (1, N)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("bert", "BertForSequenceClassification"), ("roberta", "RobertaForQuestionAnswering"),
        ("t5", "T5EncoderModel"), ("bart", "BartForSequenceClassification"), ("bart", "BartForCausalLM"),
        ("llama", "LlamaForTokenClassification"), ("gpt2", "GPT2ForSequenceClassification"),
    ],
)  # fmt: skip
def test_models_for_any_task(name: str, cls: str) -> None:
    model = getattr(transformers, cls)(build(name, "encoder").config).eval()
    trace = attention.trace(model, [*ids(N), model.config.eos_token_id])
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert trace.fidelity.of == ("last hidden state" if cls == "T5EncoderModel" else FIRST.get(cls, "logits"))
    assert all(trace.head(layer, 3, kind).error.ok for kind in trace.kinds for layer in trace.records(kind))
    if cls == "BartForSequenceClassification":
        assert [token.id for token in trace.pair_tokens] == [1, *ids(N)]


def test_two_encoders_joined_as_encoder_and_decoder() -> None:
    decoder = transformers.BertConfig(**{**build("bert", "encoder").config.to_dict(), "add_cross_attention": True})
    decoder.is_decoder = True
    model = transformers.EncoderDecoderModel(
        encoder=build("bert", "encoder"), decoder=transformers.BertLMHeadModel(decoder)
    ).eval()
    trace = attention.trace(model, ids(N), ids(N_PAIR))
    assert {kind: list(trace.records(kind)) for kind in trace.kinds} == {kind: [0, 1, 2] for kind in trace.kinds}
    assert all(trace.head(1, 1, kind).error.ok for kind in ("encoder", "decoder", "cross"))


@pytest.mark.parametrize(("name", "kind"), [("mamba", "decoder"), ("rwkv", "decoder"), ("fnet", "encoder")])
def test_models_without_attention_are_refused(name: str, kind: str) -> None:
    with pytest.raises(attention.errors.UnsupportedModelError, match="No softmax attention of"):
        attention.trace(build(name, kind), ids(N))
