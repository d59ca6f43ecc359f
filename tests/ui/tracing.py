"""What tests of traces share: requests, queues, jobs that are waited for, and the trace of two stacks."""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from streamlit.testing.v1 import AppTest

from attention.config import Limits
from attention.jobs import Queue
from attention.local import trace_local
from attention.record import Kind, Trace
from attention.ui import traces
from attention.ui.traces import Request
from attention.view import Prompt

Run = Callable[..., Trace]


def request(text: str = "a b", model: str = "local") -> Request:
    return Request(Prompt(model=model, text=text), Limits())


def queue(at_once: int) -> Queue:
    return Queue(at_once=at_once, length=64, seconds=120)


def ended(job: traces.Job) -> traces.Job:
    assert job.done.wait(10)
    return job


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.005)


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
