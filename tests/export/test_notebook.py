"""What a notebook is given, as text: how large it may become, and what it shows of each sort of trace."""

import re
from collections.abc import Callable

import pytest
import torch

import attention
from attention.export import notebook
from attention.record import Trace
from tests.export.made import SORTS


def of_length(n: int) -> Trace:
    rows = torch.randn(3, 2, n, 4, generator=torch.Generator().manual_seed(0))
    return Trace.from_tensors(query=rows[0], key=rows[1], value=rows[2], causal=True)


@pytest.mark.parametrize("make", SORTS.values(), ids=list(SORTS))
def test_every_sort_of_trace_and_each_of_its_kinds_shows_itself(make: Callable[[], Trace]) -> None:
    trace = make()
    for kind in trace.kinds:
        head = trace.head(max(trace.records(kind)), 0, kind)
        made = head._repr_mimebundle_()
        assert made["text/plain"] == repr(head)
        assert all(part in made["text/html"] for part in ("<iframe srcdoc=", "<img ", "<table>"))
        assert f"layer {head.layer}, head 0" in re.search(r'<img alt="([^"]*)"', made["text/html"])[1]


@pytest.mark.parametrize(("n", "left"), [(1200, "still picture"), (1800, "table")])
def test_a_long_text_makes_no_large_notebook(n: int, left: str) -> None:
    made = of_length(n).head(0, 1)._repr_mimebundle_()["text/html"]
    assert f"<p>Only a {left}: A head of this text has" in made
    assert "<iframe" not in made
    assert ("<img " in made) == (left == "still picture")
    assert "<table>" in made
    assert len(made) < notebook.MOST_BYTES


def test_a_public_name_is_enough_for_it() -> None:
    assert "text/html" in attention.Trace.from_tensors(weights=torch.eye(2)[None])._repr_mimebundle_()
