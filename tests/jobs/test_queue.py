"""The queue: bounded, fair, with true places. Time passes when it is told to."""

from __future__ import annotations

import random
import threading
import time

import pytest

from attention import jobs
from attention.config import Limits
from attention.jobs import BusyError, Queue, State, Ticket
from tests.jobs.timed import Clock, beside, queue, until


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
