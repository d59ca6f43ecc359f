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
    ids = tuple(token.id for token in side if token.id is not None)
    if not typed:
        return decoded(predictions.tokenizer, (*ids, candidate.id))
    if position + 1 == len(predictions.side):
        return typed + _joined(predictions.tokenizer, ids, candidate)
    stop = max((token.span[1] for token in side if token.span), default=0)
    return typed[:stop] + _joined(predictions.tokenizer, ids, candidate)


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


def _joined(tokenizer: Any, ids: tuple[int, ...], candidate: Candidate) -> str:
    """What the candidate adds after these ids, by the tokenizer's own rules for joining where it is a whole piece."""
    before, after = decoded(tokenizer, ids), decoded(tokenizer, (*ids, candidate.id))
    return after[len(before) :] if after.startswith(before) else candidate.text
