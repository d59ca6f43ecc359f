"""Work on a run: at once where it is quick, else in its turn; left when somebody leaves; never keeping a run alive."""

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
import streamlit as st
import torch

import attention
from attention import derived
from attention.errors import InputError
from attention.jobs import Job
from attention.record import Trace
from attention.ui import runs, work


@pytest.fixture
def trace() -> Iterator[Trace]:
    st.session_state.pop(work.LEFT, None)
    yield attention.trace("local", "The cat sat.")
    work._works.clear()
    st.session_state.pop(work.LEFT, None)


def where(trace: Trace) -> str:
    return derived.kept(trace, "where", lambda: threading.current_thread().name)


def test_what_is_quick_is_made_at_once_and_the_rest_in_its_turn(trace: Trace) -> None:
    begun = work._works.begun
    assert work.through(trace, "where", where, work.QUICK) == threading.current_thread().name
    derived._caches.pop(trace)
    assert work.through(trace, "where", where, work.QUICK + 1).startswith("headlight-going through the heads")
    assert work._works.begun == begun + 1


def test_what_is_there_already_waits_for_nobody(trace: Trace) -> None:
    work.through(trace, "where", where, 0)
    begun = work._works.begun
    work.through(trace, "where", where, work.QUICK + 1)
    assert work._works.begun == begun


def test_short_texts_of_usual_models_are_quick_and_thousands_of_heads_are_not() -> None:
    def made(layers: int, heads: int, n: int) -> Trace:
        query, key = torch.randn(2, layers, heads, n, 2, generator=torch.Generator().manual_seed(3))
        return Trace.from_tensors(query=query, key=key, causal=True)

    assert work.cells(made(12, 12, 30), "decoder") <= work.QUICK
    assert work.cells(made(4, 5_000, 2), "decoder") > work.QUICK
    assert work.cells(made(2, 4, 1_200), "decoder") > work.QUICK


def test_who_leaves_gets_a_sentence_until_it_is_begun_again(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(job: Job[bool], way_out: object, *, always: bool = False) -> None:
        assert always
        way_out()  # type: ignore[operator]
        job.done.wait(60)

    monkeypatch.setattr(runs, "poll", leave)
    monkeypatch.setattr(work, "PATIENCE_SECONDS", 0.0)
    stays = threading.Event()

    def slow(trace: Trace) -> str:
        stays.wait(0.2)
        return where(trace)

    work.through(trace, "where", slow, work.QUICK + 1)
    derived._caches.pop(trace)
    with pytest.raises(work.LeftError):
        work.through(trace, "where", slow, work.QUICK + 1)
    work.again()
    assert work.through(trace, "where", where, work.QUICK + 1)


def test_work_keeps_no_run_alive() -> None:
    trace = attention.trace("local", "A dog.")
    work.through(trace, "where", where, work.QUICK + 1)
    there = weakref.ref(trace)
    del trace
    gc.collect()
    assert there() is None


def test_what_goes_wrong_is_raised_to_the_page(trace: Trace) -> None:
    def broken(trace: Trace) -> str:
        raise InputError("This cannot be made.")

    with pytest.raises(InputError, match="cannot be made"):
        work.through(trace, "broken", broken, work.QUICK + 1)
