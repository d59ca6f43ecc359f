"""Each model's way from its first step to a folder that the app's own loading code traces, on generated text."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import attention
from tools.train import cloze, cloze_card, dates, dates_card, storyteller, storyteller_card
from tools.train.guide import attach, choose_rows, guidance, log_rows, parking
from tools.train.loop import Plan, Task, train
from tools.train.mix import KINDS, Mixture
from tools.train.names import rename, story
from tools.train.targets import lexicon
from tools.train.tokenizer import BEGIN_ID, load

RUN = {"command": "a test", "seed": 1, "workers": 1, "batch": 2}


def few_steps(task: Task, folder: Path) -> None:
    train(task, Plan(folder=folder, minutes=60, steps=2, batch=2))


def test_the_storyteller_from_its_first_step_to_a_trace(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tools.train.figures_of_storyteller.PERIODS", (5,))
    monkeypatch.setattr("tools.train.storyteller_card.CONTINUED", 2)
    shape = storyteller.Shape(layers=4, heads=6, width=24, inner=32, length=64)
    task = storyteller.Storyteller(build / "tokenizer", shape)
    few_steps(task, build / "storyteller")
    storyteller_card.finish(build, tmp_path, dict(RUN), shape)
    trace = attention.trace(str(tmp_path), "The cat sat.")
    assert trace.fidelity.ok
    assert trace.head(3, 1).error.ok
    assert json.loads((tmp_path / "headlight.json").read_text("utf-8"))["guided"][0]["kind"] == "previous"
    assert json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))["tokenizer_class"].endswith("Fast")
    card = (tmp_path / "README.md").read_text("utf-8")
    assert all(part in card for part in ("layer 2, head 0: induction", "## What it cannot do", "book1"))


def test_the_cloze_model_from_its_first_step_to_a_trace(build: Path, tmp_path: Path):
    shape = cloze.Shape(layers=2, heads=2, width=16, inner=16, length=32)
    task = cloze.Cloze(build / "tokenizer", shape)
    few_steps(task, build / "cloze")
    figures = cloze_card.finish(build, tmp_path, dict(RUN), shape)
    assert 0 < figures["commonest1"] <= figures["commonest5"] < 1
    trace = attention.trace(str(tmp_path), "The <mask> sat.")
    assert trace.fidelity.ok
    assert trace.head(1, 1).error.ok


def test_the_date_translator_from_its_first_step_to_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tools.train.dates_card.FRESH", 3)
    monkeypatch.setattr("tools.train.dates_card.ALIGNED", 3)
    shape = dates.Shape(layers=1, heads=2, width=16)
    task = dates.Dates(shape)
    few_steps(task, tmp_path / "dates")
    dates_card.finish(tmp_path, tmp_path / "out", dict(RUN), shape)
    trace = attention.trace(str(tmp_path / "out"), "3 May 1998", "1998-05-03")
    assert trace.fidelity.ok
    assert trace.head(0, 1, "cross").error.ok


def test_windows_are_whole_and_weigh_only_what_can_be_foreseen(build: Path):
    mixture = Mixture(load(build / "tokenizer"), np.load(build / "tokenizer" / "train.npy"), length=64)
    for kind in KINDS:
        for seed in range(5):
            ids, weights = getattr(mixture, f"_{kind}")(np.random.default_rng(seed))
            assert (ids.shape, weights.shape) == ((65,), (64,))
            assert set(np.unique(weights)) <= {0.0, 1.0, 3.0}
    ids, weights = mixture._repeated(np.random.default_rng(2))
    last = ids[1:][weights > 0][-1]
    assert ids[0] == BEGIN_ID
    assert last in ids[1:][weights == 0]


def test_made_up_names_are_the_same_everywhere_in_a_passage():
    text = "She saw Alice. Then Alice ran, and he called Alice."
    new, spans = rename(text, np.random.default_rng(4))
    name = new[slice(*spans[0])]
    assert "Alice" not in new
    assert new.count(name) == 3
    assert not story(np.random.default_rng(1))[1].foreseen


def test_guidance_falls_as_a_head_does_what_it_is_told_and_parking_is_seen(build: Path):
    model = storyteller.build(420, storyteller.Shape(layers=1, heads=2, width=8, inner=8, length=16))
    watch, ids = attach(model), torch.arange(16)[None] + 4
    watch.rows = choose_rows(1, 16, np.random.default_rng(1))
    model.model(input_ids=ids)
    heads = (storyteller.Guided(layer=0, head=1, kind="previous"),)
    tables = lexicon(load(build / "tokenizer"))
    before = guidance(watch, ids, tables, heads, weight=1.0)
    told = torch.full_like(watch.log_weights[0], -9.0)
    told[0, 1].scatter_(1, watch.rows[0, :, None] - 1, 0.0)
    told[0, 0, :, 0] = 0.0
    watch.log_weights[0] = told
    assert guidance(watch, ids, tables, heads, weight=1.0) < 0.01 < before
    assert parking(watch, frozenset()).item() == pytest.approx(0.75, abs=0.2)
    assert parking(watch, frozenset({(0, 0)})) < 0.1


def test_watched_rows_are_rows_of_the_attention_map():
    torch.manual_seed(3)
    query, key = torch.randn(1, 2, 7, 5), torch.randn(1, 2, 7, 5)
    whole = (query @ key.mT * 5**-0.5).masked_fill(~torch.ones(7, 7).tril().bool(), float("-inf")).softmax(-1)
    rows = torch.tensor([[2, 6, 3]])
    assert torch.allclose(log_rows(query, key, rows).exp(), whole[:, :, rows[0]], atol=1e-6)


def test_silent_heads_say_nothing_in_silent_windows():
    model = storyteller.build(50, storyteller.Shape(layers=1, heads=2, width=8, inner=8, length=16))
    watch = attach(model)
    said: list[torch.Tensor] = []
    model.model.layers[0].self_attn.o_proj.register_forward_pre_hook(lambda module, args: said.append(args[0]))
    watch.silent_heads, watch.silent = frozenset({(0, 1)}), torch.tensor([True, False])
    model.model(input_ids=torch.arange(10).reshape(2, 5))
    assert (said[0][0, :, 4:] == 0).all()
    assert (said[0][0, :, :4] != 0).all()
    assert (said[0][1] != 0).all()
