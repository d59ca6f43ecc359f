"""Traces for the page: once for all sessions, bounded, with progress, and only in our own exceptions."""

import errno
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState, get_script_run_ctx
from streamlit.testing.v1 import AppTest

import attention.api
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
from attention.jobs import Queue
from attention.local import trace_local
from attention.models import hub
from attention.models.reference import ModelRef, parse
from attention.record import Kind, Trace
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
from attention.view import STAGES, Place, Prompt, View

Run = Callable[..., Trace]


def request(text: str = "a b", model: str = "local") -> Request:
    return Request(Prompt(model=model, text=text), Limits())


def queue(at_once: int) -> Queue:
    return Queue(at_once=at_once, length=64, seconds=120)


def ended(job: traces.Job) -> traces.Job:
    assert job.done.wait(10)
    return job


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(traces, "_shared", Traces(traces._run))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Stand in for `attention.api.trace`."""

    def stand_in(run: Run) -> None:
        monkeypatch.setattr(attention.api, "trace", run)

    return stand_in


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


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.005)


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
    api: Callable[[Run], None], caplog: pytest.LogCaptureFixture
) -> None:
    def run(*given: object, **options: object) -> Trace:
        raise ZeroDivisionError("<b>secret path</b>")

    api(run)
    sentence = r"^Something went wrong in Headlight itself \(ZeroDivisionError\); its log says where\.$"
    for _ in range(2):
        with pytest.raises(HeadlightError, match=sentence):
            get_trace(View())
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "secret path" in caplog.text
    assert "Traceback" in caplog.text


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


def stacks(n_target: int) -> Trace:
    """An encoder-decoder's trace on three tokens, with `n_target` in its decoder."""
    made = [
        Trace.from_tensors(query=torch.zeros(2, n_q, 3), key=torch.zeros(2, n_k, 3)).all_records[0]
        for n_q, n_k in ((3, 3), (n_target, n_target), (n_target, 3))
    ]
    kinds: tuple[Kind, ...] = ("encoder", "decoder", "cross")
    source, target = trace_local("a b c").tokens, trace_local(" ".join("x" * n_target)).tokens
    return replace(
        trace_local("a b c"), tokens=source, pair_tokens=target,
        all_records=tuple(replace(record, kind=kind) for record, kind in zip(made, kinds, strict=True)),
    )  # fmt: skip


def test_a_decoder_with_its_start_token_alone_gives_way_to_the_encoder() -> None:
    assert default_kind(stacks(1)) == "encoder"
    assert default_kind(stacks(2)) == "decoder"
    assert default_kind(trace_local("one")) == "decoder", "a decoder on its own has nothing to give way to"
    assert fit_to(View(query=2), stacks(1)) == (View(query=2), ()), "its place is one of the encoder"
    assert fit_to(View(kind="cross", query=2), stacks(1))[0] == View(kind="cross", query=0)


# On a page


def page() -> None:
    import streamlit as st

    from attention.errors import HeadlightError
    from attention.ui.traces import get_trace
    from attention.view import View

    try:
        st.text(f"{len(get_trace(View(text=st.session_state.text)).tokens)} tokens")
    except HeadlightError as err:
        st.text(str(err))


def shown(text: str, timeout: float = 10) -> list[str]:
    app = AppTest.from_function(page)
    app.session_state["text"] = text
    app.run(timeout=timeout)
    assert not app.exception, app.exception[0].value
    return [element.value for element in app.text]


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


# Waiting for a download, and cancelling it


class Waiting:
    """A wait for a model, as far as traces look at it; its download ends when it is cancelled or let through."""

    def __init__(self, *, folder: Path | None = None, complete: bool = False) -> None:
        self.ref = ModelRef(id="org/name", folder=folder)
        self.card: object = SimpleNamespace(complete=complete, summary="Name: an architecture, 353 MB as float32")
        self.done, self.total = 20, 100
        self.ended = threading.Event()
        self.cancelled = False
        self.ends = True

    @property
    def over(self) -> bool:
        return self.ended.is_set()

    def until_over(self) -> None:
        assert self.ended.wait(10)

    def cancel(self) -> bool:
        self.cancelled = self.ends
        self.ended.set()
        return self.ends

    def result(self) -> None:
        assert self.ended.wait(10)
        if self.cancelled:
            raise hub.cancelled(self.ref)


def fetched(wait: Waiting) -> Callable[[Request, traces.Job], Trace]:
    """A run that downloads first."""

    def run(asked: Request, job: traces.Job) -> Trace:
        job.follow(wait)  # type: ignore[arg-type]
        wait.result()
        return trace_local(asked.prompt.text)

    return run


def begun(made: Traces) -> traces.Job:
    job = made.join(request())
    until(lambda: job.wait is not None)
    return job


def test_a_run_that_has_ended_leaves_the_model_to_the_pool() -> None:
    wait = Waiting()
    gone, made = weakref.ref(wait), Traces(fetched(wait))
    job = begun(made)
    wait.ended.set()
    assert ended(job).result()
    made._run = None  # type: ignore[assignment]
    del wait
    until(lambda: gone() is None)


def test_what_cannot_be_sent_to_a_browser_is_no_part_of_a_sentence() -> None:
    assert describe_problem(InputError("The template says \ud800.")) == "The template says \N{REPLACEMENT CHARACTER}."


def test_the_last_one_who_watches_ends_the_download_by_cancelling() -> None:
    wait = Waiting()
    made = Traces(fetched(wait))
    job = begun(made)
    job.watch("me")
    assert made.cancel(request(), "me") is False
    with pytest.raises(ModelError, match="The download of org/name was cancelled; try again"):
        ended(job).result()
    assert made.cancel(request(), "me") is None, "there is nothing left to cancel"
    wait.cancelled = False
    assert ended(made.join(request())).result(), "who asks next begins anew, at once"


def test_one_who_cancels_leaves_it_to_those_who_watch_it_too() -> None:
    wait = Waiting()
    made = Traces(fetched(wait))
    job = begun(made)
    job.watch("me")
    job.watch("you")
    assert made.cancel(request(), "me") is True
    assert not wait.cancelled
    assert made.join(request()) is job
    wait.ended.set()
    assert ended(job).result()
    assert made.cancel(request(), "you") is None, "it has ended"


def test_a_tab_that_was_closed_keeps_no_download_from_being_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Waiting()
    made = Traces(fetched(wait))
    job = begun(made)
    job.watch("gone")
    job.watch("me")
    monkeypatch.setattr(jobs.runs, "PRESENT_SECONDS", 0.0)
    assert made.cancel(request(), "me") is False
    assert wait.cancelled


def test_a_download_that_others_wait_for_with_another_text_goes_on() -> None:
    wait = Waiting()
    wait.ends = False
    made = Traces(fetched(wait))
    begun(made)
    assert made.cancel(request(), "me") is True


def test_a_run_that_is_cancelled_before_its_turn_never_runs() -> None:
    door = threading.Event()
    runs: list[str] = []

    def run(asked: Request, job: traces.Job) -> Trace:
        runs.append(asked.prompt.text)
        assert door.wait(10)
        return trace_local(asked.prompt.text)

    made = Traces(run, queue=queue(1))
    first = made.join(request("one"))
    until(lambda: runs == ["one"])
    second = made.join(request("two"))
    assert made.cancel(request("two"), "me") is False
    door.set()
    assert ended(first).result()
    with pytest.raises(HeadlightError, match="The run was stopped"):
        ended(second).result()
    assert runs == ["one"]


def test_a_run_that_is_cancelled_before_it_waits_for_its_model_does_not_wait() -> None:
    wait, asked_to_go_on, gone_on = Waiting(), threading.Event(), threading.Event()

    def run(asked: Request, job: traces.Job) -> Trace:
        gone_on.set()
        assert asked_to_go_on.wait(10)
        return fetched(wait)(asked, job)

    made = Traces(run)
    job = made.join(request())
    assert gone_on.wait(10)
    assert made.cancel(request(), "me") is False
    asked_to_go_on.set()
    with pytest.raises(ModelError, match="was cancelled"):
        ended(job).result()


def test_only_a_download_can_be_cancelled() -> None:
    job = traces.Job()
    assert not job.fetching, "it waits for nothing yet"
    job.follow(Waiting(folder=Path("/models/mine")))  # type: ignore[arg-type]
    assert not job.fetching, "a folder of this machine"
    job.follow(Waiting(complete=True))  # type: ignore[arg-type]
    assert not job.fetching, "all is here"
    wait = Waiting()
    job.follow(wait)  # type: ignore[arg-type]
    assert job.fetching
    assert job.coming == "Name: an architecture, 353 MB as float32"
    wait.card, wait.total = None, 0
    assert job.fetching, "the hub has not answered yet"
    assert job.coming == ""
    wait.card, wait.done, wait.total = SimpleNamespace(complete=False, summary="x"), 100, 100
    assert not job.fetching, "all has arrived, and the model is being built"
    wait.done = 50
    job.done.set()
    assert not job.fetching


@pytest.mark.parametrize(
    ("pace", "total", "words"),
    [
        ([(0.0, 0), (10.0, 50_000_000)], 353_000_000, "5.0 MB/s, about 61 s left"),
        ([(5.0, 0), (6.0, 20_000_000), (15.0, 20_000_000)], 353_000_000, "2.0 MB/s, about 3 min left"),
        ([(0.0, 0), (10.0, 500_000)], 1_000_000_000, "50 kB/s, about 333 min left"),
        ([(0.0, 70), (10.0, 70)], 100, "hardly anything is coming at the moment"),
        ([(0.0, 0), (10.0, 9_999)], 1_000_000, "hardly anything is coming at the moment"),
        ([(0.0, 0), (1.0, 50_000_000)], 353_000_000, ""),
        ([(0.0, 0)], 100, ""),
        ([], 100, ""),
        ([(0.0, 0), (10.0, 5)], 0, ""),
    ],
)
def test_the_pace_of_a_download(pace: list[tuple[float, int]], total: int, words: str) -> None:
    assert jobs.in_words(pace, total) == words


def test_the_pace_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    job, wait = traces.Job(words="Downloading", began=now[0]), Waiting()
    wait.total = 1_000_000_000
    job.follow(wait)  # type: ignore[arg-type]
    wait.done = 500_000_000
    job.watch("me")
    assert job.line == "Downloading … 0 s"
    now[0] += 60  # nothing for a minute, then a megabyte a second
    for _ in range(12):
        job.watch("me")
        now[0] += 1
        wait.done += 1_000_000
    job.watch("me")
    assert job.line == "Downloading, 1.0 MB/s, about 8 min left"
    wait.done = wait.total
    assert job.line == "Downloading … 72 s"


def waiting_page() -> None:
    import streamlit as st

    from attention.errors import HeadlightError
    from attention.ui import traces
    from attention.view import View

    view = View(model="org/name", text="one two")

    @st.fragment
    def inner() -> None:
        try:
            st.text(f"{len(traces.get_trace(view).tokens)} tokens")
        except HeadlightError as err:
            st.text(str(err))
            if traces.may_pass(err):
                st.button("Try again", key="retry", on_click=traces.retry, args=(view,))

    inner()


def test_cancel_on_the_page_stays_cancelled_until_it_is_tried_again(
    api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Waiting] = []
    offered: list[tuple[str, str | None]] = []
    drawn: list[str] = []
    real_button, real_line = traces.st.button, runs.Job.line

    def run(model: str, text: str, *given: object, on_wait: Callable[[Waiting], None], **options: object) -> Trace:
        waits.append(Waiting())
        on_wait(waits[-1])
        waits[-1].result()
        return trace_local(text)

    def button(label: str, *, on_click: Callable[..., None], args: tuple[View, ...] = (), **options: object) -> bool:
        offered.append((label, ThreadState.get().fragment_id))
        pressed = real_button(label, on_click=on_click, args=args, **options)  # type: ignore[arg-type]
        if label == "Cancel":  # the person presses it as soon as it is there
            on_click(*args)
        return pressed

    def line(job: traces.Job) -> str:
        drawn.append(job.coming)
        return real_line.fget(job)  # type: ignore[attr-defined, no-any-return]

    api(run)
    monkeypatch.setattr(traces, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(traces.st, "button", button)
    monkeypatch.setattr(runs.Job, "line", property(line))
    app = AppTest.from_function(waiting_page).run(timeout=10)
    sentence = "The download of org/name was cancelled; try again, it goes on from where it stopped."
    assert [element.value for element in app.text] == [sentence]
    assert drawn[0] == "Name: an architecture, 353 MB as float32"
    (label, fragment), (again, inside) = offered
    assert (label, fragment) == ("Cancel", None), "a click for a fragment would only count when the download is over"
    assert again == "Try again"
    assert inside is not None
    app.run(timeout=10)
    assert [element.value for element in app.text] == [sentence]
    assert len(waits) == 1, "it does not begin again by itself"
    monkeypatch.setattr(traces, "PATIENCE_SECONDS", 10.0)
    until(lambda: waits[0].cancelled)
    threading.Thread(target=lambda: (until(lambda: len(waits) == 2), waits[1].ended.set())).start()
    app.button(key="retry").click().run(timeout=10)
    assert [element.value for element in app.text] == ["2 tokens"]


def test_another_session_is_not_told_that_somebody_cancelled(
    api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    api(lambda *given, **options: trace_local("one two"))
    mine = AppTest.from_function(waiting_page)
    mine.session_state[traces.CANCELLED] = {"org/name": "I have cancelled; try again."}
    assert [element.value for element in mine.run(timeout=10).text] == ["I have cancelled; try again."]
    assert [element.value for element in AppTest.from_function(waiting_page).run(timeout=10).text] == ["2 tokens"]


def test_the_way_out_may_come_and_go_and_come_again(
    api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the queue, then at work, then waiting for files: three buttons of one run of the page need three keys."""
    seen: list[bool] = []
    door = threading.Event()

    def run(model: str, text: str, *given: object, **options: object) -> Trace:
        assert door.wait(10)
        return trace_local("one two")

    def place(job: traces.Job) -> int:
        seen.append(len(seen) % 2 == 0)
        if len(seen) == 5:
            door.set()
        return int(seen[-1])

    api(run)
    monkeypatch.setattr(traces, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(runs.Job, "line", property(lambda job: "Waiting"))
    monkeypatch.setattr(runs.Job, "place", property(place))
    assert shown("one two") == ["2 tokens"]
    assert len(seen) >= 5


def test_who_leaves_the_queue_is_told_so_and_may_try_again(
    api: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    door = threading.Event()

    def run(model: str, text: str, *given: object, **options: object) -> Trace:
        assert door.wait(10)
        return trace_local(text)

    api(run)
    made = Traces(traces._run, queue=queue(1))
    monkeypatch.setattr(traces, "_shared", made)
    made.join(request("first"))
    view = View(model="local", text="second")
    waiting = made.join(traces.request_of(view), "")
    until(lambda: waiting.place == 1)
    cancelled: dict[str, str] = {}
    monkeypatch.setattr(traces, "_cancelled", lambda: cancelled)
    traces.cancel(view)
    with pytest.raises(ModelError, match="cancelled before its turn came; try again") as caught:
        get_trace(view)
    assert may_pass(caught.value)
    traces.retry(view)
    door.set()
    assert len(get_trace(view).tokens) == 1
