"""The bundled models, measured again on random and made-up text: what their cards say must be so."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

import attention
from tools.train import MODELS, figures_of_storyteller, passages
from tools.train.cloze_card import fillers
from tools.train.dates import Dates, Shape
from tools.train.export import rounded
from tools.train.targets import lexicon
from tools.train.tokenizer import BEGIN_ID, END_ID, MASK_ID

NAMES = ("storyteller", "cloze", "dates")
MEGABYTES = 30  # of all bundled models together


def here(name: str) -> pytest.MarkDecorator:
    """Skipped only in a copy of the project from which the weights were left out."""
    return pytest.mark.skipif(not (MODELS / name / "model.safetensors").exists(), reason=f"{name} is not bundled")


@cache
def tokenizer(name: str) -> Tokenizer:
    return Tokenizer.from_file(str(MODELS / name / "tokenizer.json"))


@cache
def storyteller() -> PreTrainedModel:
    torch.set_num_threads(1)
    return AutoModelForCausalLM.from_pretrained(MODELS / "storyteller", dtype=torch.float32).eval()


def facts(name: str) -> dict[str, Any]:
    return json.loads((MODELS / name / "headlight.json").read_text("utf-8"))


@cache
def on_random_tokens() -> dict[str, Any]:
    return figures_of_storyteller.random_figures(storyteller(), count=3, seed=31)


def test_all_models_together_are_small():
    assert sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file()) <= MEGABYTES * 1_000_000


@pytest.mark.parametrize("name", [pytest.param(name, marks=here(name)) for name in NAMES])
def test_a_folder_has_its_card_its_facts_and_half_precision(name: str):
    card = (MODELS / name / "README.md").read_text("utf-8")
    assert all(part in card for part in ("## How it was made", "## Figures", "## What it cannot do"))
    assert {"trained_on", "run", "guided", "figures", "heads", "texts"} <= set(facts(name))
    assert json.loads((MODELS / name / "config.json").read_text("utf-8"))["dtype"] == "float16"
    settings = json.loads((MODELS / name / "tokenizer_config.json").read_text("utf-8"))
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"


@here("storyteller")
def test_the_storyteller_copies_random_tokens_and_its_heads_show_how():
    figures = on_random_tokens()
    guided = {(one["layer"], one["head"]) for one in facts("storyteller")["guided"]}
    copying = {tuple(place) for place in ((figures["prefix"] >= 0.6) & (figures["raised"] > 0)).nonzero().tolist()}
    assert figures["accuracy"] >= 0.8
    assert figures["previous"].max() >= 0.8
    assert len(copying) >= 2
    assert copying - guided


@here("storyteller")
def test_the_storyteller_follows_sentences_and_names_that_come_back():
    words = tokenizer("storyteller")
    twice = passages.said_twice(words, list(passages.SAID_TWICE))
    for recalls in (twice, passages.phrases(words, 20, seed=31)):
        figures = figures_of_storyteller.recall_figures(storyteller(), recalls)
        assert figures["accuracy"] >= 0.8
        assert figures["best"]["weight"] >= 0.7


@here("storyteller")
def test_heads_differ_on_the_default_sentence_and_few_park():
    words = tokenizer("storyteller")
    ids, tables = figures_of_storyteller.default_ids(words), lexicon(words)
    scores = figures_of_storyteller.text_figures(storyteller(), ids, tables)
    names = [name for row in figures_of_storyteller.names_of_heads(scores, ids, tables) for name in row]
    assert len(set(names) - {"mixed", "first"}) >= 6
    assert (scores["first"] > figures_of_storyteller.PARKED).sum() < len(names) / 3


@here("storyteller")
def test_the_texts_that_are_offered_show_what_they_say():
    words = tokenizer("storyteller")
    tables = lexicon(words)
    for one in facts("storyteller")["texts"]:
        ids = torch.tensor([[BEGIN_ID, *words.encode(one["text"], add_special_tokens=False).ids]])
        scores = figures_of_storyteller.text_figures(storyteller(), ids, tables)[one["kind"]]
        assert scores[one["layer"], one["head"]].item() == pytest.approx(one["score"], abs=0.01)


@pytest.mark.parametrize(
    ("name", "text", "pair"),
    [
        pytest.param("storyteller", passages.DEFAULT, None, marks=here("storyteller")),
        pytest.param("cloze", "The cat sat on the <mask>.", None, marks=here("cloze")),
        pytest.param("dates", "the 3rd of May, 1998", "1998-05-03", marks=here("dates")),
    ],
)
def test_the_app_traces_them_exactly(name: str, text: str, pair: str | None):
    trace = attention.trace(str(Path(MODELS / name)), text, pair)
    assert trace.fidelity.ok
    kinds = ("encoder", "decoder", "cross") if name == "dates" else (None,)
    for kind in kinds:
        view = trace.head(1, 1, kind) if kind else trace.head(1, 1)
        assert view.error.ok


@here("cloze")
def test_the_cloze_model_guesses_far_better_than_the_commonest_words():
    words = tokenizer("cloze")
    model = AutoModelForMaskedLM.from_pretrained(MODELS / "cloze", dtype=torch.float32).eval()
    common = [words.encode(f"a{text}", add_special_tokens=False).ids[-1] for text in (",", " the", ".", " and", " to")]
    ours, theirs = [], []
    for text in passages.SAID_TWICE:
        ids = torch.tensor([BEGIN_ID, *words.encode(text, add_special_tokens=False).ids, END_ID])
        places = torch.arange(1, len(ids) - 1)
        blanked = ids.repeat(len(places), 1).scatter(1, places[:, None], MASK_ID)
        with torch.no_grad():
            logits = model(input_ids=blanked).logits[torch.arange(len(places)), places]
        ours += (logits.topk(5).indices == ids[places, None]).any(1).tolist()
        theirs += torch.isin(ids[places], torch.tensor(common)).tolist()
    assert np.mean(ours) >= 1.3 * np.mean(theirs)
    figures = facts("cloze")["figures"]
    assert figures["top1"] >= 2 * figures["commonest1"]
    assert figures["top5"] >= 2 * figures["commonest5"]


@here("cloze")
def test_a_blank_written_as_a_person_writes_it_is_filled_with_words():
    words = PreTrainedTokenizerFast.from_pretrained(MODELS / "cloze")
    model = AutoModelForMaskedLM.from_pretrained(MODELS / "cloze", dtype=torch.float32).eval()
    assert "time" in fillers(model, words, "Once upon a <mask> there was a king.")
    assert {"came", "went", "ran"} & set(fillers(model, words, "The boy <mask> down to the river to swim."))


@here("dates")
def test_the_date_translator_is_right_on_held_out_dates():
    task = Dates(Shape())
    task.model = AutoModelForSeq2SeqLM.from_pretrained(MODELS / "dates", dtype=torch.float32)
    assert task.exact(300, seed=31) >= 0.99
    assert rounded(facts("dates")["figures"]["exact"]) >= 0.99
