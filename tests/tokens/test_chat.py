"""A text as a message to a chat model: the tokens are those of the whole prompt, and templates have little room."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest

import attention
from attention.errors import InputError
from attention.tokens import as_message, as_prompt, chat, has_template
from tests import small_models

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {
    "chatml": CHATML,
    "by name": "{{ bos_token }}{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}",
    "refuses systems": (
        "{%- if messages[0].role == 'system' %}{{ raise_exception('no system') }}{%- endif %}\n"
        "{%- for m in messages %}\n    {{- '<s>' + m['role'] + '\\n' + m['content'] + '<e>\\n' }}\n{%- endfor %}\n"
    ),
    "namespace and loops": (
        "{% set ns = namespace(seen=0) %}{% for m in messages %}{% set ns.seen = ns.seen + 1 %}"
        "{% if loop.index0 > 3 %}{% break %}{% endif %}{{ ns.seen }}: {{ m | tojson }}{% endfor %}"
    ),
    "marks the answer": "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}!",
    "tools": "{% if tools is not none %}T{% endif %}{{ documents is none }}{{ dict(a=1) | tojson(indent=2) }}",
    "the year": "{{ strftime_now('%Y') }} {{ messages[0].content }}",
}
TEXT = "The cat <b>sat</b> on “the” mät"


def speaking(template: Any = CHATML) -> Any:
    tokenizer = copy.deepcopy(small_models.tokenizer("gpt2"))  # the small_models share theirs
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("name", TEMPLATES)
def test_our_rendering_is_the_librarys(name: str) -> None:
    tokenizer = speaking(TEMPLATES[name])
    message = [{"role": "user", "content": TEXT}]
    own = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    assert as_message(tokenizer, TEXT) == own


def test_of_several_templates_the_default_one_is_taken() -> None:
    assert as_message(speaking({"default": "{{ messages[0].content }}!", "tool_use": "no"}), "Hi") == "Hi!"
    assert not has_template(speaking({"tool_use": "no"}))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ raise_exception('only with a system message') }}", "only with a system message"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{% set n = namespace(__init__=1) %}", "may not set '__init__'"),
        ("{{ 'a' * 10 ** 10 }}", "too much memory"),
        ("{% for i in range(10 ** 9) %}a{% endfor %}", "Range too big"),
        ("{% for i in range(90000) %}{{ 'a' * 99 }}{% endfor %}", "more than 200,000 characters"),
        ("{% include 'x' %}", "no loader"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{{ messages[0].role + 1 }}", "can only concatenate"),
    ],
)
def test_what_a_hostile_template_may_try(template: str, said: str) -> None:
    with pytest.raises(InputError, match=f"(?i)cannot be used: .*{said}.*Leave chat off"):
        as_message(speaking(template), TEXT)


def test_a_template_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own limit, long before the clock's. Here that is a second: what it takes is a processor's."""
    monkeypatch.setattr(chat, "CPU_SECONDS", 1)
    loop = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"
    began = time.monotonic()
    with pytest.raises(InputError, match="took too long or too much memory"):
        as_message(speaking(loop), TEXT)
    assert time.monotonic() - began < chat.SECONDS


def test_a_template_that_is_too_long_is_not_tried() -> None:
    with pytest.raises(InputError, match="longer than 200,000 characters"):
        as_message(speaking("a" * 200_001), TEXT)


def test_without_a_template_there_is_one_sentence() -> None:
    assert not has_template(None)
    assert not has_template(small_models.tokenizer("gpt2"))
    with pytest.raises(InputError, match="has no chat template"):
        attention.trace(small_models.model("gpt2"), TEXT, tokenizer=small_models.tokenizer("gpt2"), chat=True)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_tokens_are_those_of_the_whole_prompt(family: str) -> None:
    tokenizer, model = speaking(), copy.deepcopy(small_models.model(family))
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    trace = attention.trace(model, TEXT, tokenizer=tokenizer, chat=True)
    own = tokenizer.apply_chat_template([{"role": "user", "content": TEXT}], add_generation_prompt=True)["input_ids"]
    assert [token.id for token in trace.tokens] == own
    prompt = as_message(tokenizer, TEXT)
    assert prompt.startswith("<|im_start|>user\nThe cat <b>sat</b>")
    for token in trace.tokens:
        if token.span and token.text and token.part is None and not token.special:
            assert prompt[slice(*token.span)] == token.text.strip() or prompt[slice(*token.span)] == token.text
    marks = [token.piece for token in trace.tokens if token.special]
    assert marks == ["<|im_start|>", "<|im_end|>", "<|im_start|>"]
    assert trace.fidelity.ok
    assert all(
        trace.head(record.layer, head).error.ok for record in trace.all_records for head in range(record.n_heads)
    )


def test_no_special_tokens_are_added_to_a_templates_own() -> None:
    tokenizer = copy.deepcopy(small_models.tokenizer("bert"))
    tokenizer.chat_template = "[CLS] {{ messages[0].content }} [SEP]"
    trace = attention.trace(small_models.model("bert"), "The cat", tokenizer=tokenizer, chat=True)
    assert [token.piece for token in trace.tokens if token.special] == ["[CLS]", "[SEP]"]


def test_off_by_default() -> None:
    tokenizer = speaking()
    plain = attention.trace(small_models.model("gpt2"), "The cat", tokenizer=tokenizer)
    assert not any(token.special for token in plain.tokens)


@pytest.mark.parametrize("model", [[1, 2], "second"])
def test_what_chat_does_not_go_with(model: Any) -> None:
    text, pair = ("Hi", "there") if model == "second" else (model, None)
    with pytest.raises(InputError, match="leave chat off"):
        attention.trace(small_models.model("gpt2"), text, pair, tokenizer=speaking(), chat=True)


def test_our_own_layer_does_not_chat() -> None:
    with pytest.raises(InputError, match="cannot chat"):
        attention.trace("local", "Hi", chat=True)


def test_a_loaded_model_knows_whether_it_can_chat(tmp_path: Path) -> None:
    from attention.config import Limits
    from attention.models import ModelPool

    root = tmp_path.resolve()
    for name, template in (("mute", None), ("speaks", CHATML)):
        small_models.save("gpt2", root / name)
        if template:
            (root / name / "chat_template.jinja").write_text(template)
    pool = ModelPool(Limits(model_folder=str(root)))
    assert not pool.get("./mute").chats
    assert pool.get("./speaks").chats


MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": TEXT},
    {"role": "assistant", "content": "It did."},
    {"role": "user", "content": "Why?"},
]


@pytest.mark.parametrize("form", [list, tuple])
def test_messages_enter_as_the_librarys_template_writes_them(form: Any) -> None:
    tokenizer, model = speaking(), copy.deepcopy(small_models.model("gpt2"))
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    trace = attention.trace(model, form(MESSAGES), tokenizer=tokenizer, chat=True)
    own = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    assert [token.id for token in trace.tokens] == own
    best = attention.predict(model, MESSAGES, tokenizer=tokenizer, chat=True)
    assert best.last.position == len(own) - 1
    assert attention.generate(model, MESSAGES, n_tokens=1, tokenizer=tokenizer, chat=True).ids[: len(own)] == tuple(own)
    one = attention.trace(model, [{"role": "user", "content": TEXT}], tokenizer=tokenizer, chat=True)
    assert one.tokens == attention.trace(model, TEXT, tokenizer=tokenizer, chat=True).tokens


def test_a_prompt_ends_with_what_the_assistant_said_last() -> None:
    tokenizer = speaking()
    own = tokenizer.apply_chat_template(MESSAGES[:3], tokenize=False, add_generation_prompt=False)
    assert as_prompt(tokenizer, MESSAGES[:3]) == own
    assert own.endswith("It did.<|im_end|>\n")


def test_a_template_that_refuses_messages_is_heard_and_they_are_what_to_change() -> None:
    with pytest.raises(InputError, match=r"cannot be used: no system\. Change the messages"):
        as_prompt(speaking(TEMPLATES["refuses systems"]), MESSAGES)
