"""“Find a head” as Streamlit runs it: rankings of a text's heads, each hit one click from its panels."""

import pytest

import attention
from attention.analysis.pairs import between
from attention.analysis.patterns import rank, score_trace
from attention.ui import search, warmup
from tests.app.test_inspect import given, one, opened, shown

TEXT = "The old king came home. The old king came home."


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    warmup.start()
    assert warmup._shared.wait(120)


def hits(app) -> list[str]:
    return [button.label for button in app.button if str(button.key).startswith("hit-")]


def chosen(pattern: str, **query: str):
    return opened(**{"text": TEXT, **query}).selectbox(key=search.PATTERN).set_value(pattern).run()


def test_a_head_that_does_something_nameable_here_is_named_with_its_score():
    found = score_trace(attention.trace("storyteller", TEXT))["induction"]
    said = shown(opened(text=TEXT, layer="3", head="0"))
    assert f"On this text: induction ({found.score[3, 0]:.2f}; an even head {found.base[3, 0]:.2f})." in said
    assert "On this text" not in shown(opened(text=TEXT, layer="2", head="4"))


def test_nothing_much_is_scored_before_somebody_asks(monkeypatch):
    monkeypatch.setattr(search, "QUICK", 100)
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
    assert (given(app)["figures"]["layer"], given(app)["figures"]["head"]) == (int(layer), int(head))


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
    app.selectbox(key=search.QUERY).set_value(9).run()
    app.selectbox(key=search.KEY).set_value(4).run()
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
    app.selectbox(key=search.QUERY).set_value(2).run()
    app.selectbox(key=search.KEY).set_value(9).run()
    assert hits(app) == []
    assert "the mask hides that token" in shown(app)


def test_places_of_a_longer_text_are_forgotten_with_it():
    app = opened(text=TEXT)
    app.segmented_control(key=search.HOW).set_value(search.BETWEEN).run()
    app.selectbox(key=search.KEY).set_value(11).run()
    app.button(key="sample-coreference").click().run()
    assert not app.exception
    assert app.selectbox(key=search.KEY).value in (None, 11)
