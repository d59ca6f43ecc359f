"""A score by its origins, against the model's own weights and modules multiplied out here, and its own eager maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers.models.qwen3.modeling_qwen3 import apply_rotary_pos_emb

from attention.analysis import origins, stream
from attention.analysis.origins import score_origins
from attention.capture import Address
from attention.capture.norms import FrozenNorm
from attention.errors import InputError
from tests.analysis.streams import PAIR, TEXT, layer_norm, near, rms_norm, seen
from tests.small_models import model as small
from tests.tiny import build, own_attentions, own_map

QUERY, KEY = 6, 4
# Norms before blocks, after them and on queries and keys; rotary turns, whole and in part; fused projections; groups.
FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("gpt2", {}), ("llama", {}), ("mistral", {}), ("gemma2", {}), ("gemma3_text", {}), ("gpt_neox", {}), ("falcon", {}),
    ("opt", {}), ("granite", {"residual_multiplier": 0.22, "embedding_multiplier": 2.0}), ("phi", {}), ("olmo2", {}),
    ("cohere", {}), ("gpt_oss", {}), ("jamba", {}), ("qwen3", {}), ("glm4", {}), ("nemotron", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sizes"), FAMILIES, ids=[name for name, _ in FAMILIES])
def test_all_pairs_sum_to_the_score_that_the_models_own_maps_imply(name: str, sizes: dict[str, Any]) -> None:
    model, layer = build(name, "decoder", **sizes), 1 if name == "jamba" else 2
    found, other = (score_origins(model, TEXT, Address("decoder", layer), 3, QUERY, key) for key in (KEY, KEY + 1))
    for one in (found, other):
        assert one.reason == ""
        assert one.ok
        size = np.abs(one.matrix).sum()
        assert abs(one.remainder) <= 1e-5 * max(abs(one.score), 0.1 * size)
        assert one.total == pytest.approx(one.matrix.sum(), rel=1e-6)
    assert len(found.query_parts) == len(found.of_query)
    heads = [part for part in found.query_parts if part.kind == "head"]
    assert len(heads) == (0 if name == "jamba" else 4 * layer)
    assert found.query_parts[-1].kind == "constant"
    if name == "falcon":  # its own eager code adds a mask of true and false, so its maps are not those of its run
        return
    # Weights are exp of scores over one sum, so two of them tell a difference of scores.
    weights = own_map(own_attentions(model, list(TEXT.ids)), "decoder")[0 if name == "jamba" else layer][0, 3, QUERY]
    scores = [one.total * one.scale for one in (found, other)]
    if found.softcap is not None:
        scores = [found.softcap * math.tanh(score / found.softcap) for score in scores]
    own = float((weights[KEY] / weights[KEY + 1]).log())
    assert scores[0] - scores[1] == pytest.approx(own, rel=1e-3, abs=1e-3)


def parts_of_qwen3(model: Any, entered: dict[str, Tensor], left: dict[str, Tensor], layer: int) -> Tensor:
    """(parts, n, m): the embedding, then each layer's heads and its MLP, by hand."""
    parts = [left["model.embed_tokens"]]
    for at in range(layer):
        name = f"model.layers.{at}.self_attn.o_proj"
        weight, width = model.get_submodule(name).weight, model.config.head_dim
        for head in range(model.config.num_attention_heads):
            own = slice(width * head, width * head + width)
            parts.append(entered[name][:, own] @ weight[:, own].T)
        parts.append(left[f"model.layers.{at}.mlp"])
    return torch.stack(parts)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_pair_of_a_model_with_norms_on_queries_and_keys_is_what_its_weights_give(dtype: torch.dtype) -> None:
    model, layer, head = small("qwen3").to(dtype), 1, 3
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.normal_(1, 0.3)
    block = f"model.layers.{layer}"
    attention = model.get_submodule(f"{block}.self_attn")
    names = [f"{block}.self_attn.{part}" for part in ("q_proj", "k_proj", "q_norm", "k_norm")]
    names += ["model.embed_tokens", "model.layers.0.self_attn.o_proj", "model.layers.0.mlp", f"{block}.input_layernorm"]
    entered, left, _ = seen(model, TEXT, names)
    parts = parts_of_qwen3(model, entered, left, layer)
    before = model.get_submodule(f"{block}.input_layernorm")
    with torch.no_grad():
        normed = rms_norm(parts, entered[f"{block}.input_layernorm"], before.weight, before.variance_epsilon)
        shares = {}
        for side, heads in (("q", 4), ("k", 2)):
            norm = model.get_submodule(f"{block}.self_attn.{side}_norm")
            made = (normed @ model.get_submodule(f"{block}.self_attn.{side}_proj").weight.T).unflatten(-1, (heads, 22))
            shares[side] = rms_norm(made, entered[f"{block}.self_attn.{side}_norm"], norm.weight, norm.variance_epsilon)
        cos, sin = model.model.rotary_emb(shares["q"], torch.arange(9)[None])
        turned_q, _ = apply_rotary_pos_emb(shares["q"].transpose(1, 2), shares["q"].transpose(1, 2), cos, sin)
        turned_k, _ = apply_rotary_pos_emb(shares["k"].transpose(1, 2), shares["k"].transpose(1, 2), cos, sin)
        wanted = turned_q[:, head, QUERY] @ turned_k[:, head // 2, KEY].T
    found = score_origins(model, TEXT, Address("decoder", layer), head, QUERY, KEY)
    assert found.ok
    kinds = [part.kind for part in found.query_parts]
    assert kinds == ["embedding", *["head"] * 4, "bias", "mlp", "constant"]
    own = [at for at, kind in enumerate(kinds) if kind not in ("bias", "constant")]
    assert near(found.matrix[np.ix_(own, own)], wanted)
    assert near(found.score, wanted.sum(), wanted)
    rest = np.delete(found.matrix, own, axis=0)
    assert np.abs(rest).max() < 1e-6 * float(wanted.abs().max())  # it has no biases
    assert found.scale == attention.scaling


def test_every_pair_of_a_fused_projection_with_biases_is_what_its_weights_give() -> None:
    model, layer, head = small("gpt2"), 1, 2
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.normal_(1.0 if "weight" in name else 0.0, 0.3)
    first, second = model.transformer.h[0], model.transformer.h[1]
    names = ["transformer.wte", "transformer.wpe", "transformer.h.0.attn.c_proj", "transformer.h.0.mlp",
             "transformer.h.1.ln_1"]  # fmt: skip
    entered, left, _ = seen(model, TEXT, names)
    heads = [
        entered["transformer.h.0.attn.c_proj"][:, own] @ first.attn.c_proj.weight[own]
        for own in (slice(17 * at, 17 * at + 17) for at in range(3))
    ]
    bias = first.attn.c_proj.bias.expand(9, -1)
    parts = [left["transformer.wte"], left["transformer.wpe"], *heads, bias, left["transformer.h.0.mlp"]]
    with torch.no_grad():
        normed = [layer_norm(second.ln_1, part, entered["transformer.h.1.ln_1"]) for part in parts]
        weight, own_bias = second.attn.c_attn.weight, second.attn.c_attn.bias
        sides = []
        for at, position in ((0, QUERY), (1, KEY)):
            columns = slice(51 * at + 17 * head, 51 * at + 17 * head + 17)
            constant = second.ln_1.bias @ weight[:, columns] + own_bias[columns]
            sides.append(torch.stack([*(part[position] @ weight[:, columns] for part in normed), constant]))
        wanted = sides[0] @ sides[1].T
    found = score_origins(model, TEXT, Address("decoder", layer), head, QUERY, KEY)
    assert found.ok
    assert near(found.matrix, wanted)
    assert near(found.of_query, sides[0])
    assert [part.words for part in found.key_parts] == [
        "token embedding", "embedding (wpe)", "layer 0, head 0", "layer 0, head 1", "layer 0, head 2",
        "layer 0, attention bias", "layer 0, MLP", "constant",
    ]  # fmt: skip
    assert found.scaled == pytest.approx(found.score / math.sqrt(17))


def test_an_earlier_head_that_writes_nothing_is_no_reason() -> None:
    model = build("llama", "decoder")
    with torch.no_grad():
        model.model.layers[0].self_attn.o_proj.weight[:, 12:24] = 0
    found = score_origins(model, TEXT, Address("decoder", 2), 3, QUERY, KEY)
    assert found.ok
    (silent,) = [at for at, part in enumerate(found.query_parts) if (part.layer, part.head) == (0, 1)]
    assert np.abs(found.matrix[silent]).max() == np.abs(found.matrix[:, silent]).max() == 0
    assert np.abs(found.matrix[silent + 1]).max() > 1e-3


def test_the_first_layer_comes_from_the_embeddings_alone() -> None:
    found = score_origins(build("gpt2", "decoder"), TEXT, Address("decoder", 0), 1, QUERY, KEY)
    assert found.ok
    assert [part.kind for part in found.query_parts] == ["embedding", "embedding", "constant"]


@pytest.mark.parametrize(("kind", "query", "key"), [("encoder", 6, 7), ("decoder", 3, 1), ("cross", 3, 7)])
def test_each_kind_of_attention_in_an_encoder_decoder_has_its_own_streams(kind: Any, query: int, key: int) -> None:
    model = build("t5", "both")
    found = score_origins(model, PAIR, Address(kind, 1), 2, query, key)
    other = score_origins(model, PAIR, Address(kind, 1), 2, query, key - 1)
    assert found.ok
    assert other.ok
    weights = own_map(own_attentions(model, list(PAIR.ids), list(PAIR.pair_ids)), kind)[1][0, 2, query]
    scores = [one.total * one.scale + one.position_bias for one in (found, other)]
    if weights[key - 1] > 1e-6 and weights[key] > 1e-6:
        wanted = float((weights[key] / weights[key - 1]).log())
        assert scores[0] - scores[1] == pytest.approx(wanted, rel=1e-3, abs=1e-3)
    assert (found.position_bias != 0) is (kind != "cross")
    of_key = {part.attention for part in found.key_parts if part.kind == "head"}
    assert of_key == ({"decoder", "cross"} if kind == "decoder" else {"encoder"})
    # The self-attention of the same layer has written before its cross-attention asks.
    of_query = {(part.attention, part.layer) for part in found.query_parts if part.kind == "head"}
    assert (("decoder", 1) in of_query) is (kind == "cross")


def test_groups_by_layer_sum_what_they_hold_and_one_layer_opens() -> None:
    found = score_origins(build("llama", "decoder"), TEXT, Address("decoder", 2), 3, QUERY, KEY)
    grouped = found.by_layer()
    assert [part.words for part in grouped.query_parts] == [
        "token embedding", "layer 0, attention as a whole", "layer 0, MLP", "layer 1, attention as a whole",
        "layer 1, MLP", "constant",
    ]  # fmt: skip
    of_first = [at for at, part in enumerate(found.query_parts) if part.layer == 0 and part.kind in ("head", "bias")]
    assert near(grouped.matrix[1, 0], found.matrix[of_first, 0].sum(), found.matrix)
    assert grouped.total == pytest.approx(found.total)
    assert grouped.ok
    opened = found.opened(0, None)
    assert [part.head for part in opened.query_parts][1:5] == [0, 1, 2, 3]
    assert len(opened.key_parts) == len(grouped.key_parts)
    assert opened.total == pytest.approx(found.total)


@pytest.mark.parametrize("block", [origins.BLOCK, 3])
def test_the_ranking_is_that_of_the_whole_map(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "BLOCK", block)
    found = score_origins(build("gpt2", "decoder"), TEXT, Address("decoder", 2), 3, QUERY, KEY)
    flat = np.sort(np.abs(found.matrix).ravel())[::-1]
    pairs = found.ranked(30)
    assert np.allclose([abs(pair.value) for pair in pairs], flat[:30])
    for pair in pairs:
        a, b = found.query_parts.index(pair.query), found.key_parts.index(pair.key)
        assert pair.value == pytest.approx(found.matrix[a, b])
    assert len({(pair.query, pair.key) for pair in pairs}) == 30


class Bent(nn.Module):
    """A projection with a step that is not affine."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).tanh()


def test_a_step_that_is_not_affine_makes_the_sum_red() -> None:
    model = build("llama", "decoder")
    attention = model.model.layers[2].self_attn
    attention.q_proj = Bent(attention.q_proj)
    found = score_origins(model, TEXT, Address("decoder", 2), 3, QUERY, KEY)
    assert found.reason == ""
    assert not found.ok
    assert abs(found.remainder) > 1e-2


FAULTS = {
    "a norm's scale is one per cent off": (
        FrozenNorm, "__call__", lambda old: lambda self, written, rows: old(self, written, rows) * 1.01,
    ),
    "the neighbour's position": (stream.StreamParts, "row", lambda old: lambda self, at: old(self, at) - 1),
    "one head counts twice": (stream.Way, "of_heads", lambda old: lambda self, row: old(self, row)[[0, 0, 2, 3]]),
    "a part is lost": (origins, "_side", lambda old: lambda *given: _less_one(*old(*given))),
    "norms on queries and keys are not held": (origins, "norm_of", lambda old: lambda *given: None),
}  # fmt: skip


def _less_one(shares: Tensor, side: Any) -> tuple[Tensor, Any]:
    return torch.cat([shares[:2], torch.zeros_like(shares[2:3]), shares[3:]]), side


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_makes_the_sum_red(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("qwen3", "decoder")
    assert score_origins(model, TEXT, Address("decoder", 2), 3, QUERY, KEY).ok
    owner, name, make = FAULTS[fault]
    monkeypatch.setattr(owner, name, make(getattr(owner, name)))
    found = score_origins(model, TEXT, Address("decoder", 2), 3, QUERY, KEY)
    assert not found.ok
    assert found.reason or abs(found.remainder) > found.tolerance


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("bert", "masked", "stream anew on the way"), ("bart", "both", "stream anew on the way"),
        ("gptj", "decoder", "queries and keys are not known"), ("bloom", "decoder", "queries and keys are not known"),
    ],
)  # fmt: skip
def test_where_it_is_not_defined_the_reason_is_said(name: str, kind: str, reason: str) -> None:
    model = build(name, kind, **({"rotary_dim": 8} if name == "gptj" else {}))
    address = Address("decoder" if kind == "decoder" else "encoder", 1)
    found = score_origins(model, PAIR if kind == "both" else TEXT, address, 3, QUERY, KEY)
    assert found.reason.startswith("not defined: ")
    assert reason in found.reason
    assert not found.ok
    assert found.query_parts == ()


def test_what_is_not_there_is_refused() -> None:
    model = build("gpt2", "decoder")
    for given, message in (
        ((Address("decoder", 1), 4, QUERY, KEY), "heads 0 to 3"),
        ((Address("decoder", 3), 0, QUERY, KEY), "no attention at decoder 3"),
        ((Address("decoder", 1), 0, 9, KEY), "query 0 to 8"),
        ((Address("decoder", 1), 0, QUERY, 9), "key 0 to 8"),
        ((Address("decoder", 1), 0, KEY, QUERY), "may not see"),
    ):
        with pytest.raises(InputError, match=message):
            score_origins(model, TEXT, *given)


def test_the_model_comes_back_as_it_was() -> None:
    model = build("qwen3", "decoder")
    before = seen(model, TEXT, [])[2]
    score_origins(model, TEXT, Address("decoder", 1), 3, QUERY, KEY)
    assert torch.equal(seen(model, TEXT, [])[2], before)
    assert torch.is_grad_enabled()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(weight.grad is None for weight in model.parameters())


def test_a_narrow_type_is_held_to_what_it_can_tell() -> None:
    found = score_origins(build("llama", "decoder").bfloat16(), TEXT, Address("decoder", 1), 3, QUERY, KEY)
    assert found.ok
    assert found.tolerance > 1e-3
