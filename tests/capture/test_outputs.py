"""Models of one's own: whatever their forward gives, it is read, and the heads are the inner model's."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, BertPreTrainedModel

import attention
from attention.capture.decode import run_untouched
from attention.capture.inputs import Inputs
from attention.errors import UnsupportedModelError
from tests.tiny import build, ids

SIZES = {"vocab_size": 101, "hidden_size": 48, "num_attention_heads": 4, "num_hidden_layers": 2,
         "intermediate_size": 56}  # fmt: skip
TEXT = ids(11)


class Own(BertPreTrainedModel):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.bert, self.head = BertModel(config), nn.Linear(48, 2)
        self.post_init()

    def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
        hidden = self.bert(input_ids, attention_mask=attention_mask)[0]
        return self.given(self.head(hidden))


GIVEN = {
    "a dict": (lambda logits: {"logits": logits}, "logits"),
    "a dict with a loss": (lambda logits: {"loss": logits.sum(), "scores": logits}, "first output"),
    "a tuple without a loss": (lambda logits: (None, logits), "first output"),
    "a tuple with a loss": (lambda logits: (logits.sum(), logits), "first output"),
    "a tensor": (lambda logits: logits, "first output"),
}


def own(given: Any) -> Any:
    torch.manual_seed(2)
    model = type("Mine", (Own,), {"given": staticmethod(given)})(BertConfig(**SIZES)).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.3)
    return model


@pytest.mark.parametrize("form", GIVEN)
def test_whatever_a_forward_gives_is_compared_with_an_untouched_run(form: str) -> None:
    given, of = GIVEN[form]
    model = own(given)
    trace = attention.trace(model, TEXT)
    assert trace.fidelity is not None
    assert (trace.fidelity.of, trace.fidelity.ok) == (of, True)
    model.bert.set_attn_implementation("eager")
    with torch.no_grad():
        theirs = model.bert(torch.tensor([TEXT]), output_attentions=True).attentions
    for layer in range(2):
        for head in range(4):
            view = trace.head(layer, head)
            assert view.error.ok
            assert abs(view.weights - theirs[layer][0, head].numpy()).max() < 1e-5


def test_a_forward_without_numbers_is_refused_in_a_sentence() -> None:
    with pytest.raises(UnsupportedModelError, match="The forward of Mine gives dict without any numbers; let it"):
        attention.trace(own(lambda logits: {"loss": logits.sum()}), TEXT)


def test_an_untouched_run_has_its_parts_by_name() -> None:
    model = own(GIVEN["a dict"][0])
    output = run_untouched(model, Inputs(ids=tuple(TEXT)))
    with torch.no_grad():
        assert torch.equal(output.logits, model(torch.tensor([TEXT]))["logits"])


@pytest.mark.parametrize(("name", "kind"), [("bert", "encoder"), ("llama", "decoder"), ("bart", "both")])
def test_a_model_that_gives_tuples_by_itself_is_the_same_model(name: str, kind: str) -> None:
    pair = ids(7, seed=4) if kind == "both" else None
    expected = attention.trace(build(name, kind), TEXT, pair)
    model = build(name, kind)
    model.config.return_dict = False
    trace = attention.trace(model, TEXT, pair)
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    for one, other in zip(trace.all_records, expected.all_records, strict=True):
        assert torch.equal(one.query, other.query)
    assert model.config.return_dict is False
    if name != "bert":
        same = attention.predict(build(name, kind), TEXT, pair).last.candidates
        assert [c.id for c in attention.predict(model, TEXT, pair).last.candidates] == [c.id for c in same]
