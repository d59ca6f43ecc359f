"""The page of lessons as Streamlit runs it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import attention
from attention.catalogue import samples
from attention.lessons import folder
from attention.lessons.state import MOST_SENTENCE
from attention.ui import lesson
from tests.lessons.test_parse import HEAD, WHOLE
from tests.ui.test_inspect import given, opened

pytestmark = pytest.mark.usefixtures("warm")
FIGURE = "\n## {title} {{#{name}}}\n```figure head\n{lines}\n```\n"


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "01-one.md").write_text(WHOLE, encoding="utf-8")
    steps = [
        FIGURE.format(title="Theirs", name="theirs", lines="own: yes\ntext: The old king came home."),
        FIGURE.format(title="Broken", name="broken", lines="model: nobody/nothing"),
    ]
    (tmp_path / "02-two.md").write_text(HEAD + "".join(steps), encoding="utf-8")
    monkeypatch.setenv("HEADLIGHT_LESSON_FOLDER", str(tmp_path))
    monkeypatch.setenv("HEADLIGHT_ANY_MODEL", "0")


def page(**query: str) -> AppTest:
    app = opened(**query)
    return app.switch_page("pages/learn.py").run()


def say(app: AppTest, place: Any) -> None:
    """What the component says of its place; here it comes as the run begins."""
    app.session_state[lesson.PLACE] = lesson._settled(place)
    app.run()


def test_a_visitor_sees_the_list_of_lessons_and_no_model_runs() -> None:
    app = page()
    assert not app.exception
    told = given(app)
    assert [one["name"] for one in told["lesson"]["contents"]] == ["01-one", "02-two"]
    assert told["lesson"]["lesson"] is None
    assert "runs" not in told


def test_a_lesson_brings_the_runs_of_its_figures() -> None:
    app = page(lesson="01-one")
    assert not app.exception
    told = given(app)
    assert told["lesson"]["lesson"]["name"] == "01-one"
    assert [one["store"] for one in told["runs"]["groups"]] == ["01-one.dot"]
    assert told["runs"]["groups"][0]["look"]["look"]["layer"] == 2


def test_a_class_that_reads_the_same_lesson_has_it_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    page(lesson="01-one")
    monkeypatch.setattr(lesson.told, "group", lambda *_, **__: pytest.fail("made again"))
    app = page(lesson="01-one")
    assert not app.exception
    assert [one["store"] for one in given(app)["runs"]["groups"]] == ["01-one.dot"]


def test_a_figure_that_cannot_be_shown_says_why_and_the_others_stay() -> None:
    app = page()
    say(app, {"lesson": "02-two", "text": ""})
    theirs, broken = given(app)["runs"]["groups"]
    assert theirs["run"]["tokens"]["keys"]
    assert "nobody/nothing" in broken["problem"]


def test_a_persons_sentence_is_run_where_a_figure_takes_it() -> None:
    app = page()
    say(app, {"lesson": "02-two", "text": "A word of mine."})
    told = given(app)
    assert told["lesson"]["sentence"] == "A word of mine."
    names = [token["text"] for token in told["runs"]["groups"][0]["run"]["tokens"]["keys"]]
    assert "mine" in names
    say(app, {"lesson": "01-one", "text": "A word of mine."})
    assert "mine" not in str(given(app)["runs"]["groups"][0]["run"]["tokens"])


def test_figures_of_changed_runs_bring_what_the_model_says_with_and_without(tmp_path: Path) -> None:
    kinds = {
        "change": "text: The cat sat\neach: off-0.1 | off-0.1,off-1.0", "ablations": "text: The cat sat",
        "origins": "text: The cat sat\nlayer: 1",
    }  # fmt: skip
    steps = [f"\n## {name} {{#{name}}}\n```figure {name}\n{lines}\n```\n" for name, lines in kinds.items()]
    row = "\n## Row {#row}\n```figure change\ntext: The cat sat\nof: row\nlayer: 1\neach: off-0.1\n```\n"
    (tmp_path / "03-three.md").write_text(HEAD + "".join(steps) + row, encoding="utf-8")
    app = page(lesson="03-three")
    assert not app.exception
    told = given(app)["runs"]["groups"]
    groups = {one["store"].partition(".")[2]: one.get("change") or one["problem"] for one in told}
    change, losses, score, rows = (groups[name] for name in (*kinds, "row"))
    both = [attention.predict("storyteller", "The cat sat", edits=line).last for line in ("", "off-0.1")]
    for run, found in zip(change["runs"], both, strict=False):
        best = found.candidates[0]
        assert run["values"][change["names"].index(best.text.strip())] == pytest.approx(best.probability, abs=1e-6)
    assert [run["what"] for run in change["runs"]] == ["no change", "head 0.1 off", "heads 0.1 and 1.0 off"]
    assert np.shape(losses["one"]) == np.shape(losses["others"]) == (4, 6)
    assert len(losses["whole"]) == 4
    assert score["holds"]
    assert sum(part["value"] for part in score["parts"]["key"]) == pytest.approx(score["score"], abs=1e-3)
    plain, edited = (attention.trace("storyteller", "The cat sat", edits=line).head(1, 0) for line in ("", "off-0.1"))
    assert rows["runs"][0]["values"] == pytest.approx(plain.weights[-1].tolist(), abs=1e-6)
    assert rows["runs"][1]["values"] == pytest.approx(edited.weights[-1].tolist(), abs=1e-6)


def test_what_was_looked_at_comes_along_and_a_sample_does_not() -> None:
    assert given(page(text="A word of mine."))["lesson"]["sentence"] == "A word of mine."
    assert given(page(text=samples()[1].text))["lesson"]["sentence"] == ""
    assert given(page(text="Mine.", sentence="Mine again."))["lesson"]["sentence"] == "Mine again."


def test_a_sentence_has_one_limit_here_and_in_the_browser() -> None:
    app = page(sentence="x" * MOST_SENTENCE)
    assert given(app)["lesson"]["sentence"] == "x" * given(app)["lesson"]["most_sentence"]
    assert given(page(sentence="x" * (MOST_SENTENCE + 1)))["lesson"]["sentence"] == ""


def test_all_lessons_are_an_article() -> None:
    told = given(page(article="1"))
    assert [one["name"] for one in told["lesson"]["lessons"]] == ["01-one", "02-two"]
    assert len(told["runs"]["groups"]) == 3


@pytest.mark.parametrize(
    "place",
    [{"lesson": 3}, {"lesson": "../../etc"}, {"lesson": "01-one", "text": ["x"]}, {"article": "yes"}, {},
     {"lesson": "nothing-of-ours", "text": "x" * 10_000}],
)  # fmt: skip
def test_whatever_a_browser_says_the_page_stands(place: dict[str, Any]) -> None:
    app = page()
    say(app, place)
    assert not app.exception
    assert given(app)["lesson"]["sentence"] in ("", "x")


def test_a_folder_without_lessons_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("HEADLIGHT_LESSON_FOLDER", str(empty))
    app = page()
    assert not app.exception
    assert any("has no lesson" in one.value for one in app.text)
    assert folder.NAME.fullmatch("01-first")
