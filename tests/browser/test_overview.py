"""What the map of all heads is given: its numbers against brute force, its pictures against whole maps, its words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention import derived
from attention.analysis.named import FORWARDS, NAMED, NAMES, TWO_TEXTS, pattern_of
from attention.analysis.norms import norm_weighted
from attention.analysis.patterns import PatternScores, Scored, score_trace
from attention.analysis.thumbnails import SIDE
from attention.browser import codec, overview
from attention.catalogue import LOCAL
from attention.record import Trace
from attention.ui import scoring
from attention.view import MEASURES, NUMBERS, PICTURES, View
from tests.analysis import planted
from tests.analysis.test_thumbnails import patches
from tests.figures.heads import cross

TEXT = "The cat sat on the mat because it was tired."


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


def given(trace: Trace, stored: PatternScores | None = None, **view: Any) -> Any:
    asked = View(**view)
    return codec.parse(overview.payload(trace, trace.default_kind, asked, stored, refusal=scoring.refusal(asked)))


def each(trace: Trace, of: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
    """(layers, heads) of a function of a head's weights and of where it may look."""
    made = []
    for layer, record in trace.records().items():
        weights = [trace.head(layer, head).weights.astype(np.float64) for head in range(record.n_heads)]
        made.append([of(own, record.allowed(head).numpy()) for head, own in enumerate(weights)])
    return np.array(made)


def evenness(weights: np.ndarray, allowed: np.ndarray) -> float:
    """Entropy over ln(visible keys), a query at a time, over those that may look at three keys or more."""
    rows = [
        sum(-w * np.log(w) for w in row[open_] if w > 0) / np.log(open_.sum())
        for row, open_ in zip(weights, allowed, strict=True)
        if open_.sum() >= 3
    ]
    return float(np.mean(rows))


def distance(weights: np.ndarray, allowed: np.ndarray) -> float:
    far = [sum(w * abs(i - j) for j, w in enumerate(row)) / row.sum() for i, row in enumerate(weights)]
    return float(np.mean(far))


def previous(weights: np.ndarray, allowed: np.ndarray) -> float:
    return float(np.mean([weights[i, i - 1] for i in range(2, len(weights))]))


@pytest.mark.parametrize(
    ("measure", "of"), [("uniform", evenness), ("distance", distance), ("previous token", previous)]
)
def test_numbers_equal_brute_force(story: Trace, measure: str, of: Any) -> None:
    found = given(story, measure=measure)
    np.testing.assert_allclose(found["numbers"], each(story, of), rtol=1e-4, atol=1e-5)
    assert (found["measure"], found["why"]) == (measure, "")
    assert found["range"]["low"] == 0
    top = float(found["numbers"].max()) if measure == "distance" else 1
    assert found["range"]["high"] == pytest.approx(top)


def test_the_even_head_and_what_is_clearly_above_it(story: Trace) -> None:
    found = given(story, measure="previous token")
    seen = np.arange(3, len(story.tokens) + 1)
    np.testing.assert_allclose(found["base"], np.mean(1 / seen), rtol=1e-5)
    way = (found["numbers"] - found["base"]) / (1 - found["base"])
    np.testing.assert_array_equal(found["marks"], way >= NAMED)
    assert 0 < found["marks"].sum() < found["marks"].size
    for measure in ("uniform", "distance"):
        assert given(story, measure=measure)["marks"] is None
        assert given(story, measure=measure)["base"] is None


def test_few_queries_are_no_reason_for_a_mark() -> None:
    words = ("a", "b", "c", "d")
    trace = planted.trace(planted.head("previous token", True, words)[None], True, words)
    found = given(trace, measure="previous token")
    assert found["numbers"][0, 0] > 0.99
    assert found["marks"].sum() == 0


def test_pictures_are_bytes_of_pooled_maps(story: Trace) -> None:
    trace = attention.trace("storyteller", " ".join([TEXT] * 3))
    for measure in ("weights", "scores"):
        found = given(trace, measure=measure)
        low, high = found["range"]["low"], found["range"]["high"]
        view = trace.head(2, 5)
        whole = view.weights if measure == "weights" else view.masked
        pooled = patches(whole, trace.record(2).allowed(5).numpy(), SIDE)
        expected = np.where(np.isnan(pooled), 0, 1 + np.rint(254 * np.clip((pooled - low) / (high - low), 0, 1)))
        np.testing.assert_allclose(found["pictures"][2, 5], expected, atol=1)
        np.testing.assert_array_equal(found["pictures"][2, 5] == 0, np.isnan(pooled))
        assert found["numbers"] is None
        assert f"Pooled to {SIDE} × {SIDE}" in found["hides"]
        assert (found["queries"], found["keys"]) == (len(trace.tokens), len(trace.tokens))
    assert "Pooled" not in given(story)["hides"]


def test_scores_share_one_range_and_say_where_it_ends(story: Trace) -> None:
    found = given(story, measure="scores")
    maps = [story.head(layer, head).masked for layer, head in np.ndindex(4, 6)]
    sizes = np.abs(np.concatenate(maps, axis=None))
    sizes = sizes[np.isfinite(sizes)]
    limit = found["range"]["high"]
    assert limit == -found["range"]["low"] == pytest.approx(np.quantile(sizes, overview.USUAL), rel=0.05)
    assert f"±{limit:g}" in found["note"]
    assert f"{sizes.max():.4g}" in found["note"]
    assert found["picture"] == {"what": "scores", "scale": "scores", "low": -limit, "high": limit}


def test_like_scores_need_no_cut() -> None:
    trace = Trace.from_tensors(query=torch.ones(2, 5, 1), key=torch.full((2, 5, 1), 2.0), scale=1.0)
    found = given(trace, measure="scores")
    assert (found["range"]["high"], found["note"]) == (2.0, "")
    none = Trace.from_tensors(query=torch.zeros(2, 5, 1), key=torch.zeros(2, 5, 1))
    assert given(none, measure="scores")["range"]["high"] == 1.0


def test_a_number_comes_with_the_weights_for_a_closer_look(story: Trace) -> None:
    plain, numbers = given(story), given(story, measure="uniform")
    np.testing.assert_array_equal(plain["pictures"], numbers["pictures"])
    assert numbers["picture"] == {"what": "weights", "scale": "weights", "low": 0.0, "high": 1.0}


def test_norms_are_shares(story: Trace) -> None:
    found = given(story, measure="norms")
    shares = norm_weighted(story.record(1), 3).rows().shares
    allowed = story.record(1).allowed(3).numpy()
    np.testing.assert_allclose((found["pictures"][1, 3].astype(float) - 1)[allowed] / 254, shares[allowed], atol=3e-3)


def test_a_step_to_another_head_changes_no_byte(story: Trace) -> None:
    for measure in ("weights", "previous token"):
        first = overview.payload(story, "decoder", View(measure=measure))
        view = View(measure=measure, layer=3, head=2, query=4, also=(5,), sort=True, stage="scores", temperature=2.0)
        assert overview.payload(story, "decoder", view) is first
    assert overview.payload(story, "decoder", View(counted_on="stored")) is overview.payload(story, "decoder", View())


def test_what_is_kept_beside_a_trace_has_a_bound(story: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "MOST_BYTES", 60_000)
    for measure in MEASURES:
        overview.payload(story, "decoder", View(measure=measure))
    assert 20_000 < derived.size(story) <= 60_000


def test_the_pattern_names_are_the_views(story: Trace) -> None:
    assert set(NUMBERS) - {"distance", "changed"} == set(NAMES)
    listed = given(story)["measures"]
    assert [one["value"] for one in listed] == list(MEASURES)
    assert [one["group"] for one in listed[:7]] == ["Pictures"] * 3 + ["Numbers"] * 3 + ["Patterns"]
    assert [one["value"] for one in listed if one["why"]] == ["changed"], "nothing was changed in this run"
    for measure in MEASURES:
        found = given(story, measure=measure)
        assert all(found[name] for name in ("title", "says", "source", "hides"))
        assert found["why"] or measure in PICTURES or found["numbers"] is not None


def test_a_pattern_that_nothing_asks_for_says_so(story: Trace) -> None:
    found = given(story, measure="next token")
    assert found["numbers"] is None
    assert found["why"] == pattern_of("next token").nothing
    assert found["pictures"] is not None


# Stored texts


def scored(trace: Trace, value: float, **why: str) -> PatternScores:
    """Scores on stored texts that are all alike, but for the patterns with a reason."""
    real = score_trace(trace, on="stored texts")
    grid = np.full((len(real.layers), 6), value)
    one = Scored(score=grid, base=grid / 4, way=grid, rows=np.full(grid.shape, 9))
    found = {name: None if name in why else one for name in NAMES}
    return PatternScores(kind="decoder", on=real.on, layers=real.layers, found=found, why=why)


def test_stored_scores_are_those_that_were_given(story: Trace) -> None:
    missing = given(story, measure="self", counted_on="stored")
    assert (missing["numbers"], missing["why"]) == (None, overview.NOT_SCORED)
    found = given(story, scored(story, 0.75), measure="self", counted_on="stored")
    assert (found["numbers"] == np.float32(0.75)).all()
    assert found["says"].endswith("On stored texts.")
    assert found["counted_on"]["value"] == "stored"
    again = given(story, scored(story, 0.5), measure="self", counted_on="stored")
    assert (again["numbers"] == 0.5).all()
    assert (given(story, scored(story, 0.5), measure="self")["numbers"] != 0.5).any()


def test_induction_says_what_it_was_measured_on(story: Trace) -> None:
    drawn = given(story, scored(story, 0.75), measure="induction", counted_on="stored")
    assert drawn["says"].endswith("On random sequences said twice.")
    read = scored(story, 0.75, copying=pattern_of("copying").nothing)
    assert given(story, read, measure="induction", counted_on="stored")["says"].endswith("On stored texts.")
    assert given(story, read, measure="copying", counted_on="stored")["why"] == pattern_of("copying").nothing


def test_copying_is_in_logits_on_a_scale_around_nothing(story: Trace) -> None:
    found = given(story, scored(story, -2.5), measure="copying", counted_on="stored")
    assert (found["scale"], found["unit"], found["marks"], found["base"]) == ("scores", "logits", None, None)
    assert (found["range"]["low"], found["range"]["high"]) == (-2.5, 2.5)
    assert given(story, measure="copying")["why"] == pattern_of("copying").nothing


def test_scores_of_other_layers_are_not_shown(story: Trace) -> None:
    other = attention.trace("dates", "March 3, 2024")
    found = given(story, score_trace(other, other.default_kind), measure="self", counted_on="stored")
    assert found["why"] == overview.OTHER_LAYERS


def test_the_choice_of_texts_is_there_where_it_means_something(story: Trace) -> None:
    assert given(story, measure="self")["counted_on"]["why"] == ""
    for measure in ("weights", "distance"):
        assert given(story, measure=measure)["counted_on"]["why"] == overview.TEXT_ONLY
    local = attention.trace(LOCAL, "a b c a b")
    assert given(local, model=LOCAL, measure="self")["counted_on"]["why"] == scoring.LOCAL_IS_UNTRAINED


# Other models


def test_cross_attention_has_no_places() -> None:
    trace = cross().trace
    listed = {one["value"]: one["why"] for one in given(trace)["measures"]}
    assert listed["distance"] == listed["previous token"] == listed["copying"] == TWO_TEXTS
    assert listed["uniform"] == listed["first token"] == ""
    for measure in ("distance", "self"):
        found = given(trace, measure=measure)
        assert (found["numbers"], found["why"]) == (None, TWO_TEXTS)
    assert given(trace)["pictures"].shape[2:] == (7, 11)


def test_what_a_trace_does_not_know_is_said() -> None:
    trace = Trace.from_tensors(weights=torch.full((2, 3, 5, 5), 0.2))
    listed = {one["value"]: one["why"] for one in given(trace)["measures"]}
    assert "scores are not known" in listed["scores"]
    assert listed["norms"] == "no output projection was given"
    assert listed["induction"] == FORWARDS
    found = given(trace, measure="norms")
    assert (found["pictures"], found["why"]) == (None, "no output projection was given")


def test_layers_without_a_projection_are_named(story: Trace) -> None:
    first, *others = story.all_records
    lost = replace(first, projection=None, no_projection="a gate stands before it")
    found = given(replace(story, all_records=(lost, *others)), measure="norms")
    assert found["why"] == ""
    assert found["note"] == "No pictures of layer 0: a gate stands before it."
    assert (found["pictures"][0] == 0).all()
    assert found["pictures"][1].any()


def test_layers_keep_their_numbers_and_their_count_of_heads(story: Trace) -> None:
    first, _, third, _ = story.all_records
    cut = {name: getattr(third, name)[:2] for name in ("query", "key", "value")}
    fewer = replace(third, layer=7, output=None, projection=None, **cut)
    trace = replace(story, all_records=(first, fewer))
    for measure in ("weights", "self", "distance"):
        found = given(trace, measure=measure)
        assert (found["layers"], found["counts"]) == ([0, 7], [6, 2])
        if measure == "weights":
            assert (found["pictures"][1, 2:] == 0).all()
        else:
            assert np.isnan(found["numbers"][1]).tolist() == [False] * 2 + [True] * 4


def test_thousands_of_heads_get_smaller_pictures() -> None:
    trace = Trace.from_tensors(weights=torch.full((48, 96, 20, 20), 0.05))
    assert given(trace)["pictures"].shape == (48, 96, SIDE // 2, SIDE // 2)
