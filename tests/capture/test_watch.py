"""The capture modes beside the registry, on models that compute attention in code of their own."""

import gc
from dataclasses import replace
from typing import Any

import pytest
import torch

import attention
from attention.capture.fit import fit
from attention.errors import ModelError
from tests.tiny import build, ids, own_map

N, N_PAIR = 13, 7
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 32}
# name, kind, sizes, and whether query and key can be told from the scores
MODELS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("bloom", "decoder", {}, True), ("codegen", "decoder", {"rotary_dim": 8}, True), ("falcon", "decoder", {}, True),
    ("gpt_neo", "decoder", {"attention_types": [[["global", "local", "global"], 1]], "window_size": 4}, True),
    ("gptj", "decoder", {"rotary_dim": 8}, True), ("mpt", "decoder", {"n_heads": 4, "n_layers": 3}, True),
    ("openai-gpt", "decoder", {}, True), ("xglm", "decoder", {"attention_heads": 4, "ffn_dim": 56}, True),
    ("deberta", "encoder", RELATIVE, False), ("deberta-v2", "encoder", RELATIVE, False),
    ("megatron-bert", "encoder", {}, True), ("mpnet", "encoder", {}, True), ("rembert", "encoder", {}, True),
    ("roformer", "encoder", {"embedding_size": 48}, True), ("fsmt", "both", {}, True),
]  # fmt: skip


def made(name: str, kind: str, sizes: dict[str, Any]) -> Any:
    return build(name, kind, **sizes)


@pytest.mark.parametrize(("name", "kind", "sizes", "known"), MODELS, ids=[m[0] for m in MODELS])
def test_every_head_equals_the_models_own(name: str, kind: str, sizes: dict[str, Any], known: bool) -> None:
    model = made(name, kind, sizes)
    text, pair = ids(N), ids(N_PAIR, seed=4) if kind == "both" else None
    trace = attention.trace(model, text, pair)
    assert trace.model.capture_mode in ("softmax", "call")
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    own = None if trace.model.capture_mode == "call" else maps_of(model, text, pair)
    for own_kind in trace.kinds:
        for place, (layer, record) in enumerate(trace.records(own_kind).items()):
            assert (record.query is not None) is known
            for head in range(record.n_heads):
                view = trace.head(layer, head, own_kind)
                assert view.error.ok, (layer, head, view.error)
                assert {"weights", "output", "own output", "contributions"} <= set(view.error.parts)
                if own is not None:
                    theirs = own_map(own, own_kind)[place][0, head].numpy()
                    assert abs(view.weights - theirs).max() < 1e-5


def maps_of(model: Any, text: list[int], pair: list[int] | None) -> Any:
    extra = {} if pair is None else {"decoder_input_ids": torch.tensor([pair]), "use_cache": False}
    with torch.no_grad():
        return model(input_ids=torch.tensor([text]), output_attentions=True, **extra)


def test_masks_windows_and_biases_are_read_off_the_scores() -> None:
    local = attention.trace(made("gpt_neo", "decoder", MODELS[3][2]), ids(N))
    assert [(r.mask.before, r.mask.after) for r in local.records().values()] == [(None, 0), (3, 0), (None, 0)]
    alibi = attention.trace(made("bloom", "decoder", {}), ids(N)).record(1)
    assert alibi.position_bias is not None
    assert alibi.position_bias.by_key is not None
    assert alibi.position_bias.by_key.shape == (4, N)
    assert alibi.scale == pytest.approx(12**-0.5, rel=1e-6)
    distance = attention.trace(made("mpnet", "encoder", {}), ids(N)).record(2).position_bias
    assert distance is not None
    assert distance.by_distance is not None


def test_nothing_of_the_size_of_a_map_is_kept() -> None:
    n = 61
    model = made("bloom", "decoder", {})
    for record in attention.trace(model, ids(n)).all_records:
        bias = record.position_bias
        tensors = [record.query, record.key, record.value, record.output, record.mask.array, bias and bias.numbers]
        assert all(tensor.numel() < n * n for tensor in tensors if tensor is not None)
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors if t is not None}
        assert sum(storages.values()) < 4 * n * (4 * 48 + 4) + 4 * 4 * n  # q, k, v, output and the bias


def test_without_query_and_key_the_known_stages_are_shown() -> None:
    model = made("deberta-v2", "encoder", RELATIVE)
    view = attention.trace(model, ids(N)).head(1, 2)
    assert [name for name, _ in view.stages] == ["masked", "weights"]
    assert view.unknown == ("query", "key")
    assert abs(torch.softmax(torch.from_numpy(view.masked.copy()), -1).numpy() - view.weights).max() < 1e-6
    assert view.contribution is not None


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", ["gpt_neo", "openai-gpt", "bloom", "gptj", "codegen", "xglm", "mpnet"])
def test_padding_on_either_side_raises_no_alarm(name: str, side: str) -> None:
    """A row whose every key is padding is spread over different keys by different models: none of them is a fault."""
    _, kind, sizes, _ = next(one for one in MODELS if one[0] == name)
    model, text = made(name, kind, sizes), ids(N)
    mask = [0] * 3 + [1] * (N - 3) if side == "left" else [1] * (N - 3) + [0] * 3
    trace = attention.trace(model, text, attention_mask=mask)
    with torch.no_grad():
        inputs = {"input_ids": torch.tensor([text]), "attention_mask": torch.tensor([mask])}
        own = model(**inputs, output_attentions=True).attentions
    real = [at for at in range(N) if mask[at]]
    for layer, record in trace.records().items():
        for head in range(record.n_heads):
            view = trace.head(layer, head)
            assert abs(view.weights[real] - own[layer][0, head].numpy()[real]).max() < 1e-5
            assert view.error.ok, (layer, head, view.error.parts)


def test_a_row_that_our_mask_blacks_out_by_mistake_is_seen() -> None:
    model = made("gpt_neo", "decoder", {"attention_types": [[["global", "local", "global"], 1]], "window_size": 4})
    trace = attention.trace(model, ids(N), attention_mask=[0, 0, *[1] * (N - 2)])
    record = trace.record(0)
    allowed = torch.stack([record.allowed(0)] * record.n_heads)
    allowed[:, 5] = False
    keys = torch.arange(N) > 2  # the first real token is taken for padding
    for mask in (attention.record.Mask(array=allowed), replace(record.mask, keys=keys)):
        wrong = replace(record, mask=mask)
        assert not any(error.ok for error in replace(trace, all_records=(wrong,)).layer_errors(wrong))


@pytest.mark.parametrize("fault", ["scale", "mask", "bias", "heads"])
def test_a_planted_fault_is_seen(fault: str) -> None:
    model = made("bloom", "decoder", {})
    trace = attention.trace(model, ids(N))
    record = trace.record(1)
    wrong = {
        "scale": {"scale": record.scale * 1.01},
        "mask": {"mask": attention.record.Mask()},
        "bias": {"position_bias": None},
        "heads": {"query": record.query.flip(0)},
    }[fault]
    assert trace.head(1, 0).error.ok
    assert not replace(trace, all_records=(replace(record, **wrong),)).head(1, 0).error.ok


def test_an_output_with_something_added_is_not_passed_off_as_attention() -> None:
    """A convolution is added in place to the weighted values: the head is what it was before, and no share of that."""
    model = build("nystromformer", "encoder", num_landmarks=N, segment_means_seq_len=N)
    view = attention.trace(model, ids(N)).head(0, 0)
    assert view.error.ok
    assert {"weights", "output", "own output"} == set(view.error.parts)
    assert view.contribution is None
    assert "changed" in view.no_contribution


def test_when_the_model_is_gone_it_says_so() -> None:
    model = made("deberta-v2", "encoder", RELATIVE)
    trace = attention.trace(model, ids(N))
    del model
    gc.collect()
    with pytest.raises(ModelError, match="no longer loaded"):
        _ = trace.head(0, 0).weights


def draw(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_fit_is_proved_or_refused() -> None:
    query, key = draw(3, 11, 5, seed=0), draw(3, 13, 5, seed=1)
    product = query @ key.transpose(1, 2)
    found = fit(product * 0.3, query, key.transpose(1, 2))
    assert found is not None
    assert found.scale == pytest.approx(0.3, rel=1e-6)
    assert found.bias is None
    by_key = fit(product * 0.3 + draw(3, 1, 13, seed=2), query, key.transpose(1, 2))
    assert by_key is not None
    assert by_key.bias is not None
    assert by_key.bias.by_key is not None
    assert fit(product * 0.3 + 0.01 * draw(3, 11, 13, seed=3), query, key.transpose(1, 2)) is None
    assert fit(torch.tanh(product), query, key.transpose(1, 2)) is None
    assert fit(product, draw(3, 11, 5, seed=5), key.transpose(1, 2)) is None
    assert fit(product, query[:2], key.transpose(1, 2)) is None
