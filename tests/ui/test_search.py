"""“Find a head” as Streamlit runs it: rankings on this text and on stored ones, each hit one click from its panels."""

import threading
from functools import cache
from typing import Any

import numpy as np
import pytest

import attention
from attention.analysis.named import pattern_of
from attention.analysis.pairs import between
from attention.analysis.patterns import NAMES, Hit, PatternScores, Scored, name_of, rank, score_trace
from attention.analysis.probe import TEXTS, probe
from attention.browser import overview
from attention.errors import NotNowError
from attention.source import load_source
from attention.ui import model_runs, prompt_bar, scoring, search, stored, work
from attention.ui.runs import Job
from attention.ui.scoring import Scorings
from attention.view import View
from tests.ui.test_inspect import during, given, one, opened, shown

TEXT = "The old king came home. The old king came home."

pytestmark = pytest.mark.usefixtures("warm")


@cache
def scored_once(asked: scoring.Request) -> scoring.ScoredModel:
    """What the run makes of that request: the same for each test that asks for it."""
    return scoring._run(asked, Job())


@pytest.fixture(autouse=True)
def _fresh(monkeypatch) -> None:
    """Nothing was asked for by another test."""
    monkeypatch.setattr(scoring, "_shared", Scorings(lambda asked, job: scored_once(asked)))


@pytest.fixture(scope="module")
def probed() -> PatternScores:
    return probe(load_source("storyteller", None, None), "decoder")


def hits(app) -> list[str]:
    return [button.label for button in app.button if str(button.key).startswith("hit-")]


def captions(app) -> str:
    return "\n".join(item.value for item in app.caption)


def on_stored(**query: str):
    """The page with “on stored texts” chosen."""
    return opened(**{"text": TEXT, **query}).segmented_control(key=search.ON).set_value(search.STORED).run()


def scored(view: View | None = None, **query: str):
    """The same after “Score this model”, when it has ended."""
    app = on_stored(**query)
    app.button(key=stored.START).click().run()
    job = scoring.find(view or View(model=query.get("model", "storyteller")), query.get("kind", "decoder"))
    assert job is not None
    assert job.done.wait(60)
    return app.run()


def token_box(app, name: str):
    """One of the two boxes of “between two tokens”, whose keys name the text that they are about."""
    return next(box for box in app.selectbox if str(box.key).startswith(name))


def chosen(pattern: str, **query: str):
    return opened(**{"text": TEXT, **query}).selectbox(key=search.PATTERN).set_value(pattern).run()


def test_a_head_that_does_something_nameable_here_is_named_with_its_score():
    found = score_trace(attention.trace("storyteller", TEXT))["induction"]
    said = shown(opened(text=TEXT, layer="3", head="0"))
    assert f"On this text: induction ({found.score[3, 0]:.2f}; an even head {found.base[3, 0]:.2f})." in said
    assert "On this text" not in shown(opened(text=TEXT, layer="2", head="4"))


def test_nothing_much_is_scored_before_somebody_asks(monkeypatch):
    monkeypatch.setattr(work, "QUICK", 100)
    monkeypatch.setattr(search, "scores_of", lambda *_: pytest.fail("scored unasked"))
    app = opened(text=TEXT)
    assert not app.exception
    assert hits(app) == []


@pytest.mark.parametrize("pattern", ["induction", "previous token", "first token"])
def test_the_heads_are_ranked_by_the_pattern(pattern):
    app = chosen(pattern)
    best = rank(score_trace(attention.trace("storyteller", TEXT)), pattern)[0]
    assert hits(app)[0].startswith(f"Layer {best.layer}, head {best.head}")
    assert f"{best.score:.2f}, an even head {best.base:.2f}" in hits(app)[0]
    assert len(hits(app)) == search.SHOWN


def test_a_hit_is_one_click_from_its_panels_and_says_that_it_is_shown():
    app = chosen("induction")
    app.button(key="hit-0").click().run()
    layer, head = one(app.query_params["layer"]), one(app.query_params.get("head", "0"))
    assert hits(app)[0].startswith(f"Layer {layer}, head {head} (shown)")
    best = rank(score_trace(attention.trace("storyteller", TEXT)), "induction")[0]
    assert (int(layer), int(head)) == (best.layer, best.head)


def test_a_pattern_that_the_text_cannot_show_says_why():
    app = chosen("duplicate token", text="One two three.")
    assert hits(app) == []
    assert "No head can be ranked" in shown(app)


def test_cross_attention_is_offered_only_what_makes_sense_there():
    app = opened(model="dates", text="3 May 98", pair="1998-05-03", kind="cross")
    offered = app.selectbox(key=search.PATTERN).options
    assert "Previous token" not in offered
    assert "First token" in offered


def test_heads_between_two_tokens_are_ranked_by_weight_and_by_size():
    app = opened(text=TEXT)
    app.segmented_control(key=search.HOW).set_value(search.BETWEEN).run()
    assert hits(app) == []
    token_box(app, search.QUERY).set_value(9).run()
    token_box(app, search.KEY).set_value(4).run()
    found = between(attention.trace("storyteller", TEXT), 9, 4)
    best = found.by("weight")[0]
    assert hits(app)[0].startswith(f"Layer {best.layer}, head {best.head}")
    app.segmented_control(key=search.ORDER).set_value("size").run()
    best = found.by("size")[0]
    assert hits(app)[0].startswith(f"Layer {best.layer}, head {best.head}")
    assert f"brings {best.size:.3g}" in hits(app)[0]
    app.button(key="hit-0").click().run()
    assert one(app.query_params["query"]) == "9"


def test_a_token_that_the_mask_hides_gives_a_sentence():
    app = opened(text=TEXT)
    app.segmented_control(key=search.HOW).set_value(search.BETWEEN).run()
    token_box(app, search.QUERY).set_value(2).run()
    token_box(app, search.KEY).set_value(9).run()
    assert hits(app) == []
    assert "the mask hides that token" in shown(app)


def tokens_between(app) -> tuple[Any, Any, list[str]]:
    boxes = [token_box(app, name) for name in (search.QUERY, search.KEY)]
    return boxes[0].value, boxes[1].value, boxes[0].options


@pytest.mark.parametrize("sample", ["coreference", "repetition"])
def test_the_tokens_of_another_text_are_forgotten_with_it(sample):
    app = opened(text=TEXT)
    app.segmented_control(key=search.HOW).set_value(search.BETWEEN).run()
    token_box(app, search.QUERY).set_value(7).run()
    token_box(app, search.KEY).set_value(3).run()
    app.segmented_control(key=search.ORDER).set_value("size").run()
    assert hits(app)
    during(app, lambda: prompt_bar.take(sample))
    query, key, offered = tokens_between(app)
    assert not app.exception
    assert key is None
    assert query == given(app)["controls"]["look"]["query"]
    tokens = [token.text for token in attention.trace("storyteller", given(app)["prompt"]["text"]).tokens]
    assert [name.split(" ", 1)[1].split("·")[-1] for name in offered][1:] == tokens[1:]
    token_box(app, search.KEY).set_value(2).run()
    assert hits(app)
    assert "Something went wrong" not in shown(app)


def test_the_tokens_of_another_model_are_forgotten_with_it():
    app = opened(text=TEXT)
    app.segmented_control(key=search.HOW).set_value(search.BETWEEN).run()
    token_box(app, search.KEY).set_value(3).run()
    during(app, lambda: prompt_bar.pick("Cloze model"))
    assert tokens_between(app)[1] is None


def test_what_goes_wrong_in_one_part_takes_no_other_part_with_it(monkeypatch):
    monkeypatch.setattr(search, "_between", lambda *_: 1 // 0)
    app = opened(text=TEXT)
    app.segmented_control(key=search.HOW).set_value(search.BETWEEN).run()
    assert "Something went wrong in Headlight itself (ZeroDivisionError)" in shown(app)
    assert {"predicted", "links", "figures"} <= set(given(app))


# On stored texts


def test_stored_texts_are_scored_only_when_asked_and_the_page_says_how_much_that_is():
    app = on_stored()
    assert "For this the model reads 6 stored texts and 4 random sequences said twice: 10 short runs" in captions(app)
    assert [button.label for button in app.button if button.key == stored.START] == ["Score this model"]
    assert not [box for box in app.selectbox if box.key == search.PATTERN]
    assert scoring.scores(View(), "decoder") is None


@pytest.mark.parametrize("pattern", ["previous token", "induction", "copying"])
def test_the_heads_of_the_model_are_ranked_on_stored_texts_and_it_says_so(pattern, probed):
    app = scored()
    assert "Scored on 6 stored texts and 4 random sequences said twice, not on this text." in captions(app)
    app.selectbox(key=search.PATTERN).set_value(pattern).run()
    best = rank(probed, pattern)[0]
    even = "" if pattern == "copying" else f", an even head {best.base:.2f}"
    score = f"{best.score:+.2f} logits" if pattern == "copying" else f"{best.score:.2f}"
    assert hits(app)[0].replace(" (shown)", "") == f"Layer {best.layer}, head {best.head} · {score}{even}"
    where = "stored texts" if pattern == "previous token" else "random sequences"
    assert f"Over {best.rows} queries of the {where}." in captions(app)
    assert "on this text alone" not in captions(app)
    app.button(key="hit-1").click().run()
    second = rank(probed, pattern)[1]
    assert (int(one(app.query_params.get("layer", "0"))), int(one(app.query_params.get("head", "0")))) == (
        second.layer, second.head,
    )  # fmt: skip
    assert "(shown)" in hits(app)[1]


def test_the_stored_texts_can_be_read_and_another_session_finds_the_scores():
    scored()
    app = on_stored(text="Another text of another person.")
    assert "Scored on 6 stored texts" in captions(app)
    assert "\n".join(TEXTS) in shown(app)
    assert "drawn once and for all" in captions(app)


def test_a_pattern_of_stored_texts_alone_is_forgotten_on_this_text():
    app = scored()
    app.selectbox(key=search.PATTERN).set_value("copying").run()
    app.segmented_control(key=search.ON).set_value(search.HERE).run()
    assert not app.exception
    assert app.selectbox(key=search.PATTERN).value is None
    assert "Induction: copying" not in app.selectbox(key=search.PATTERN).options
    app.selectbox(key=search.PATTERN).set_value("induction").run()
    app.segmented_control(key=search.ON).set_value(search.STORED).run()
    assert app.selectbox(key=search.PATTERN).value == "induction"


def test_while_it_runs_the_page_shows_how_far_it_is_and_stays_in_use(monkeypatch, probed):
    door = threading.Event()

    def run(asked, job):
        job.report("Reading stored text 2 of 6 **x**", 0.1)
        assert door.wait(120)
        return scoring.ScoredModel(scores=probed, texts=TEXTS, n_sequences=4)

    monkeypatch.setattr(scoring, "_shared", Scorings(run))
    monkeypatch.setattr(model_runs, "PATIENCE_SECONDS", 0.2)
    app = on_stored()
    app.button(key=stored.START).click().run()
    assert "Reading stored text 2 of 6 **x** … " in shown(app)
    assert [bar.proto.value for bar in app.get("progress")] == [10]
    assert hits(app) == []
    during(app, lambda: prompt_bar.take("coreference"))
    assert not app.exception
    assert "Reading stored text 2 of 6" in shown(app), "it is the model's, whatever text is on the page"
    assert "Reading stored text 2 of 6" in shown(on_stored()), "and another session sees it too"
    door.set()
    assert scoring.find(View(), "decoder").done.wait(10)
    assert "Scored on 6 stored texts" in captions(app.run())
    assert app.get("progress") == []


def heads_map(app) -> dict[str, Any]:
    return given(app)["heads"]


def test_the_map_of_all_heads_offers_to_score_right_there_and_then_shows_the_scores(probed):
    """Also where “Find a head” offers the same on the same page."""
    app = on_stored(measure="induction", ground="stored")
    assert heads_map(app)["why"] == overview.NOT_SCORED
    places = [button.key for button in app.button if button.label == "Score this model"]
    assert sorted(places) == sorted([stored.START, stored.ON_THE_MAP + stored.START])
    app.button(key=stored.ON_THE_MAP + stored.START).click().run()
    assert scoring.find(View(), "decoder").done.wait(60)
    app.run()
    assert not app.exception
    assert (heads_map(app)["numbers"] == probed["induction"].score.astype(np.float32)).all()
    assert not [button for button in app.button if button.label == "Score this model"]


@pytest.mark.parametrize(
    ("asked", "offers"),
    [
        ({"measure": "induction"}, False), ({"measure": "weights", "ground": "stored"}, False),
        ({"measure": "distance", "ground": "stored"}, False), ({"measure": "self", "ground": "stored"}, True),
    ],
)  # fmt: skip
def test_the_map_offers_it_only_for_what_is_counted_on_stored_texts(asked, offers):
    app = opened(text=TEXT, **asked)
    assert bool([button for button in app.button if button.label == "Score this model"]) == offers


def test_the_map_says_why_an_untrained_model_cannot_be_scored():
    app = opened(text=TEXT, model="local", measure="self", ground="stored")
    assert scoring.LOCAL_IS_UNTRAINED in shown(app)
    assert not [button for button in app.button if button.label == "Score this model"]


def test_an_encoder_is_scored_on_texts_alone():
    app = scored(model="cloze", kind="encoder", text="The cat sat.")
    assert "Scored on 6 stored texts, not on this text." in captions(app)
    assert "Induction: copying" not in app.selectbox(key=search.PATTERN).options


def test_a_model_that_cannot_be_scored_says_why_in_one_sentence():
    app = scored(model="dates", text="3 May 98", pair="1998-05-03", kind="cross")
    assert "⚠ There is nothing to score: none of the stored texts can be read by this model." in shown(app)
    assert not [button for button in app.button if button.key in (stored.START, stored.AGAIN)]
    app = on_stored(model="local")
    assert "never trained" in shown(app)
    assert not [button for button in app.button if button.key == stored.START]


def test_what_may_pass_can_be_tried_again(monkeypatch, probed):
    answers = [NotNowError("The hub cannot be reached."), None]

    def run(asked, job):
        if (err := answers.pop(0)) is not None:
            raise err
        return scoring.ScoredModel(scores=probed, texts=TEXTS, n_sequences=4)

    monkeypatch.setattr(scoring, "_shared", Scorings(run))
    app = scored()
    assert "⚠ The hub cannot be reached." in shown(app)
    app.button(key=stored.AGAIN).click().run()
    assert "Scored on 6 stored texts" in captions(app)


# Least scores, and names


def test_a_least_score_lists_all_heads_that_have_it(probed):
    app = scored()
    app.selectbox(key=search.PATTERN).set_value("induction").run()
    assert len(hits(app)) == search.SHOWN
    app.number_input(key=search.LEAST).set_value(0.5).run()
    wanted = [hit for hit in rank(probed, "induction") if hit.score >= 0.5]
    assert [label.split(" · ")[0].replace(" (shown)", "") for label in hits(app)] == [
        f"Layer {hit.layer}, head {hit.head}" for hit in wanted
    ]
    assert f"{len(wanted)} of 24 heads score at least 0.50." in captions(app)
    app.number_input(key=search.LEAST).set_value(0.0).run()
    assert len(hits(app)) == 24
    app.number_input(key=search.LEAST).set_value(1.01).run()
    assert hits(app) == []
    assert f"No head scores 1.01; the highest has {rank(probed, 'induction')[0].score:.2f}." in captions(app)


@pytest.mark.parametrize("where", ["here", "stored"])
def test_every_head_is_named_by_what_it_does_most(where, probed):
    app, scores = (scored(), probed) if where == "stored" else (
        opened(text=TEXT), score_trace(attention.trace("storyteller", TEXT))
    )  # fmt: skip
    app.selectbox(key=search.PATTERN).set_value(search.EVERY).run()
    names = {(layer, head): name_of(scores, layer, head) for layer in range(4) for head in range(6)}
    named = {place: name for place, name in names.items() if name != "mixed"}
    assert len(hits(app)) == len(named) > 3
    assert f"{len(named)} of 24 heads do something that has a name." in captions(app)
    assert ("Scored on this text alone" in captions(app)) == (where == "here")
    assert ("not on this text" in captions(app)) == (where == "stored")
    for (layer, head), name in named.items():
        at = scores[name].score[layer, head]
        line = next(label for label in hits(app) if label.startswith(f"Layer {layer}, head {head} "))
        assert f" · {name} {at:.2f}" in line
        assert ("an even head" in line) == (name != "uniform")
    app.number_input(key=search.LEAST).set_value(0.9).run()
    assert hits(app)
    assert all(float(label.split(" · ")[1].split(",")[0].split()[-1]) >= 0.9 for label in hits(app))


def test_many_heads_are_cut_and_it_says_so(monkeypatch):
    monkeypatch.setattr(search, "MOST", 5)
    app = chosen("previous token")
    app.number_input(key=search.LEAST).set_value(0.0).run()
    assert len(hits(app)) == 5
    assert "24 of 24 heads score at least 0.00. The first 5 are listed." in captions(app)


def test_how_many_heads_have_a_least_score_is_said_in_words():
    made = [Hit(layer=0, head=head, score=0.8, base=0.1, way=0.7, rows=5) for head in range(100)]
    assert search._kept_words(100, 0.5, made) == "100 of 100 heads score at least 0.50."
    assert search._kept_words(1, 0.5, made) == "1 of 100 heads scores at least 0.50."
    assert search._kept_words(0, 0.5, ()) == "No head scores 0.50."
    assert search._kept_words(100, None, made) == ""


def test_a_head_that_shows_a_score_counts_as_having_it():
    hit = Hit(layer=0, head=0, score=0.596, base=0.1, way=0.5, rows=5)
    assert search._is_kept(hit, 0.6)
    assert not search._is_kept(hit, 0.61)
    assert "0.60" in search._score_words(hit, pattern_of("induction"))


def test_a_text_too_short_to_name_anything_names_nothing():
    nothing = PatternScores(kind="decoder", on="x", layers=(0,), found={"uniform": None}, why={})
    assert search.names_of(nothing) == {}


def test_layers_with_fewer_heads_have_no_more_names_than_heads():
    numbers = np.array([[0.95, 0.95], [0.95, np.nan]])
    rows = np.array([[5, 5], [5, 0]])
    even = Scored(score=numbers, base=numbers, way=numbers, rows=rows)
    found = dict.fromkeys(NAMES) | {"uniform": even}
    scores = PatternScores(kind="decoder", on="x", layers=(0, 3), found=found, why={})
    assert search.names_of(scores) == {(0, 0): "uniform", (0, 1): "uniform", (3, 0): "uniform"}
