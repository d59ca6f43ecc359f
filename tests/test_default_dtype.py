"""Whatever torch's default type is, the numbers are the same: no tensor of ours takes its type from it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.analysis import averages, norms, pairs, probe, reach, rollout, summary, thumbnails, words
from attention.record.checks import checked_rows
from attention.source import load_source
from tests.oracles import margins
from tests.tiny import build, ids

TEXT = "The cat sat. The cat ran."


def maps(trace: attention.Trace, tmp_path: Path) -> list[Any]:
    views = [trace.head(layer, 1) for layer in trace.records()]
    return [[view.weights, view.contribution, view.error.parts["weights"].absolute] for view in views]


def files(trace: attention.Trace, tmp_path: Path) -> list[Any]:
    whole = [attention.save(trace, tmp_path / name).read_bytes() for name in ("x.html", "x.npz")]
    head = [attention.save(trace.head(1, 1), tmp_path / name).read_bytes() for name in ("x.csv", "x.json", "x.svg")]
    return [len(whole[0]) > 1e5, len(whole[1]) > 1e4, *map(len, head)]


def notebook(trace: attention.Trace, tmp_path: Path) -> list[Any]:
    return [sorted(trace._repr_mimebundle_()), sorted(trace.head(1, 1)._repr_mimebundle_())]


def named(trace: attention.Trace, tmp_path: Path) -> list[Any]:
    return [[row.layer, row.head, row.score, row.even] for row in attention.patterns(trace)]


def numbers(trace: attention.Trace, tmp_path: Path) -> list[Any]:
    """One of everything that the analysis makes of a trace."""
    view, record = trace.head(2, 1), trace.record(2)
    mean, through, linked = averages.over_all(trace), rollout.rollout(trace), pairs.between(trace, 4, 1)
    spread, brought, habit = margins.margins(record, 1), norms.norm_weighted(record, 1), summary.habit(view)
    assert not isinstance(brought, str)
    return [
        mean.mean, mean.spread, through.mixed, through.even, [link.size for link in linked.links], spread.mean,
        spread.spread, brought.rows().norms, words.merged(view).weights, habit, reach.reaches(trace),
        *(thumbnails.thumbnails(trace, side=5, what=what)[1] for what in ("weights", "norms")),
    ]  # fmt: skip


def said(trace: attention.Trace, tmp_path: Path) -> list[Any]:
    made = attention.predict("storyteller", TEXT)
    drawn = attention.generate("storyteller", TEXT, None, 3, temperature=1.0)
    return [made.rows.ids, made.rows.logits, made.rows.log_sum, drawn.ids]


@pytest.fixture(scope="module")
def trace() -> attention.Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(params=[torch.float64, torch.bfloat16], ids=str)
def other(request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    before = torch.get_default_dtype()
    yield lambda: torch.set_default_dtype(request.param)
    torch.set_default_dtype(before)


def same(one: Any, two: Any) -> bool:
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return np.array_equal(one, two, equal_nan=True) if isinstance(one, np.ndarray | float) else one == two


@pytest.mark.parametrize("of", [maps, files, notebook, named, numbers, said])
def test_the_numbers_are_the_same(
    trace: attention.Trace, other: Callable[[], None], tmp_path: Path, of: Callable[..., list[Any]]
) -> None:
    own = of(trace, tmp_path)
    other()
    assert same(of(trace, tmp_path), own)


@pytest.mark.parametrize("kind", ["decoder", "masked"])
def test_a_trace_made_under_another_type_is_the_same(other: Callable[[], None], kind: str) -> None:
    model = build({"decoder": "llama", "masked": "bert"}[kind], kind)
    own = attention.trace(model, ids(7))
    other()
    again = attention.trace(model, ids(7))
    assert again.fidelity.ok
    for layer in own.records():
        view = again.head(layer, 3)
        assert view.error.ok
        assert np.array_equal(view.weights, own.head(layer, 3).weights)
        assert np.array_equal(view.contribution, own.head(layer, 3).contribution)


def test_the_local_layer_and_the_stored_sequences_too(other: Callable[[], None]) -> None:
    own = attention.trace("local", TEXT)
    one = probe.sequences(load_source("storyteller", None, None), 1, 8)[0]
    long = attention.trace("storyteller", list(one.ids))
    matching = [row.tolist() for row in probe._matching(long, 1, one)]
    other()
    again = attention.trace("local", TEXT)
    assert again.fidelity.ok
    assert np.array_equal(again.head(0, 1).weights, own.head(0, 1).weights)
    assert [row.tolist() for row in probe._matching(long, 1, one)] == matching


def test_the_rows_that_are_checked_are_rows(other: Callable[[], None]) -> None:
    own = checked_rows(5000).tolist()
    other()
    assert checked_rows(5000).tolist() == own
