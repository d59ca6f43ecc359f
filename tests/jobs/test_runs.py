"""Runs: each request once, in its turn, and what frees their places."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from attention import jobs
from attention.errors import HeadlightError
from attention.jobs import BusyError, Job, Runs, State
from tests.jobs.timed import Clock, beside, queue, until


@dataclass(frozen=True)
class Wish:
    text: str
    model: str = "m"


class Kept(Runs[Wish, str]):
    """Runs of texts, for these tests."""

    one_each = True

    def _bounds(self) -> tuple[int, int]:
        return 3, 1000

    def _size(self, made: str) -> int:
        return len(made)

    def _told(self, err: Exception) -> HeadlightError:
        return HeadlightError(f"told: {err}")


class Work:
    """What the runs do: nothing until their door is opened."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.door = threading.Event()

    def __call__(self, wish: Wish, job: Job[str]) -> str:
        self.begun.append(wish.text)
        assert self.door.wait(10)
        return wish.text.upper()


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.door.set()


def busy(work: Work, clock: Clock, **options: int) -> tuple[Kept, Job[str]]:
    """Runs of which one is at work, and no other can be."""
    made = Kept(work, queue=queue(clock, **options))
    job = made.join(Wish("first"), "somebody")
    until(lambda: work.begun == ["first"])
    return made, job


def test_the_line_of_a_job_says_its_true_place(work: Work, clock: Clock) -> None:
    made, first = busy(work, clock)
    second, third = made.join(Wish("b"), "b"), made.join(Wish("c"), "c")
    assert [job.line.partition(" …")[0] for job in (first, second, third)] == [
        "Running", "Place 1 in the queue", "Place 2 in the queue",
    ]  # fmt: skip
    work.door.set()
    assert third.done.wait(10)
    assert (second.result(), third.result()) == ("B", "C")
    assert work.begun == ["first", "b", "c"]


def test_who_asks_for_the_same_inherits_the_earlier_place_and_nothing_is_run_twice(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock)
    early, _other = made.join(Wish("x"), "a"), made.join(Wish("y"), "b")
    assert made.join(Wish("x"), "c") is early
    assert early.place == 1
    work.door.set()
    assert early.done.wait(10)
    assert made.join(Wish("x"), "d") is early
    assert work.begun.count("x") == 1


def test_a_full_queue_is_a_job_that_has_failed_and_is_not_kept(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock, length=1)
    made.join(Wish("b"), "b")
    refused = made.join(Wish("c"), "c")
    assert refused.done.is_set()
    with pytest.raises(BusyError, match="Too many people"):
        refused.result()
    assert made.find(Wish("c")) is None
    assert made.join(Wish("b"), "d").place == 1, "what waits already may be waited for by more"


def test_a_wait_that_was_given_up_can_be_tried_again_at_once(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock, seconds=5)
    job = made.join(Wish("b"), "b")
    clock.now += 6
    job.watch("b")
    assert job.done.wait(10)
    with pytest.raises(BusyError, match="was given up"):
        job.result()
    again = made.join(Wish("b"), "b")
    assert again is not job
    assert again.place == 1


def left(job: Job[str], person: str) -> None:
    """As if the person had not looked for a while."""
    job.seen[person] -= jobs.LEFT_SECONDS


def test_who_no_longer_polls_frees_the_place_and_the_work_is_never_done(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock)
    gone, here = made.join(Wish("gone"), "a"), made.join(Wish("here"), "b")
    left(gone, "a")
    clock.now += 1
    here.watch("b")
    assert here.place == 1
    assert gone.done.wait(10)
    assert gone.dropped
    assert made.find(Wish("gone")) is None
    work.door.set()
    assert here.done.wait(10)
    assert work.begun == ["first", "here"]


def test_what_others_watch_keeps_its_place(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock)
    job = made.join(Wish("x"), "a")
    made.join(Wish("x"), "b")
    left(job, "a")
    clock.now += 1
    job.watch("b")
    assert job.place == 1


def test_a_run_that_has_begun_goes_on_without_anybody(work: Work, clock: Clock) -> None:
    made, first = busy(work, clock)
    left(first, "somebody")
    clock.now += 1
    made.queue.sweep()
    work.door.set()
    assert first.done.wait(10)
    assert first.result() == "FIRST"


def test_who_moves_on_to_another_text_leaves_the_place_of_the_one_before(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock)
    before, others = made.join(Wish("h"), "a"), made.join(Wish("shared"), "a")
    assert before.done.wait(10), "the person typed on"
    assert before.dropped
    made.join(Wish("shared"), "b")
    made.join(Wish("he"), "a")
    assert others.place == 1, "somebody else waits for it"
    work.door.set()
    until(lambda: len(work.begun) == 3)
    assert "h" not in work.begun


def test_a_page_that_leaves_comes_back_to_its_place_or_is_out_soon(
    work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = busy(work, clock)
    job = made.join(Wish("x"), "a")
    job.leave("a")
    assert job.is_watched(), "every click leaves, and mostly comes back"
    assert made.join(Wish("x"), "a") is job
    job.leave("a")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + jobs.BACK_SECONDS + 0.1)
    assert not job.is_watched()


def test_cancelling_in_the_queue_frees_the_place_at_once(work: Work, clock: Clock) -> None:
    made, _ = busy(work, clock)
    job, behind = made.join(Wish("x"), "a"), made.join(Wish("y"), "b")
    assert made.cancel(Wish("x"), "a") is False
    assert behind.place == 1
    assert job.done.wait(10)
    assert not job.dropped, "nobody is to ask for it again by itself"
    with pytest.raises(HeadlightError, match="The run was stopped"):
        job.result()


def test_an_error_is_told_and_frees_the_turn(clock: Clock) -> None:
    def fails(wish: Wish, job: Job[str]) -> str:
        raise ZeroDivisionError("x")

    made = Kept(fails, queue=queue(clock))
    for text in ("a", "b"):
        job = made.join(Wish(text), text)
        assert job.done.wait(10)
        with pytest.raises(HeadlightError, match="told: x"):
            job.result()
    until(lambda: not made.queue._running)


def test_many_people_at_once_each_get_theirs_and_never_more_than_allowed_run(clock: Clock) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def run(wish: Wish, job: Job[str]) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        job.give_way()
        with lock:
            running -= 1
        return wish.text.upper()

    made = Kept(run, queue=queue(clock, at_once=3, length=300))
    found: list[tuple[str, str]] = []

    def ask(number: int) -> None:
        job = made.join(Wish(f"t{number % 50}"), f"p{number}")
        assert job.done.wait(10)
        found.append((f"T{number % 50}", job.result()))

    askers = [beside(lambda number=number: ask(number)) for number in range(200)]  # type: ignore[misc]
    for asker in askers:
        asker.join(20)
    assert len(found) == 200
    assert all(wanted == made for wanted, made in found)
    assert most <= 3
    until(lambda: len(made.queue) == 0 and not made.queue._running)


# What a host is woken for


class Panic(BaseException):
    """What a library raises that is none of Exception's."""


def test_a_panic_frees_the_turn_and_the_next_try_runs_anew(clock: Clock) -> None:
    tries: list[str] = []

    def panics(wish: Wish, job: Job[str]) -> str:
        tries.append(wish.text)
        if len(tries) == 1:
            raise Panic
        return wish.text

    made = Kept(panics, queue=queue(clock))
    job = made.join(Wish("a"), "a")
    assert job.done.wait(10)
    with pytest.raises(HeadlightError, match="The run was stopped"):
        job.result()
    until(lambda: not made.queue._running)
    made.forget_failure(Wish("a"))
    again = made.join(Wish("a"), "a")
    assert again.done.wait(10)
    assert again.result() == "a"


def test_where_the_system_gives_no_thread_the_place_is_free_and_a_sentence_says_so(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Kept(lambda wish, job: wish.text, queue=queue(clock))
    with monkeypatch.context() as patch:

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", refuse)
        job = made.join(Wish("a"), "a")
    assert job.done.is_set()
    with pytest.raises(BusyError, match="too much to do"):
        job.result()
    assert not made.queue._running
    again = made.join(Wish("a"), "a")
    assert again.done.wait(10)
    assert again.result() == "a"


class Arriving:
    """A model's wait, as far as a job asks it."""

    card, done, total = None, 0, 0

    def __init__(self) -> None:
        self.here, self.cancels = threading.Event(), 0
        self.ref = type("Ref", (), {"folder": None})

    @property
    def over(self) -> bool:
        return self.here.is_set()

    def until_over(self) -> None:
        assert self.here.wait(10)

    def cancel(self) -> bool:
        self.cancels += 1
        return False


def test_what_is_cancelled_between_its_model_and_its_turn_is_never_run(clock: Clock) -> None:
    wait, door, begun = Arriving(), threading.Event(), []

    def run(wish: Wish, job: Job[str]) -> str:
        if wish.text == "loads":
            job.follow(wait)  # type: ignore[arg-type]
        begun.append(wish.text)
        assert door.wait(10)
        return wish.text

    made = Kept(run, queue=queue(clock))
    loads = made.join(Wish("loads"), "a")
    until(lambda: loads.ticket is not None and loads.ticket.state is State.ASIDE)
    other = made.join(Wish("other"), "b")
    until(lambda: begun == ["other"])
    wait.here.set()
    until(lambda: loads.place == 1)
    assert made.cancel(Wish("loads"), "a") is False
    assert loads.done.wait(10)
    with pytest.raises(HeadlightError, match="The run was stopped"):
        loads.result()
    door.set()
    assert other.done.wait(10)
    assert begun == ["other"]


def test_a_result_remembers_nobody_who_looked_at_it(work: Work, clock: Clock) -> None:
    made, first = busy(work, clock)
    work.door.set()
    assert first.done.wait(10)
    for number in range(100):
        made.join(Wish("first"), f"visitor {number}")
    assert not first.seen


def test_an_error_keeps_the_frames_of_no_page(clock: Clock) -> None:
    def fails(wish: Wish, job: Job[str]) -> str:
        raise ZeroDivisionError("x")

    made = Kept(fails, queue=queue(clock))
    job = made.join(Wish("a"), "a")
    assert job.done.wait(10)
    with pytest.raises(HeadlightError) as first:
        job.result()
    with pytest.raises(HeadlightError) as second:
        job.result()
    assert job.error is not None
    assert job.error.__traceback__ is None
    assert first.value is not second.value
    assert str(first.value) == str(second.value) == "told: x"


def test_what_is_forgotten_is_freed_at_once_and_not_by_the_next_collection(clock: Clock) -> None:
    class Result(str):
        """A text that can be asked whether it is still there."""

    made = Kept(lambda wish, job: Result(wish.text), queue=queue(clock))
    job = made.join(Wish("a"), "a")
    assert job.done.wait(10)
    for thread in threading.enumerate():
        if thread.name == f"headlight-running-{id(job):x}":
            thread.join(10)
    there = weakref.ref(job.result())
    gc.disable()
    try:
        made.clear()
        del job
        assert there() is None
    finally:
        gc.enable()


def test_what_is_made_of_a_result_later_counts_beside_it_and_its_own_size_is_taken_once(work: Work) -> None:
    counted: list[str] = []
    grown: dict[str, int] = {}

    class Growing(Kept):
        def _size(self, made: str) -> int:
            counted.append(made)
            return 300

        def _beside(self, made: str) -> int:
            return grown.get(made, 0)

    work.door.set()
    runs = Growing(work, queue=queue(Clock()))
    for text in "abc":
        assert runs.join(Wish(text)).done.wait(10)
    until(lambda: len(counted) == 3)
    runs.trim()
    assert [runs.find(Wish(text)) is None for text in "abc"] == [False, False, False], "900 of 1000 bytes"
    grown["C"] = 200
    runs.trim()
    assert [runs.find(Wish(text)) is None for text in "abc"] == [True, False, False]
    assert sorted(counted) == ["A", "B", "C"]
