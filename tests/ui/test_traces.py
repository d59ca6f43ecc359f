"""Traces for the page: once for all sessions, bounded, with progress, and only in our own exceptions."""

import errno
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import Mock

import pytest
import torch
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from attention import jobs
from attention.browser.heads import held
from attention.config import Limits
from attention.errors import (
    HeadlightError,
    InputError,
    MemoryFullError,
    ModelError,
    NoSuchHeadError,
    NotNowError,
    TooLongError,
    UnsupportedModelError,
)
from attention.local import trace_local
from attention.models import hub
from attention.models.reference import ModelRef, parse
from attention.record import Trace
from attention.source import Report
from attention.ui import runs, traces
from attention.ui.traces import (
    Request,
    Traces,
    check_text,
    default_kind,
    describe_problem,
    fit_to,
    get_trace,
    may_pass,
    places,
)
from attention.view import STAGES, Place, View
from tests.logged import Logged
from tests.ui.tracing import Run, ended, queue, request, shown, stacks, until

pytestmark = pytest.mark.usefixtures("fresh_traces")

# One run for all


def test_the_local_model_is_traced_for_real() -> None:
    view = View(model="local", text="one two three")
    made = get_trace(view)
    assert [token.text for token in made.tokens] == ["one", "two", "three"]
    assert made.prompt == view.prompt
    assert get_trace(view) is made, "kept"
    assert get_trace(replace(view, head=2, stage="scores")) is made, "what is shown of it does not matter"


def test_model_texts_and_limits_reach_the_run_and_tell_requests_apart(
    api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, ...]] = []

    def run(
        model: str, text: str, pair: str | None, *, limits: Limits, on_progress: Report, **_: object
    ) -> Trace:
        seen.append((model, text, pair, limits.max_tokens))
        return trace_local("x")

    api(run)
    for view in (View(model="m", text="t"), View(model="m", text="t", pair="p"), View(model="n", text="t")):
        get_trace(view)
    monkeypatch.setenv("HEADLIGHT_MAX_TOKENS", "7")
    get_trace(View(model="m", text="t"))
    assert seen == [("m", "t", None, 512), ("m", "t", "p", 512), ("n", "t", None, 512), ("m", "t", None, 7)]


def test_the_same_request_from_several_threads_is_run_once() -> None:
    runs: list[Request] = []
    door = threading.Event()

    def run(asked: Request, job: traces.Job) -> Trace:
        runs.append(asked)
        assert door.wait(10)
        return trace_local(asked.prompt.text)

    made = Traces(run)
    found: list[traces.Job] = []
    askers = [threading.Thread(target=lambda: found.append(made.join(request()))) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    door.set()
    assert len({id(ended(job).result()) for job in found}) == 1
    assert runs == [request()]


def test_different_requests_run_side_by_side_but_not_all_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()
    met = threading.Barrier(2, timeout=10)

    def run(asked: Request, job: traces.Job) -> Trace:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        met.wait()  # breaks, and fails the test, unless two are here together
        with lock:
            running -= 1
        return trace_local(asked.prompt.text)

    made = Traces(run, queue=queue(2))
    jobs = [made.join(request(f"text {number}")) for number in range(6)]
    assert all(ended(job).result() for job in jobs)
    assert most == 2


def test_a_run_that_waits_for_its_turn_says_so() -> None:
    door = threading.Event()

    def run(asked: Request, job: traces.Job) -> Trace:
        assert door.wait(10)
        return trace_local(asked.prompt.text)

    made = Traces(run, queue=queue(1))
    jobs = [made.join(request("one")), made.join(request("two"))]
    until(lambda: sorted(job.line for job in jobs) == ["Place 1 in the queue … 0 s", "Tracing … 0 s"])
    door.set()
    assert all(ended(job).result() for job in jobs)


# Bounds


def kept(made: Traces, texts: list[str]) -> list[str]:
    return [text for text in texts if request(text) in made._jobs]


def test_the_least_recently_used_results_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_TRACES_IN_MEMORY", "2")
    made = Traces(lambda asked, job: trace_local(asked.prompt.text))
    first = ended(made.join(request("a")))
    ended(made.join(request("b")))
    assert made.join(request("a")) is first
    ended(made.join(request("c")))
    until(lambda: len(made) == 2)
    assert kept(made, ["a", "b", "c"]) == ["a", "c"]


def test_the_bytes_are_bounded_too_but_the_newest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    one = held(trace_local("a b c"))
    made = Traces(lambda asked, job: trace_local(asked.prompt.text))
    monkeypatch.setenv("HEADLIGHT_TRACES_MB", "2")
    monkeypatch.setattr(traces, "MEGABYTE", one)
    for text in ("a b c", "b c d", "c d e"):
        ended(made.join(request(text)))
    until(lambda: len(made) == 2)
    assert kept(made, ["a b c", "b c d", "c d e"]) == ["b c d", "c d e"]
    monkeypatch.setattr(traces, "MEGABYTE", (one - 1) // 2)
    ended(made.join(request("d e f")))
    until(lambda: len(made) == 1)
    assert kept(made, ["d e f"]) == ["d e f"]


def test_size_counts_each_storage_once_and_whole() -> None:
    shared = torch.zeros(2, 3, 10)
    made = Trace.from_tensors(query=shared[..., :5], key=shared[..., 5:], value=torch.zeros(2, 3, 7))
    assert held(made) == 4 * (2 * 3 * 10 + 2 * 3 * 7)
    masked = Trace.from_tensors(query=shared, key=shared, mask=torch.ones(3, 3, dtype=torch.bool))
    assert held(masked) == 4 * 60 + 9
    assert held(None) == 0


class Projected:
    """A record's projection, as far as traces look at it."""

    name, norm_follows = "out", None

    def __init__(self, module: object) -> None:
        self.module = module


def projected(module: object) -> Trace:
    made = trace_local("a b")
    return replace(made, all_records=tuple(replace(r, projection=Projected(module)) for r in made.all_records))  # type: ignore[arg-type]


def test_a_trace_whose_model_is_gone_is_made_again() -> None:
    models = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)]
    waiting = list(models)
    made = Traces(lambda asked, job: projected(weakref.ref(waiting.pop(0))))
    first = ended(made.join(request()))
    assert made.join(request()) is first, "its model is there"
    del models[0]
    gc.collect()
    second = ended(made.join(request()))
    assert second is not first
    assert made.join(request()) is second
    assert waiting == []


@pytest.mark.parametrize("module", [None, lambda: None, torch.nn.Linear(2, 2)])
def test_a_trace_that_holds_its_projection_or_has_none_is_kept(module: object) -> None:
    made = Traces(lambda asked, job: projected(module))
    first = ended(made.join(request()))
    assert made.join(request()) is first


def test_the_bundled_models_trace_is_kept() -> None:
    made = Traces(lambda asked, job: trace_local(asked.prompt.text))
    first = ended(made.join(request()))
    gc.collect()
    assert made.join(request()) is first


# Failures


def test_our_own_error_comes_out_as_it_is(api: Callable[[Run], None]) -> None:
    def run(*given: object, **options: object) -> Trace:
        try:
            raise OSError("404")
        except OSError as err:
            raise ModelError("There is no model “x”.") from err

    api(run)
    with pytest.raises(ModelError, match=r"^There is no model “x”\.$"):
        get_trace(View(model="x"))


def test_any_other_error_becomes_one_sentence_and_is_logged_once(
    api: Callable[[Run], None], logged: Logged
) -> None:
    def run(*given: object, **options: object) -> Trace:
        raise ZeroDivisionError("<b>secret path</b>")

    api(run)
    sentence = r"^Something went wrong in Headlight itself \(ZeroDivisionError\); its log says where\.$"
    for _ in range(2):
        with pytest.raises(HeadlightError, match=sentence):
            get_trace(View())
    errors = [record for record in logged.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "secret path" in logged.text
    assert "Traceback" in logged.text


def test_a_failure_is_tried_again_after_a_while_or_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Request] = []

    def run(asked: Request, job: traces.Job) -> Trace:
        tries.append(asked)
        raise ModelError("offline")

    made = Traces(run)
    first = ended(made.join(request()))
    assert made.join(request()) is first
    made.forget_failure(request())
    second = ended(made.join(request()))
    assert second is not first
    monkeypatch.setattr(jobs.runs, "FAILURE_SECONDS", 0.0)
    until(lambda: time.monotonic() > second.ended)
    assert ended(made.join(request())) is not second
    assert len(tries) == 3


def test_retry_forgets_failures_and_keeps_results(api: Callable[[Run], None]) -> None:
    good = get_trace(View(text="fine"))
    traces.retry(View(text="fine"))
    assert get_trace(View(text="fine")) is good
    answers: list[Callable[[], Trace]] = [lambda: trace_local(""), lambda: good]
    api(lambda *given, **options: answers.pop(0)())
    with pytest.raises(InputError):
        get_trace(View(text="first fails"))
    with pytest.raises(InputError):
        get_trace(View(text="first fails"))
    traces.retry(View(text="first fails"))
    assert get_trace(View(text="first fails")) is good


def test_a_kept_failure_keeps_nothing_of_the_run_alive() -> None:
    class Model:
        pass

    held: list[weakref.ref[Model]] = []

    def run(asked: Request, job: traces.Job) -> Trace:
        model = Model()
        held.append(weakref.ref(model))
        try:
            raise OSError
        except OSError as err:
            raise ModelError("no") from err

    made = Traces(run)
    job = ended(made.join(request()))
    gc.collect()
    assert job.error is not None
    until(lambda: held[0]() is None)


@pytest.mark.parametrize(
    ("err", "sentence"),
    [
        (InputError("Say this."), "Say this."),
        (MemoryError(), "There is not enough memory for this here: choose a smaller model or a shorter text."),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9"),
         "There is not enough memory for this here: choose a smaller model or a shorter text."),
        (MemoryFullError(), "There is not enough memory for this here: choose a smaller model or a shorter text."),
        (RuntimeError("<script>"), "Something went wrong in Headlight itself (RuntimeError); its log says where."),
        (HeadlightError(), "Something went wrong in Headlight itself (HeadlightError); its log says where."),
    ],
)  # fmt: skip
def test_every_problem_has_a_sentence(err: Exception, sentence: str) -> None:
    assert describe_problem(err) == sentence


HERE = ModelRef(id="org/name", revision="main")


@pytest.mark.parametrize(
    "err",
    [
        hub.translate(HERE, ConnectionError()), hub.translate(HERE, OSError(errno.ENOSPC, "full")),
        hub.not_complete(HERE), hub._status(HERE, 429), hub._status(HERE, 503), hub._not_here(HERE), hub._gated(HERE),
        HeadlightError("It stopped."), RuntimeError("x"), MemoryError(), MemoryFullError(), NotNowError("x"),
    ],
)  # fmt: skip
def test_what_may_pass_offers_another_try(err: Exception) -> None:
    assert may_pass(err), err


def refusal(asked: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        parse(asked, Limits(model_folder="/"))
    return caught.value


@pytest.mark.parametrize(
    "err",
    [
        refusal("a b c"), refusal("x" * 400), refusal("org/name@.."), refusal("/no/such/folder/anywhere"),
        hub.no_config(HERE), hub.translate(HERE, RepositoryNotFoundError("404", response=Mock())),
        hub.translate(HERE, RevisionNotFoundError("404", response=Mock())), InputError("x"), TooLongError("x"),
        NoSuchHeadError("x"), UnsupportedModelError("x"), ModelError("Its words alone, try again, say nothing."),
    ],
)  # fmt: skip
def test_what_stays_wrong_offers_no_other_try(err: Exception) -> None:
    assert not may_pass(err), err


def test_what_cannot_be_sent_to_a_browser_is_no_part_of_a_sentence() -> None:
    assert describe_problem(InputError("The template says \ud800.")) == "The template says \N{REPLACEMENT CHARACTER}."


# Texts


@pytest.mark.parametrize("text", ["a", "…", "😀", "مرحبا", "<script>", "$\\LaTeX$", "**b**", " x ", "a" * 20_000])
def test_any_visible_text_is_fine(text: str) -> None:
    assert check_text(text, Limits()) is None


@pytest.mark.parametrize("text", [" ", "\n\t \u3000", "\u200b\u200d", "\0", "\u2028\u202e"])
def test_a_text_that_nobody_can_see_has_its_sentence(text: str) -> None:
    assert check_text(text, Limits()) == "This text has only spaces or invisible characters: type a word."


def test_an_empty_and_a_long_text_have_their_sentences() -> None:
    assert check_text("", Limits()) == "There is no text yet: type a sentence, or choose one of the samples."
    assert check_text("abcd", Limits(max_characters=3), what="second text") == (
        "This second text has 4 characters; the limit here is 3. Shorten it."
    )


def test_a_text_that_cannot_be_used_is_refused_before_any_run(api: Callable[[Run], None]) -> None:
    api(lambda *given, **options: pytest.fail("it ran"))
    with pytest.raises(InputError, match="There is no text yet"):
        get_trace(View(text=""))
    with pytest.raises(TooLongError, match="This text has 20,001 characters"):
        get_trace(View(text="a" * 20_001))
    with pytest.raises(InputError, match="This second text has only spaces"):
        get_trace(View(pair=" "))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("one two three", "one two"), ("one two!!", "one two!"), ("one twofold", "one twof"), ("x" * 20, "x" * 8),
        ("猫" * 20, "猫" * 8), ("        x", None),
    ],
)  # fmt: skip
def test_a_text_of_too_many_characters_can_be_cut_at_a_word(text: str, kept: str | None) -> None:
    found = traces._beginning(text, 8, "pair")
    assert (found and found.text) == kept
    assert found is None or (found.of, found.size) == ("pair", f"{len(found.text)} characters")


# What a trace has


def test_the_places_of_a_trace() -> None:
    masked = ("scores", "scaled", "masked")
    place = Place(kind="decoder", layer=0, n_heads=4, n_queries=3, n_keys=3, stages=masked)
    assert places(trace_local("a b c")) == (place,)
    rich = Trace.from_tensors(query=torch.zeros(2, 5, 2, 3), key=torch.zeros(2, 5, 7, 3), softcap=30.0,
                              position_bias=torch.zeros(5, 2, 7), pair_tokens=["x", "y"])  # fmt: skip
    assert [(p.kind, p.layer, p.n_heads, p.n_queries) for p in places(rich)] == [("cross", 0, 5, 2), ("cross", 1, 5, 2)]
    assert places(rich)[0].stages == STAGES, "View knows every stage, in the model's order"
    first = rich.all_records[0]
    twice = replace(rich, all_records=(first, replace(first, op=1)))
    assert len(places(twice)) == 1, "a view names a layer's first operation of a kind"
    given = Trace.from_tensors(weights=torch.full((2, 3, 3), 1 / 3))
    assert places(given)[0].stages == ()


def test_a_view_is_fitted_to_a_trace() -> None:
    view, notices = fit_to(View(layer=9, head=9, query=9, kind="cross", stage="biased"), trace_local("a b c"))
    assert view == View(head=3, query=2, stage="scaled")
    assert len(notices) == 5


def test_a_decoder_with_its_start_token_alone_gives_way_to_the_encoder() -> None:
    assert default_kind(stacks(1)) == "encoder"
    assert default_kind(stacks(2)) == "decoder"
    assert default_kind(trace_local("one")) == "decoder", "a decoder on its own has nothing to give way to"
    assert fit_to(View(query=2), stacks(1)) == (View(query=2), ()), "its place is one of the encoder"
    assert fit_to(View(kind="cross", query=2), stacks(1))[0] == View(kind="cross", query=0)


# On a page


def test_a_page_shows_its_trace_or_the_sentence() -> None:
    assert shown("one two three") == ["4 tokens"]
    assert shown("  ") == ["This text has only spaces or invisible characters: type a word."]


def test_progress_is_drawn_literally_and_gone_at_the_end(
    api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, object]] = []
    contexts: list[bool] = []
    seen = threading.Event()
    real_empty = traces.st.empty

    class Watched:
        """An st.empty that tells what is put into it."""

        def __init__(self) -> None:
            self._place = real_empty()

        def __getattr__(self, name: str) -> Callable[..., object]:
            def call(*given: object) -> object:
                drawn.append((name, *given))  # type: ignore[arg-type]
                if name == "progress":
                    seen.set()
                return getattr(self._place, name)(*given)

            return call

    def run(
        model: str, text: str, pair: str | None, *, limits: Limits, on_progress: Report, **_: object
    ) -> Trace:
        contexts.append(get_script_run_ctx(suppress_warning=True) is None)
        on_progress("Downloading **x** $y$", 0.25)
        assert seen.wait(10)
        return trace_local(text)

    monkeypatch.setattr(traces, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(traces.st, "empty", Watched)
    api(run)
    assert shown("one two") == ["2 tokens"]
    assert contexts == [True], "the run's thread has no session, so it cannot draw"
    assert ("progress", 0.25) in drawn
    assert ("text", "Downloading **x** $y$ … 0 s") in drawn
    assert drawn[-4:] == [("empty",)] * 4


@pytest.mark.parametrize(
    ("share", "kept"), [(0.5, 0.5), (0, 0), (1, 1), (1.01, None), (-1, None), (float("nan"), None), (None, None)]
)
def test_a_share_that_is_no_share_is_unknown(share: float | None, kept: float | None) -> None:
    job = traces.Job()
    job.report("x", share)
    assert job.share == kept


def test_a_page_that_is_left_lets_its_run_go_on(api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch) -> None:
    door, begun = threading.Event(), threading.Event()

    def run(model: str, text: str, *given: object, **options: object) -> Trace:
        begun.set()
        assert door.wait(10)
        return trace_local(text)

    def leave(job: traces.Job, view: View) -> None:
        assert begun.wait(10)
        raise InterruptedError

    api(run)
    monkeypatch.setattr(traces, "_show_progress", leave)
    monkeypatch.setattr(traces, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(InterruptedError):
        get_trace(View(text="one two"))
    door.set()
    monkeypatch.setattr(traces, "PATIENCE_SECONDS", 10.0)
    api(lambda *given, **options: pytest.fail("it ran again"))
    assert len(get_trace(View(text="one two")).tokens) == 2
