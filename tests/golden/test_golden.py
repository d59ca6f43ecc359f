"""All numbers are those of the versions that `cases.py` names, and the files that one of them wrote still say them."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pytest

import attention
from attention.view.files import from_file
from tests.golden.cases import CASES, DATA, HELD, PREDICTED, Case, held, predicted

NAMES = [case.name for case in CASES]


@cache
def stored() -> dict[str, np.ndarray]:
    with np.load(DATA / HELD) as file:
        return {name: file[name] for name in file.files}


def weights() -> np.ndarray:
    """Of the head that the exported files hold."""
    kind, layer, head = CASES[0].heads[0]
    return stored()[f"{CASES[0].name}/heads/{kind}-{layer}-{head}/weights"]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal but for the last digits, which another machine may add up in another order."""
    return one.shape == other.shape and one.dtype == other.dtype and _same(one, other)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype == np.uint8 and one.ndim > 1:  # pictures, of shades: one that lies between two may be either
        return bool((np.abs(one.astype(int) - other) <= 1).all() and (one != other).mean() < 0.01)
    if not np.issubdtype(one.dtype, np.floating):
        return np.array_equal(one, other)
    return np.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_heads_and_payloads_have_the_same_numbers(case: Case) -> None:
    before = {name: array for name, array in stored().items() if name.startswith(f"{case.name}/")}
    now = {f"{case.name}/{name}": array for name, array in held(case).items()}
    assert len(before) > 30
    assert sorted(before) == sorted(now)
    assert [name for name, array in before.items() if not alike(array, now[name])] == []


def test_another_number_would_be_seen() -> None:
    name = next(name for name in stored() if name.endswith("/weights"))
    other = stored()[name].copy()
    other[0, 0] -= 1e-3
    assert not alike(stored()[name], other)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_predictions_are_the_same(case: Case) -> None:
    before, now = json.loads((DATA / PREDICTED).read_text("utf-8"))[case.name], predicted(case)
    assert [place for place, _ in before] == [place for place, _ in now]
    for (_, ours), (_, theirs) in zip(now, before, strict=True):
        assert [token for token, _ in ours] == [token for token, _ in theirs]
        assert [share for _, share in ours] == pytest.approx([share for _, share in theirs], abs=1e-4)


def test_an_archive_is_read_with_the_same_numbers() -> None:
    trace = attention.load(DATA / "run.npz")
    for kind, layer, head in CASES[0].heads:
        view = trace.head(layer, head, kind)
        place = f"{CASES[0].name}/heads/{kind}-{layer}-{head}"
        assert alike(stored()[f"{place}/weights"], view.weights)
        assert alike(stored()[f"{place}/output"], view.output)
        assert view.error.ok


def test_a_view_file_is_the_same_view() -> None:
    assert from_file((DATA / "view.json").read_bytes()) == CASES[0].view


def test_a_document_and_a_table_say_the_same_numbers() -> None:
    told = json.loads((DATA / "run.json").read_text("utf-8"))["head"]["weights"]
    assert np.allclose(np.array(told, dtype=float), weights(), atol=1e-7)
    rows = list(csv.reader(io.StringIO((DATA / "run.csv").read_text("utf-8-sig"))))[1:]
    table = np.array([[float(cell or 0) for cell in row[1:]] for row in rows])
    assert np.allclose(table, weights(), atol=1e-7)


def test_a_figure_is_a_picture() -> None:
    root = ET.parse(DATA / "run.svg").getroot()
    assert root.tag.endswith("svg")
    assert "Attention weights of layer 1, head 1" in root.attrib["aria-label"]
