"""What a layer can be, and how a link says it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention.errors import InputError
from attention.layer_settings import RANGES, LocalSettings, check_sizes, from_line


@st.composite
def some_settings(draw: st.DrawFn) -> LocalSettings:
    """Any that there can be."""
    shared, groups = draw(st.integers(1, 16)), draw(st.integers(1, 16))
    heads = shared * groups if shared * groups <= 16 else shared
    width = heads * draw(st.integers(1, 256 // heads))
    return LocalSettings(
        d_model=width, n_heads=heads, n_kv_heads=draw(st.sampled_from([0, shared])), causal=draw(st.booleans()),
        scaled=draw(st.booleans()), temperature=draw(st.floats(0.05, 20)), positions=draw(st.booleans()),
        seed=draw(st.integers(*RANGES["seed"])),
    )  # fmt: skip


@given(some_settings())
def test_a_line_says_all_of_it(settings: LocalSettings) -> None:
    assert from_line(str(settings)) == settings


@pytest.mark.parametrize(("line", "due"), [
    ("", LocalSettings()),
    ("heads=2", LocalSettings(n_heads=2, n_kv_heads=2)),
    ("heads=2,kv=1,both,seed=7", LocalSettings(n_heads=2, n_kv_heads=1, causal=False, seed=7)),
    ("d=32,unscaled,temperature=0.5,unplaced", LocalSettings(
        d_model=32, scaled=False, temperature=0.5, positions=False
    )),
    ("temperature=2", LocalSettings(temperature=2.0)),
])  # fmt: skip
def test_a_line_is_short(line: str, due: LocalSettings) -> None:
    assert from_line(line) == due
    assert str(due) == line


@pytest.mark.parametrize("line", [
    "heads", "heads=", "heads=3", "heads=-2", "heads=2.0", "heads=2,heads=2", "both,both", "both=1", "kv=3", "kv=0.5",
    "d=257", "d=0", "temperature=0.04", "temperature=21", "temperature=1e0", "temperature=nan", "seed=1000000000",
    "d=٣",
    "seed=" + "9" * 5000, ",", "heads=2,", " heads=2", "HEADS=2", "causal=0", "both," * 5000, "<b>", "d=2,heads=16",
])  # fmt: skip
def test_what_is_no_line_is_refused_in_one_short_sentence(line: str) -> None:
    with pytest.raises(InputError, match=r"\.$") as err:
        from_line(line)
    assert len(str(err.value)) < 250


@pytest.mark.parametrize("wrong", [
    {"d_model": 300}, {"d_model": 64.0}, {"d_model": True}, {"n_heads": 0}, {"n_heads": 17, "d_model": 34},
    {"n_heads": 5}, {"n_kv_heads": 3}, {"n_kv_heads": 8}, {"n_kv_heads": -1}, {"causal": 1}, {"scaled": "no"},
    {"positions": None}, {"temperature": 0}, {"temperature": float("nan")}, {"temperature": "1"}, {"temperature": True},
    {"seed": -1}, {"seed": 10**9},
])  # fmt: skip
def test_what_makes_no_layer_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        LocalSettings(**wrong)


def test_as_many_key_value_heads_as_heads_unless_named() -> None:
    assert LocalSettings().n_kv_heads == 4
    assert LocalSettings(n_heads=8) == LocalSettings(n_heads=8, n_kv_heads=8)
    assert LocalSettings(n_heads=8, n_kv_heads=2).d_head == 8
    assert replace(LocalSettings(), temperature=2) == LocalSettings(temperature=2.0)
    assert isinstance(replace(LocalSettings(), temperature=2).temperature, float)


@pytest.mark.parametrize("sizes", [(64, 4, 0), (0, 4, 4), (65, 4, 4), (64, 4, 3)])
def test_sizes_that_do_not_fit_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        check_sizes(*sizes)
