"""What the page says that a model predicts, and what a click and “Let it continue” make of the text."""

import threading
import time
from types import SimpleNamespace

import pytest

import attention
from attention import jobs
from attention.browser import codec, predictions
from attention.config import Limits
from attention.errors import HeadlightError
from attention.jobs import Queue
from attention.prediction.likely import labels_of
from attention.prediction.results import Candidate
from attention.ui import predicted
from attention.view import View, to_query
from tests import small_models
from tests.ui.test_inspect import given, one, opened, shown

TEXT = "The old king came home. The old king came"

pytestmark = pytest.mark.usefixtures("warm")


def rows(app) -> list[dict]:
    return given(app)["predicted"]["rows"]


def test_after_a_token_comes_what_the_model_itself_says():
    app = opened(text=TEXT, query="9")
    found = attention.predict("storyteller", TEXT).at(9)
    assert found.candidates[0].text == " came"
    shown_rows = rows(app)
    assert given(app)["predicted"]["title"] == "After “·king” comes"
    own = [candidate.probability for candidate in found.candidates[:8]]
    assert [row["probability"] for row in shown_rows] == pytest.approx(own, abs=1e-5)
    assert (shown_rows[0]["mark"], shown_rows[0]["text"]) == ("·", "came")
    assert [row["here"] for row in shown_rows] == [True] + [False] * 7, "it is what stands there"


def test_a_token_that_is_not_among_the_likely_ones_is_named_with_its_rank():
    app = opened(text="The cat sat on the zebra.", query="5")
    found = attention.predict("storyteller", "The cat sat on the zebra.").at(5)
    assert found.rank > 8
    assert f"has rank {found.rank:,} with" in given(app)["predicted"]["note"]


def test_a_blank_is_filled_and_any_other_word_can_be_hidden():
    blank = "The king sat on his ___."
    assert given(opened(model="cloze", text=blank))["predicted"]["title"] == "The likeliest fillers of the blank"
    whole = opened(model="cloze", text="The king sat on his throne.", query="2")
    assert given(whole)["predicted"]["title"] == "If “·king” were a blank"
    hidden = attention.predict("cloze", "The king sat on his throne.", positions=[2]).at(2)
    assert rows(whole)[0]["probability"] == pytest.approx(hidden.candidates[0].probability, abs=1e-5)


def test_a_decoder_of_two_stacks_says_its_next_character():
    app = opened(model="dates", text="3 May 98", pair="1998-05", kind="cross", query="7")
    assert given(app)["predicted"]["title"] == "After “5” comes"
    assert rows(app)[0]["text"] == "-"
    encoder = opened(model="dates", text="3 May 98", pair="1998-05", kind="encoder")
    assert rows(encoder)[0]["text"] == "-", "the end of what was written so far"


def test_a_model_that_predicts_nothing_says_so():
    found = given(opened(model="local"))["predicted"]
    assert found["rows"] == []
    assert "predicts nothing" in found["note"]
    assert not [item for item in opened(model="local").button if item.key == "continue-go"]


def click(monkeypatch: pytest.MonkeyPatch, view: View, position: int, index: object, key: str | None = None) -> dict:
    """What a click on a candidate changes, with the session around it replaced."""
    question = predicted.Question(predicted.request_of(view))
    pick = {"index": index, "key": predicted._key(question, position) if key is None else key}
    state = {predicted.KEY: {"pick": pick}, predicted.PLACE: (question, position)}
    changes: dict = {}
    monkeypatch.setattr(predicted.st, "session_state", state)
    monkeypatch.setattr(predicted.prompt_bar, "change_to", lambda **given: changes.update(given))
    predicted._pick()
    return changes


def test_a_click_goes_on_with_the_candidate(monkeypatch):
    assert click(monkeypatch, View(text=TEXT), 10, 0) == {"text": f"{TEXT} home"}


def test_a_click_in_the_middle_cuts_the_text_there(monkeypatch):
    assert click(monkeypatch, View(text=TEXT), 9, 0) == {"text": TEXT}


def test_a_click_fills_the_blank_and_writes_on_in_the_target(monkeypatch):
    changes = click(monkeypatch, View(model="cloze", text="He sat on the ___."), 5, 0)
    assert changes["text"].startswith("He sat on the ")
    assert "___" not in changes["text"]
    dates = View(model="dates", text="3 May 98", pair="1998-05")
    assert click(monkeypatch, dates, 7, 0) == {"pair": "1998-05-"}


def test_a_blank_of_the_second_text_is_filled_there(monkeypatch):
    first, second = "The king sat on his throne.", "The queen sat on her ___."
    (position,) = attention.predict("cloze", first, second).positions
    changes = click(monkeypatch, View(model="cloze", text=first, pair=second), position, 0)
    assert "text" not in changes, "what was typed first stays"
    assert changes["pair"].startswith("The queen sat on her ")


def test_a_click_on_a_picture_of_another_text_changes_nothing(monkeypatch):
    old = predicted._key(predicted.Question(predicted.request_of(View(text="The"))), 10)
    assert click(monkeypatch, View(text=TEXT), 10, 0, old) == {}


def test_a_control_token_can_be_hidden_but_is_no_blank_and_no_part_of_the_text():
    found = given(opened(model="cloze", text="The king sat on his throne.", query="0"))["predicted"]
    assert found["title"] == "If “<s>” were a blank"
    assert found["clickable"] == ""
    assert given(opened(model="cloze", text="He sat on ___."))["predicted"]["clickable"] == "Click to fill it in"


@pytest.mark.parametrize(("index", "key"), [(99, None), (-1, None), ("0", None), (None, None), (0, "3"), (0, "")])
def test_a_click_that_means_nothing_here_changes_nothing(monkeypatch, index, key):
    assert click(monkeypatch, View(text=TEXT), 10, index, key) == {}


def test_it_continues_and_every_new_token_is_traced():
    app = opened(text=TEXT)
    app.slider(key="continue-tokens").set_value(3).run()
    app.button(key="continue-go").click().run()
    assert not app.exception
    text = given(app)["prompt"]["text"]
    assert text == attention.generate("storyteller", TEXT, None, 3).text
    assert len(given(app)["run"]["tokens"]["keys"]) == 11 + 3
    assert one(app.query_params["text"]) == text


def test_it_goes_on_with_a_target_that_it_wrote_itself():
    app = opened(model="dates", text="the 3rd of May, 1998", kind="cross")
    app.slider(key="continue-tokens").set_value(3).run()
    app.button(key="continue-go").click().run()
    assert one(app.query_params["pair"]) == "1998-05-03"
    assert "The model ended the text here." in shown(app)
    assert "cuts the new text" not in shown(app)


def test_the_same_seed_draws_the_same_tokens_and_says_why_it_ended():
    texts = []
    for _ in range(2):
        app = opened(text="Once upon a time", model="storyteller")
        app.segmented_control(key="continue-how").set_value("by chance").run()
        app.number_input(key="continue-seed").set_value(7).run()
        app.button(key="continue-go").click().run()
        texts.append(given(app)["prompt"]["text"])
    assert texts[0] == texts[1] != attention.generate("storyteller", "Once upon a time", None, 10).text
    app = opened(model="dates", text="3 May 98", pair="1998-05", kind="cross")
    app.button(key="continue-go").click().run()
    assert one(app.query_params["pair"]) == "1998-05-03"
    assert "The model ended the text here." in shown(app)


@pytest.fixture
def judges(tmp_path_factory, monkeypatch):
    """A folder with a tiny classifier and a tiny question-answerer, as a person would fine-tune them."""
    import transformers

    root = tmp_path_factory.mktemp("judges")
    labels = {"mood": ("sad", "<b>glad</b>", "neither"), "reader": ("start", "end")}
    for name, kind in (("mood", "ForSequenceClassification"), ("reader", "ForQuestionAnswering")):
        config = small_models.model("bert").config
        config.id2label = dict(enumerate(labels[name]))
        config.label2id = {label: number for number, label in config.id2label.items()}
        getattr(transformers, f"Bert{kind}")(config).save_pretrained(root / name)
        small_models.tokenizer("bert").save_pretrained(root / name)
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(root))


def test_a_classifier_says_its_labels_with_their_probabilities(judges):
    app = opened(model="./mood", text="the cat sat")
    found = given(app)["predicted"]
    assert found["title"] == "What the model says of this text"
    assert {row["text"] for row in found["rows"]} == {"sad", "<b>glad</b>", "neither"}
    assert sum(row["probability"] for row in found["rows"]) == pytest.approx(1)
    assert found["clickable"] == ""


def test_a_question_answerer_says_where_in_the_second_text_the_answer_is(judges):
    app = opened(model="./reader", text="who sat?", pair="the cat sat")
    found = given(app)["predicted"]
    boxes = [item.proto.bytes for item in app.get("bidi_component") if item.proto.component_name == "headlight.prompt"]
    assert [codec.parse(box)["title"] for box in boxes] == ["Question", "Text"]
    assert found["title"].startswith("Answers")
    assert all(row["text"] in "the cat sat" for row in found["rows"])


def test_answers_and_labels_are_rows_that_cannot_be_clicked():
    answer = SimpleNamespace(text="<b>Paris</b>", probability=0.25)
    found = SimpleNamespace(task="answer", answers=(answer,), notes=("One note.",))
    payload = codec.parse(predictions.predicted(found, None, key="None", shown=8, clickable=True))
    assert payload["clickable"] == ""
    assert payload["rows"] == [
        {"text": "<b>Paris</b>", "mark": "", "probability": 0.25, "number": "25 %", "here": False}
    ]
    assert payload["note"] == "One note."


def test_a_label_keeps_its_spaces_and_hides_nothing():
    config = SimpleNamespace(id2label={0: "5 stars", 1: "not\u202e so\tgood"})
    names = labels_of(config, 2)
    rated = tuple(Candidate(id=n, text=text, token=None, probability=0.5, logit=0.0) for n, text in enumerate(names))
    shown_rows = [predictions._candidate(one, None)["text"] for one in rated]
    assert shown_rows == ["5 stars", "notU+202E so⇥good"]


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "<0.1 %"), (0.0004, "<0.1 %"), (0.0123, "1.2 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (1.0, "100 %")],
)
def test_probabilities_as_people_say_them(share, words):
    assert predictions.percent(share) == words


# The queue, and the way out of it


def test_the_run_that_is_traced_answers_for_every_place():
    begun = predicted._answers.begun
    for edits in ("", "off-0.1"):
        view = View(text="A text that is run once.", edits=edits)
        for query in ("3", "4"):
            opened(**to_query(view) | {"query": query})
        traced = predicted.predictions_of(predicted.request_of(view))
        assert list(traced.positions) == list(range(len(traced.tokens)))
    assert predicted._answers.begun == begun


def test_the_same_question_is_asked_once_for_all_sessions():
    """Of a word that only a run of its own hides."""
    begun = predicted._answers.begun
    for _ in range(2):
        opened(text="The dog sat on the mat.", model="cloze", query="2")
        assert predicted._answers.begun == begun + 1
    opened(text="The dog sat on the mat.", model="cloze", query="3")
    assert predicted._answers.begun == begun + 2, "another word is another question"


@pytest.fixture
def session(monkeypatch):
    """The state of a session, without one."""
    monkeypatch.setattr(predicted.st, "session_state", state := {})
    return state


def test_who_leaves_the_queue_is_not_queued_again_until_it_is_asked_for(monkeypatch, session):
    door = threading.Event()

    class Named(predicted.Answers):
        def _size(self, made: str) -> int:
            return len(made)

    one = Queue(at_once=1, length=9, seconds=99)
    answers = Named(lambda question, job: door.wait(10) and question.model, queue=one)
    monkeypatch.setattr(predicted, "_answers", answers)
    monkeypatch.setattr(predicted.runs, "person", lambda: "me")
    first, second = (predicted.Question(predicted.request_of(View(text=text))) for text in ("one", "two"))
    answers.join(first, "somebody")
    waiting = answers.join(second, "me")
    assert waiting.place == 1
    predicted._leave(second)
    assert waiting.done.wait(10)
    with pytest.raises(HeadlightError, match="cancelled before its turn came"):
        predicted._predictions(second)
    door.set()
    assert predicted._predictions(first) == "storyteller", "another question is not left"
    predicted._ask_again()
    assert predicted._predictions(second) == "storyteller"


def writing(monkeypatch, written):
    """A continuation that goes on until it is told to stop, under way; its job and what was asked."""

    def generate(model, text, target, count, *, on_token, **options):
        while on_token(f" so {len(written)} far"):
            written.append(time.sleep(0.005))
        made = {"text": f"{text} so far", "new_text": " so far", "ids": (1, 2), "steps": (), "exact": True}
        return SimpleNamespace(**made, nbytes=0, stopped="asked", reason="Stopped as asked.")

    monkeypatch.setattr("attention.api.generate", generate)
    monkeypatch.setattr(predicted, "_writings", predicted.Writings(predicted._written))
    wanted = predicted.Writing("storyteller", "Once", None, 50, Limits())
    job = predicted._writings.join(wanted, "me")
    while not written:
        time.sleep(0.002)
    return job, wanted


def test_stop_takes_what_has_been_written_so_far(monkeypatch, session):
    changes, told = {}, []
    monkeypatch.setattr(predicted.runs, "person", lambda: "me")
    monkeypatch.setattr(predicted.prompt_bar, "change_to", lambda **given: changes.update(given))
    monkeypatch.setattr(predicted, "_pin_written", lambda: None)
    monkeypatch.setattr(predicted.state, "current", View)
    monkeypatch.setattr(predicted.state, "settle", lambda view, notices: told.extend(notices))
    job, wanted = writing(monkeypatch, [])
    assert job.words.startswith("… so ")
    assert job.share > 0
    predicted._stop(job, wanted, "next")
    assert changes == {"text": "Once so far"}
    assert told == ["Stopped as asked."]
    assert predicted._writings.join(wanted, "you") is not job, "what was stopped is not kept for others"


def test_nobody_who_watches_ends_the_writing(monkeypatch):
    job, _ = writing(monkeypatch, [])
    job.seen["me"] -= jobs.LEFT_SECONDS
    assert job.done.wait(10)
    assert job.made.stopped == "asked"
