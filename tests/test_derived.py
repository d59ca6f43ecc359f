"""What is kept beside a run: made once, counted, bounded, and gone with its run."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention import derived
from attention.analysis.norms import kept_norms
from attention.browser import overview, rotary, store
from attention.record import Trace
from attention.view import MEASURES, View


class Owner:
    """Something that can be referred to weakly."""


def test_it_is_made_once_and_again_where_it_no_longer_holds() -> None:
    owner, made = Owner(), []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [derived.kept(owner, "a", make) for _ in range(3)] == [0, 0, 0]
    assert derived.kept(owner, "b", make) == 1
    assert derived.kept(owner, "a", make, holds=lambda found: found > 5) == 2
    assert derived.kept(Owner(), "a", make) == 3


def test_what_is_kept_is_found_and_was_used_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "MOST_BYTES", 1_000)
    owner = Owner()
    assert derived.find(owner, "a") is None
    for name in "ab":
        derived.kept(owner, name, lambda name=name: name.encode() * 250)
    assert derived.find(owner, "a") == b"a" * 250
    assert derived.find(owner, "c") is None
    derived.kept(owner, "c", lambda: bytes(250))
    assert [derived.find(owner, name) is None for name in "abc"] == [False, True, False]


def test_the_least_recently_used_goes_and_the_newest_stays_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "MOST_BYTES", 1_000)
    owner = Owner()
    for name in "abc":
        derived.kept(owner, name, lambda: bytes(250))
    assert not derived.has(owner, "a") or derived.size(owner) <= 1_000
    derived.kept(owner, "b", lambda: pytest.fail("made again"))
    derived.kept(owner, "d", lambda: bytes(250))
    assert [name for name in "abcd" if derived.has(owner, name)] == ["b", "d"]
    derived.kept(owner, "e", lambda: bytes(5_000))
    assert [name for name in "bde" if derived.has(owner, name)] == ["e"]
    assert 5_000 <= derived.size(owner) <= 5_000 + derived.ENTRY


def test_it_goes_with_its_owner() -> None:
    before, owner = derived.total(), Owner()
    derived.kept(owner, "a", lambda: bytes(10_000))
    assert derived.total() - before >= 10_000
    there = weakref.ref(owner)
    del owner
    gc.collect()
    assert there() is None
    assert derived.total() <= before


@pytest.mark.parametrize(("value", "least"), [
    (bytes(100), 100), ("x" * 100, 100), (np.zeros((5, 5), np.float32), 100), ((bytes(60), "x" * 40, None), 100),
    ({"a" * 50: [bytes(50)]}, 100), (torch.zeros(25), 100),
])  # fmt: skip
def test_sizes_are_those_of_arrays_and_texts(value: Any, least: int) -> None:
    assert least <= derived.size_of(value) <= least + 20


def test_all_that_a_page_makes_of_a_run_is_counted() -> None:
    """Each of them, so that none is kept beside the count."""
    trace = attention.trace("storyteller", "One day the old king went out, and the old king sat down.")
    known = store.kept_bytes(trace)
    assert known == 0
    steps = {
        "the run": lambda: store.run(trace.head(0, 0), View()),
        "pictures": lambda: overview.payload(trace, "decoder", View()),
        "numbers": lambda: overview.payload(trace, "decoder", View(measure=MEASURES[-1])),
        "norms": lambda: kept_norms(trace.record(1), 2),
        "turns": lambda: rotary.payload(trace.head(0, 0), "a reason"),
    }
    for what, make in steps.items():
        made = make()
        grown = store.kept_bytes(trace) - known
        assert grown >= (len(made) if isinstance(made, bytes) else 4 * len(trace.tokens)), what
        known += grown


def test_a_run_is_freed_with_all_that_was_made_of_it() -> None:
    trace: Trace = attention.trace("storyteller", "Two words.")
    for measure in MEASURES:
        overview.payload(trace, "decoder", View(measure=measure))
    kept_norms(trace.record(0), 0)
    there = weakref.ref(trace)
    del trace
    gc.collect()
    assert there() is None
