"""The top of the page, as Streamlit runs it: a text that the model was not trained on is said to be one."""

import pytest

from attention.catalogue import find, samples
from tests.ui.test_inspect import opened


def captions(**query: str) -> list[str]:
    app = opened(popovers=False, **query)
    assert not app.exception
    return [each.value for each in app.caption]


def test_a_sentence_to_the_date_translator_is_said_to_be_no_date() -> None:
    assert find("dates").doubt in captions(model="dates", text="The cat sat on the mat.")


@pytest.mark.parametrize("query", [{"model": "dates", "text": samples("dates")[0].text}, {"text": "The cat sat."}])
def test_nothing_is_said_of_what_a_model_was_trained_on(query: dict[str, str]) -> None:
    assert find("dates").doubt not in captions(**query)
