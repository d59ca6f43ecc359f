"""First paint does not wait for the heavy imports."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import torch  # noqa: F401 - the warm-up that is tried here loads stand-ins in its place
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from attention.imports import PARTS
from attention.ui import warmup
from attention.ui.warmup import Warmup
from tests.logged import Logged

TWO = (("first", "the first part"), ("second", "the second part"))


class Imports:
    """Stands for `import_module`: each module waits until the test lets it through."""

    def __init__(self) -> None:
        self.doors = {module: threading.Event() for module, _ in TWO}
        self.begun = {module: threading.Event() for module, _ in TWO}
        self.loaded: list[str] = []
        self.threads: set[tuple[str, bool]] = set()

    def __call__(self, module: str) -> None:
        self.threads.add((threading.current_thread().name, get_script_run_ctx(suppress_warning=True) is None))
        self.begun[module].set()
        assert self.doors[module].wait(10)
        self.loaded.append(module)

    def let(self, *modules: str) -> None:
        for module in modules:
            self.doors[module].set()


@pytest.fixture
def imports() -> Iterator[Imports]:
    made = Imports()
    yield made
    made.let("first", "second")


@pytest.fixture
def shared(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> Warmup:
    made = Warmup(TWO, imports)
    monkeypatch.setattr(warmup, "_shared", made)
    return made


@pytest.mark.parametrize("failure", [None, ImportError("no")])
def test_nothing_is_searched_for_garbage_while_it_imports(failure: Exception | None) -> None:
    searched = []

    def load(module: str) -> None:
        searched.append(gc.isenabled())
        if failure is not None:
            raise failure

    made = Warmup(TWO, load)
    made.start()
    assert made.wait(10)
    assert set(searched) == {False}
    assert made.failure is failure
    assert gc.isenabled()


def page() -> None:
    import streamlit as st

    from attention.ui import warmup

    st.title("Headlight")
    if warmup.gate():
        st.text("the page itself")


def texts(app: AppTest) -> list[str]:
    assert not app.exception, app.exception[0].value
    return [element.value for element in app.text]


def test_it_says_what_it_is_waiting_for_and_then_no_more(imports: Imports) -> None:
    made = Warmup(TWO, imports)
    assert made.waiting_for() == "Loading has not begun."
    assert not made.ready()
    made.start()
    assert made.waiting_for() == "Loading the first part … 0 s so far."
    imports.let("first")
    assert imports.begun["second"].wait(10)
    assert made.waiting_for() == "Loading the second part … 0 s so far."
    assert not made.ready()
    imports.let("second")
    assert made.wait(10)
    assert made.ready()
    assert made.waiting_for() == made.problem() == ""
    assert imports.loaded == ["first", "second"]


def test_the_seconds_are_those_since_the_start(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Warmup(TWO, imports)
    made.start()
    began = made._began
    monkeypatch.setattr(warmup.time, "monotonic", lambda: began + 7.4)
    assert made.waiting_for() == "Loading the first part … 7 s so far."


def test_it_starts_once_whoever_asks(imports: Imports) -> None:
    made = Warmup(TWO, imports)
    askers = [threading.Thread(target=made.start) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    imports.let("first", "second")
    assert made.wait(10)
    made.start()
    assert imports.loaded == ["first", "second"]
    assert imports.threads == {("headlight-warmup", True)}


def test_a_failure_is_kept_said_and_logged(logged: Logged) -> None:
    def load(module: str) -> None:
        raise ImportError(f"<b>{module}</b>")

    made = Warmup(TWO, load)
    made.start()
    assert made.wait(10)
    assert not made.ready()
    assert isinstance(made.failure, ImportError)
    assert made.problem() == (
        "Headlight could not load the first part (ImportError). Install Headlight again, then restart."
    )
    assert made.waiting_for() == ""
    assert "<b>first</b>" in logged.text


def test_the_gate_shows_the_shell_and_the_waiting_line_at_once(shared: Warmup, imports: Imports) -> None:
    app = AppTest.from_function(page).run()
    assert app.title[0].value == "Headlight"
    assert texts(app) == ["Loading the first part … 0 s so far."]
    imports.let("first", "second")
    assert shared.wait(10)
    assert texts(app.run()) == ["the page itself"]


def test_the_polling_fragment_runs_the_page_again_when_all_is_there(
    shared: Warmup, imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The imports end between the gate's question and the fragment's: one rerun, within this run.
    imports.let("first", "second")
    answers = iter([False])
    monkeypatch.setattr(warmup, "ready", lambda: next(answers, True))
    shared.start()
    assert shared.wait(10)
    assert texts(AppTest.from_function(page).run()) == ["the page itself"]


def test_sessions_join_one_load(shared: Warmup, imports: Imports) -> None:
    apps = [AppTest.from_function(page).run() for _ in range(3)]
    imports.let("first", "second")
    assert shared.wait(10)
    assert [texts(app.run()) for app in apps] == [["the page itself"]] * 3
    assert imports.loaded == ["first", "second"]


def test_the_gate_says_that_it_failed_and_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(module: str) -> None:
        raise OSError

    made = Warmup(TWO, load)
    monkeypatch.setattr(warmup, "_shared", made)
    made.start()
    assert made.wait(10)
    assert texts(AppTest.from_function(page).run()) == [made.problem()]
    assert isinstance(made.failure, OSError)


def test_importing_it_pulls_in_nothing_heavy_and_starting_it_does() -> None:
    code = (
        "import sys; from attention.ui import traces, warmup;"
        f"heavy = {[module for module, _ in PARTS]!r};"
        "before = [m for m in heavy if m in sys.modules];"
        "warmup.start(); warmup._shared.wait(120);"
        "print(before, [m for m in heavy if m in sys.modules], warmup.ready());"
        "known = set(sys.modules); import attention; attention.trace('storyteller', 'One two three');"
        "print(len(set(sys.modules) - known))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, later = done.stdout.strip().splitlines()
    assert first == f"[] {[module for module, _ in PARTS]} True"
    # What comes after it is searched for garbage again and again: a thousand modules once made that ten times as long.
    assert int(later) < 200


@pytest.mark.usefixtures("shared")
def test_threads_that_wait_sleep_unless_the_host_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    warmup.start()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    warmup.start()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
