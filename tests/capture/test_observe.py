"""An observer at the seam, in every capture mode: it reduces a batch, edits each text for itself, takes gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

import attention
from attention.capture import Address, Call, Inputs, Product, observe
from attention.errors import InputError, UnsupportedModelError
from tests.tiny import build, ids

SIZES = (13, 5, 9, 2, 13, 7, 1, 11)
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 32}
# name, kind, sizes and capture mode; together: grouped heads, windows, a cap, sinks, biases by position, a pair.
FAMILIES: list[tuple[str, str, dict[str, Any], str]] = [
    ("gpt2", "decoder", {}, "registry"), ("bert", "encoder", {}, "registry"), ("llama", "decoder", {}, "registry"),
    ("mistral", "decoder", {}, "registry"), ("gemma2", "decoder", {"attn_logit_softcapping": 5.0}, "registry"),
    ("gpt_oss", "decoder", {}, "registry"), ("t5", "both", {}, "registry"), ("bart", "both", {}, "registry"),
    ("modernbert", "encoder", {}, "registry"), ("roberta", "masked", {}, "registry"),
    ("falcon", "decoder", {}, "call"), ("xglm", "decoder", {"attention_heads": 4, "ffn_dim": 56}, "softmax"),
    ("bloom", "decoder", {}, "softmax"), ("gptj", "decoder", {"rotary_dim": 8}, "softmax"),
    ("openai-gpt", "decoder", {}, "softmax"), ("mpnet", "encoder", {}, "softmax"),
    ("deberta-v2", "encoder", RELATIVE, "softmax"), ("fsmt", "both", {}, "softmax"),
]  # fmt: skip
SINGLE = ("gemma2", "gpt_oss", "xglm", "fsmt")


def texts_for(kind: str, sizes: tuple[int, ...] = SIZES) -> list[Inputs]:
    pairs = [tuple(ids(3 + n % 5, seed=40 + n)) if kind == "both" else () for n in range(len(sizes))]
    return [
        Inputs(ids=tuple(ids(n, seed=20 + i)), pair_ids=pair)
        for i, (n, pair) in enumerate(zip(sizes, pairs, strict=True))
    ]


@dataclass
class Entropy:
    """Sums the entropy of each text's rows, a few rows at a time: no map outlives its block."""

    sums: dict[Address, Tensor] = field(default_factory=dict)
    modes: set[str] = field(default_factory=set)

    def attend(self, call: Call, product: Product) -> Tensor:
        assert call.address is not None
        total = torch.zeros(len(call.sizes), call.n_heads, dtype=torch.float64)
        for start in range(0, call.n_q, 4):
            weights = call.stages(slice(start, start + 4)).weights.double()  # (b, h, 4, n_k)
            rows = torch.arange(start, start + weights.shape[2])
            real = rows < torch.tensor(call.lengths)[:, None]
            total += (torch.special.entr(weights).sum(-1) * real[:, None]).sum(-1)
        self.sums[call.address] = total
        self.modes.add(call.mode)
        return product(call)


@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), FAMILIES, ids=[family[0] for family in FAMILIES])
def test_the_entropy_of_a_batch_is_that_of_one_trace_each(
    name: str, kind: str, sizes: dict[str, Any], mode: str
) -> None:
    # A batch and a single text round differently: in double where the model can run so.
    model = build(name, kind, **sizes).to(torch.float32 if name in SINGLE else torch.float64)
    texts, seen = texts_for(kind), Entropy()
    observe(model, texts, seen)
    assert seen.modes == {mode}
    for at, text in enumerate(texts):
        trace = attention.trace(model, list(text.ids), list(text.pair_ids) or None)
        records = {Address(record.kind, record.layer, record.op): record for record in trace.all_records}
        assert records.keys() == seen.sums.keys()
        for address in records:
            for head in range(records[address].n_heads):
                weights = torch.from_numpy(trace.head(address.layer, head, address.kind).weights.copy()).double()
                own = float(torch.special.entr(weights).sum())
                assert float(seen.sums[address][at, head]) == pytest.approx(own, rel=1e-5, abs=1e-5)


@dataclass
class Edits:
    """Edits another head of one layer in each text: in text r head r is off, or its query 3 may not see key 1."""

    address: Address
    how: str

    def attend(self, call: Call, product: Product) -> Tensor:
        if call.address != self.address:
            return product(call)
        if self.how == "output":
            output = product(call).clone()
            for text in range(len(call.sizes)):
                output[text, :, text] = 0
            return output
        cut = torch.zeros(len(call.sizes), call.n_heads, call.n_q, call.n_k, dtype=torch.bool)
        for text in range(len(call.sizes)):
            cut[text, text, 3, 1] = True
        return product(call.forbidding(cut))


EDITED = [family for family in FAMILIES if family[0] in ("gpt2", "bert", "gemma2", "falcon", "bloom", "mpnet")]


def off_by_a_hook(model: Any, projection: Any, head: int, text: Inputs) -> Tensor:
    """The model's own run with one head's slice of its projection's input set to 0: no code of ours in it."""

    def before(module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        heads = args[0].clone()
        width = heads.shape[-1] // 4
        heads[..., head * width : (head + 1) * width] = 0
        return (heads,)

    hook = projection.register_forward_pre_hook(before)
    try:
        with torch.no_grad():
            return model(input_ids=torch.tensor([text.ids]), attention_mask=torch.ones(1, len(text.ids)))[0][0]
    finally:
        hook.remove()


@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), EDITED, ids=[family[0] for family in EDITED])
def test_each_text_of_a_batch_can_be_edited_for_itself(name: str, kind: str, sizes: dict[str, Any], mode: str) -> None:
    model, text = build(name, kind, **sizes), texts_for(kind, (9,))[0]
    record = attention.trace(model, list(text.ids)).record(1)
    assert record.projection is not None
    projection = model.get_submodule(record.projection.name)
    edits = Edits(Address(record.kind, 1), "output")
    edited = observe(model, [text] * 4, edits).tensor
    for head in range(4):
        own = off_by_a_hook(model, projection, head, text)
        assert (edited[head] - own).abs().max() < 1e-4 * own.abs().max()
    assert (edited[0] - edited[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), EDITED, ids=[family[0] for family in EDITED])
def test_an_edge_that_is_cut_leaves_its_weight_to_the_rest(
    name: str, kind: str, sizes: dict[str, Any], mode: str
) -> None:
    """Without key j a row's weights are w / (1 − w_j); told from the heads' outputs and values alone."""
    model, text = build(name, kind, **sizes), texts_for(kind, (9,))[0]
    trace = attention.trace(model, list(text.ids))
    outputs: list[Tensor] = []

    class Both(Edits):
        def attend(self, call: Call, product: Product) -> Tensor:
            output = super().attend(call, product)
            if call.address == self.address:
                outputs.append(output.detach().clone())
            return output

    observe(model, [text] * 4, Both(Address(trace.default_kind, 1), "mask"))
    for head in range(4):
        view = trace.head(1, head)
        weights, values = torch.from_numpy(view.weights.copy()), torch.from_numpy(view.value.copy())
        rest = weights[3].clone()
        rest[1] = 0
        own = (rest / rest.sum()) @ values
        assert (outputs[0][head, 3, head] - own).abs().max() < 1e-4 * values.abs().max()
        others = [other for other in range(4) if other != head]
        assert (outputs[0][others, 3, head] - weights[3] @ values).abs().max() < 1e-4 * values.abs().max()


@dataclass
class Keep:
    """Keeps what entered and left each operation, as part of the graph."""

    values: dict[Address, Tensor] = field(default_factory=dict)
    outputs: dict[Address, Tensor] = field(default_factory=dict)

    def attend(self, call: Call, product: Product) -> Tensor:
        assert call.address is not None
        self.values[call.address] = call.value
        self.outputs[call.address] = output = product(call)
        return output


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), EDITED, ids=[family[0] for family in EDITED])
def test_gradients_of_each_head_are_those_of_the_projections_input(
    name: str, kind: str, sizes: dict[str, Any], mode: str, frozen: bool
) -> None:
    model, text = build(name, kind, **sizes).requires_grad_(not frozen), texts_for(kind, (9,))[0]
    record = attention.trace(model, list(text.ids)).record(1)
    assert record.projection is not None
    kept, address = Keep(), Address(record.kind, 1)
    result = observe(model, [text, text], kept, differentiable=True).tensor
    output, value = kept.outputs[address], kept.values[address]
    of_output, of_value = torch.autograd.grad(result[:, -1, 5].sum(), [output, value])
    entered: list[Tensor] = []

    def before(module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        entered.append(args[0].detach().requires_grad_())
        return (entered[0],)

    hook = model.get_submodule(record.projection.name).register_forward_pre_hook(before)
    own = model(input_ids=torch.tensor([text.ids]), attention_mask=torch.ones(1, len(text.ids)))[0]
    hook.remove()
    (theirs,) = torch.autograd.grad(own[0, -1, 5], entered)
    theirs = theirs.reshape(9, 4, -1)
    for row in of_output:
        assert (row - theirs).abs().max() < 1e-4 * theirs.abs().max()
    assert of_value.shape == value.shape
    assert of_value.abs().max() > 0


def test_an_unedited_run_is_the_models_own() -> None:
    for name, kind, sizes, _ in EDITED:
        model, text = build(name, kind, **sizes), texts_for(kind, (9,))[0]
        result = observe(model, [text], Keep()).tensor
        with torch.no_grad():
            own = model(input_ids=torch.tensor([text.ids]), attention_mask=torch.ones(1, 9))[0]
        assert (result - own).abs().max() < 1e-5 * own.abs().max()


def test_texts_that_cannot_run_together_are_refused() -> None:
    model = build("bart", "both")
    alone, pair = Inputs(ids=(5, 6)), Inputs(ids=(5, 6), pair_ids=(7,))
    with pytest.raises(InputError, match="must all have a pair or none"):
        observe(model, [alone, pair], Keep())
    with pytest.raises(InputError, match="no text"):
        observe(model, [], Keep())


def test_a_run_in_another_order_than_learned_is_refused() -> None:
    """A model that leaves a layer out for some texts: what cannot be told apart is not passed off as known."""
    model, text = build("gpt2", "decoder"), texts_for("decoder", (9,))[0]
    observe(model, [text], Keep())
    model.transformer.h[1].forward = lambda hidden_states, *args, **kwargs: hidden_states
    with pytest.raises(UnsupportedModelError, match="the same attention operations"):
        observe(model, [text], Keep())
    assert [record.layer for record in attention.trace(model, list(text.ids)).all_records] == [0, 2]
