"""Stored texts and random sequences, and the direct path from a head to a logit."""

import numpy as np
import pytest
import torch
from torch import nn

import attention
from attention.analysis import probe as module
from attention.analysis.copying import INSIDE, NO_NORM, NORM_FOLLOWS, freeze, watching
from attention.analysis.patterns import name_of, rank
from attention.analysis.probe import ON, Induction, induction, probe, sequences
from attention.errors import InputError
from attention.record import contributions
from attention.source import Source, load_source, loaded_source
from tests import small_models
from tests.tiny import build, ids


@pytest.fixture(scope="module")
def storyteller() -> Source:
    return load_source("storyteller", None, None)


@pytest.fixture(scope="module")
def measured(storyteller: Source) -> Induction:
    made = induction(storyteller)
    assert isinstance(made, Induction)
    return made


def test_random_sequences_are_ordinary_tokens_said_twice_and_always_the_same(storyteller: Source) -> None:
    made = sequences(storyteller)
    assert made == sequences(storyteller)
    special = set(storyteller.tokenizer.all_special_ids)
    for one in made:
        first, second = one.ids[one.begin : one.begin + one.period], one.ids[one.begin + one.period :]
        assert first == second
        assert len(set(first)) == one.period == 25
        assert one.ids[: one.begin] == (storyteller.tokenizer.bos_token_id,)
        assert not special & set(first)
        assert all(len(storyteller.tokenizer.decode([number]).strip()) > 1 for number in first)


def test_bytes_are_left_out() -> None:
    source = Source(model=small_models.model("gpt2"), tokenizer=small_models.tokenizer("gpt2"))
    texts = [source.tokenizer.decode([number]) for one in sequences(source) for number in one.ids]
    assert min(len(text.strip()) for text in texts) > 1


def test_tokens_that_were_added_are_left_out() -> None:
    tokenizer = small_models.byte_level()
    before = len(tokenizer)
    tokenizer.add_tokens([f"extra{number}" for number in range(100)])
    source = Source(model=build("gpt2", "decoder", vocab_size=len(tokenizer)), tokenizer=tokenizer)
    drawn = module._ordinary(source, 10_000, np.random.default_rng(1))
    assert drawn
    assert max(drawn) < before


def test_a_short_model_gets_shorter_sequences_or_none() -> None:
    made = sequences(loaded_source(build("gpt2", "decoder", max_position_embeddings=24)))
    assert {one.period for one in made} == {12}
    assert all(len(one.ids) == 24 for one in made)
    assert "too few tokens" in sequences(loaded_source(build("gpt2", "decoder", max_position_embeddings=9)))
    few = induction(loaded_source(build("gpt2", "decoder", vocab_size=13)))
    assert "too few ordinary tokens" in few


def test_prefix_matching_and_copying_of_the_storyteller(measured: Induction) -> None:
    for layer, head in ((2, 0), (3, 0), (3, 2)):
        assert measured.matching.score[layer, head] >= 0.6
        assert measured.copying.score[layer, head] > 0.2
    others = np.ones((4, 6), dtype=bool)
    others[[2, 3, 3], [0, 0, 2]] = False
    assert measured.matching.score[others].max() < 0.2
    assert np.abs(measured.copying.score[others]).max() < 0.1
    assert measured.matching.rows[0, 0] == 4 * 24


def test_prefix_matching_by_hand(storyteller: Source) -> None:
    one = sequences(storyteller, count=1)[0]
    trace = attention.trace(storyteller.model, one.ids)
    weights = trace.head(3, 2).weights
    rows = range(one.begin + one.period, len(one.ids) - 1)
    expected = np.mean([weights[i, one.ids.index(one.ids[i]) + 1] for i in rows])
    score, base = module._matching(trace, 3, one)
    assert float(score[2]) == pytest.approx(expected, abs=1e-6)
    assert float(base[2]) == pytest.approx(np.mean([1 / (i + 1) for i in rows]), abs=1e-6)


def test_copying_is_what_the_logits_lose_without_the_head(storyteller: Source) -> None:
    """A head of the last layer, taken from the stream before a norm whose scale is held: its logits, by hand."""
    model, text = storyteller.model, sequences(storyteller, count=1)[0]
    with watching(model) as seen:
        trace = attention.trace(model, text.ids)
        path = seen.path()
    rows = torch.tensor(list(text.rows))
    labels = torch.tensor(text.ids)[rows + 1]
    record = trace.record(3)
    raised = path.raised(record, rows, labels)
    kept: list[torch.Tensor] = []
    hook = model.model.norm.register_forward_pre_hook(lambda _module, args: kept.append(args[0]))
    with torch.no_grad():
        model(torch.tensor([text.ids]))
    hook.remove()
    stream = kept[0][0].float()
    scale = (stream.pow(2).mean(-1, keepdim=True) + model.config.rms_norm_eps).rsqrt()
    write = contributions(record, [2])[0].float()
    logits = (write * scale * model.model.norm.weight.float()) @ model.lm_head.weight.float().T
    by_hand = (logits[rows, labels] - logits[rows].mean(-1)).mean()
    assert float(raised[2]) == pytest.approx(float(by_hand), abs=1e-4)


def test_all_that_the_frozen_norm_gets_sums_to_the_logits() -> None:
    for family in ("gpt2", "llama", "qwen3", "gpt_neox"):
        model = small_models.model(family)
        with watching(model) as seen:
            attention.trace(model, ids(13))
            path = seen.path()
            x = seen._last[1].reshape(-1, seen._last[1].shape[-1])
        assert not isinstance(path, str), (family, path)
        logits = model(torch.tensor([ids(13)])).logits[0].detach()
        offset = seen._last[0](torch.zeros(1, x.shape[1])).detach()
        made = (path.norm(x, torch.arange(13)) + offset) @ path.unembedding.T
        assert torch.allclose(made, logits, atol=1e-3 * float(logits.abs().max())), family


@pytest.mark.parametrize("norm", [nn.LayerNorm(12), nn.RMSNorm(12, eps=1e-6)], ids=["layer", "rms"])
def test_a_norm_is_frozen_as_it_was(norm: nn.Module) -> None:
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in norm.parameters():
            weight.normal_(1, 0.5, generator=generator)
        x = torch.randn(5, 12, generator=generator) + 0.3
        frozen = freeze(norm, x, norm(x))
        assert frozen.centred == isinstance(norm, nn.LayerNorm)
        rows = torch.tensor([1, 3])
        offset = norm(torch.zeros(1, 12))
        assert torch.allclose(frozen(x[rows], rows) + offset, norm(x)[rows], atol=1e-5)
        assert freeze(norm, x, norm(x) + torch.randn(5, 12, generator=generator)) is None
        assert freeze(nn.GroupNorm(3, 12), x, nn.GroupNorm(3, 12)(x)) is None


@pytest.mark.parametrize(("name", "why"), [("openai-gpt", INSIDE), ("gemma2", NORM_FOLLOWS)])
def test_where_a_write_does_not_arrive_as_it_is_the_reason_is_told(name: str, why: str) -> None:
    made = induction(loaded_source(build(name, "decoder")))
    assert made.copying is None
    assert made.why_no_copying == why
    assert made.matching.score.shape == (3, 4)


def test_a_norm_that_is_not_over_the_layers_own_stream_is_not_taken() -> None:
    """BERT's head transforms the stream before its norm."""
    model = build("bert", "decoder", is_decoder=True)
    with watching(model) as seen:
        model(torch.tensor([ids(13)]))
    assert seen.path() == NO_NORM


def test_the_model_comes_back_without_hooks(storyteller: Source) -> None:
    induction(storyteller)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in storyteller.model.modules())


def test_the_stored_texts_score_every_pattern(storyteller: Source, measured: Induction) -> None:
    seen: list[tuple[int, int]] = []
    scores = probe(storyteller, on_progress=lambda done, total: seen.append((done, total)))
    assert scores.on == ON
    assert seen == [(done, 10) for done in range(1, 11)]
    assert {(hit.layer, hit.head) for hit in rank(scores, "previous token")[:2]} == {(0, 0), (1, 0)}
    assert [(hit.layer, hit.head) for hit in rank(scores, "copying")[:3]] == [(3, 2), (3, 0), (2, 0)]
    np.testing.assert_array_equal(scores["induction"].score, measured.matching.score)
    assert name_of(scores, 3, 2) == "induction"
    assert name_of(scores, 2, 1) == "local window"
    assert "copying" not in scores.why


def test_an_encoder_is_probed_on_texts_alone() -> None:
    scores = probe(load_source("cloze", None, None))
    assert rank(scores, "next token")[0].layer == 1
    assert rank(scores, "next token")[0].head == 1
    assert scores["induction"] is None
    assert "read forwards" in scores.why["induction"]


def test_a_model_that_reads_none_of_the_texts_says_so() -> None:
    with pytest.raises(InputError, match="none of the stored texts"):
        probe(load_source("dates", None, None))


def test_an_encoder_decoder_is_probed_by_kind() -> None:
    source = Source(model=small_models.model("t5"), tokenizer=small_models.tokenizer("t5"))
    assert probe(source, "encoder")["next token"] is not None
    assert probe(source, "cross")["separator"] is not None
    assert probe(source, "decoder").why["copying"]
