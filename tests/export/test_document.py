"""One head as JSON: valid, complete, and the same numbers to the last float32 digit."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.errors import InputError, NoSuchHeadError
from attention.export import to_json
from attention.export.document import numbers
from attention.record import HeadView, Trace
from attention.view import View, parse
from tests.export.made import SORTS


def no_constants(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def read(trace: Trace, view: View) -> dict[str, Any]:
    return dict(json.loads(to_json(trace, view), parse_constant=no_constants))


@pytest.fixture(params=["storyteller", "t5", "gemma2", "gpt-oss", "llama in bfloat16", "deberta", "weights alone",
                        "tensors without rules"])  # fmt: skip
def head(request: pytest.FixtureRequest) -> HeadView:
    trace = SORTS[request.param]()
    kind = trace.kinds[-1]
    return trace.head(max(trace.records(kind)), 1, kind)


def as_array(node: Any) -> np.ndarray:
    return np.array(node, dtype=np.float64).astype(np.float32)  # null becomes NaN


def view_of(head: HeadView) -> View:
    return View(kind=head.kind, layer=head.layer, head=head.head)


def test_the_head_is_there_to_the_last_digit(head: HeadView) -> None:
    tree = read(head.trace, view_of(head))
    own = tree["head"]
    assert (own["kind"], own["layer"], own["head"]) == (head.kind, head.layer, head.head)
    for name in ("query", "key", "value", "output", "contribution"):
        array = getattr(head, name)
        assert (own[name] is None) == (array is None), name
        if array is not None:
            assert np.array_equal(as_array(own[name]), array), name
    assert np.array_equal(as_array(own["weights"]), head.weights)
    assert list(own["stages"]) == [name for name, _ in head.stages if name != "weights"]
    for name, stage in own["stages"].items():
        array = head.stage(name)
        assert np.array_equal(as_array(stage["numbers"]), np.where(np.isneginf(array), np.nan, array), equal_nan=True)
        assert stage["what"]
    assert (own["no_contribution"], own["unknown"]) == (head.no_contribution, list(head.unknown))


def test_its_tokens_rules_view_and_check_are_there(head: HeadView) -> None:
    view = view_of(head)
    tree = read(head.trace, view)
    assert [token["text"] for token in tree["tokens"]["keys"]] == [token.text for token in head.key_tokens]
    assert [token["id"] for token in tree["tokens"]["queries"]] == [token.id for token in head.query_tokens]
    rules, record = tree["head"]["rules"], head.record
    assert (rules["scale"], rules["softcap"]) == (record.scale, record.softcap)
    allowed = record.allowed(head.head)
    assert (rules["may_look"] is None) == (allowed is None)
    assert allowed is None or np.array_equal(np.array(rules["may_look"], dtype=bool), allowed.numpy())
    assert (rules["position_bias"] is None) == (record.position_bias is None)
    assert parse(tree["view"]) == (view, ())
    assert [check["head"] for check in tree["provenance"]["checks"]["heads"]] == [head.head]


def test_a_person_can_make_the_weights_from_what_is_there() -> None:
    trace = attention.trace("storyteller", "The cat sat on the mat.")
    own = read(trace, View(layer=1, head=2))["head"]
    scaled = np.array(own["query"]) @ np.array(own["key"]).T * own["rules"]["scale"]
    closed = np.where(np.array(own["rules"]["may_look"]), scaled, -np.inf)
    parts = np.exp(closed - closed.max(axis=1, keepdims=True))
    assert np.allclose(parts / parts.sum(axis=1, keepdims=True), own["weights"], atol=1e-6)


def nulls(node: Any) -> Iterator[None]:
    if isinstance(node, list):
        for one in node:
            yield from nulls(one)
    elif node is None:
        yield None


def test_no_number_is_null_and_masked_ones_are() -> None:
    trace = attention.trace("local", "a b c")
    own = read(trace, View())["head"]
    assert len(list(nulls(own["stages"]["masked"]["numbers"]))) == 3
    assert not list(nulls(own["weights"]))
    assert numbers(np.array([math.nan, math.inf, -math.inf, 0.1], dtype=np.float32)) == [None, None, None, 0.1]


def test_empty_axes_keep_their_shape() -> None:
    assert numbers(np.zeros((2, 0), dtype=np.float32)) == [[], []]
    assert numbers(np.zeros((0, 3), dtype=np.float32)) == []


def test_half_a_character_does_not_break_the_file() -> None:
    text = to_json(attention.trace("local", "a \ud800b"), View())
    assert text.encode("utf-8").decode("utf-8") == text
    assert "\ufffd" in [token["text"] for token in json.loads(text)["tokens"]["keys"]]


def test_what_is_too_large_or_not_there_is_refused() -> None:
    with pytest.raises(NoSuchHeadError):
        to_json(attention.trace("local", "a b"), View(layer=3))
    q = torch.randn(1, 1000, 1)
    with pytest.raises(InputError, match="5,000,000 numbers"):
        to_json(Trace.from_tensors(query=q, key=q), View())
