"""CSV: the shared cases, numbers that come back exactly, empty cells behind the mask, and no formula from any text."""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import attention
from attention.errors import InputError
from attention.export.table import MARK, cell, name_of, to_csv, what_there_is, written
from attention.record import HeadView, Trace

CASES = json.loads((Path(__file__).parents[1] / "data" / "csv_cases.json").read_text(encoding="utf-8"))
TRIGGERS = "=+-@＝＋－＠﹦﹢﹣﹫"


def rows_of(text: str) -> list[list[str]]:
    assert text.startswith(MARK)
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text.removeprefix(MARK), newline="")))


@pytest.fixture(scope="module")
def trace() -> Trace:
    return attention.trace("local", "=1+1 The cat, \"sat\" @home -2 The cat")


@pytest.fixture
def head(trace: Trace) -> HeadView:
    return trace.head(0, 1)


@pytest.mark.parametrize(("text", "expected"), CASES["texts"])
def test_a_text_is_written_as_in_the_shared_cases(text: str, expected: str) -> None:
    assert written([["first", text]]) == f"{MARK}first,{expected}\r\n"


@pytest.mark.parametrize(("number", "expected"), CASES["numbers"])
def test_a_number_is_written_as_in_the_shared_cases(number: float | None, expected: str) -> None:
    assert cell(number) == expected


@pytest.mark.parametrize(("rows", "expected"), CASES["tables"])
def test_a_table_is_written_as_in_the_shared_cases(rows: list[list[str | float | None]], expected: str) -> None:
    assert written(rows) == expected


DANGEROUS = st.builds(lambda a, b, c: a + b + c, st.text(" \t\r\n\"'\u200b"), st.sampled_from(TRIGGERS), st.text())


@given(st.text() | DANGEROUS)
def test_no_text_becomes_a_formula_and_none_is_lost(text: str) -> None:
    assert rows_of(written([[text, "end"]])) == [[cell(text), "end"]]
    shown = cell(text)
    assert shown in (text, f"'{text}")
    assert shown.strip(" \t\r\n\"\u200b\u00a0\u3000\ufeff")[:1] not in tuple(TRIGGERS)
    assert shown[:1] not in ("\t", "\r", "\n")


@given(st.floats(width=32))
def test_a_number_comes_back_as_the_same_float32(number: float) -> None:
    read = cell(number)
    if math.isfinite(number):
        assert np.float32(read) == np.float32(number)
    else:
        assert read == ""


def test_weights_are_queries_down_and_keys_across_and_empty_behind_the_mask(head: HeadView) -> None:
    rows = rows_of(to_csv(head))
    names = [cell(name_of(token)) for token in head.key_tokens]
    assert rows[0] == ["query \\ key", *names]
    assert [row[0] for row in rows[1:]] == names
    assert names[:2] == ["'=", "1"]
    for i, row in enumerate(rows[1:]):
        assert row[i + 2 :] == [""] * (len(names) - i - 1)
        assert np.array_equal(np.array(row[1 : i + 2], dtype=np.float32), head.weights[i, : i + 1])


def test_a_weight_of_zero_is_a_number_where_the_query_may_look() -> None:
    weights = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    shown = Trace.from_tensors(weights=weights, tokens=["a", "b"]).head(0, 0)
    assert rows_of(to_csv(shown))[1] == ["a", "1", "0"]


@pytest.mark.parametrize("name", ["scores", "scaled", "masked"])
def test_each_stage_is_a_table(head: HeadView, name: str) -> None:
    rows = rows_of(to_csv(head, name))
    numbers = np.array([[float(text) if text else -np.inf for text in row[1:]] for row in rows[1:]], dtype=np.float32)
    assert np.array_equal(numbers, head.stage(name))
    assert ("" in rows[1]) == (name == "masked")


@pytest.mark.parametrize("name", ["query", "key", "value", "output", "contribution"])
def test_vectors_are_tokens_and_dimensions(head: HeadView, name: str) -> None:
    rows = rows_of(to_csv(head, name))
    array = getattr(head, name)
    assert rows[0][1:] == [f"dimension {i}" for i in range(array.shape[1])]
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], dtype=np.float32), array)


def test_pairs_have_a_line_each_with_places_and_stages(head: HeadView) -> None:
    first, *rows = rows_of(to_csv(head, "pairs"))
    n = len(head.key_tokens)
    assert first == ["query", "query place", "key", "key place", "scores", "scaled", "masked", "weights"]
    assert len(rows) == n * n
    for row in rows:
        i, j = int(row[1]), int(row[3])
        assert (row[0], row[2]) == tuple(cell(name_of(head.key_tokens[place])) for place in (i, j))
        assert np.float32(row[4]) == head.scores[i, j]
        assert (row[6] == "") == (row[7] == "") == (j > i)


def test_a_learned_sink_has_a_column_so_that_rows_sum_to_one() -> None:
    draw = torch.Generator().manual_seed(1)
    q, k = (torch.randn(2, 5, 3, generator=draw) for _ in range(2))
    shown = Trace.from_tensors(query=q, key=k, sink=torch.tensor([0.5, -1.0])).head(0, 1)
    rows = rows_of(to_csv(shown))
    assert rows[0][-1] == "sink"
    for row in rows[1:]:
        assert sum(map(float, row[1:])) == pytest.approx(1, abs=1e-6)


def test_what_is_not_there_is_named(head: HeadView) -> None:
    with pytest.raises(InputError, match=r"no table 'softcapped'.*weights, scores, scaled, masked, query"):
        to_csv(head, "softcapped")
    alone = Trace.from_tensors(weights=torch.ones(1, 2, 2) / 2).head(0, 0)
    assert list(what_there_is(alone)) == ["weights", "pairs"]


def test_a_table_that_no_spreadsheet_opens_is_refused() -> None:
    q = torch.randn(1, 1500, 2)
    shown = Trace.from_tensors(query=q, key=q).head(0, 0)
    with pytest.raises(InputError, match="18,000,000 cells"):
        to_csv(shown, "pairs")
