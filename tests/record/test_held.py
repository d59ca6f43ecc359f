"""A field of a record is declared once: a made-up one is packed, read back, refused when wrong, and travels."""

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from attention.browser.heads import heads_tree, size
from attention.errors import InputError
from attention.export.provenance import HeadCheck
from attention.record import (
    AttentionRecord,
    Difference,
    Fidelity,
    HeadError,
    Kept,
    Mask,
    ModelFacts,
    PositionBias,
    StoredMaps,
    StoredProjection,
    Token,
    Trace,
    held,
    pack,
    unpack,
)
from attention.record.arrays import ArrayReader
from attention.record.fields import Fields
from attention.record.readback import read_record

H, N, D = 3, 5, 7
RECORDS = (
    AttentionRecord, Difference, Fidelity, HeadCheck, HeadError, Kept, Mask, ModelFacts, PositionBias, StoredMaps,
    StoredProjection, Token, Trace,
)  # fmt: skip
# What no file holds under its record, and why.
NOT_HELD = {
    "witness": "the model's own code, which a file has not",
    "all_records": "held operation by operation, each looked at with its parts",
    "fidelity": "a part of the provenance", "error": "a part of the provenance", "checked": "made of the provenance",
    "prompt": "a part of the view that a file opens on",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Wider(AttentionRecord):
    """An operation with two fields more: these lines are all that is said of them."""

    gate: Tensor | None = field(default=None, metadata=held.travelling(held.array("h n_q")))
    reach: int = field(default=3, metadata=held.travelling(held.whole(1, 9)))


def trace_of(**more: Any) -> Trace:
    draw = torch.Generator().manual_seed(5)
    q, k, v = (torch.randn(H, N, D, generator=draw) for _ in range(3))
    facts = ModelFacts(name="made up", architecture="none", capture_mode="tensors")
    tokens = tuple(Token(piece=name, text=name) for name in "abcde")
    record = Wider(layer=2, kind="decoder", query=q, key=k, value=v, **more)
    return Trace(model=facts, tokens=tokens, all_records=(record,))


def packed(**more: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    tree, arrays = pack(trace_of(**more))
    return json.loads(json.dumps(tree)), arrays


def read(tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> Wider:
    return read_record(Wider, Fields(tree["records"][0], "trace.records[0]"), ArrayReader(arrays))


def test_a_made_up_field_is_packed_and_read_back() -> None:
    gate = torch.rand(H, N)
    tree, arrays = packed(gate=gate, reach=8)
    assert np.array_equal(arrays["decoder.2.gate"], gate.numpy())
    back = read(tree, arrays)
    assert back.reach == 8
    assert back.gate is not None
    assert torch.equal(back.gate, gate)
    assert read(*packed()).gate is None
    with pytest.raises(InputError, match=r"names trace\.records.*'gate', unknown here"):
        unpack(tree, arrays)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "left out": (lambda one: one.pop("reach"), r"its trace\.records\[0\]\.reach must be there"),
    "null": (lambda one: one.update(reach=None), r"its decoder\.2\.reach must be a whole number from 1 to 9"),
    "too low": (lambda one: one.update(reach=0), "reach must be a whole number from 1 to 9"),
    "too high": (lambda one: one.update(reach=10), "reach must be a whole number from 1 to 9"),
    "a switch": (lambda one: one.update(reach=True), "reach must be a whole number from 1 to 9"),
    "in words": (lambda one: one.update(reach="3"), "reach must be a whole number from 1 to 9"),
    "an array of other axes": (lambda one: one.update(gate=one["query"]), r"gate must be of shape \(any, any\), not"),
    "an array of another type": (lambda one: one["gate"].update(type="bool"), r"gate\.type must be one of float16"),
    "an array that is not there": (lambda one: one["gate"].update(array="none"), "gate must be an array of the file"),
    "a number for an array": (lambda one: one.update(gate=1), r"gate must be an object"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG)
def test_it_is_refused_when_it_is_wrong(change: Callable[[dict[str, Any]], object], says: str) -> None:
    tree, arrays = packed(gate=torch.rand(H, N), reach=8)
    change(tree["records"][0])
    with pytest.raises(InputError, match=says):
        read(tree, arrays)


def test_its_axes_are_held_to_the_others() -> None:
    with pytest.raises(InputError, match=r"decoder\.2\.gate must be of shape \(3, 5\), not \(5, 3\)"):
        read(*packed(gate=torch.rand(N, H)))


def test_a_bias_has_one_form() -> None:
    bias = PositionBias(n_q=N, n_k=N, by_key=torch.zeros(1, N), dense=torch.zeros(1, N, N))
    says = r"decoder\.2\.position_bias must be of one form: by_distance, by_key, dense"
    with pytest.raises(InputError, match=says):
        read(*packed(position_bias=bias))
    tree, arrays = packed(position_bias=replace(bias, dense=None))
    assert list(read(tree, arrays).position_bias.forms) == ["by_key"]  # type: ignore[union-attr]
    del tree["records"][0]["position_bias"]["by_key"]
    with pytest.raises(InputError, match=says):
        read(tree, arrays)


def test_it_travels_with_the_heads_that_do() -> None:
    gate = torch.rand(H, N)
    trace = trace_of(gate=gate, reach=8)
    [layer] = heads_tree(trace, heads=[2, 0])["layers"]
    assert layer["reach"] == 8
    assert np.array_equal(layer["gate"], gate.numpy()[[2, 0]])
    without = [replace(record, gate=None) for record in trace.all_records]  # type: ignore[call-arg]
    assert size(trace.all_records) - size(without) == gate.numel() * 4


def test_what_a_model_alone_knows_is_in_no_file() -> None:
    assert "witness" not in packed()[0]["records"][0]


@pytest.mark.parametrize("of", RECORDS, ids=lambda of: of.__name__)
def test_every_field_is_held_or_stands_here_with_the_reason(of: type) -> None:
    names = {one.name for one in fields(of)}
    assert names - held.declared(of).keys() == names & NOT_HELD.keys()


@pytest.mark.parametrize("of", [Token, ModelFacts], ids=lambda of: of.__name__)
def test_what_is_at_its_default_can_be_left_out_and_comes_back(of: type) -> None:
    needed = {one.name: "a" for one in fields(of) if one.default is MISSING}
    made, brief = of(**needed), {held.keys(of)[name]: "a" for name in needed}
    assert held.written(made, brief=True) == brief
    assert held.read(of, Fields(brief, "it"), brief=True) == made
    assert held.read(of, Fields(held.written(made), "it")) == made
    with pytest.raises(InputError, match=r"its it\.\w+ must be there"):
        held.read(of, Fields(brief, "it"))


def test_a_name_in_a_file_can_be_another() -> None:
    error = HeadError(parts={"weights": Difference(0.5, float("nan"), 1e-5)}, tolerance=0.25, against="it")
    tree = held.written(error)
    assert tree == {
        "parts": {"weights": {"absolute": 0.5, "relative": "nan", "allowed": 1e-5}}, "allowed": 0.25, "against": "it",
        "unchecked": [],
    }  # fmt: skip
    back = held.read(HeadError, Fields(tree, "check"))
    assert (back.tolerance, back.against, back.parts["weights"].absolute) == (0.25, "it", 0.5)
