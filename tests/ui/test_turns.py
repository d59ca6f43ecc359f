"""A few runs of pages at a time: how many, in which order, and what happens to one that waits or is held up."""

import threading
import time
from collections.abc import Callable

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from attention.jobs import Job
from attention.ui import runs, turns
from attention.ui.turns import Turns

SOON, EVER = 0.2, 20.0


class People:
    """Threads that take a turn each and hold it until they are let go."""

    def __init__(self, shared: Turns) -> None:
        self.shared = shared
        self.order: list[str] = []
        self._go: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def come(self, name: str) -> None:
        self._go[name] = threading.Event()
        thread = threading.Thread(target=self._stay, args=(name,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def let_go(self, name: str) -> None:
        self._go[name].set()

    def all_leave(self) -> None:
        for go in self._go.values():
            go.set()
        for thread in self._threads:
            thread.join(EVER)
            assert not thread.is_alive()

    def _stay(self, name: str) -> None:
        with self.shared.taken():
            self.order.append(name)
            self._go[name].wait(EVER)


def holds(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before long."""
    end = time.monotonic() + EVER
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def queued(shared: Turns, count: int) -> bool:
    return holds(lambda: len(shared._waiting) == count)


def test_so_many_at_a_time_and_the_others_in_the_order_in_which_they_came() -> None:
    shared = Turns(2, EVER)
    people = People(shared)
    for number, name in enumerate("abcde"):
        people.come(name)
        assert holds(lambda n=number: len(people.order) == min(n + 1, 2) and len(shared._waiting) == max(0, n - 1))
    time.sleep(SOON)
    assert people.order == ["a", "b"]
    for count, name in ((3, "b"), (4, "a")):
        people.let_go(name)
        assert holds(lambda n=count: len(people.order) == n)
    assert people.order == ["a", "b", "c", "d"]
    people.all_leave()
    assert people.order == ["a", "b", "c", "d", "e"]
    assert shared._free == 2


def test_whoever_only_waits_lets_another_go_first_and_comes_back_in_order() -> None:
    shared, told = Turns(1, EVER), []
    people = People(shared)
    with shared.taken():
        people.come("a")
        people.come("b")
        assert queued(shared, 2)
        assert people.order == []
        threading.Timer(SOON, people.let_go, ["a"]).start()
        with shared.aside():
            assert holds(lambda: people.order != [])
            threading.Timer(SOON, people.let_go, ["b"]).start()
        told += people.order
    people.all_leave()
    assert sorted(told) == ["a", "b"]
    assert shared._free == 1


def test_a_thread_takes_one_turn_however_often_it_asks() -> None:
    shared = Turns(1, EVER)
    with shared.taken(), shared.taken():
        assert shared._free == 0
    assert shared._free == 1
    with shared.aside():  # it held none
        assert shared._free == 1


def test_a_turn_comes_back_whatever_happens_in_it() -> None:
    shared = Turns(1, EVER)
    with pytest.raises(KeyError), shared.taken(), shared.aside():
        raise KeyError
    assert shared._free == 1


def test_a_run_that_is_held_up_holds_nobody_up_for_ever() -> None:
    shared = Turns(1, SOON)
    people = People(shared)
    people.come("stuck")
    assert holds(lambda: people.order == ["stuck"])
    people.come("late")
    assert holds(lambda: people.order == ["stuck", "late"])
    # Two go on beside each other now; the next one comes in when both have left, or after its own patience.
    people.all_leave()
    assert shared._free == 1
    assert not shared._waiting


def test_who_went_on_without_a_turn_gives_none_away() -> None:
    shared = Turns(1, SOON)
    people = People(shared)
    for name in ("stuck", "late"):
        people.come(name)
    assert holds(lambda: len(people.order) == 2)
    shared._seconds = EVER
    people.come("next")
    assert queued(shared, 1)
    people.let_go("late")
    time.sleep(SOON)
    assert people.order == ["stuck", "late"]
    people.let_go("stuck")
    assert holds(lambda: people.order == ["stuck", "late", "next"])
    people.all_leave()


def test_pages_take_turns_and_installing_twice_is_as_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, seen = Turns(1, EVER), []
    monkeypatch.setattr(turns, "_shared", shared)
    monkeypatch.setattr(ScriptRunner, "_run_script", lambda self, data: seen.append((data, shared._free)))
    turns.install()
    installed = ScriptRunner._run_script
    turns.install()
    assert ScriptRunner._run_script is installed
    ScriptRunner._run_script(None, "page")  # type: ignore[arg-type]
    assert seen == [("page", 0)]
    assert shared._free == 1


def test_a_page_that_waits_for_a_model_holds_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, seen = Turns(1, EVER), []
    monkeypatch.setattr(turns, "aside", shared.aside)
    job: Job[int] = Job()
    monkeypatch.setattr(job.done, "wait", lambda seconds=None: bool(seen.append(shared._free)))
    with shared.taken():
        runs.wait_for(lambda: job, 0.0, lambda one: seen.append(shared._free))
        assert not runs.has_ended(job, 0.0)
        assert seen == [1, 1, 1]
        job.done.set()
        assert runs.has_ended(job, 0.0)
        assert runs.wait_for(lambda: job, 0.0, lambda one: None) is job
        assert seen == [1, 1, 1]  # an ended one is not waited for, and the turn is kept
        assert shared._free == 0
