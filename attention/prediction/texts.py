"""From predicted ids to texts: how a candidate reads, and the text of a page after one was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attention.record import Token
from attention.tokens import from_ids
from attention.tokens.pieces import Vocabulary

if TYPE_CHECKING:
    from attention.prediction.results import Candidate, Predictions


def read(vocabulary: Vocabulary | None, number: int) -> tuple[Token, str]:
    """A token to show, and what it adds to a text: its leading space included, "" for a control token.

    A token that is a part of a character reads as its bytes, "⟨9F 98⟩", and adds "\ufffd" until the rest is there.
    """
    if vocabulary is None:
        return from_ids(None, [number])[0], ""
    piece = vocabulary.piece(number)
    if piece.special:
        return Token(piece=piece.name, text="", id=number, special=True), ""
    text = "" if piece.unknown else piece.text
    token = Token(piece=piece.name, text=text, mark=piece.mark, id=number)
    return token, piece.raw.decode("utf-8", "replace")


def decoded(tokenizer: Any | None, ids: tuple[int, ...]) -> str:
    """The text of ids without control tokens, spaces as they are."""
    if tokenizer is None:
        return ""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


def appended(predictions: Predictions, candidate: Candidate, position: int) -> str:
    """What was written up to `position`, as it was typed where it was typed, then the candidate."""
    side = predictions.side[: position + 1]
    typed = predictions.texts[1 if predictions.task == "translate" else 0]
    ids = _ids(side)
    whole = position + 1 == len(predictions.side)
    # Some tokens have no place in what was typed: those of a target that the model itself has turned round.
    placed = whole or all(token.special for token in side) or any(token.span for token in side)
    if not typed or not placed:
        return decoded(predictions.tokenizer, (*ids, candidate.id))
    if whole:
        return typed + _joined(predictions.tokenizer, ids, (candidate.id,), candidate.text)
    kept = side[: len(side) - _begun(side[-1])]
    stop = max((token.span[1] for token in kept if token.span), default=0)
    new = (*ids[len(_ids(kept)) :], candidate.id)
    return typed[:stop] + _joined(predictions.tokenizer, _ids(kept), new, candidate.text)


def _begun(last: Token) -> int:
    """How many tokens at the end are a character's first ones, of which others are still to come."""
    place, count = last.part or (0, 1)
    return place + 1 if place + 1 < count else 0


def _ids(tokens: tuple[Token, ...]) -> tuple[int, ...]:
    return tuple(token.id for token in tokens if token.id is not None)


def filled(predictions: Predictions, candidate: Candidate, position: int) -> str:
    """The text with the token at `position` replaced; a space that stands before it already is not doubled."""
    token = predictions.tokens[position]
    typed = predictions.texts[token.segment]
    if not typed or token.span is None:
        ids = tuple(each.id or 0 for each in predictions.tokens)
        return decoded(predictions.tokenizer, (*ids[:position], candidate.id, *ids[position + 1 :]))
    start, stop = token.span
    before, blank = typed[:start], typed[start:stop]
    if candidate.token is not None and candidate.token.mark == "##":  # it goes on with the word before
        return before.rstrip(" ") + candidate.text + typed[stop:]
    lead = blank[: len(blank) - len(blank.lstrip())]
    apart = lead or (" " if candidate.text.startswith(" ") and before and not before[-1].isspace() else "")
    return before + apart + candidate.text.lstrip(" ") + typed[stop:]


def _joined(tokenizer: Any, ids: tuple[int, ...], new: tuple[int, ...], alone: str) -> str:
    """What new ids add after these, by the tokenizer's own rules for joining; `alone` where those change what stood."""
    before, after = decoded(tokenizer, ids), decoded(tokenizer, (*ids, *new))
    return after[len(before) :] if after.startswith(before) else alone
