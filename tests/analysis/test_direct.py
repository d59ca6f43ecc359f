"""Direct logit attribution against hooks and closed forms written here, on unfolded weights; and what it refuses."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attention.analysis import direct, stream
from attention.analysis.direct import DirectAttribution, direct_attribution
from attention.capture import Inputs
from attention.capture.edited import Edited
from attention.edits import edits_of
from attention.errors import InputError
from tests.analysis.streams import PAIR, TEXT, layer_norm, near, rms_norm, seen
from tests.small_models import model as small
from tests.tiny import build, ids

AT, TARGET, OTHER = 6, 7, 11
GRANITE = {"residual_multiplier": 0.22, "logits_scaling": 3.0, "embedding_multiplier": 2.0}
FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("gpt2", {}), ("llama", {}), ("mistral", {}), ("gemma2", {}), ("gemma3_text", {}), ("gpt_neox", {}),
    ("gptj", {"rotary_dim": 8}), ("falcon", {}), ("bloom", {}), ("opt", {}), ("granite", GRANITE), ("phi", {}),
    ("olmo2", {}), ("cohere", {}), ("mpt", {"n_heads": 4, "n_layers": 3}), ("gpt_oss", {}), ("jamba", {}),
    ("qwen3", {}), ("glm4", {}), ("nemotron", {}),
]  # fmt: skip


def rows_of(found: DirectAttribution, kind: str, attention: str | None = None) -> list[float]:
    return [
        row.value
        for row in found.rows
        if row.part.kind == kind and (attention is None or row.part.attention == attention)
    ]


@pytest.mark.parametrize(("name", "sizes"), FAMILIES, ids=[name for name, _ in FAMILIES])
def test_the_rows_sum_to_the_models_own_logit(name: str, sizes: dict[str, Any]) -> None:
    model = build(name, "decoder", **sizes)
    _, _, logits = seen(model, TEXT, [])
    for distractor in (None, OTHER):
        found = direct_attribution(model, TEXT, position=AT, target=TARGET, distractor=distractor)
        assert found.reason == ""
        assert found.ok
        own = logits[AT, TARGET] - (0 if distractor is None else logits[AT, distractor])
        assert near(found.capped, own, logits[AT])
        if found.softcap is None:
            assert near(found.total, own, logits[AT])
        layers = 1 if name == "jamba" else 3
        assert len(rows_of(found, "head")) == 4 * layers
        assert len(rows_of(found, "bias")) == layers
        assert len(rows_of(found, "mlp")) == 3
        assert found.notes == ()


def test_every_row_of_gpt2_is_what_the_weights_give_by_hand() -> None:
    model = build("gpt2", "decoder").double()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 1:
                weight.normal_(0.5, 0.3)
    layers = [f"transformer.h.{layer}" for layer in range(3)]
    names = [f"{layer}.{part}" for layer in layers for part in ("attn.c_proj", "mlp")]
    entered, left, logits = seen(model, TEXT, [*names, "transformer.wte", "transformer.wpe", "transformer.ln_f"])
    final, unembedding = model.transformer.ln_f, model.lm_head.weight[TARGET] - model.lm_head.weight[OTHER]

    def share(part: Tensor) -> float:
        return float((layer_norm(final, part, entered["transformer.ln_f"][AT]) @ unembedding).detach())

    wanted = [share(left["transformer.wte"][AT]), share(left["transformer.wpe"][AT])]
    for layer in layers:
        project = model.get_submodule(f"{layer}.attn.c_proj")
        for head in range(4):
            own = slice(12 * head, 12 * head + 12)
            wanted.append(share(entered[f"{layer}.attn.c_proj"][AT, own] @ project.weight[own]))
        wanted += [share(project.bias), share(left[f"{layer}.mlp"][AT])]
    wanted.append(float((final.bias @ unembedding).detach()))
    found = direct_attribution(model, TEXT, position=AT, target=TARGET, distractor=OTHER)
    assert near([row.value for row in found.rows], wanted)
    assert near(found.total, logits[AT, TARGET] - logits[AT, OTHER], wanted)
    assert [row.part.words for row in found.rows][:4] == [
        "token embedding", "embedding (wpe)", "layer 0, head 0", "layer 0, head 1",
    ]  # fmt: skip
    assert near(found.heads()[2], wanted[14:18], wanted)
    assert found.value(2, 1) == found.heads()[2, 1]
    assert math.isnan(found.value(3, 0))
    assert sum(found.by_kind().values()) == pytest.approx(found.total)


def test_every_head_of_a_llama_with_grouped_heads_is_its_slice_of_the_projections_input() -> None:
    model = small("llama")
    names = [f"model.layers.{layer}.self_attn.o_proj" for layer in range(2)]
    entered, _, logits = seen(model, TEXT, [*names, "model.norm"])
    norm = model.model.norm
    wanted = [
        rms_norm(
            entered[name][AT, 6 * head : 6 * head + 6] @ model.get_submodule(name).weight[:, 6 * head : 6 * head + 6].T,
            entered["model.norm"][AT], norm.weight, norm.variance_epsilon,
        ) @ model.lm_head.weight[TARGET]
        for name in names
        for head in range(9)
    ]  # fmt: skip
    found = direct_attribution(model, TEXT, position=AT, target=TARGET)
    assert found.ok
    assert near(rows_of(found, "head"), torch.stack(wanted))
    assert near(found.logit, logits[AT, TARGET], logits[AT])


def test_a_norm_after_attention_is_held_and_a_final_cap_is_told() -> None:
    model = build("gemma2", "decoder", final_logit_softcapping=1.5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.normal_(0, 0.3)
    names = [f"model.layers.{layer}.{part}" for layer in range(3) for part in
             ("self_attn.o_proj", "post_attention_layernorm")]  # fmt: skip
    entered, _, logits = seen(model, TEXT, [*names, "model.norm"])
    wanted = []
    for layer in range(3):
        o_proj, after = (model.get_submodule(name) for name in names[2 * layer : 2 * layer + 2])
        for head in range(4):
            own = slice(12 * head, 12 * head + 12)
            part = entered[names[2 * layer]][AT, own] @ o_proj.weight[:, own].T
            part = rms_norm(part, entered[names[2 * layer + 1]][AT], 1 + after.weight, after.eps)
            part = rms_norm(part, entered["model.norm"][AT], 1 + model.model.norm.weight, model.model.norm.eps)
            wanted.append(part @ model.lm_head.weight[TARGET])
    found = direct_attribution(model, TEXT, position=AT, target=TARGET)
    assert found.ok
    assert found.softcap == 1.5
    assert near(rows_of(found, "head"), torch.stack(wanted))
    assert near(1.5 * math.tanh(found.total / 1.5), logits[AT, TARGET], logits[AT])
    assert near(found.capped, logits[AT, TARGET], logits[AT])
    assert abs(found.logit - found.capped) > 1e-3


def test_a_cap_that_no_setting_names_is_told_by_what_it_does() -> None:
    model = build("gpt2", "decoder")
    plain = direct_attribution(model, TEXT, position=AT, target=TARGET)
    own = model.forward

    def capped(*args: Any, **kwargs: Any) -> Any:
        output = own(*args, **kwargs)
        output.logits = 2.5 * torch.tanh(output.logits / 2.5)
        return output


    model.forward = functools.wraps(own)(capped)
    found = direct_attribution(model, TEXT, position=AT, target=TARGET)
    assert found.softcap == pytest.approx(2.5, rel=1e-4)
    assert found.ok
    assert found.total == pytest.approx(plain.total)
    assert found.capped == pytest.approx(2.5 * math.tanh(plain.logit / 2.5), rel=1e-4)


def test_factors_of_blocks_and_logits_multiply_in() -> None:
    model = build("granite", "decoder", **GRANITE)
    names = [f"model.layers.{layer}.self_attn.o_proj" for layer in range(3)]
    entered, _, _ = seen(model, TEXT, [*names, "model.norm"])
    norm = model.model.norm
    wanted = []
    for name in names:
        for head in range(4):
            own = slice(12 * head, 12 * head + 12)
            part = 0.22 * entered[name][AT, own] @ model.get_submodule(name).weight[:, own].T
            part = rms_norm(part, entered["model.norm"][AT], norm.weight, norm.variance_epsilon)
            wanted.append(part @ model.lm_head.weight[TARGET] / 3)
    found = direct_attribution(model, TEXT, position=AT, target=TARGET)
    assert found.ok
    assert near(rows_of(found, "head"), torch.stack(wanted))


def test_heads_of_cross_attention_are_rows_of_the_decoders_stream() -> None:
    model = build("t5", "both")
    names = [f"decoder.block.{layer}.layer.1.EncDecAttention.o" for layer in range(2)]
    entered, _, logits = seen(model, PAIR, [*names, "decoder.final_layer_norm"])
    norm, factor = model.decoder.final_layer_norm, 48**-0.5 if model.config.tie_word_embeddings else 1.0
    wanted = []
    for name in names:
        for head in range(4):
            own = slice(12 * head, 12 * head + 12)
            part = entered[name][3, own] @ model.get_submodule(name).weight[:, own].T
            part = rms_norm(part, entered["decoder.final_layer_norm"][3], norm.weight, norm.variance_epsilon)
            wanted.append(part @ model.lm_head.weight[TARGET] * factor)
    found = direct_attribution(model, PAIR, position=3, target=TARGET)
    assert found.ok
    assert near(rows_of(found, "head", "cross"), torch.stack(wanted))
    assert near(found.total, logits[3, TARGET], logits[3])
    assert found.heads("cross").shape == found.heads("decoder").shape == (2, 4)
    assert "layer 1, cross-attention head 3" in [row.part.words for row in found.rows]


def test_a_head_without_weights_in_the_projection_adds_nothing() -> None:
    model = build("llama", "decoder")
    with torch.no_grad():
        model.model.layers[1].self_attn.o_proj.weight[:, 12:24] = 0
    found = direct_attribution(model, TEXT, position=AT, target=TARGET)
    assert found.ok
    assert found.value(1, 1) == 0
    assert abs(found.value(1, 2)) > 1e-3


def test_a_lead_is_the_difference_of_two_logits() -> None:
    model = build("gpt_neox", "decoder")
    one, other, both = (
        direct_attribution(model, TEXT, position=AT, target=target, distractor=distractor)
        for target, distractor in ((TARGET, None), (OTHER, None), (TARGET, OTHER))
    )
    wanted = [a.value - b.value for a, b in zip(one.rows, other.rows, strict=True)]
    assert near([row.value for row in both.rows], wanted)
    assert "difference of two logits" in both.method


def test_an_edited_run_has_shares_of_its_own() -> None:
    model, name = build("gpt2", "decoder"), "transformer.h.0.attn.c_proj"

    def off(_module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        heads = args[0].clone()
        heads[..., 24:36] = 0
        return (heads,)

    hook = model.get_submodule(name).register_forward_pre_hook(off)
    _, _, logits = seen(model, TEXT, [])
    hook.remove()
    edits = tuple(edit.resolved("decoder") for edit in edits_of("off-0.2"))
    found = direct_attribution(model, TEXT, position=AT, target=TARGET, around=lambda inner: Edited(edits, inner))
    assert found.ok
    assert found.value(0, 2) == 0
    assert near(found.total, logits[AT, TARGET], logits[AT])
    assert abs(found.total - direct_attribution(model, TEXT, position=AT, target=TARGET).total) > 1e-3


class Adapted(nn.Linear):
    """An unembedding with a low-rank addition: affine, and no bare linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (x @ self.down) @ self.up


def test_an_adapter_around_the_unembedding_counts() -> None:
    model = build("gpt2", "decoder")
    head = Adapted(48, 101)
    head.down, head.up = nn.Parameter(torch.randn(48, 2)), nn.Parameter(torch.randn(2, 101))
    model.lm_head = head
    _, _, logits = seen(model, TEXT, [])
    found = direct_attribution(model, TEXT, position=AT, target=TARGET, distractor=OTHER)
    assert found.ok
    assert near(found.total, logits[AT, TARGET] - logits[AT, OTHER], logits[AT])


def test_heads_behind_a_gate_or_a_norm_stay_one_row_with_the_reason() -> None:
    found = direct_attribution(build("bitnet", "decoder"), TEXT, position=AT, target=TARGET)
    assert found.ok
    assert rows_of(found, "head") == []
    assert len(rows_of(found, "attention")) == 3
    assert "attn_sub_norm first, which is not linear" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("bert", "masked", "stream anew on the way"), ("openai-gpt", "decoder", "stream anew on the way"),
        ("bart", "both", "stream anew on the way"), ("bert", "encoder", "no head that chooses among words"),
        ("gpt2", "encoder", "no head that chooses among words"),
    ],
)  # fmt: skip
def test_where_it_is_not_defined_the_reason_is_said(name: str, kind: str, reason: str) -> None:
    found = direct_attribution(build(name, kind), PAIR if kind == "both" else TEXT, position=2, target=TARGET)
    assert found.reason.startswith("not defined: ")
    assert reason in found.reason
    assert not found.ok
    assert found.rows == ()


def test_a_head_for_words_that_is_more_than_a_matrix_is_refused() -> None:
    model = build("gpt2", "decoder")
    model.transformer.ln_f.register_forward_hook(lambda _module, _args, output: output + output.tanh())
    found = direct_attribution(model, TEXT, position=AT, target=TARGET)
    assert found.reason == f"not defined: {direct.BETWEEN}"


def _bias_lost(way: Any, row: int) -> Tensor:
    return torch.zeros(way.bias.shape[-1], dtype=torch.float64)


FAULTS = {
    "the norm's scale is one per cent off": (
        direct.LogitPath, "normed", lambda old: lambda self, written: old(self, written) * 1.01,
    ),
    "the neighbour's position": (stream.StreamParts, "row", lambda old: lambda self, at: old(self, at) - 1),
    "the bias of the projection is lost": (stream.Way, "constant", lambda old: _bias_lost),
    "one head counts twice": (
        stream.Way, "of_heads", lambda old: lambda self, row: old(self, row)[[0, 0, 2, 3]],
    ),
    "the distractor is forgotten": (
        direct.LogitPath, "onto", lambda old: lambda self, target, distractor=None: old(self, target),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_makes_the_sum_red(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("gpt2", "decoder")
    with torch.no_grad():
        for layer in model.transformer.h:
            layer.attn.c_proj.bias.normal_(0, 0.5)
    assert direct_attribution(model, TEXT, position=AT, target=TARGET, distractor=OTHER).ok
    owner, name, make = FAULTS[fault]
    monkeypatch.setattr(owner, name, make(getattr(owner, name)))
    found = direct_attribution(model, TEXT, position=AT, target=TARGET, distractor=OTHER)
    assert found.reason == ""
    assert not found.ok
    assert abs(found.remainder) > found.tolerance == 1e-3


def test_a_narrow_type_is_held_to_what_it_can_tell() -> None:
    found = direct_attribution(build("llama", "decoder").bfloat16(), TEXT, position=AT, target=TARGET)
    assert found.ok
    assert 1e-3 < found.tolerance < 1


def test_a_position_or_token_that_is_not_there_is_refused() -> None:
    model = build("gpt2", "decoder")
    with pytest.raises(InputError, match="positions 0 to 8"):
        direct_attribution(model, TEXT, position=9, target=TARGET)
    with pytest.raises(InputError, match="vocabulary of 0 to 100"):
        direct_attribution(model, TEXT, position=0, target=101)
    with pytest.raises(InputError, match="vocabulary of 0 to 100"):
        direct_attribution(model, TEXT, position=0, target=1, distractor=-1)


def test_a_text_of_one_token_has_rows_too() -> None:
    found = direct_attribution(build("qwen3", "decoder"), Inputs(ids=tuple(ids(1))), position=0, target=TARGET)
    assert found.ok
    assert len(rows_of(found, "head")) == 12
