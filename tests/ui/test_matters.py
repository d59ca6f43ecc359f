"""“Which heads matter?” on the page: its numbers are the analysis', what begins by itself, and what a stop keeps."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

import attention
from attention import Trace
from attention.analysis.ablation import all_off
from attention.analysis.direct import direct_attribution
from attention.analysis.head_map import HeadMap
from attention.analysis.preview import FROZEN_HAS_NONE, preview
from attention.browser import matters as given_matters
from attention.capture import Inputs
from attention.source import Source, inputs_of, load_source
from attention.ui import analysed, matters, sweeps
from attention.view import View
from tests.tiny import build, ids
from tests.ui.asking import opened, shown

TEXT = "The old king came home. The old king came"
VIEW = View(text=TEXT, details="matters", layer=1, query=10)

pytestmark = pytest.mark.usefixtures("warm", "fresh")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(matters, "_firsts", matters.Firsts(matters._first))
    monkeypatch.setattr(matters, "_sweeps", sweeps.Sweeps(matters._each))


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(scope="module")
def source() -> Source:
    return load_source("storyteller", None, None)


def inputs(source: Source, text: str = TEXT) -> Any:
    return inputs_of(source, text, None, None)[0]


def test_both_maps_are_those_of_the_analysis(story: Trace, source: Source) -> None:
    data = shown(opened(story.head(1, 0), VIEW), "matters", "done")
    entering = inputs(source)
    layers, wanted = all_off(source, entering).grid("decoder")
    assert data["layers"] == list(layers)
    np.testing.assert_allclose(data["ablation"]["values"], wanted, atol=1e-5)
    assert data["ablation"]["exact"].all()
    target, distractor = (data[name]["id"] for name in ("target", "distractor"))
    own = direct_attribution(source.model, entering, position=10, target=target, distractor=distractor)
    np.testing.assert_allclose(data["direct"]["values"], own.heads(), atol=1e-5)
    rows = sum(row["value"] for row in data["direct"]["rows"]) + float(data["direct"]["values"].sum())
    assert rows == pytest.approx(data["direct"]["logit"], abs=1e-3)
    assert data["direct"]["ok"]
    assert data["base"] == pytest.approx(data["direct"]["logit"], abs=1e-3), "the two maps are of one number"


def test_a_cell_is_what_a_hook_on_the_output_projection_finds(story: Trace, source: Source) -> None:
    data = shown(opened(story.head(1, 0), VIEW), "matters", "done")
    ids = torch.tensor([inputs(source).ids])
    width = source.model.config.hidden_size // source.model.config.num_attention_heads
    projections = [module for name, module in source.model.named_modules() if name.endswith("o_proj")]
    assert len(projections) == len(data["layers"])

    def without(module: Any, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        changed = args[0].clone()
        changed[..., 2 * width : 3 * width] = 0
        return (changed,)

    def difference() -> float:
        with torch.no_grad():
            row = source.model(ids).logits[0, 10].double()
        return float(row[data["target"]["id"]] - row[data["distractor"]["id"]])

    base = difference()
    hook = projections[3].register_forward_pre_hook(without)
    off = difference()
    hook.remove()
    assert data["ablation"]["values"][3, 2] == pytest.approx(off - base, abs=1e-4)
    assert abs(off - base) > 0.1


def test_of_a_large_model_only_the_estimate_is_made_by_itself(
    story: Trace, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "QUICK", 0)
    app = opened(story.head(1, 0), VIEW)
    data = shown(app, "matters", "preview")
    assert len(matters._sweeps) == 0
    _, guessed = preview(source, inputs(source)).grid("decoder")
    np.testing.assert_allclose(data["ablation"]["values"], guessed, atol=1e-5)
    assert not data["ablation"]["exact"].any()
    assert data["cost"]["heads"] == 24
    assert "Every head in turn, zero (estimated from its gradient), at every position" in data["sentence"]
    frozen = shown(opened(story.head(1, 0), replace(VIEW, frozen=True)), "matters", "preview")
    assert np.isnan(frozen["ablation"]["values"]).all()
    assert frozen["estimate"] == FROZEN_HAS_NONE


def test_a_button_begins_the_runs_and_the_switches_change_the_view(
    story: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "QUICK", 0)
    app = opened(story.head(1, 0), VIEW)
    shown(app, "matters", "preview")
    asked = app.session_state[matters.ASKED]
    changes: dict[str, Any] = {}
    state: dict[str, Any] = {matters.ASKED: asked}
    monkeypatch.setattr(matters, "st", SimpleNamespace(session_state=state))
    monkeypatch.setattr(matters.prompt_bar, "change_to", lambda **given: changes.update(given))
    for said in ({"how": "mean"}, {"frozen": True}, {"how": "none"}, {"frozen": 1}, {"run": True}):
        monkeypatch.setattr(matters.boundary, "said", lambda *_, said=said: said)
        matters._act()
    assert changes == {"switched_off": "mean", "frozen": True}
    job = matters._sweeps.find(asked)
    assert job is not None
    assert job.done.wait(60)


def test_zero_and_mean_are_told_apart_once_both_were_run(story: Trace, source: Source) -> None:
    assert not shown(opened(story.head(1, 0), VIEW), "matters", "done")["unsure"]
    data = shown(opened(story.head(1, 0), replace(VIEW, switched_off="mean")), "matters", "done")
    both = [all_off(source, inputs(source), how=one, position=10).grid("decoder")[1] for one in ("zero", "mean")]
    largest = max(float(np.abs(one).max()) for one in both)
    wide = np.abs(both[0] - both[1]) >= max(0.05, 0.15 * largest)
    small, large = (one(np.abs(both), axis=0) for one in (np.min, np.max))
    unsure = wide & ((large >= 2 * small) | (np.sign(both[0]) != np.sign(both[1])))
    assert unsure.any()
    layer, head = np.unravel_index(np.argmax(np.where(unsure, np.abs(both[0] - both[1]), 0)), unsure.shape)
    numbers = [given_matters.signed(float(one[layer, head])) for one in both]
    told = f"Layer {layer}, head {head}: {numbers[0]} switched off to zero, {numbers[1]} to its mean."
    assert data["unsure"][0] == told
    assert len(data["unsure"]) == min(int(unsure.sum()), given_matters.UNSURE + 1)


def test_the_link_chooses_target_way_and_freezing(story: Trace, source: Source) -> None:
    view = replace(VIEW, target=608, distractor=423, switched_off="running", frozen=True)
    data = shown(opened(story.head(1, 0), view), "matters", "done")
    how: dict[str, Any] = {"how": "running", "target": 608, "distractor": 423, "frozen": "outputs"}
    _, wanted = all_off(source, inputs(source), position=10, **how).grid("decoder")
    np.testing.assert_allclose(data["ablation"]["values"], wanted, atol=1e-5)
    assert (data["target"]["id"], data["distractor"]["id"], data["automatic"]) == (608, 423, False)
    assert given_matters.AGAINST_ZERO in data["notes"]


def test_without_a_second_token_it_is_the_log_probability(story: Trace) -> None:
    data = shown(opened(story.head(1, 0), replace(VIEW, target=765)), "matters", "done")
    assert (data["measure"], data["distractor"]) == ("log-probability", None)
    assert given_matters.NO_DISTRACTOR in data["notes"]
    assert data["base"] == pytest.approx(np.log(0.97821), abs=1e-3)


def test_a_token_that_is_none_of_the_models_is_a_sentence(story: Trace) -> None:
    data = shown(opened(story.head(1, 0), replace(VIEW, target=99_999)), "matters")
    assert "numbers 0 to 4095" in data["reason"]


def judge() -> tuple[Any, Any]:
    """A small classifier in BERT's way, which norms its stream anew in every layer, and what enters it."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=101, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=56,
        id2label={0: "bad", 1: "so-so", 2: "good"}, initializer_range=0.3,
    )  # fmt: skip
    return BertForSequenceClassification(config).eval(), Inputs(ids=tuple(ids(7)))


def test_a_model_that_judges_has_a_map_but_no_direct_part(monkeypatch: pytest.MonkeyPatch) -> None:
    model, entering = judge()
    trace = attention.trace(model, list(entering.ids))
    given = Source(model=model, tokenizer=None), entering, trace.tokens, ()
    monkeypatch.setattr(analysed, "entering", lambda *_: given)
    data = shown(opened(trace.head(0, 0), View(model="judge", text="any", details="matters")), "matters", "done")
    assert {choice["name"] for choice in data["choices"]} == {"bad", "so-so", "good"}
    assert (data["place"], data["direct"]["values"]) == ("", None)
    assert data["direct"]["reason"] == matters.NO_PLACE
    _, wanted = all_off(given[0], entering).grid("encoder")
    np.testing.assert_allclose(data["ablation"]["values"], wanted, atol=1e-5)


@pytest.mark.parametrize(("model", "text", "kind"), [
    ("cloze", "The king sat on his ___.", "encoder"), ("dates", "3 May 98", "cross"), ("dates", "3 May 98", "encoder"),
])  # fmt: skip
def test_other_bundled_models_have_both_maps(model: str, text: str, kind: Any) -> None:
    trace = attention.trace(model, text)
    view = View(model=model, text=text, kind=kind if model == "dates" else "", details="matters")
    data = shown(opened(trace.head(0, 0, kind), view), "matters", "done")
    assert np.isfinite(data["ablation"]["values"]).all()
    assert data["ablation"]["values"].shape == (len(data["layers"]), max(data["counts"]))
    assert data["direct"]["values"] is None, "their layers norm the stream anew"
    assert data["direct"]["reason"].startswith("not defined: ")


def test_of_several_kinds_of_attention_the_others_are_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    model, entering = build("t5", "both"), Inputs(ids=tuple(ids(7)), pair_ids=tuple(ids(5)))
    trace = attention.trace(model, list(entering.ids), list(entering.pair_ids))
    given = Source(model=model, tokenizer=None), entering, trace.tokens, trace.pair_tokens
    monkeypatch.setattr(analysed, "entering", lambda *_: given)
    view = View(model="small", text="any", kind="cross", query=4, details="matters")
    direct = shown(opened(trace.head(0, 0, "cross"), view), "matters", "done")["direct"]
    assert direct["ok"]
    assert "heads of other kinds of attention, together" in {row["name"] for row in direct["rows"]}
    all_rows = sum(row["value"] for row in direct["rows"]) + float(np.nansum(direct["values"]))
    assert all_rows == pytest.approx(direct["logit"], abs=2e-3)


def test_the_local_model_and_a_file_predict_nothing(story: Trace) -> None:
    trace = attention.trace("local", "one two")
    local = opened(trace.head(0, 0), View(model="local", text="one two", details="matters"))
    assert shown(local, "matters")["reason"] == analysed.LOCAL_PREDICTS_NOTHING
    file = opened(story.head(1, 0), View(model="opened:0123456789abcdef", text=TEXT, details="matters"))
    assert "opened from a file" in shown(file, "matters")["reason"]


# What the two maps say together


def known(direct: Any = "not asked") -> Any:
    return SimpleNamespace(metric=SimpleNamespace(name="logit difference"), direct=direct)


def said(without: float, direct: float, other: float = np.nan, *, frozen: bool = False) -> list[str]:
    off, own, held = (np.array([[value, 0.0]]) for value in (without, direct, other))
    way = given_matters.Way(how="zero", frozen=frozen, state="done")
    return list(given_matters._disagreement([7], off, own, held, way, known()))


def test_heads_on_which_the_maps_differ_are_named_with_what_makes_them_differ() -> None:
    (repaired,) = said(-0.2, 1.3)
    assert "Layer 7, head 0 adds +1.30 itself, yet without it the logit difference falls by 0.20 only" in repaired
    assert "later heads that repair" in repaired
    (used,) = said(-1.1, 0.02)
    assert "adds +0.02 itself only" in used
    assert "use what it writes" in used
    (turned,) = said(0.8, 1.0)
    assert "rises by 0.80" in turned
    assert "the other way round" in turned
    assert said(-1.0, 1.02) == [], "they agree"


def test_the_run_with_later_heads_frozen_is_the_arbiter() -> None:
    (told,) = said(-0.2, 1.3, -1.1)
    assert told.endswith("With later heads frozen the change is −1.10, without −0.20: +0.90 is theirs.")
    (same,) = said(-0.6, 1.3, -0.2, frozen=True)
    assert same.endswith("With later heads frozen the change is −0.60, without −0.20: +0.40 is theirs.")
    assert "later heads that repair" not in same


# Runs that a person stops or leaves


def request(model: str = "m") -> matters.Request:
    return matters.Request(prompt=View(model=model).unedited, limits=analysed.Limits(), kind="decoder")


def partial_map(done: int, total: int = 4) -> HeadMap:
    from attention.analysis.effect import Metric
    from attention.capture import Address

    row = np.full(total, np.nan)
    row[:done] = 1.0
    return HeadMap(values={Address("decoder", 0): row}, metric=Metric(target=1), base=0.0, sentence="Done.")


class Stepped:
    """A sweep of four heads that goes on when it is told to."""

    def __init__(self, source: Source) -> None:
        self.source, self.door, self.told = source, threading.Semaphore(0), threading.Semaphore(0)

    def begin(self, asked: Any, job: Any) -> tuple[Source, Iterator[tuple[HeadMap, ...]]]:
        return self.source, self._each()

    def _each(self) -> Iterator[tuple[HeadMap, ...]]:
        for done in range(1, 5):
            self.door.acquire()
            yield (partial_map(done),)
            self.told.release()

    def step(self) -> None:
        self.door.release()


def test_what_is_done_is_shown_meanwhile_and_kept_where_a_person_stops(source: Source) -> None:
    stepped = Stepped(source)
    shared = sweeps.Sweeps(stepped.begin)
    asked = request()
    job = shared.begin(asked, "anna")
    stepped.step()
    stepped.step()
    assert stepped.told.acquire(timeout=60)
    (seen,) = shared.maps(job)
    assert 1 <= seen.done < 4
    assert sweeps.told(job)["state"] == "running"
    shared.stop(asked, "anna")
    stepped.step()
    assert job.done.wait(60)
    assert job.made is not None
    assert (job.made.ended, sweeps.told(shared.find(asked))["state"]) == ("asked", "stopped")
    assert 1 <= shared.maps(job)[0].done < 4
    again = shared.begin(asked, "anna")
    assert again is not job, "it begins anew"
    for _ in range(4):
        stepped.step()
    assert again.done.wait(60)
    assert again.made is not None
    assert (again.made.ended, shared.begin(asked, "anna")) == ("done", again)


def test_a_stop_leaves_it_to_others_who_look(source: Source) -> None:
    stepped = Stepped(source)
    shared = sweeps.Sweeps(stepped.begin)
    job = shared.begin(request(), "anna")
    shared.begin(request(), "bert")
    shared.stop(request(), "anna")
    for _ in range(4):
        stepped.step()
    assert job.done.wait(60)
    assert job.made is not None
    assert job.made.ended == "done"


def test_it_ends_when_nobody_looks_any_longer(source: Source) -> None:
    stepped = Stepped(source)
    shared = sweeps.Sweeps(stepped.begin)
    job = shared.begin(request(), "anna")
    job.seen["anna"] -= 3600
    stepped.step()
    stepped.step()
    assert job.done.wait(60)
    assert job.made is not None
    assert job.made.ended == "left"


def test_what_a_result_takes_is_counted() -> None:
    made = sweeps.Swept(maps=(partial_map(4, 1000),), ended="done")
    assert 8_000 < analysed.weight(made) < 10_000
