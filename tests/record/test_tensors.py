"""`Trace.from_tensors` with what a model returns: a tuple of layers, each of a batch."""

from typing import Any

import numpy as np
import pytest
import torch

from attention.errors import InputError
from attention.record import Trace
from tests.tiny import build, ids

TEXTS = torch.tensor([ids(5), ids(5, seed=7)])


@pytest.fixture(scope="module")
def own() -> Any:
    """A decoder's and an encoder-decoder's maps of a batch of two texts."""
    decoder, both = build("gpt2", "decoder"), build("bart", "both")
    decoder.set_attn_implementation("eager")
    both.set_attn_implementation("eager")
    with torch.no_grad():
        return (
            decoder(TEXTS, output_attentions=True).attentions,
            both(TEXTS, decoder_input_ids=TEXTS[:, :3], output_attentions=True).cross_attentions,
        )


def same(trace: Trace, layers: Any, text: int) -> bool:
    """Whether each head has the model's own map of one text."""
    return len(trace.records()) == len(layers) and all(
        np.array_equal(trace.head(layer, head).weights, layers[layer][text, head].numpy())
        for layer in range(len(layers))
        for head in range(layers[layer].shape[1])
    )


@pytest.mark.parametrize("which", [0, 1], ids=["own", "cross"])
def test_the_tuple_of_layers_that_a_model_returns(own: Any, which: int) -> None:
    layers = own[which]
    alone = tuple(layer[:1] for layer in layers)
    for given in (alone, list(alone), torch.stack(alone), [layer[0].numpy() for layer in alone]):
        made = Trace.from_tensors(weights=given)
        assert same(made, layers, 0)
        assert made.notes == ()
    for text in (0, 1):
        assert same(Trace.from_tensors(weights=layers, batch=text), layers, text)
        assert same(Trace.from_tensors(weights=torch.stack(layers), batch=text), layers, text)
        assert same(Trace.from_tensors(weights=layers[0], batch=text), layers[:1], text)


def test_a_first_axis_that_may_be_a_batch_is_said_to_be_layers(own: Any) -> None:
    made = Trace.from_tensors(weights=own[0][0])
    assert len(made.records()) == 2
    assert made.notes == ("The first axis, of 2, was read as layers; of a batch, choose one text with batch=0.",)


def test_queries_and_keys_come_so_too() -> None:
    query, key = (tuple(torch.randn(1, 2, 5, 3) for _ in range(3)) for _ in range(2))
    made = Trace.from_tensors(query=query, key=key)
    wanted = (query[2][0, 1] @ key[2][0, 1].T * 3**-0.5).softmax(-1)
    np.testing.assert_allclose(made.head(2, 1).weights, wanted.numpy(), atol=1e-6)


def test_what_cannot_be_one_text_is_refused(own: Any) -> None:
    layers = own[0]
    wrong = {
        "weights is of a batch of 2 texts; say which one": {"weights": layers},
        r"There is no text 2 in weights; its batch has 0 to 1": {"weights": layers, "batch": 2},
        "as generate\\(\\) returns them": {"weights": (layers, layers)},
        r"weights\[1\] is no tensor": {"weights": (layers[0], None)},
        "differ in shape or type": {"weights": (layers[0], layers[1][..., :4]), "batch": 0},
    }
    for message, given in wrong.items():
        with pytest.raises(InputError, match=message):
            Trace.from_tensors(**given)
