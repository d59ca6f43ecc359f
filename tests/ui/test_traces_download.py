"""Traces that wait for a download: who may cancel it, who goes on, and what a page says meanwhile."""

import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.testing.v1 import AppTest

from attention import jobs
from attention.errors import HeadlightError, ModelError
from attention.local import trace_local
from attention.models import hub
from attention.models.reference import ModelRef
from attention.record import Trace
from attention.ui import runs, traces
from attention.ui.traces import Request, Traces, get_trace, may_pass
from attention.view import View
from tests.ui.tracing import Run, ended, queue, request, shown, until

pytestmark = pytest.mark.usefixtures("fresh_traces")


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
