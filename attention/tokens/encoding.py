"""From a text, or from ids, to tokens: what `attention.tokens` offers, on top of its pieces."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import regex

from attention.errors import InputError
from attention.record import Token
from attention.tokens.blanks import with_masks
from attention.tokens.pieces import Piece, Vocabulary, align, group, stripped
from attention.tokens.visible import CLUSTER, cut, visible

Span = tuple[int, int]
MOST_SAID = 200  # characters of a library's own words
NOT_INPUTS = {"input_ids", "attention_mask", "offset_mapping", "special_tokens_mask", "length", "overflowing_tokens"}
WORD = regex.compile(
    r"\r\n|[\n\r]"  # a line's end is a token of its own
    r"|[\p{Han}\p{Hiragana}\p{Katakana}]\p{M}*"  # written without spaces: one character each
    r"|\p{N}+(?:[.,]\p{N}+)*"
    r"|[\p{L}_][\p{L}\p{M}\p{N}_--[\p{Han}\p{Hiragana}\p{Katakana}]]*"
    r"(?:['’\u200c\u200d][\p{L}\p{M}--[\p{Han}\p{Hiragana}\p{Katakana}]]+)*"
    rf"|{CLUSTER}",  # punctuation, emoji, marks without a base
    regex.V1,
)


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A text as the model gets it: ids and tokens of the same length, and what else the model wants by its name."""

    ids: tuple[int, ...]
    tokens: tuple[Token, ...]
    extra: dict[str, tuple[int, ...]] = field(default_factory=dict)


def encode(
    tokenizer: Any,
    text: str,
    pair: str | None = None,
    *,
    target: bool = False,
    add_special: bool = True,
    blanks: bool = False,
) -> Encoded:
    """All tokens of `text` (and of `pair`, as segment 1) with the tokenizer's own special tokens; nothing is cut.

    target: use the tokenizer's rules for an encoder-decoder's output (they differ in some translators). Spans count
    characters in the token's own text. add_special=False: the text brings its special tokens along, and none are added.
    blanks: "___", "[MASK]" and "<mask>" are this tokenizer's mask token, whatever it calls it. Raises InputError where
    the text cannot be encoded at all.
    """
    texts = [_checked(text)] if pair is None else [_checked(text), _checked(pair)]
    if blanks:
        return _with_blanks(tokenizer, texts, target, add_special)
    raw = _call(tokenizer, texts, target, add_special)
    ids = tuple(int(number) for number in raw["input_ids"])
    vocabulary = Vocabulary.of(tokenizer)
    pieces = [vocabulary.piece(number) for number in ids]
    special = _special(raw, pieces)
    segments = _segments(tokenizer, raw, texts, special)
    spans = _spans(raw, pieces, texts, special, segments)
    tokens = _tokens(pieces, spans, special, segments, texts)
    extra = {name: tuple(int(number) for number in values) for name, values in raw.items() if name not in NOT_INPUTS}
    return Encoded(ids=ids, tokens=tokens, extra=extra)


def _with_blanks(tokenizer: Any, texts: list[str], target: bool, add_special: bool) -> Encoded:
    """The texts with masks for blanks; spans are those of the texts as they were typed."""
    rewritten = [with_masks(text, str(tokenizer.mask_token)) for text in texts]
    encoded = encode(tokenizer, *(each.text for each in rewritten), target=target, add_special=add_special)
    tokens = tuple(replace(token, span=rewritten[token.segment].typed(token.span)) for token in encoded.tokens)
    return replace(encoded, tokens=tokens)


def from_ids(tokenizer: Any | None, ids: Iterable[int]) -> tuple[Token, ...]:
    """The tokens of ids that came without a text, so without spans; an id that no vocabulary names reads "#123".

    Raises InputError for what is not a whole number of at least 0.
    """
    numbers = [_whole(number) for number in ids]
    if tokenizer is None:
        return tuple(Token(piece=f"#{number}", text="", id=number) for number in numbers)
    vocabulary = Vocabulary.of(tokenizer)
    pieces = [vocabulary.piece(number) for number in numbers]
    nothing: list[Span | None] = [None] * len(pieces)
    return _tokens(pieces, nothing, [piece.special for piece in pieces], [0] * len(pieces), [""])


def words(text: str) -> tuple[Token, ...]:
    """Words, numbers, punctuation and line ends of `text` with their spans; spaces alone give no token at all.

    Emoji and letters with their marks stay whole, Chinese and Japanese characters stand alone, "don't" is one word.
    """
    found = ((text[start:stop], (start, stop)) for start, stop in word_spans(text))
    return tuple(Token(piece=word, text=word, span=span) for word, span in found)


def word_spans(text: str) -> Iterator[Span]:
    """Where the tokens of `words` lie."""
    if not text.strip():
        return
    for match in WORD.finditer(text):
        word = match.group()
        if word in ("\n", "\r", "\r\n") or word.strip():
            yield match.span()


def label(token: Token, max_chars: int = 14) -> str:
    """What an axis shows of a token: its mark and text made visible, or its piece, and … where it is too long."""
    shown = token.mark + visible(token.text) if token.text else visible(token.piece)
    return cut(shown, max_chars)


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise InputError(f"The text is of type {type(text).__name__}; give a string.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as err:
        raise InputError(f"Character {err.start} of the text is half of a surrogate pair; remove it.") from err
    return text


def _whole(number: object) -> int:
    try:
        value = operator.index(cast(Any, number))
    except TypeError as err:
        raise InputError(f"{number!r} is not a token id; ids are whole numbers of at least 0.") from err
    if value < 0 or isinstance(number, bool):
        raise InputError(f"{number!r} is not a token id; ids are whole numbers of at least 0.")
    return value


def _call(tokenizer: Any, texts: list[str], target: bool, add_special: bool) -> Any:
    """The tokenizer's own answer; verbose=False, for a long text is the caller's to judge and not to be warned of."""
    names = ("text_target", "text_pair_target") if target else ("text", "text_pair")
    fast = bool(getattr(tokenizer, "is_fast", False))
    try:
        return tokenizer(
            **dict(zip(names, texts, strict=False)),
            add_special_tokens=add_special,
            truncation=False,
            padding=False,
            verbose=False,
            return_special_tokens_mask=True,
            return_offsets_mapping=fast,
        )
    except MemoryError:
        raise
    except BaseException as err:  # tokenizers raise what they like on what they do not foresee, a panic too
        if not isinstance(err, Exception) and not is_panic(err):
            raise
        said = (str(err).strip().splitlines() or [type(err).__name__])[0][:MOST_SAID]
        raise InputError(f"This model's tokenizer cannot read the text: {said}. Try another one.") from err


def is_panic(err: BaseException) -> bool:
    """Whether a library written in Rust has given up: that is raised as a BaseException, of a class of its own."""
    return type(err).__name__ == "PanicException"


def _special(raw: Any, pieces: list[Piece]) -> list[bool]:
    mask = raw.get("special_tokens_mask") or [0] * len(pieces)
    return [piece.special or (bool(flag) and not piece.unknown) for piece, flag in zip(pieces, mask, strict=True)]


def _segments(tokenizer: Any, raw: Any, texts: list[str], special: list[bool]) -> list[int]:
    """Which text each token is of; a special token belongs to what it follows (an opening one to the first)."""
    if len(texts) == 1:
        return [0] * len(special)
    if getattr(tokenizer, "is_fast", False):
        known = cast("list[int | None]", raw.sequence_ids())
    else:
        first = len(tokenizer.encode(texts[0], add_special_tokens=False, verbose=False))
        counts = [sum(not flag for flag in special[:index]) for index in range(len(special))]
        known = [None if flag else int(count >= first) for flag, count in zip(special, counts, strict=True)]
    segments, last = [], 0
    for segment in known:
        last = last if segment is None else segment
        segments.append(last)
    return segments


def _spans(
    raw: Any, pieces: list[Piece], texts: list[str], special: list[bool], segments: list[int]
) -> list[Span | None]:
    """The tokenizer's own offsets, mended where coarse, or found by reading along; None where there is nothing."""
    offsets = raw.get("offset_mapping")
    spans: list[Span | None] = [None] * len(pieces)
    if offsets is not None:
        spans = [_tight(texts[segment], *offset) for segment, offset in zip(segments, offsets, strict=True)]
        for run in _coarse(spans, segments):
            text, (start, stop) = texts[segments[run[0]]], cast(Span, spans[run[0]])
            _place(spans, run, align([pieces[i] for i in run], text[start:stop]), start)
    else:
        for number, text in enumerate(texts):
            own = [i for i, segment in enumerate(segments) if segment == number and not special[i]]
            _place(spans, own, align([pieces[i] for i in own], text), 0)
    return [
        None if span and piece.blank and not texts[segment][slice(*span)].isspace() else span
        for piece, span, segment in zip(pieces, spans, segments, strict=True)
    ]


def _place(spans: list[Span | None], where: Sequence[int], found: list[Span | None], shift: int) -> None:
    for index, span in zip(where, found, strict=True):
        spans[index] = span and (span[0] + shift, span[1] + shift)


def _coarse(spans: list[Span | None], segments: list[int]) -> Iterator[list[int]]:
    """Runs of tokens that got one span of several characters: unigram vocabularies do so where they fall to bytes."""
    start = 0
    for index in range(1, len(spans) + 1):
        if index < len(spans) and spans[index] == spans[start] and segments[index] == segments[start]:
            continue
        span = spans[start]
        if span is not None and index - start > 1 and span[1] - span[0] > 1:
            yield list(range(start, index))
        start = index


def _tight(text: str, start: int, stop: int) -> Span | None:
    """The span without the spaces at its ends, which some tokenizers count and others do not."""
    return stripped(text, start, stop) or ((start, stop) if stop > start else None)


def _tokens(
    pieces: list[Piece], spans: Sequence[Span | None], special: list[bool], segments: list[int], texts: list[str]
) -> tuple[Token, ...]:
    tokens = [
        _one(piece, span, control, segment, texts[segment])
        for piece, span, control, segment in zip(pieces, spans, special, segments, strict=True)
    ]
    for shared in group(pieces, spans, special, segments):
        tokens[shared.start : shared.stop] = _shared(tokens[shared.start : shared.stop], shared.text)
    return tuple(tokens)


def _one(piece: Piece, span: Span | None, control: bool, segment: int, text: str) -> Token:
    if control:
        return Token(piece=piece.name, text="", id=piece.id, span=span, special=True, segment=segment)
    if piece.unknown:
        read = text[slice(*span)] if span else ""
        mark = piece.name if read else ""
        return Token(piece=piece.name, text=read, mark=mark, id=piece.id, span=span, segment=segment)
    return Token(piece=piece.name, text=piece.text, mark=piece.mark, id=piece.id, span=span, segment=segment)


def _shared(tokens: list[Token], whole: str | None) -> list[Token]:
    """Tokens that share a character, with its span; whole: how the first reads, None where each reads by itself."""
    spans = [token.span for token in tokens if token.span]
    span = (min(start for start, _ in spans), max(stop for _, stop in spans)) if spans else None
    parts = [replace(token, span=span, part=(k, len(tokens))) for k, token in enumerate(tokens)]
    return parts if whole is None else [replace(parts[0], text=whole), *parts[1:]]
