"""What enters a model: ids in every form that people have them, for the text and for an encoder-decoder's target."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.catalogue import find
from attention.config import Limits
from attention.errors import InputError, TooLongError
from attention.source import inputs_of, loaded_source
from tests.tiny import build, ids

FORMS: dict[str, Callable[[list[int]], Any]] = {
    "list": list,
    "tuple": tuple,
    "tensor": torch.tensor,
    "batch of one": lambda row: torch.tensor([row]),
    "int32": lambda row: torch.tensor(row, dtype=torch.int32),
    "array": np.array,
    "array, batch of one": lambda row: np.array([row], dtype=np.int32),
    "list of a list": lambda row: [row],
    "list of a tensor": lambda row: [torch.tensor(row)],
    "list of numbers of numpy": lambda row: list(np.array(row)),
    "list of tensors": lambda row: [torch.tensor(one) for one in row],
}
CALLS = {"trace": attention.trace, "predict": attention.predict, "generate": attention.generate}


@pytest.fixture(scope="module")
def both() -> Any:
    return build("bart", "both")


@pytest.fixture(scope="module")
def decoder() -> Any:
    return build("gpt2", "decoder")


@pytest.mark.parametrize("form", FORMS)
def test_ids_of_every_form_enter_as_they_are(both: Any, decoder: Any, form: str) -> None:
    text, pair = ids(6), [1, *ids(3, seed=5)]
    entered, tokens, pair_tokens = inputs_of(loaded_source(both), FORMS[form](text), FORMS[form](pair), None)
    assert (list(entered.ids), list(entered.pair_ids)) == (text, pair)
    assert ([one.id for one in tokens], [one.id for one in pair_tokens]) == (text, pair)
    assert list(inputs_of(loaded_source(decoder), FORMS[form](text), None, None)[0].ids) == text


def test_what_the_library_wrote_enters_every_call(both: Any) -> None:
    written = both.generate(torch.tensor([ids(6)]), max_new_tokens=4, do_sample=False)
    for pair in (written, written[0], written[0].numpy()):
        made = attention.trace(both, ids(6), pair)
        assert [token.id for token in made.pair_tokens] == written[0].tolist()
        with torch.no_grad():
            own = both(input_ids=torch.tensor([ids(6)]), decoder_input_ids=written).logits[0]
        best = attention.predict(both, ids(6), pair)
        assert [one.candidates[0].id for one in best] == own.argmax(-1).tolist()
        going_on = attention.generate(both, ids(6), pair, 1)
        assert list(going_on.ids[: written.shape[1]]) == written[0].tolist()


WRONG = {
    "a batch of two": torch.tensor([[5, 6], [7, 8]]),
    "fractions": torch.tensor([0.5, 1.5]),
    "booleans": np.array([True, False]),
    "one number": torch.tensor(5),
    "a list of tensors of two": [torch.tensor([5, 6]), torch.tensor([7, 8])],
    "what a tokenizer returns whole": {"input_ids": [5, 6]},
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("form", WRONG)
def test_other_forms_are_refused_by_the_name_of_what_was_given(both: Any, call: str, form: str) -> None:
    with pytest.raises(InputError, match="pair must be a string, a list of whole numbers or a 1-D tensor"):
        CALLS[call](both, ids(6), WRONG[form])
    with pytest.raises(InputError, match="text must be a string, a list of whole numbers or a 1-D tensor"):
        CALLS[call](both, WRONG[form])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("nothing", [[], torch.tensor([], dtype=torch.long), np.zeros((1, 0), dtype=int)])
def test_no_ids_at_all_are_refused(both: Any, decoder: Any, call: str, nothing: Any) -> None:
    with pytest.raises(InputError, match="pair has no ids"):
        CALLS[call](both, ids(6), nothing)
    with pytest.raises(InputError, match="There is no token to look at"):
        CALLS[call](decoder, nothing)


LONG = {
    "text": ("abcdefgh", None, False, "This text has 8 characters"),
    "pair": ("abc", "abcdefgh", False, "This second text has 8 characters"),
    "words": (["abc", "defg"], None, False, "These words or messages have 8 characters"),
    "messages": ([{"role": "user", "content": "abcd"}], None, True, "These words or messages have 8 characters"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("form", LONG)
def test_more_characters_than_the_limits_allow_are_refused_in_every_form(both: Any, call: str, form: str) -> None:
    text, pair, chat, said = LONG[form]
    with pytest.raises(TooLongError, match=f"{said}; the limit here is 7. Shorten"):
        CALLS[call](both, text, pair, chat=chat, limits=Limits(max_characters=7))
    with pytest.raises(InputError, match="tokenizer"):  # so many may be, and then somebody has to read them
        CALLS[call](both, text, pair, chat=chat, limits=Limits(max_characters=8))


def test_the_local_model_obeys_the_limit_of_characters_too() -> None:
    with pytest.raises(TooLongError, match="has 8 characters; the limit here is 7"):
        attention.trace("local", "abcdefgh", limits=Limits(max_characters=7))
    assert attention.trace("local", "abcdefgh", limits=Limits(max_characters=8)).tokens


def test_ids_have_no_characters(decoder: Any) -> None:
    assert attention.trace(decoder, ids(6), limits=Limits(max_characters=1)).tokens


def test_a_text_that_the_model_was_not_trained_on_is_noted_in_its_trace() -> None:
    said = find("dates").doubt
    assert said in attention.trace("dates", "The cat sat.").notes
    assert said in attention.trace("dates", ["The", "cat", "sat."], "1998").notes
    for text in ("3 May 1998", ["3", "May", "1998"]):
        assert said not in attention.trace("dates", text).notes
    assert said not in attention.trace("dates", [5, 6, 7]).notes
