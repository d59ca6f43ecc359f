"""A model's own writing: greedy as the library has it, drawn as its warpers would, and traced token by token."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

import attention
from attention.capture.decode import write
from attention.capture.inputs import Inputs
from attention.config import Limits
from attention.errors import InputError
from attention.prediction import Continuation
from attention.prediction.continuation import nucleus
from attention.source import MOST_WRITTEN
from tests import small_models
from tests.prediction.test_prediction import bundled
from tests.tiny import build, ids

BEGIN = "Once upon a time there was a"
# Architectures whose writing needs different caches and inputs.
DECODERS = ["gpt2", "llama", "gpt_neox", "bloom", "mistral", "gemma2", "opt", "mamba"]


@pytest.mark.parametrize("name", DECODERS)
def test_greedy_is_what_the_library_writes(name: str) -> None:
    model = build(name, "decoder", eos_token_id=None)
    made = attention.generate(model, ids(6), n_tokens=8)
    own = model.generate(torch.tensor([ids(6)]), attention_mask=torch.ones(1, 6, dtype=torch.long), do_sample=False,
                         max_new_tokens=8, pad_token_id=0)  # fmt: skip
    assert list(made.ids) == own[0].tolist()
    assert made.stopped == "count"
    assert [step.token.id for step in made.steps] == list(made.ids[6:])


def test_each_step_has_the_models_own_probability_and_the_trace_shows_it() -> None:
    made = attention.generate("storyteller", BEGIN, n_tokens=12)
    assert made.exact
    assert made.text == BEGIN + made.new_text
    trace, seen = attention.trace("storyteller", made.text), attention.predict("storyteller", made.text)
    assert tuple(token.id for token in trace.tokens) == made.ids
    before = len(made.ids) - len(made.steps)
    assert len(made.steps) == 12
    for at, step in enumerate(made.steps, before - 1):
        there = seen.at(at)
        assert there.rank == 1
        assert there.actual is not None
        assert there.actual.id == step.token.id
        assert there.actual.probability == pytest.approx(step.probability, rel=1e-3)


def test_a_seed_draws_the_same_and_another_draws_otherwise() -> None:
    def drawn(seed: int) -> Continuation:
        return attention.generate("storyteller", BEGIN, n_tokens=12, temperature=1.0, top_p=0.95, seed=seed)

    first = drawn(3)
    assert first.ids == drawn(3).ids
    assert len({drawn(seed).ids for seed in range(5)}) > 1
    seen = attention.predict("storyteller", list(first.ids))
    before = len(first.ids) - len(first.steps)
    for at, step in enumerate(first.steps, before - 1):  # before temperature and nucleus
        actual = seen.at(at).actual
        assert actual is not None
        assert actual.probability == pytest.approx(step.probability, rel=1e-3)


def test_threads_draw_what_each_seed_draws_alone() -> None:
    model = build("llama", "decoder", eos_token_id=None)
    alone = {seed: attention.generate(model, ids(5), n_tokens=9, temperature=1.5, seed=seed).ids for seed in range(6)}
    made: dict[int, Any] = {}

    def work(seed: int) -> None:
        made[seed] = attention.generate(model, ids(5), n_tokens=9, temperature=1.5, seed=seed).ids
        torch.rand(7)  # someone else's random numbers

    threads = [threading.Thread(target=work, args=(seed,)) for seed in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == alone


def test_draws_follow_the_probabilities() -> None:
    model = build("gpt2", "decoder", eos_token_id=None)
    own = attention.predict(model, ids(5), k=101).last
    counts = np.zeros(101)
    for seed in range(400):
        counts[attention.generate(model, ids(5), n_tokens=1, temperature=1.0, seed=seed).ids[-1]] += 1
    for one in own.candidates:
        assert one.probability is not None
        spread = np.sqrt(400 * one.probability * (1 - one.probability)) + 1
        assert abs(counts[one.id] - 400 * one.probability) < 5 * spread


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-160, 160).map(lambda eighths: eighths / 8), min_size=2, max_size=40, unique=True),
    st.floats(0.1, 4),
    st.floats(0.01, 1),
)
def test_the_nucleus_is_the_librarys(scores: list[float], temperature: float, top_p: float) -> None:
    row = torch.tensor([scores], dtype=torch.float64)
    nothing = torch.zeros(1, 1, dtype=torch.long)
    warm = TemperatureLogitsWarper(temperature)(nothing, row)
    own = TopPLogitsWarper(top_p)(nothing, warm)[0] if top_p < 1 else warm[0]
    ours = nucleus(torch.tensor(scores), temperature, top_p)
    # The two add up in opposite directions: at an edge that is equal but for rounding either may be right.
    sums = warm[0].softmax(0).sort(descending=True).values.cumsum(0)
    if (sums - top_p).abs().min() > 1e-6:
        assert torch.allclose(ours, own.softmax(0), atol=1e-6)
    assert ours.sum() == pytest.approx(1)
    assert ours[row[0].argmax()] > 0


def test_it_ends_where_the_model_ends() -> None:
    model = build("gpt2", "decoder", eos_token_id=None)
    free = attention.generate(model, ids(5), n_tokens=10)
    fourth = free.ids[8]
    model.generation_config.eos_token_id = fourth
    made = attention.generate(model, ids(5), n_tokens=10)
    new = list(free.ids[5:])
    assert list(made.ids[5:]) == new[: new.index(fourth)]
    assert made.stopped == "end"
    assert made.end is not None
    assert made.end.token.id == fourth
    assert 0 < made.end.probability <= 1
    assert len(made.steps) == len(made.ids) - 5


def test_it_stops_at_the_longest_text_and_says_so() -> None:
    model = build("gpt2", "decoder", eos_token_id=None)
    made = attention.generate(model, ids(125), n_tokens=10)
    assert len(made.ids) == 128
    assert (made.stopped, made.reason) == ("length", "The text is now as long as this model's positions allow.")
    full = attention.generate(model, ids(128), n_tokens=10)
    assert full.ids == tuple(ids(128))
    assert full.stopped == "length"
    bounded = attention.generate(model, ids(5), n_tokens=10, limits=Limits(max_tokens=7))
    assert len(bounded.ids) == 7
    assert bounded.reason == "The text is now as long as is allowed here: 7 tokens."


def test_it_can_be_followed_and_stopped() -> None:
    told: list[str] = []

    def follow(text: str) -> bool:
        told.append(text)
        return len(told) < 3

    made = attention.generate("storyteller", BEGIN, n_tokens=10, on_token=follow)
    assert made.stopped == "asked"
    assert len(made.steps) == 3
    assert told[-1] == made.new_text
    assert all(later.startswith(sooner) for sooner, later in pairwise(told))


def test_what_a_fault_in_the_callback_leaves_behind() -> None:
    model = build("llama", "decoder", eos_token_id=None).train()

    def fault(text: str) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attention.generate(model, ids(5), on_token=fault)
    assert model.training
    assert len(attention.generate(model, ids(5), n_tokens=2).steps) == 2  # its turn was given back


def test_the_checkpoints_taste_is_left_out_and_its_rules_are_kept() -> None:
    model = build("gpt2", "decoder", eos_token_id=None)
    plain = attention.generate(model, ids(5), n_tokens=6).ids
    taste = {"do_sample": True, "num_beams": 3, "repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "min_length": 50}
    for name, value in (taste | {"temperature": 9.0, "top_k": 2, "max_length": 7}).items():
        setattr(model.generation_config, name, value)
    before = model.generation_config.to_dict()
    assert attention.generate(model, ids(5), n_tokens=6).ids == plain
    assert model.generation_config.to_dict() == before
    model.generation_config.suppress_tokens = [plain[5]]
    assert plain[5] not in attention.generate(model, ids(5), n_tokens=6).ids[5:]


# Encoder-decoders.


@pytest.mark.parametrize("text", ["the 3rd of May, 1998", "July 4, 2021"])
def test_the_dates_model_writes_dates(text: str) -> None:
    model, tokenizer = bundled("dates", "AutoModelForSeq2SeqLM")
    own = model.generate(**tokenizer(text, return_tensors="pt"), do_sample=False)[0]
    made = attention.generate("dates", text)
    assert made.text == tokenizer.decode(own, skip_special_tokens=True)
    assert made.exact
    assert made.stopped == "end"
    trace = attention.trace("dates", text)
    assert trace.pair_tokens == attention.trace("dates", text, list(made.ids)).pair_tokens
    assert trace.notes[-1] == "The second text is the model's own greedy output."
    assert trace.head(0, 0, "cross").error.ok


def test_the_third_of_may() -> None:
    assert attention.generate("dates", "the 3rd of May, 1998").text == "1998-05-03"
    assert attention.generate("dates", "the 3rd of May, 1998", "1998-", 2).text == "1998-05"


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_target_of_its_own_is_the_librarys_greedy_output(family: str) -> None:
    model, tokenizer = small_models.model(family), small_models.tokenizer(family)
    entered = tokenizer("The cat sat.", return_tensors="pt")
    # One more than is wanted, for some models must end with the last; and no cache, which fails for this T5.
    most = MOST_WRITTEN + 1
    own = model.generate(**entered, do_sample=False, num_beams=1, max_new_tokens=most, use_cache=False)[0].tolist()
    own = own[: own.index(model.config.eos_token_id)] if model.config.eos_token_id in own else own
    own = own[:most]
    trace = attention.trace(model, "The cat sat.", tokenizer=tokenizer)
    assert [token.id for token in trace.pair_tokens] == own
    assert len(own) > 1
    assert trace.notes[-1].endswith("It stops after 64 tokens." if len(own) == most else "greedy output.")
    started = attention.trace(model, "The cat sat.", "", tokenizer=tokenizer)
    assert len(started.pair_tokens) == 1
    assert not any("greedy" in note for note in started.notes)


def test_a_model_that_writes_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("t5", "both")
    monkeypatch.setattr(type(model), "can_generate", classmethod(lambda _: False))
    trace = attention.trace(model, ids(4))
    assert len(trace.pair_tokens) == 1
    assert "wrote no second text of its own" in trace.notes[-1]
    assert attention.trace(model, ids(4), "").notes == (), "the start token alone was asked for"


def test_a_bound_on_tokens_bounds_its_own_target() -> None:
    model = build("t5", "both", eos_token_id=100)
    trace = attention.trace(model, ids(4), limits=Limits(max_tokens=5))
    assert len(trace.pair_tokens) <= 5
    assert len(attention.trace(model, ids(4)).pair_tokens) > 5


def test_a_forced_first_token_is_respected() -> None:
    model = build("m2m_100", "both")
    model.generation_config.forced_bos_token_id = 77
    trace = attention.trace(model, ids(4))
    assert trace.pair_tokens[1].id == 77
    assert trace.pair_tokens[0].id == model.config.decoder_start_token_id


def test_a_forced_end_is_not_taken_for_the_models_own() -> None:
    model = build("bart", "both", forced_eos_token_id=2)
    model.generation_config.eos_token_id = 2
    written = write(model, Inputs(ids=tuple(ids(4)), pair_ids=(1,)), most=5)
    assert len(written.ids) == 5 or written.ended
    free = build("bart", "both", forced_eos_token_id=None)
    free.generation_config.eos_token_id = 2
    assert written.ids == write(free, Inputs(ids=tuple(ids(4)), pair_ids=(1,)), most=5).ids


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no tokens": ({"n_tokens": 0}, "n_tokens is 0; it must be a whole number of at least 1"),
    "cold": ({"temperature": -1.0}, "temperature is -1.0; it must be a number of at least 0"),
    "not a number": ({"temperature": float("nan")}, "temperature is nan"),
    "no nucleus": ({"top_p": 0.0}, "top_p is 0.0; it must be above 0"),
    "too much": ({"top_p": 1.5}, "top_p is 1.5"),
    "no seed": ({"seed": -1}, "seed is -1; it must be a whole number from 0"),
}


@pytest.mark.parametrize(("how", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_refused(how: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        attention.generate(build("gpt2", "decoder"), ids(4), **how)


def test_who_cannot_write_is_refused() -> None:
    with pytest.raises(InputError, match="local model predicts nothing"):
        attention.generate("local", BEGIN)
    with pytest.raises(InputError, match="judges a text and writes none"):
        attention.generate("cloze", BEGIN)
    with pytest.raises(InputError, match="BertModel predicts nothing"):
        attention.generate(build("bert", "encoder"), ids(4))


def test_a_text_that_would_be_cut_otherwise_says_so() -> None:
    model, tokenizer = small_models.model("gpt2"), small_models.tokenizer("gpt2")
    letters = [tokenizer.convert_tokens_to_ids(letter) for letter in "cat"]  # the tokenizer would join them
    made = attention.generate(model, letters, n_tokens=1, tokenizer=tokenizer)
    assert not made.exact
    assert [token.id for token in attention.trace(model, list(made.ids), tokenizer=tokenizer).tokens] == list(made.ids)


def test_it_goes_on_with_a_target_before_the_end_that_its_model_puts_there() -> None:
    words = ("the", "king", "sat", "on", *"abcdefghijklmnopqrstuvwxyz")
    vocabulary = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")] + [(f"▁{word}", -1.0) for word in words]
    tokenizer = transformers.MBartTokenizer(vocab=vocabulary, src_lang="en_XX", tgt_lang="ro_RO")
    model = build("mbart", "both", vocab_size=len(tokenizer))
    entered = attention.predict(model, "the king", "the king sat", tokenizer=tokenizer).pair_tokens
    assert entered[-1].piece == "</s>"
    made = attention.generate(model, "the king", "the king sat", 1, tokenizer=tokenizer)
    before = [token.id for token in entered[:-1]]
    assert list(made.ids) == [*before, *(step.token.id for step in made.steps)], "and not with that end between them"
    last = attention.predict(model, "the king", before, tokenizer=tokenizer).last
    (first,) = made.steps or (made.end,)
    assert first is not None
    assert first.token.id == last.candidates[0].id
