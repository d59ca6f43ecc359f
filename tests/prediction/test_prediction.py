"""Predictions against the model's own logits, softmaxed by hand, and against the library's own pipelines."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import attention
from attention.browser import codec
from attention.browser import predictions as page
from attention.capture import recorded, run
from attention.config import Limits
from attention.errors import InputError, TooLongError
from attention.prediction import Predictions, likely
from attention.prediction.likely import likeliest
from attention.record import Fidelity
from tests import small_models
from tests.tiny import build, ids

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The cat sat on the mat because it was tired."


@cache
def bundled(name: str, auto: str) -> tuple[Any, Any]:
    """A bundled model and its tokenizer as the library alone loads them, in float32."""
    folder = ROOT / "assets" / "models" / name
    model = getattr(transformers, auto).from_pretrained(folder, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def chances(model: Any, **inputs: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs).logits[0].double().softmax(-1)


def agrees(made: Predictions, own: torch.Tensor) -> None:
    """Every candidate and its probability, and what is left, as a softmax and a sort by hand have them."""
    for prediction in made:
        row = own[prediction.position]
        values, order = row.sort(descending=True, stable=True)
        k = len(prediction.candidates)
        assert [one.probability for one in prediction.candidates] == pytest.approx(values[:k].tolist(), rel=1e-4)
        assert [float(row[one.id]) for one in prediction.candidates] == pytest.approx(values[:k].tolist(), rel=1e-4)
        assert prediction.candidates[0].id == int(order[0])
        assert prediction.rest == pytest.approx(float(values[k:].sum()), abs=1e-5)
        assert prediction.entropy == pytest.approx(float(-(row * row.clamp(min=1e-300).log2()).sum()), rel=1e-4)


# Decoders.


def test_the_storytellers_next_tokens() -> None:
    model, tokenizer = bundled("storyteller", "AutoModelForCausalLM")
    made = attention.predict("storyteller", "Once upon a time")
    entered = tokenizer("Once upon a time", return_tensors="pt").input_ids
    assert made.task == "next"
    assert [token.id for token in made.tokens] == entered[0].tolist()
    assert made.positions == tuple(range(entered.shape[1]))
    own = chances(model, input_ids=entered)
    agrees(made, own)
    for at in range(entered.shape[1] - 1):
        following = int(entered[0, at + 1])
        there = made.at(at)
        assert there.actual is not None
        assert there.actual.id == following
        assert there.actual.probability == pytest.approx(float(own[at, following]), rel=1e-4)
        assert there.rank == int((own[at] > own[at, following]).sum()) + 1
    assert made.last.actual is None
    assert made.last.rank is None


def test_a_click_appends_a_candidate() -> None:
    made = attention.predict("storyteller", "Once upon a time")
    first = made.last.candidates[0]
    assert made.text_with(first) == "Once upon a time" + first.text
    again = attention.trace("storyteller", made.text_with(first))
    assert [token.id for token in again.tokens] == [*(token.id for token in made.tokens), first.id]
    at = next(index for index, token in enumerate(made.tokens) if token.text == "upon")
    there = made.at(at).candidates[0]
    assert made.text_with(there, at) == "Once upon" + there.text


def test_a_click_within_a_character_goes_on_with_its_bytes() -> None:
    text = "I saw 😀 there"
    made = attention.predict("storyteller", text)
    begun = [at for at, token in enumerate(made.tokens) if token.part and token.part[0] + 1 < token.part[1]]
    assert len(begun) == 3
    written = [made.text_with(made.at(at).actual, at) for at in begun]
    assert written == ["I saw \ufffd", "I saw \ufffd", "I saw 😀"], "the whole one only with its last byte"
    after = made.at(begun[-1] + 1)
    assert made.text_with(after.actual, begun[-1] + 1) == text


def test_a_click_keeps_what_was_written_where_the_model_has_turned_it_round() -> None:
    words = ("the", "king", "sat", "on", *"abcdefghijklmnopqrstuvwxyz")
    vocabulary = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")] + [(f"▁{word}", -1.0) for word in words]
    tokenizer = transformers.MBartTokenizer(vocab=vocabulary, src_lang="en_XX", tgt_lang="ro_RO")
    model = build("mbart", "both", vocab_size=len(tokenizer))
    made = attention.predict(model, "the king", "the king sat", tokenizer=tokenizer)
    at = [token.piece for token in made.pair_tokens].index("▁king")
    candidate = next(one for one in made.at(at).candidates if one.text.startswith(" "))
    assert made.text_with(candidate, at) == f"the king{candidate.text}"


def test_no_place_has_no_prediction() -> None:
    assert len(attention.predict("storyteller", TEXT, positions=[])) == 0
    hidden = attention.predict("storyteller", [5, 6, 7], attention_mask=[0, 1, 1], positions=[0])
    with pytest.raises(InputError, match="Nothing is predicted here"):
        hidden.at(0)


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3", "gpt_neox"])
def test_decoders_of_other_kinds(family: str) -> None:
    model, tokenizer = small_models.model(family), small_models.tokenizer(family)
    made = attention.predict(model, TEXT, tokenizer=tokenizer, k=4)
    agrees(made, chances(model, input_ids=tokenizer(TEXT, return_tensors="pt").input_ids))
    assert all(len(one.candidates) == 4 for one in made)
    for one in made.last.candidates:
        assert one.token is not None
        assert one.token.text or one.token.special


def test_padding_is_neither_predicted_from_nor_followed() -> None:
    model = build("llama", "decoder")
    padded = attention.predict(model, [0, 0, *ids(5)], attention_mask=[0, 0, 1, 1, 1, 1, 1])
    assert padded.positions == (2, 3, 4, 5, 6)
    assert [one.actual and one.actual.id for one in padded] == [*ids(5)[1:], None]
    right = attention.predict(model, [*ids(5), 0], attention_mask=[1, 1, 1, 1, 1, 0])
    assert right.positions == (0, 1, 2, 3, 4)
    assert right.last.actual is None
    assert right.rows is not None
    assert np.array_equal(right.rows.ids, attention.predict(model, ids(5)).rows.ids)  # type: ignore[union-attr]


def test_a_long_text_keeps_k_numbers_a_place_and_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("llama", "decoder")
    whole = attention.predict(model, ids(100), k=5)
    rows = whole.rows
    assert rows is not None
    assert {array.shape for array in (rows.ids, rows.logits)} == {(100, 5)}
    assert {getattr(rows, name).shape for name in ("log_sum", "entropy", "actual", "actual_logit", "actual_rank")} == {
        (100,)
    }
    monkeypatch.setattr(likely, "MOST_LOGITS", 101 * 7)
    monkeypatch.setattr(likely, "BLOCK", 101 * 3)
    seen: list[int] = []
    handle = model.lm_head.register_forward_hook(lambda module, args, out: seen.append(out.shape[1]))
    blocks = attention.predict(model, ids(100), k=5).rows
    handle.remove()
    assert max(seen) == 7
    assert sum(seen) == 100
    assert blocks is not None
    assert np.array_equal(blocks.ids, rows.ids)
    assert np.array_equal(blocks.actual_rank, rows.actual_rank)
    assert np.abs(blocks.logits - rows.logits).max() < 1e-4


def test_bytes_and_control_tokens_are_visible() -> None:
    model, tokenizer = small_models.model("gpt2"), small_models.tokenizer("gpt2")
    made = attention.predict(model, "é", tokenizer=tokenizer, k=len(tokenizer))
    by_id = {one.id: one for one in made.last.candidates}
    assert len(by_id) == len(tokenizer)
    end = by_id[tokenizer.eos_token_id]
    assert end.token is not None
    assert end.token.special
    assert (str(end.token), end.text) == ("<|endoftext|>", "")
    byte = by_id[tokenizer.convert_tokens_to_ids("Ã")]
    assert byte.token is not None
    assert byte.token.text == "⟨C3⟩"
    assert made.last.rest == pytest.approx(0, abs=1e-5)


# Blanks.


@pytest.mark.parametrize("blank", ["___", "_____", "<mask>", "[MASK]", "[mask]"])
def test_the_cloze_models_fillers(blank: str) -> None:
    model, tokenizer = bundled("cloze", "AutoModelForMaskedLM")
    made = attention.predict("cloze", f"The cat sat on the {blank}.")
    library = transformers.pipeline("fill-mask", model=model, tokenizer=tokenizer, top_k=10)
    own = library("The cat sat on the <mask>.")
    assert made.task == "fill"
    assert [one.id for one in made.last.candidates] == [each["token"] for each in own]
    assert [one.probability for one in made.last.candidates] == pytest.approx([each["score"] for each in own], rel=1e-4)
    filled = made.text_with(made.last.candidates[0])
    assert filled == own[0]["sequence"] == f"The cat sat on the{made.last.candidates[0].text}."


def test_a_trace_of_a_blank_sees_the_same_tokens_and_where_it_was_typed() -> None:
    text = "The ___ sat on the [MASK]."
    trace, made = attention.trace("cloze", text), attention.predict("cloze", text)
    assert trace.tokens == made.tokens
    assert trace.fidelity is not None
    assert trace.fidelity.of == "logits"
    masks = [token for token in trace.tokens if token.piece == "<mask>"]
    assert [text[slice(*(token.span or (0, 0)))] for token in masks] == ["___", "[MASK]"]
    for token in trace.tokens:
        if token.span and not token.special:
            assert text[slice(*token.span)] == token.text
    assert len(made) == 2
    first = made.at(made.positions[0]).candidates[0]
    assert made.text_with(first, made.positions[0]) == f"The{first.text} sat on the [MASK]."


def test_a_word_that_stands_there_is_hidden_for_a_run_of_its_own() -> None:
    model, tokenizer = small_models.model("bert"), small_models.tokenizer("bert")
    made = attention.predict(model, TEXT, tokenizer=tokenizer, positions=[5, 2])
    entered = tokenizer(TEXT, return_tensors="pt")
    assert made.positions == (2, 5)
    for at in (2, 5):
        hidden = entered.input_ids.clone()
        hidden[0, at] = tokenizer.mask_token_id
        own = chances(model, **{**entered, "input_ids": hidden})[at]
        there = made.at(at)
        assert there.candidates[0].id == int(own.argmax())
        assert there.candidates[0].probability == pytest.approx(float(own.max()), rel=1e-4)
        assert there.actual is not None
        assert there.actual.id == int(entered.input_ids[0, at])
        assert there.actual.probability == pytest.approx(float(own[there.actual.id]), rel=1e-4)
        assert there.rank == int((own > own[there.actual.id]).sum()) + 1


def test_without_a_blank_it_says_how_to_make_one() -> None:
    made = attention.predict("cloze", "The cat sat on the mat.")
    assert len(made) == 0
    assert made.notes == (likely.NO_BLANK,)
    with pytest.raises(InputError, match="write ___ where"):
        made.at()
    with pytest.raises(InputError, match="pass tokenizer="):
        attention.predict(build("bert", "masked"), ids(4), positions=[1])


def test_a_filler_that_goes_on_with_the_word_before_joins_it() -> None:
    model, tokenizer = small_models.model("bert"), small_models.tokenizer("bert")
    made = attention.predict(model, "walk ___ now", tokenizer=tokenizer, k=len(tokenizer))
    by_piece = {str(one.token and one.token.piece): one for one in made.last.candidates}
    assert made.text_with(by_piece["##ing"]) == "walking now"
    assert made.text_with(by_piece["cat"]) == "walk cat now"


def test_a_mask_that_swallows_the_space_before_it_leaves_one_space() -> None:
    from tokenizers import AddedToken

    model, tokenizer = small_models.model("roberta"), small_models.tokenizer("roberta")
    tokenizer.add_special_tokens({"mask_token": AddedToken("<mask>", lstrip=True)})
    made = attention.predict(model, "The cat ___ on", tokenizer=tokenizer, k=len(tokenizer))
    assert len(made) == 1
    for one in made.last.candidates:
        if one.text.startswith(" ") and one.text.strip():
            assert made.text_with(one) == f"The cat{one.text} on"


def test_underscores_stay_underscores_where_no_blank_is_filled() -> None:
    trace = attention.trace("storyteller", "a ___ b")
    assert "".join(token.text for token in trace.tokens if not token.special).replace(" ", "") == "a___b"


# Encoder-decoders.


def test_the_dates_models_output() -> None:
    model, tokenizer = bundled("dates", "AutoModelForSeq2SeqLM")
    text = "the 3rd of May, 1998"
    made = attention.predict("dates", text)
    own = model.generate(**tokenizer(text, return_tensors="pt"), do_sample=False)[0].tolist()
    assert [token.id for token in made.pair_tokens] == own[:-1]
    assert made.task == "translate"
    assert made.side is made.pair_tokens
    source, target = tokenizer(text, return_tensors="pt").input_ids, torch.tensor([own[:-1]])
    agrees(made, chances(model, input_ids=source, decoder_input_ids=target))
    assert [one.candidates[0].id for one in made] == own[1:]
    assert [one.rank for one in made] == [1] * (len(own) - 2) + [None]
    assert made.last.candidates[0].token is not None
    assert made.last.candidates[0].token.special
    started = attention.predict("dates", text, "")
    assert len(started) == 1
    assert started.text_with(started.last.candidates[0]) == "1"
    typed = attention.predict("dates", text, "1998-0")
    assert typed.text_with(typed.last.candidates[0]) == "1998-05"


# Judges.


def judge(task: str, **more: Any) -> tuple[Any, Any]:
    tokenizer = small_models.tokenizer("bert")
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37,
        max_position_embeddings=131, **more,
    )  # fmt: skip
    torch.manual_seed(5)
    model = getattr(transformers, f"BertFor{task}")(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.3)
    return model, tokenizer


NAMES = {0: "sad", 1: "so-so", 2: "glad"}


def test_a_classifiers_labels() -> None:
    model, tokenizer = judge("SequenceClassification", id2label=NAMES)
    made = attention.predict(model, TEXT, tokenizer=tokenizer)
    own = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)([TEXT])[0]
    assert made.positions == (None,)
    assert [one.text for one in made.last.candidates] == [each["label"] for each in own]
    assert [one.probability for one in made.last.candidates] == pytest.approx([each["score"] for each in own], rel=1e-4)
    assert made.last.rest == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError, match="not part of the text"):
        made.text_with(made.last.candidates[0])
    with pytest.raises(InputError, match="as a whole"):
        attention.predict(model, TEXT, tokenizer=tokenizer, positions=[1])


def test_labels_that_do_not_exclude_each_other() -> None:
    kind = "multi_label_classification"
    model, tokenizer = judge("SequenceClassification", id2label=NAMES, problem_type=kind)
    made = attention.predict(model, TEXT, tokenizer=tokenizer).last
    with torch.no_grad():
        own = model(**tokenizer(TEXT, return_tensors="pt")).logits[0].sigmoid()
    assert {one.text: one.probability for one in made.candidates} == pytest.approx(
        {name: float(own[number]) for number, name in NAMES.items()}, rel=1e-4
    )
    assert made.rest is None
    assert made.entropy is None


def test_a_number_is_no_probability() -> None:
    model, tokenizer = judge("SequenceClassification", num_labels=1)
    (one,) = attention.predict(model, TEXT, tokenizer=tokenizer).last.candidates
    with torch.no_grad():
        own = model(**tokenizer(TEXT, return_tensors="pt")).logits[0, 0]
    assert one.logit == pytest.approx(float(own), rel=1e-5)
    assert one.probability is None


@pytest.mark.parametrize("more", [{"num_labels": 1}, {"num_labels": 3, "problem_type": "regression"}])
def test_scores_are_shown_as_the_numbers_that_they_are(more: dict[str, Any]) -> None:
    model, tokenizer = judge("SequenceClassification", **more)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([-1234.5, 7.25, 0.01][: more["num_labels"]]))
        own = model(**tokenizer(TEXT, return_tensors="pt")).logits[0]
    made = attention.predict(model, TEXT, tokenizer=tokenizer)
    given = codec.parse(page.predicted(made, None, key="", shown=8, clickable=True))
    assert [row["probability"] for row in given["rows"]] == [None] * len(own)
    read = [float(row["number"].replace("−", "-").replace(",", "")) for row in given["rows"]]
    assert read == pytest.approx(own.sort(descending=True).values.tolist(), rel=5e-3)
    assert "no probability" in given["note"]
    assert given["clickable"] == ""


def test_one_number_for_each_token_is_no_probability_either() -> None:
    model, tokenizer = judge("TokenClassification", num_labels=1)
    made = attention.predict(model, TEXT, tokenizer=tokenizer)
    with torch.no_grad():
        own = model(**tokenizer(TEXT, return_tensors="pt")).logits[0, :, 0]
    assert [one.candidates[0].logit for one in made] == pytest.approx(own.tolist(), rel=1e-5)
    assert {one.candidates[0].probability for one in made} == {None}


def broken(number: float, name: str, kind: str, **more: Any) -> Any:
    """A model of which one weight is no number."""
    model = build(name, kind, **more)
    with torch.no_grad():
        next(iter(model.parameters()))[7] = number  # the vector of token 7
    return model


def test_places_where_the_model_puts_out_no_number_predict_nothing_and_the_others_do() -> None:
    for number in (float("nan"), float("inf")):
        model, text = build("gpt2", "decoder"), [5, 6, 9, 7, 8]
        lost = partial(torch.Tensor.index_fill, dim=1, index=torch.tensor([3, 4]), value=number)
        model.lm_head.register_forward_hook(lambda module, given, made, lost=lost: lost(made))
        made = attention.predict(model, text)
        with torch.no_grad():
            own = model(input_ids=torch.tensor([text])).logits[0].double()
        assert made.positions == (0, 1, 2)
        agrees(made, own.softmax(-1))
        assert attention.predict(model, text, positions=[1]).notes == ()
        (note,) = made.notes
        assert "not a finite number (NaN or infinity) at 2 of 5 places" in note
        codec.parse(page.predicted(made, 1, key="", shown=8, clickable=True))


def test_a_model_without_any_number_says_so() -> None:
    for task in ("SequenceClassification", "TokenClassification"):
        model, tokenizer = judge(task, num_labels=3)
        torch.nn.init.constant_(model.classifier.bias, float("nan"))
        made = attention.predict(model, TEXT, tokenizer=tokenizer)
        assert len(made) == 0
        with pytest.raises(InputError, match=r"Nothing is predicted here. This model puts out what is not a finite"):
            _ = made.last
    model, tokenizer = judge("QuestionAnswering")
    torch.nn.init.constant_(model.qa_outputs.bias, float("nan"))
    with pytest.raises(InputError, match="no answer is likelier than another"):
        attention.predict(model, "Who sat?", TEXT, tokenizer=tokenizer)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_without_numbers_writes_nothing(temperature: float) -> None:
    model = broken(float("nan"), "gpt2", "decoder", tie_word_embeddings=False)
    with pytest.raises(InputError, match=r"NaN or infinity\), so no token can be chosen"):
        attention.generate(model, [5, 7, 8], temperature=temperature)
    both = broken(float("nan"), "bart", "both")
    assert attention.trace(both, [5, 7, 8]).pair_tokens[1:] == (), "it wrote no target of its own"


def test_no_card_is_seeded_but_the_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    model = build("gpt2", "decoder")
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    attention.predict(model, ids(5))
    attention.generate(model, ids(5), n_tokens=2)
    assert seeded == [], "what others draw on cards that the model does not use goes on as it was"


def test_a_label_for_each_token() -> None:
    model, tokenizer = judge("TokenClassification", id2label={0: "O", 1: "PER", 2: "LOC"})
    made = attention.predict(model, TEXT, tokenizer=tokenizer, k=2)
    own = chances(model, **tokenizer(TEXT, return_tensors="pt"))
    assert made.task == "tag"
    assert len(made) == len(made.tokens) == len(own)
    agrees(made, own)
    assert {one.text for prediction in made for one in prediction.candidates} <= {"O", "PER", "LOC"}


def test_the_best_answers_lie_in_the_context() -> None:
    model, tokenizer = judge("QuestionAnswering")
    question, context = "Where sat the cat?", "The cat sat on the mat because it was tired."
    made = attention.predict(model, question, context, tokenizer=tokenizer, k=5)
    entered = tokenizer(question, context, return_tensors="pt")
    with torch.no_grad():
        output = model(**entered)
    inside = [at for at, side in enumerate(entered.sequence_ids()) if side == 1]
    spans = {
        (first, last + 1): float(output.start_logits[0, first] + output.end_logits[0, last])
        for first in inside for last in inside if first <= last
    }  # fmt: skip
    total = sum(np.exp(value) for value in spans.values())
    best = sorted(spans, key=lambda span: -spans[span])[:5]
    assert [(one.start, one.stop) for one in made.answers] == best
    assert [one.probability for one in made.answers] == pytest.approx(
        [np.exp(spans[span]) / total for span in best], rel=1e-4
    )
    offsets = tokenizer(question, context, return_offsets_mapping=True)["offset_mapping"]
    for one in made.answers:
        assert one.text == context[offsets[one.start][0] : offsets[one.stop - 1][1]]
    with pytest.raises(InputError, match="context as pair"):
        attention.predict(model, question, tokenizer=tokenizer)


def test_a_judge_with_a_decoder() -> None:
    model = transformers.BartForSequenceClassification(
        transformers.BartConfig(
            vocab_size=101, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, id2label=NAMES,
        )
    ).eval()  # fmt: skip
    text = [*ids(5), 2]
    made = attention.predict(model, text)
    own = chances_of_text(model, text)
    assert [one.probability for one in made.last.candidates] == pytest.approx(sorted(own, reverse=True), rel=1e-4)


def test_a_judge_with_a_decoder_reads_both_sentences_in_its_encoder() -> None:
    tokenizer = bundled("cloze", "AutoModelForMaskedLM")[1]
    sizes = {"d_model": 32, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_layers": 1, "decoder_layers": 1}
    ends = {"eos_token_id": 1, "pad_token_id": 3, "decoder_start_token_id": 1}
    config = transformers.BartConfig(vocab_size=len(tokenizer), id2label=NAMES, **sizes, **heads, **ends)
    model = transformers.BartForSequenceClassification(config).eval()
    first, second = "The king sat.", "The old queen sat on it."
    made = attention.predict(model, first, second, tokenizer=tokenizer)
    together = tokenizer(first, second)["input_ids"]
    assert [token.id for token in made.tokens] == together
    own = chances_of_text(model, together)
    assert [one.probability for one in made.last.candidates] == pytest.approx(sorted(own, reverse=True), rel=1e-4)
    asked = attention.predict(transformers.BartForQuestionAnswering(config).eval(), first, second, tokenizer=tokenizer)
    assert asked.answers
    assert asked.answers[0].text in second


def chances_of_text(model: Any, text: list[int]) -> list[float]:
    with torch.no_grad():
        return model(input_ids=torch.tensor([text])).logits[0].softmax(-1).tolist()


# All of them.


def test_a_model_comes_back_as_it_was_and_random_numbers_too() -> None:
    model = build("llama", "decoder").train()
    attributes = dict(vars(model.config))
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    attention.predict(model, ids(6))
    attention.generate(model, ids(6), n_tokens=3, temperature=1.0, seed=5)
    assert torch.equal(torch.rand(3), expected)
    assert model.training
    assert dict(vars(model.config)) == attributes


def test_threads_get_the_same_while_others_trace() -> None:
    model = build("llama", "decoder")
    alone = attention.predict(model, ids(9)).rows
    made: list[Any] = []

    def work() -> None:
        made.append(attention.predict(model, ids(9)).rows)
        attention.trace(model, ids(9))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone is not None
    assert len(made) == 6
    assert all(np.array_equal(rows.logits, alone.logits) for rows in made)


def test_half_precision_is_the_models_own() -> None:
    model = build("llama", "decoder").to(torch.bfloat16)
    made = attention.predict(model, ids(6))
    with torch.no_grad():
        own = model(torch.tensor([ids(6)])).logits[0].float().softmax(-1)
    assert made.last.candidates[0].probability == pytest.approx(float(own[-1].max()), rel=1e-3)


REFUSED = {
    "local": (lambda: attention.predict("local", TEXT), "local model predicts nothing"),
    "no head": (lambda: attention.predict(build("bert", "encoder"), ids(4)), "BertModel predicts nothing"),
    "k": (lambda: attention.predict(build("gpt2", "decoder"), ids(4), k=0), "k is 0; it must be"),
    "position": (lambda: attention.predict(build("gpt2", "decoder"), ids(4), positions=[4]), "positions 0 to 3"),
    "no such place": (lambda: attention.predict(build("gpt2", "decoder"), ids(4)).at(7), "position 7; there is at 0"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_predicted_is_said(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_a_made_up_head_is_never_read(tmp_path: Path) -> None:
    small_models.model("bert").bert.save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"BertModel"', '"BertForSequenceClassification"'))
    small_models.tokenizer("bert").save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"lack .*, so its head has random numbers"):
        attention.predict(str(tmp_path), TEXT)
    assert attention.trace(str(tmp_path), TEXT).head(0, 0).error.ok


def test_limits_hold() -> None:
    with pytest.raises(TooLongError, match="the limit here is 3"):
        attention.predict("storyteller", TEXT, limits=Limits(max_tokens=3))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(-6, 6), min_size=7, max_size=7), min_size=1, max_size=4), st.integers(1, 9), st.data()
)
def test_ties_and_ranks_as_a_stable_sort_has_them(rows: list[list[int]], k: int, data: st.DataObject) -> None:
    logits = torch.tensor(rows, dtype=torch.float32)
    actual = [data.draw(st.integers(-1, 6)) for _ in rows]
    made = likeliest(logits, range(len(rows)), actual, k)
    for index, row in enumerate(rows):
        order = sorted(range(7), key=lambda number: (-row[number], number))
        assert made.ids[index].tolist() == order[: min(k, 7)]
        wanted = 0 if actual[index] < 0 else 1 + sum(value > row[actual[index]] for value in row)
        assert made.actual_rank[index] == wanted


# Of the run that is traced.


def traced(model: Any, text: Any, pair: Any = None, **how: Any) -> list[Predictions]:
    """What a trace tells of its own run's predictions."""
    told: list[Predictions] = []
    attention.trace(model, text, pair, on_predictions=told.append, **how)
    return told


def cases() -> dict[str, tuple[Any, Any, Any, dict[str, Any]]]:
    judged, tokenizer = judge("SequenceClassification", id2label=NAMES)
    tagged, answering = judge("TokenClassification")[0], judge("QuestionAnswering")[0]
    return {
        "decoder": ("storyteller", TEXT, None, {}),
        "blank": ("cloze", "The cat sat on the ___.", None, {}),
        "no blank": ("cloze", TEXT, None, {}),
        "encoder-decoder": ("dates", "3 May 1998", "1998-0", {}),
        "its own target": ("dates", "3 May 1998", None, {}),
        "padding": (build("gpt2", "decoder"), [0, 0, *ids(5)], None, {"attention_mask": [0, 0, 1, 1, 1, 1, 1]}),
        "labels": (judged, TEXT, None, {"tokenizer": tokenizer}),
        "tags": (tagged, TEXT, None, {"tokenizer": tokenizer}),
        "answers": (answering, "who sat?", "the cat sat on the mat", {"tokenizer": tokenizer}),
    }


@pytest.mark.parametrize("case", [
    "decoder", "blank", "no blank", "encoder-decoder", "its own target", "padding", "labels", "tags", "answers",
])  # fmt: skip
def test_a_trace_tells_what_its_own_run_predicts(case: str) -> None:
    """The first run of its kind, which looks for more, and a later one: both as an untouched run has it."""
    model, text, pair, how = cases()[case]
    own = attention.predict(model, text, pair, **how)
    for (made,) in (traced(model, text, pair, **how), traced(model, text, pair, **how)):
        assert (made.task, made.positions, made.notes) == (own.task, own.positions, own.notes)
        assert (made.answers, made.labels, made.scale, made.texts) == (own.answers, own.labels, own.scale, own.texts)
        assert [token.text for token in made.side] == [token.text for token in own.side]
        for name, numbers in ({} if own.rows is None else vars(own.rows)).items():
            np.testing.assert_array_equal(getattr(made.rows, name), numbers)


def test_a_trace_and_its_predictions_are_one_run_of_the_model() -> None:
    model, runs = build("gpt2", "decoder"), []
    attention.trace(model, ids(7))
    forward = model.forward
    model.forward = lambda *args, **kwargs: runs.append(1) or forward(*args, **kwargs)  # type: ignore[func-returns-value]
    assert len(traced(model, ids(7))) == len(runs) == 1


@pytest.mark.parametrize("case", ["decoder", "blank", "encoder-decoder", "labels"])
def test_a_trace_with_edits_tells_what_that_run_predicts(case: str) -> None:
    model, text, pair, how = cases()[case]
    line = "off-decoder.1.0" if case == "encoder-decoder" else "off-1.0"
    own, plain = (attention.predict(model, text, pair, edits=edits, **how).rows for edits in (line, ""))
    (made,) = traced(model, text, pair, edits=line, **how)
    assert made.rows is not None
    assert own is not None
    assert plain is not None
    for name, numbers in vars(own).items():
        np.testing.assert_array_equal(getattr(made.rows, name), numbers)
    assert not np.array_equal(made.rows.log_sum, plain.log_sum)


def speechless(model: Any, output: Any) -> torch.Tensor:
    raise InputError("no logits")


@pytest.mark.parametrize("why", ["edits", "headless", "too large", "apart", "no words"])
def test_a_trace_tells_no_predictions_where_its_run_has_not_the_untouched_ones(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly = Fidelity(of="logits", absolute=1e-7, relative=1e-7, tolerance=1e-5)
    if why == "edits":
        monkeypatch.setattr(run, "compare_edited", lambda *_: replace(nearly, relative=1.0))
        assert traced("storyteller", TEXT, edits="off-0.1") == []
    elif why == "headless":
        assert traced(build("bert", "encoder"), ids(5)) == []
    elif why == "too large":
        monkeypatch.setattr(likely, "BLOCK", 5 * build("gpt2", "decoder").config.vocab_size)
        assert [len(traced(build("gpt2", "decoder"), ids(n))) for n in (5, 6)] == [1, 0]
    elif why == "no words":
        monkeypatch.setattr(likely, "words_of", speechless)
        assert traced(build("gpt2", "decoder"), ids(5)) == []
        with pytest.raises(InputError, match="no logits"):
            attention.predict(build("gpt2", "decoder"), ids(5))
    else:
        monkeypatch.setattr(recorded, "_compare", lambda *_: nearly)
        assert traced(build("gpt2", "decoder"), ids(5)) == []
