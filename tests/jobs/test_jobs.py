"""The queue: bounded, fair, with true places; and runs that free their places. Time passes when it is told to."""

from __future__ import annotations

import gc
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from attention import jobs
from attention.config import Limits
from attention.errors import HeadlightError
from attention.jobs import BusyError, Job, Queue, Runs, State, Ticket


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def queue(clock: Clock, *, at_once: int = 1, length: int = 64, seconds: float = 120.0) -> Queue:
    return Queue(at_once=at_once, length=length, seconds=seconds, clock=clock)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.002)


def in_order(made: Queue, tickets: dict[str, Ticket]) -> list[str]:
    """The names in the order of their turns, when each run ends as soon as it has begun."""
    names = {id(ticket): name for name, ticket in tickets.items()}
    found = []
    while running := list(made._running):
        found += [names[id(ticket)] for ticket in running]
        for ticket in running:
            made.leave(ticket)
    return found


# The order


def test_a_free_turn_is_given_at_once_and_the_others_wait(clock: Clock) -> None:
    made = queue(clock, at_once=2)
    first, second, third = (made.enter(name) for name in "abc")
    assert [ticket.state for ticket in (first, second, third)] == [State.RUNNING, State.RUNNING, State.WAITING]
    assert [made.place(ticket) for ticket in (first, second, third)] == [0, 0, 1]
    made.leave(second)
    assert third.state is State.RUNNING
    assert made.await_turn(third)
    assert len(made) == 0


def test_one_with_ten_requests_does_not_hold_up_ten_with_one(clock: Clock) -> None:
    made = queue(clock)
    tickets = {f"many {number}": made.enter("many") for number in range(10)}
    tickets |= {f"one {number}": made.enter(f"one {number}") for number in range(10)}
    ones = [f"one {number}" for number in range(10)]
    assert in_order(made, tickets) == ["many 0", "many 1", *ones, *(f"many {number}" for number in range(2, 10))]


def test_the_places_are_the_turns_that_come_before(clock: Clock) -> None:
    """Against the queue itself, in many random queues: who has place p runs p-th."""
    chance = random.Random(6)
    for _ in range(200):
        made = queue(clock)
        running = made.enter("runs")
        tickets = {f"{number}": made.enter(chance.choice("abcdef")) for number in range(chance.randint(1, 14))}
        for name in chance.sample(sorted(tickets), len(tickets) // 4):
            made.leave(tickets.pop(name))
        told = {name: made.place(ticket) for name, ticket in tickets.items()}
        assert sorted(told.values()) == list(range(1, len(tickets) + 1))
        made.leave(running)
        assert in_order(made, tickets) == sorted(told, key=told.__getitem__)


def test_who_leaves_frees_the_place_of_those_behind(clock: Clock) -> None:
    made = queue(clock)
    made.enter("runs")
    first, second = made.enter("a"), made.enter("b")
    assert made.place(second) == 2
    made.leave(first)
    assert made.place(second) == 1
    assert made.place(first) == 0
    assert made.await_turn(first) is False


# Bounds


def test_more_than_the_queue_holds_are_refused_at_once_with_a_sentence(clock: Clock) -> None:
    made = queue(clock, length=2)
    held = [made.enter(name) for name in "abc"]
    with pytest.raises(BusyError, match=r"^Too many people are asking at the moment: 2 runs are waiting already\. Try"):
        made.enter("d")
    made.leave(held[1])
    assert made.place(made.enter("d")) == 2


def test_a_long_wait_is_given_up_with_a_sentence(clock: Clock) -> None:
    made = queue(clock, seconds=30)
    made.enter("runs")
    early = made.enter("a")
    clock.now += 20
    late = made.enter("b")
    clock.now += 11
    made.sweep()
    with pytest.raises(BusyError, match=r"^This has waited 30 seconds in the queue and was given up\. Try again"):
        made.await_turn(early)
    assert made.place(late) == 1


def test_a_place_that_nobody_wants_is_taken_out(clock: Clock) -> None:
    made = queue(clock)
    made.enter("runs")
    wanted = [True]
    ticket, other = made.enter("a", lambda: wanted[0]), made.enter("b")
    made.sweep()
    assert made.place(ticket) == 1
    wanted[0] = False
    clock.now += jobs.SWEEP_SECONDS
    made.sweep()
    assert ticket.state is State.OUT
    assert made.place(other) == 1


def test_a_turn_in_ones_own_thread_is_waited_for_and_given_back(clock: Clock) -> None:
    made = queue(clock)
    first, ran = made.enter("ana"), threading.Event()

    def work() -> None:
        with made.turn("ben"):
            ran.set()

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: len(made) == 1)
    assert not ran.is_set()
    made.leave(first)
    thread.join(10)
    assert ran.is_set()
    with pytest.raises(ZeroDivisionError), made.turn("cem"):
        raise ZeroDivisionError
    with made.turn("dan"):
        assert len(made._running) == 1
    assert not made._running


def test_a_turn_in_ones_own_thread_is_given_up_after_a_long_wait(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attention.jobs.queue.SWEEP_SECONDS", 0.01)
    made = queue(clock, seconds=30)
    made.enter("ana")
    clock.now += 1
    told: list[str] = []

    def work() -> None:
        try:
            with made.turn("ben"):
                told.append("ran")
        except BusyError as err:
            told.append(str(err))

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: len(made) == 1)
    clock.now += 31
    thread.join(10)
    assert told == ["This has waited 30 seconds in the queue and was given up. Try again in a moment."]
    assert len(made) == 0


def test_looking_for_those_who_left_is_not_done_at_every_poll(clock: Clock) -> None:
    made = queue(clock)
    asked: list[float] = []
    made.enter("runs")
    made.enter("a", lambda: bool(asked.append(clock.now)) or True)
    for _ in range(100):
        clock.now += jobs.SWEEP_SECONDS / 10
        made.sweep()
    assert 9 <= len(asked) <= 11


def test_the_limits_of_an_installation_are_the_queues() -> None:
    made = Queue.of(Limits(forwards_at_once=3, queue_length=7, queue_seconds=9))
    assert (made.at_once, made.length, made.seconds) == (3, 7, 9)


# Standing aside and giving way


def beside(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def test_who_waits_for_files_holds_no_turn_and_comes_back_first(clock: Clock) -> None:
    made = queue(clock, length=3)
    loading, second, third = (made.enter(name) for name in "abc")
    door = threading.Event()
    thread = beside(lambda: made.stand_aside(loading, lambda: door.wait(10)))
    until(lambda: second.state is State.RUNNING)
    assert loading.state is State.ASIDE
    assert len(made) == 2, "it will need a turn, so it counts"
    door.set()
    until(lambda: made.place(loading) == 1)
    assert made.place(third) == 2
    clock.now += 1000
    made.sweep()
    assert made.place(loading) == 1, "it has begun, so it is not given up"
    assert third.state is State.OUT
    made.leave(second)
    thread.join(10)
    assert loading.state is State.RUNNING


def test_who_is_cancelled_while_aside_does_not_come_back(clock: Clock) -> None:
    made = queue(clock)
    loading, door = made.enter("a"), threading.Event()
    thread = beside(lambda: made.stand_aside(loading, lambda: door.wait(10)))
    until(lambda: loading.state is State.ASIDE)
    made.leave(loading)
    door.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(made) == 0
    assert made.enter("b").state is State.RUNNING


def test_a_long_run_gives_way_between_forwards_and_a_short_one_does_not(clock: Clock) -> None:
    made = queue(clock)
    long = made.enter("a")
    made.give_way(long)
    assert long.state is State.RUNNING, "nobody waits"
    others = [made.enter("b"), made.enter("c")]
    made.give_way(long)
    assert long.state is State.RUNNING, "its turn has just begun"
    clock.now += jobs.TURN_SECONDS
    thread = beside(lambda: made.give_way(long))
    until(lambda: others[0].state is State.RUNNING)
    assert (made.place(others[1]), made.place(long)) == (1, 2)
    for other in others:
        made.leave(other)
    thread.join(10)
    assert long.state is State.RUNNING


# Runs


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


def test_one_slow_download_does_not_gather_any_number_of_threads(clock: Clock) -> None:
    made, door = queue(clock, length=2), threading.Event()
    threads = []
    for name in "ab":
        ticket = made.enter(name)
        threads.append(beside(lambda ticket=ticket: made.stand_aside(ticket, lambda: door.wait(10))))  # type: ignore[misc]
        until(lambda ticket=ticket: ticket.state is State.ASIDE)  # type: ignore[misc]
    third = made.enter("c")
    assert third.state is State.RUNNING, "who waits for no model has a turn"
    with pytest.raises(BusyError, match=r"^Too many people are waiting for models: 2 already\. Try again"):
        made.stand_aside(third, lambda: None)
    assert third.state is State.RUNNING
    made.leave(third)
    door.set()
    for thread in threads:
        thread.join(0.1)


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


def test_many_who_come_at_once_to_a_new_process_share_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Queue.of

    def of(limits: Limits) -> Queue:
        time.sleep(0.02)
        return slow(limits)

    monkeypatch.setattr(Queue, "of", of)
    jobs.queue._made.cache_clear()
    found: list[Queue] = []
    askers = [beside(lambda: found.append(jobs.shared_queue())) for _ in range(8)]
    for asker in askers:
        asker.join(10)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
