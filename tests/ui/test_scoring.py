"""Scores on stored texts for the page: begun once for all sessions, in a thread, with nothing left of the model."""

import gc
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

import attention
import attention.analysis.probe
import attention.models.pool
import attention.source
from attention.analysis.patterns import PatternScores
from attention.analysis.probe import SEQUENCES, TEXTS, probe
from attention.config import Limits
from attention.errors import HeadlightError, InputError, TooLongError
from attention.source import Source, load_source
from attention.ui import model_runs, runs, scoring
from attention.ui.scoring import Request, ScoredModel, Scorings
from attention.view import View
from tests import small_models
from tests.tiny import build
from tests.ui.tracing import until

STORYTELLER = View(model="storyteller")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(scoring, "_shared", Scorings(scoring._run))


@pytest.fixture(scope="module")
def probed() -> PatternScores:
    return probe(load_source("storyteller", None, None), "decoder")


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Source]], None]:
    """Stand in for the pool: a source of the test's own, which nothing else holds."""

    def stand_in(make: Callable[[], Source]) -> None:
        monkeypatch.setattr(attention.source, "load_source", lambda *given: make())

    return stand_in


def gpt2(revision: str | None = None, **sizes: int) -> Source:
    tokenizer = small_models.tokenizer("gpt2")
    return Source(model=build("gpt2", "decoder", vocab_size=len(tokenizer), **sizes), tokenizer=tokenizer,
                  revision=revision)  # fmt: skip


def request(model: str = "m") -> Request:
    return Request(model, "decoder", Limits())


def ended(job: scoring.Job) -> scoring.Job:
    assert job.done.wait(60)
    return job


def begun(view: View = STORYTELLER) -> scoring.Job:
    scoring.start(view, "decoder")
    job = scoring.find(view, "decoder")
    assert job is not None
    return job


def result(scores: PatternScores) -> ScoredModel:
    return ScoredModel(scores=scores, texts=TEXTS, n_sequences=SEQUENCES)


# One run for all


def test_the_scores_are_those_of_the_stored_texts_and_sequences(probed: PatternScores) -> None:
    assert scoring.scores(STORYTELLER, "decoder") is None, "nothing begins by itself"
    assert scoring.find(STORYTELLER, "decoder") is None
    made = ended(begun()).result()
    found = scoring.scores(View(model="storyteller", text="another text", layer=3), "decoder")
    assert found is made.scores, "what else is on the page does not matter"
    for name, scored in probed.found.items():
        if scored is None:
            assert found[name] is None
        else:
            np.testing.assert_array_equal(found[name].way, scored.way)
    assert (made.texts, made.n_sequences) == (TEXTS, SEQUENCES)
    assert scoring.scores(View(model="cloze"), "decoder") is None
    assert scoring.scores(STORYTELLER, "encoder") is None


def test_looking_never_waits_and_the_run_has_no_session(
    monkeypatch: pytest.MonkeyPatch, probed: PatternScores
) -> None:
    door, contexts = threading.Event(), []

    def run(asked: Request, job: scoring.Job) -> ScoredModel:
        contexts.append(get_script_run_ctx(suppress_warning=True))
        assert door.wait(10)
        return result(probed)

    monkeypatch.setattr(scoring, "_shared", Scorings(run))
    monkeypatch.setattr(model_runs, "PATIENCE_SECONDS", 0.0)
    job = begun()
    assert not job.done.is_set()
    assert scoring.scores(STORYTELLER, "decoder") is None
    door.set()
    ended(job)
    assert scoring.scores(STORYTELLER, "decoder") is probed
    assert contexts == [None], "so it cannot draw"


def test_several_sessions_at_once_run_it_once(monkeypatch: pytest.MonkeyPatch, probed: PatternScores) -> None:
    door, asked = threading.Event(), []

    def run(request: Request, job: scoring.Job) -> ScoredModel:
        asked.append(request)
        assert door.wait(10)
        return result(probed)

    monkeypatch.setattr(scoring, "_shared", Scorings(run))
    askers = [threading.Thread(target=scoring.start, args=(STORYTELLER, "decoder")) for _ in range(8)]
    for asker in askers:
        asker.start()
    door.set()
    for asker in askers:
        asker.join()
    job = scoring.find(STORYTELLER, "decoder")
    assert job is not None
    assert ended(job).result().scores is probed
    assert len(asked) == 1
    scoring.start(STORYTELLER, "decoder")
    assert len(asked) == 1, "it is here"


def test_the_model_that_the_trace_has_loaded_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    attention.trace("storyteller", "One two.")
    monkeypatch.setattr(attention.models.pool, "build", lambda *given: pytest.fail("it was loaded again"))
    assert ended(begun()).result()


def test_progress_counts_texts_and_then_sequences() -> None:
    told: list[tuple[str, float | None]] = []

    class Told(runs.Job[ScoredModel]):
        def report(self, words: str, share: float | None = None) -> None:
            told.append((words, share))

    scoring._run(Request("storyteller", "decoder", Limits()), Told())
    shares = [share for _, share in told if share is not None]
    assert shares == [step / 10 for step in range(11)]
    said = [words for words, share in told if share is not None]
    assert said[:6] == [f"Reading stored text {number} of 6" for number in range(1, 7)]
    assert said[6:] == [*(f"Reading random sequence {number} of 4" for number in range(1, 5)), "Counting"]


def test_an_encoder_reads_texts_alone() -> None:
    scoring.start(View(model="cloze"), "encoder")
    job = scoring.find(View(model="cloze"), "encoder")
    assert job is not None
    assert ended(job).result().n_sequences == 0
    assert job.words == "Counting"


# What is kept


def test_a_run_that_has_ended_keeps_no_model_alive(source: Callable[[Callable[[], Source]], None]) -> None:
    models: list[weakref.ref[object]] = []

    def make() -> Source:
        made = gpt2(revision="1234")
        models.append(weakref.ref(made.model))
        return made

    source(make)
    job = ended(begun(View(model="org/name")))
    assert job.result().scores["induction"] is not None
    gc.collect()
    until(lambda: models[0]() is None)
    assert scoring.find(View(model="org/name"), "decoder") is job, "a revision stands for the same weights"


def test_a_folder_that_is_no_longer_loaded_may_hold_other_weights(
    source: Callable[[Callable[[], Source]], None],
) -> None:
    held: list[Source] = [gpt2()]
    source(lambda: held[-1])
    job = ended(begun(View(model="./mine")))
    assert scoring.find(View(model="./mine"), "decoder") is job
    held.clear()
    gc.collect()
    until(lambda: scoring.find(View(model="./mine"), "decoder") is None)
    assert scoring.scores(View(model="./mine"), "decoder") is None
    held.append(gpt2())
    assert ended(begun(View(model="./mine"))) is not job


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, probed: PatternScores) -> None:
    made = Scorings(lambda asked, job: result(probed))
    monkeypatch.setattr(model_runs, "MOST", 2)
    for name in ("a", "b", "c"):
        ended(made.join(request(name)))
        until(lambda: len(made) <= 2)
    assert [made.find(request(name)) is None for name in ("a", "b", "c")] == [True, False, False]
    one = sum(array.nbytes for scored in probed.found.values() if scored for array in vars(scored).values())
    assert made._size(result(probed)) == one > 0
    monkeypatch.setattr(model_runs, "MOST_BYTES", one)
    ended(made.join(request("d")))
    until(lambda: len(made) == 1)
    assert made.find(request("d")) is not None


# Failures


def test_a_model_that_reads_no_stored_text_is_refused_in_one_sentence_and_asked_again_on_request() -> None:
    job = ended(begun(View(model="dates")))
    with pytest.raises(InputError, match="none of the stored texts can be read by this model"):
        job.result()
    assert scoring.scores(View(model="dates"), "decoder") is None
    assert scoring.find(View(model="dates"), "decoder") is job
    assert ended(begun(View(model="dates"))) is not job


def test_only_our_own_errors_come_out_and_nothing_of_the_run_with_them(
    source: Callable[[Callable[[], Source]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object, **options: object) -> PatternScores:
        raise ZeroDivisionError("<b>secret</b>")

    source(lambda: gpt2("1"))
    monkeypatch.setattr(attention.analysis.probe, "probe", fails)
    with pytest.raises(HeadlightError, match=r"^Something went wrong in Headlight itself \(ZeroDivisionError\)"):
        ended(begun()).result()


def test_fewer_tokens_than_the_texts_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_MAX_TOKENS", "20")
    with pytest.raises(TooLongError, match=r"^The stored texts have up to 51 tokens here; the limit is 20\.$"):
        ended(begun()).result()
    monkeypatch.setenv("HEADLIGHT_MAX_TOKENS", "51")
    assert ended(begun()).result(), "another limit is another request"


def test_a_model_that_may_not_be_loaded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_ANY_MODEL", "0")
    with pytest.raises(HeadlightError):
        ended(begun(View(model="some-organisation/some-model"))).result()


def test_texts_that_are_too_long_for_the_model_are_not_said_to_be_read(
    source: Callable[[Callable[[], Source]], None],
) -> None:
    lengths = {text: len(gpt2().tokenizer(text)["input_ids"]) for text in TEXTS}
    most = sorted(lengths.values())[2]
    source(lambda: gpt2("1", max_position_embeddings=most))
    made = ended(begun()).result()
    assert made.texts == tuple(text for text in TEXTS if lengths[text] <= most)
    assert 3 <= len(made.texts) < len(TEXTS)


def test_a_model_without_a_tokenizer_is_refused(source: Callable[[Callable[[], Source]], None]) -> None:
    source(lambda: Source(model=build("gpt2", "decoder"), tokenizer=None, revision="1"))
    with pytest.raises(InputError, match="without a tokenizer"):
        ended(begun()).result()


def test_the_local_model_is_refused_before_any_run() -> None:
    assert "never trained" in scoring.refusal(View(model="local"))
    assert scoring.refusal(STORYTELLER) == ""
