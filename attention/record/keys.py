"""What the keys of an operation are, where they are not just the tokens of one text."""

from __future__ import annotations

from attention.record.facts import Token
from attention.record.operation import AttentionRecord

Tokens = tuple[Token, ...]


def keys_of(record: AttentionRecord, keys: Tokens, queries: Tokens, text: Tokens) -> Tokens:
    """A name for each of the record's n_k keys. keys: the tokens that this kind of attention looks at, as a rule.

    Where one softmax runs over a decoder's own tokens and another text's (T5Gemma 2), these are `queries` and `text`.
    Where a model puts keys of its own behind the tokens (DeepSeek V4's summaries of earlier text), they are numbered;
    that the tokens come first is read off the mask. Otherwise all keys are numbered: no token is named by guess.
    """
    if record.n_k == len(keys):
        return keys
    if queries is not text and record.n_k == len(queries) + len(text):
        return (*queries, *text)
    known = keys if _tokens_come_first(record, len(keys)) else ()
    return (*known, *(_numbered(i) for i in range(record.n_k - len(known))))


def _tokens_come_first(record: AttentionRecord, count: int) -> bool:
    """Whether the first keys are the queries' own tokens: each query sees its own, and none a later one."""
    if not count == record.n_q < record.n_k:
        return False
    allowed = record.allowed(0)
    if allowed is None:
        return False
    own = allowed[:, :count]
    return bool(own.diagonal().all() and not own.triu(1).any())


def _numbered(i: int) -> Token:
    return Token(piece=f"key {i}", text=f"key {i}", special=True)
