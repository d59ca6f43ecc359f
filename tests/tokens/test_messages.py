"""Messages of a chat as a person gives them: what cannot be used is refused with its number and what to do."""

from types import MappingProxyType
from typing import Any

import pytest

import attention
from attention.errors import InputError
from attention.tokens.messages import characters_of, read_messages
from tests import small_models
from tests.tokens.test_chat import speaking

GOOD = {"role": "user", "content": "Hi"}
WRONG = {
    "no role": ({"content": "Hi"}, "Message 2 is not made of role and content; give messages such as"),
    "a string among them": ("Hi", "Message 2 is not made of role and content"),
    "a tool call": ({**GOOD, "tool_calls": []}, "Message 2 has 'tool_calls'; only role and content are read here"),
    "a role that is no word": ({**GOOD, "role": "the user"}, "The role of message 2 is 'the user'; give a"),
    "a role that is no string": ({**GOOD, "role": 3}, "The role of message 2 is 3; give a word such as user"),
    "parts": ({**GOOD, "content": [{"type": "text", "text": "Hi"}]}, "The content of message 2 is a list; give a"),
    "no content": ({**GOOD, "content": None}, "The content of message 2 is a NoneType; give a string"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_first_message_that_cannot_be_used_is_named(name: str) -> None:
    message, said = WRONG[name]
    with pytest.raises(InputError, match=said):
        attention.trace(small_models.model("gpt2"), [GOOD, message], tokenizer=speaking(), chat=True)


def test_any_mapping_is_a_message() -> None:
    assert read_messages([MappingProxyType(GOOD)]) == [GOOD]
    assert characters_of([GOOD, "no message", {"role": None, "content": "abc"}]) == len("userHi") + 3


def test_messages_without_chat_are_told_what_they_lack() -> None:
    with pytest.raises(InputError, match="give them with chat=True"):
        attention.trace(small_models.model("gpt2"), [GOOD], tokenizer=speaking())


@pytest.mark.parametrize("given", [[], GOOD, ["The", "cat"], [1, 2]])
def test_what_is_neither_text_nor_messages_is_told_both_forms(given: Any) -> None:
    with pytest.raises(InputError, match=r"the text is a string, or messages such as .*role.*leave chat off"):
        attention.trace(small_models.model("gpt2"), given, tokenizer=speaking(), chat=True)
