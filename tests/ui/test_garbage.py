"""When garbage is collected: never after a run, in quiet moments, and at last all the same."""

import os
import platform
import subprocess
import sys
import threading
import tomllib
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest

from attention.ui import garbage

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def collector(is_quiet, *, has_old=True):
    clock, at = Clock(), []
    made = garbage.Collector(
        lambda: is_quiet(clock.now), collect=lambda: at.append(clock.now), has_old=lambda: has_old, clock=clock,
        sleep=clock.sleep,
    )  # fmt: skip
    return made, at


def test_it_waits_for_a_quiet_moment():
    made, at = collector(lambda now: now >= 7)
    made.once()
    assert len(at) == 1
    assert 7 <= at[0] < 7 + 2 * garbage.AGAIN_SECONDS


def test_on_a_server_that_is_never_quiet_it_is_done_at_last():
    made, at = collector(lambda now: False)
    made.once()
    assert len(at) == 1
    assert garbage.LATEST_SECONDS <= at[0] < garbage.LATEST_SECONDS + 1


def test_where_nothing_has_become_old_nothing_is_searched():
    made, at = collector(lambda now: True, has_old=False)
    made.once()
    assert at == []


def test_a_moment_in_which_a_page_or_a_model_runs_is_not_quiet():
    assert garbage.is_quiet()
    for name in ("ScriptRunner.scriptThread", "headlight-tracing-7f"):
        end = threading.Event()
        thread = threading.Thread(target=end.wait, name=name)
        thread.start()
        assert not garbage.is_quiet()
        end.set()
        thread.join()
    assert garbage.is_quiet()


def test_streamlits_threads_still_have_the_name_by_which_a_run_is_known():
    from streamlit.runtime.scriptrunner import script_runner

    assert 'name="ScriptRunner.scriptThread"' in Path(script_runner.__file__).read_text(encoding="utf-8")


def test_what_became_garbage_after_the_imports_is_found():
    class Node:
        pass

    # Nothing is thawed afterwards: that would also thaw what was imported before all tests, and each search of garbage
    # in the tests to come would go through it.
    garbage.keep_imports()
    one, other = Node(), Node()
    one.other, other.other = other, one
    gone = weakref.ref(one)
    del one, other
    garbage.Collector(lambda: True, has_old=lambda: True).once()
    assert gone() is None


def test_streamlit_neither_collects_nor_watches_files_by_itself_however_the_app_is_started():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["runner"]["postScriptGC"] is False
    assert settings["server"]["fileWatcherType"] == "none"
    ask = "print(config.get_option('runner.postScriptGC'), config.get_option('server.fileWatcherType'))"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    said = subprocess.run(
        [sys.executable, "-c", f"from streamlit import config; {ask}"],
        cwd=ROOT, env=clean, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["False", "none"]


HEAPS = """
import re, sys, threading
from attention.ui import garbage
if sys.argv[1] == "few":
    garbage.few_heaps()
kept, end = [], threading.Barrier(13)
def ask():
    kept.append([bytes(50_000) for _ in range(20)])
    end.wait()
for _ in range(12):
    threading.Thread(target=ask).start()
end.wait()
starts = [int(line.split("-")[0], 16) for line in open("/proc/self/maps") if len(line.split()) == 5]
print(sum(start % 2**26 == 0 for start in starts))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library gives threads heaps of their own")
def test_threads_share_a_few_heaps():
    def count(how):
        told = subprocess.run([sys.executable, "-c", HEAPS, how], cwd=ROOT, capture_output=True, text=True, check=True)
        return int(told.stdout)

    assert count("few") <= garbage.HEAPS < count("many")


@pytest.mark.parametrize(("given", "calls"), [(None, 1), ("7", 0)])
def test_a_host_who_has_said_how_many_heaps_there_may_be_is_heard(monkeypatch, given, calls):
    told = []
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if given:
        monkeypatch.setenv("MALLOC_ARENA_MAX", given)
    monkeypatch.setattr(garbage.ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=lambda *given: told.append(given)))
    garbage.few_heaps.__wrapped__()
    assert told == [(garbage.M_ARENA_MAX, garbage.HEAPS)] * calls


def test_what_is_free_goes_back_to_the_system(monkeypatch):
    done = []
    monkeypatch.setattr("attention.models.memory.give_back", lambda: done.append(True))
    garbage._shared._collect()
    assert done == [True]
