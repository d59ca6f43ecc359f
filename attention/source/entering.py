"""What enters a model: texts or ids → `Inputs` and tokens."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from attention.config import Limits
from attention.errors import HeadlightError, InputError
from attention.source.lengths import Shortened, check_characters, check_length

if TYPE_CHECKING:
    from attention.capture import Inputs
    from attention.record import Token
    from attention.source.loading import Source

# A pair that gives an encoder-decoder its start token and nothing else.
START_ALONE = ""
# The most tokens that an encoder-decoder writes as its own target.
MOST_WRITTEN = 64


def inputs_of(
    source: Source, text: Any, pair: Any, attention_mask: Any, chat: bool = False, limits: Limits | None = None
) -> tuple[Inputs, tuple[Token, ...], tuple[Token, ...]]:
    """What enters the model, the tokens of the text, and those of the decoder's side (empty without one).

    text and pair are strings or ids, as in `attention.trace`. chat: the text is a user's message, or a list of
    messages, in the tokenizer's own chat template. Raises InputError or TooLongError, the latter also for more
    characters or tokens than `limits` allow.
    """
    from attention.capture import Inputs

    check_characters(limits, text, pair)
    text = _prompt(source, text, pair) if chat else text
    mask = None if attention_mask is None else tuple(int(one) for one in _row("attention_mask", attention_mask))
    if has_two_sides(source):
        # One that judges reads both sentences in its encoder, and its decoder reads them again.
        second = pair if isinstance(pair, str) and pair and is_judge(source) else None
        pair = None if second else pair
        ids, tokens, extra = _encode(source, text, second, add_special=not chat)
        check_length(source, limits, tokens, None if chat else _last_of(source, text, second))
        inputs = Inputs(ids=ids, extra=extra, attention_mask=mask)
        pair_ids, pair_tokens = _target(source, pair, inputs, limits)
        check_length(source, limits, pair_tokens, _target_of(source, pair, inputs, limits))
        return replace(inputs, pair_ids=pair_ids), tokens, pair_tokens
    ids, tokens, extra = _encode(source, text, pair, add_special=not chat)
    check_length(source, limits, tokens, None if chat else _last_of(source, text, pair))
    return Inputs(ids=ids, extra=extra, attention_mask=mask), tokens, ()


def _last_of(source: Source, text: Any, pair: Any) -> Shortened | None:
    """Of texts that enter together the last one; ids are nobody's typing and stay as they are."""
    if not isinstance(text, str):
        return None
    if pair is None:
        return Shortened("text", text, lambda shorter: _encode(source, shorter)[1])
    return Shortened("pair", pair, lambda shorter: _encode(source, text, shorter)[1])


def _target_of(source: Source, pair: Any, inputs: Inputs, limits: Limits | None) -> Shortened | None:
    if not isinstance(pair, str) or not pair:
        return None
    return Shortened("pair", pair, lambda shorter: _target(source, shorter, inputs, limits)[1])


def has_two_sides(source: Source) -> bool:
    """Whether a second text enters a decoder; an encoder alone can have the configuration of both."""
    from attention.capture.inputs import has_decoder

    return bool(source.model.config.is_encoder_decoder) and has_decoder(source.model)


def is_judge(source: Source) -> bool:
    """Whether its model judges a text, or its tokens, or answers a question, and writes nothing."""
    from attention.models.task import judges

    return judges(type(source.model).__name__)


def _encode(
    source: Source, text: Any, pair: Any = None, *, add_special: bool = True
) -> tuple[tuple[int, ...], tuple[Token, ...], dict[str, tuple[int, ...]]]:
    from attention.tokens import are_messages, encode, from_ids
    from attention.tokens.split import split_text

    if are_messages(text):
        raise InputError("Messages become a text in a model's chat template: give them with chat=True.")
    split = [split_text(one) for one in (text, pair)]
    text, pair = (given if found is None else found.text for found, given in zip(split, (text, pair), strict=True))
    if isinstance(text, str):
        if pair is not None and not isinstance(pair, str):
            raise InputError("Give both texts as strings, or one list of ids that holds both.")
        if pair is not None and source.model.can_generate():
            raise InputError("This model reads one text and continues it; leave the second one out.")
        blanks = _fills_blanks(source)
        encoded = encode(_tokenizer(source), text, pair, add_special=add_special, blanks=blanks)
        taken = _accepted(source, encoded.extra)
        tokens = encoded.tokens
        for segment, found in enumerate(split):
            tokens = tokens if found is None else found.number(tokens, segment)
        return encoded.ids, tokens, taken
    if pair is not None:
        raise InputError("Ids enter the model as they are; give one list of ids that holds both texts.")
    ids = tuple(int(one) for one in _row("text", text))
    return ids, from_ids(source.tokenizer, ids), {}


def _prompt(source: Source, text: Any, pair: Any) -> str:
    """The text as the user's message, or the messages; the template brings its own special tokens."""
    from attention.tokens import are_messages, as_message, as_prompt

    if not isinstance(text, str) and not are_messages(text):
        raise InputError(
            'With chat=True the text is a string, or messages such as [{"role": "user", "content": "…"}]; for ids or '
            "words, which enter the model as they are, leave chat off."
        )
    if pair is not None and not source.model.config.is_encoder_decoder:
        raise InputError(
            "A chat has no second text; leave it out or give a list of messages as the text, or leave chat off."
        )
    return as_message(_tokenizer(source), text) if isinstance(text, str) else as_prompt(_tokenizer(source), text)


def _fills_blanks(source: Source) -> bool:
    """Whether ___ in a text is a blank to this model; to any other it is what was typed."""
    from attention.models.task import task_of

    return task_of(source.model) == "fill" and getattr(source.tokenizer, "mask_token", None) is not None


def _accepted(source: Source, extra: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    import inspect

    takes = inspect.signature(source.model.forward).parameters
    return {name: row for name, row in extra.items() if name in takes}


def _target(
    source: Source, pair: Any, inputs: Inputs, limits: Limits | None
) -> tuple[tuple[int, ...], tuple[Token, ...]]:
    """What enters the decoder, and its tokens: the start token, then the target without its end.

    Without a target a judge's decoder reads the text again, one place later, and a generator writes its own.
    """
    from attention.tokens import encode, from_ids

    if pair is not None and not isinstance(pair, str):
        ids = tuple(int(one) for one in _row("pair", pair))
        if not ids:
            raise InputError("pair has no ids; leave it out, or give what enters the decoder.")
        return ids, from_ids(source.tokenizer, ids)
    start = _start(source)
    if not pair:  # none, or an empty string: ids have been dealt with
        entering = start + inputs.ids[:-1] if is_judge(source) else start
        if pair is None and not is_judge(source):
            entering = _own_output(source, inputs, start, limits)
        return entering, from_ids(source.tokenizer, entering)
    encoded = encode(_tokenizer(source), pair, target=True)
    ends = len(encoded.ids) > 1 and encoded.ids[-1] == source.model.config.eos_token_id
    keep = len(encoded.ids) - 1 if ends else len(encoded.ids)
    plain, own = start + encoded.ids[:keep], _own_target(source, encoded.ids)
    if own is None or own == plain or sorted(own) != sorted(encoded.ids):
        return plain, from_ids(source.tokenizer, start) + encoded.tokens[:keep]
    return own, from_ids(source.tokenizer, own)  # mBART turns its target round: the language's code comes first


def _own_output(source: Source, inputs: Inputs, start: tuple[int], limits: Limits | None) -> tuple[int, ...]:
    """The start token and what the model writes after it, always taking the likeliest token, without its end.

    The start token alone where the model has no way to write.
    """
    from attention.capture.decode import NoNumberError, write

    most = MOST_WRITTEN if limits is None else min(MOST_WRITTEN, limits.max_tokens - 1)
    if not source.model.can_generate():
        return start
    try:
        return start + write(source.model, replace(inputs, pair_ids=start), most=most).ids
    except NoNumberError:
        return start  # there is no likeliest token; what the trace shows is still the model's own
    except HeadlightError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, NotImplementedError, RuntimeError):
        return start  # its class cannot write on its own input: there is nothing to show, and nothing is wrong


def _own_target(source: Source, labels: tuple[int, ...]) -> tuple[int, ...] | None:
    """What the model itself would make of these labels for its decoder, or None where it has no say."""
    from attention.capture.decode import entering_for

    return entering_for(source.model, labels)


def _start(source: Source) -> tuple[int]:
    configs = (source.model.config, getattr(source.model, "generation_config", None))
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        for config in configs:
            number = getattr(config, name, None)
            if isinstance(number, int):
                return (number,)
    raise InputError("This model does not say what its decoder starts with; give `pair` as ids.")


def _tokenizer(source: Source) -> Any:
    if source.tokenizer is None:
        none = f"{source.name} has no tokenizer, and a string needs one"
        what = none if source.name else "A string needs the model's tokenizer"
        raise InputError(f"{what}: pass tokenizer=, give ids instead of a string, or put its files beside the model.")
    return source.tokenizer


def _row(name: str, values: Any) -> list[int]:
    wrong = InputError(f"{name} must be a string, a list of whole numbers or a 1-D tensor of them.")
    try:
        row = _plain(values)
        # A tokenizer's own tensor comes as a batch of one; in a list it is one, too.
        row = _plain(row[0]) if len(row) == 1 and hasattr(row[0], "__len__") and not isinstance(row[0], str) else row
        if any(isinstance(one, bool) for one in row):
            raise wrong
        return [operator.index(one) for one in row]
    except TypeError as err:
        raise wrong from err


def _plain(values: Any) -> list[Any]:
    """A tensor, an array or any sequence as a list; raises TypeError for what is none."""
    row = values.tolist() if hasattr(values, "tolist") else values
    return list(row)
