"""What a head writes, against hooks on the projection's input and the model's own weights; and its split by key."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from attention.analysis import writing
from attention.analysis.direct import direct_attribution
from attention.analysis.writing import head_writing
from attention.capture import Address
from attention.errors import InputError
from tests.analysis.streams import PAIR, TEXT, layer_norm, near, rms_norm, seen
from tests.small_models import model as small
from tests.small_models import tokenizer
from tests.tiny import build, own_attentions, own_map

AT, TARGET, OTHER = 6, 7, 11


def test_the_list_is_the_write_through_the_frozen_norm_less_the_vocabularys_mean() -> None:
    model = small("gpt2")
    with torch.no_grad():
        model.transformer.ln_f.weight.normal_(1, 0.3)
        model.transformer.h[1].attn.c_proj.bias.normal_(0, 0.5)
    name = "transformer.h.1.attn.c_proj"
    entered, _, _ = seen(model, TEXT, [name, "transformer.ln_f"])
    own = slice(17 * 2, 17 * 3)
    written = entered[name][AT, own] @ model.get_submodule(name).weight[own]
    raised = layer_norm(model.transformer.ln_f, written, entered["transformer.ln_f"][AT]) @ model.lm_head.weight.T
    raised = (raised - raised.mean()).detach()
    found = head_writing(model, TEXT, Address("decoder", 1), 2, AT, tokenizer=tokenizer("gpt2"), k=5)
    order = raised.argsort(descending=True).tolist()
    assert [token.id for token in found.promoted] == order[:5]
    assert [token.id for token in found.suppressed] == order[:-6:-1]
    assert near([token.value for token in found.promoted], raised[order[:5]])
    assert near([token.value for token in found.suppressed], raised[order[:-6:-1]], raised)
    assert [token.rank for token in found.promoted] == [1, 2, 3, 4, 5]
    assert [token.rank for token in found.suppressed] == [len(order) - at for at in range(5)]
    assert found.vocabulary == len(order)
    assert near(found.length, written.norm())
    assert found.ok
    assert math.isnan(found.value)
    # The attended token is the one with the largest weight, among all that are raised.
    weights = own_map(own_attentions(model, list(TEXT.ids)), "decoder")[1][0, 2, AT]
    assert found.attended_key == int(weights.argmax())
    assert found.attended is not None
    assert found.attended.id == TEXT.ids[found.attended_key]
    assert order[found.attended.rank - 1] == found.attended.id
    assert found.attended.piece == tokenizer("gpt2").convert_ids_to_tokens(found.attended.id)


def test_tokens_read_as_the_page_writes_them() -> None:
    model, words = small("gpt2"), tokenizer("gpt2")
    found = head_writing(model, TEXT, Address("decoder", 0), 0, AT, tokenizer=words, k=len(words))
    read = {token.piece: token.text for token in found.promoted}
    assert read["Ġ"] == "·"
    assert read["Ċ"] == "⏎"
    assert any(text.startswith("·") and len(text) > 1 for text in read.values())
    assert len(found.promoted) == len(found.suppressed) == len(words)
    unnamed = head_writing(model, TEXT, Address("decoder", 0), 0, AT, k=1)
    assert unnamed.promoted[0].text == f"#{unnamed.promoted[0].id}"


def test_biases_of_the_norm_and_the_unembedding_are_no_heads() -> None:
    model = build("phi", "decoder")
    plain = head_writing(model, TEXT, Address("decoder", 2), 1, AT, target=TARGET)
    with torch.no_grad():
        model.lm_head.bias.normal_(0, 100)
        model.model.final_layernorm.bias.normal_(0, 100)
    found = head_writing(model, TEXT, Address("decoder", 2), 1, AT, target=TARGET)
    assert [token.id for token in found.promoted] == [token.id for token in plain.promoted]
    assert near([token.value for token in found.promoted], [token.value for token in plain.promoted])
    assert found.value == pytest.approx(plain.value, rel=1e-5)


def test_each_key_brings_its_weight_times_its_value_through_the_projection() -> None:
    """Nine heads that ask, three of keys and values: a head reads the values of its group."""
    model, head = small("llama"), 7
    attention = "model.layers.1.self_attn"
    entered, left, _ = seen(model, TEXT, [f"{attention}.v_proj", "model.norm"])
    weights = own_map(own_attentions(model, list(TEXT.ids)), "decoder")[1][0, head, AT]
    group, own = slice(6 * 2, 6 * 3), slice(6 * head, 6 * head + 6)
    brought = weights[:, None] * (left[f"{attention}.v_proj"][:, group] @ model.get_submodule(
        f"{attention}.o_proj").weight[:, own].T)  # fmt: skip
    norm, unembedding = model.model.norm, model.lm_head.weight[TARGET] - model.lm_head.weight[OTHER]
    wanted = rms_norm(brought, entered["model.norm"][AT], norm.weight, norm.variance_epsilon) @ unembedding
    found = head_writing(model, TEXT, Address("decoder", 1), head, AT, target=TARGET, distractor=OTHER)
    assert found.ok
    assert near([share.value for share in found.by_key], wanted)
    assert near([share.weight for share in found.by_key], weights)
    assert [share.key for share in found.by_key] == list(range(9))
    assert near(found.total, wanted.sum(), wanted)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "granite", "gpt_oss", "falcon", "bloom", "olmo2", "cohere"])
def test_the_heads_value_is_its_row_of_the_direct_attribution_and_the_sum_over_keys(name: str) -> None:
    model = build(name, "decoder")
    rows = direct_attribution(model, TEXT, position=AT, target=TARGET, distractor=OTHER)
    found = head_writing(model, TEXT, Address("decoder", 1), 3, AT, target=TARGET, distractor=OTHER)
    assert found.ok
    assert found.value == pytest.approx(rows.value(1, 3), rel=1e-5)
    assert near(found.total, found.value, [share.value for share in found.by_key])
    assert all(share.value == 0 for share in found.by_key[AT + 1 :])


def test_a_head_of_cross_attention_attends_to_the_other_text() -> None:
    model = build("t5", "both")
    weights = own_map(own_attentions(model, list(PAIR.ids), list(PAIR.pair_ids)), "cross")[1][0, 2, 3]
    found = head_writing(model, PAIR, Address("cross", 1), 2, 3, target=TARGET)
    assert found.ok
    assert found.attended_key == int(weights.argmax())
    assert found.attended is not None
    assert found.attended.id == PAIR.ids[found.attended_key]
    assert len(found.by_key) == 9
    refused = head_writing(model, PAIR, Address("encoder", 1), 2, 3)
    assert writing.IN_THE_ENCODER in refused.reason
    assert not refused.ok


def test_a_head_without_weights_in_the_projection_writes_nothing() -> None:
    model = build("llama", "decoder")
    with torch.no_grad():
        model.model.layers[1].self_attn.o_proj.weight[:, 12:24] = 0
    found = head_writing(model, TEXT, Address("decoder", 1), 1, AT, target=TARGET)
    assert found.length == found.value == 0
    assert {token.value for token in (*found.promoted, *found.suppressed)} == {0.0}
    assert {share.value for share in found.by_key} == {0.0}
    assert head_writing(model, TEXT, Address("decoder", 1), 2, AT).length > 0.1


@pytest.mark.parametrize("fault", ["the neighbour's weights", "the neighbour's values"])
def test_a_planted_fault_makes_the_sum_over_keys_red(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("llama", "decoder")
    own = writing._by_key

    def wrong(listed: object, path: object, way: object, row: int, weights: Tensor, values: Tensor) -> object:
        rolled = {"weights": weights.roll(1), "values": values} if "weights" in fault else {
            "weights": weights, "values": values.roll(1, dims=0)}  # fmt: skip
        return own(listed, path, way, row, **rolled)  # type: ignore[arg-type]

    assert head_writing(model, TEXT, Address("decoder", 1), 1, AT, target=TARGET).ok
    monkeypatch.setattr(writing, "_by_key", wrong)
    found = head_writing(model, TEXT, Address("decoder", 1), 1, AT, target=TARGET)
    assert found.reason == ""
    assert not found.ok


def test_where_it_is_not_defined_the_reason_is_said() -> None:
    for model, reason in (
        (build("openai-gpt", "decoder"), "makes the stream anew on the way"),
        (build("gpt2", "encoder"), "no head that chooses among words"),
        (build("bitnet", "decoder"), "attn_sub_norm first, which is not linear"),
    ):
        found = head_writing(model, TEXT, Address("decoder", 1), 0, AT)
        assert reason in found.reason
        assert not found.ok
        assert found.promoted == ()


def test_what_is_not_there_is_refused() -> None:
    model = build("gpt2", "decoder")
    with pytest.raises(InputError, match="heads 0 to 3"):
        head_writing(model, TEXT, Address("decoder", 1), 4, AT)
    with pytest.raises(InputError, match="no attention at decoder 3"):
        head_writing(model, TEXT, Address("decoder", 3), 0, AT)
    with pytest.raises(InputError, match="positions 0 to 8"):
        head_writing(model, TEXT, Address("decoder", 1), 0, 9)
    with pytest.raises(InputError, match="at least 1"):
        head_writing(model, TEXT, Address("decoder", 1), 0, AT, k=0)
