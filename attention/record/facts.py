"""What is known of a model, and of one token of a text."""

from __future__ import annotations

from dataclasses import dataclass, field

from attention.record import held


@dataclass(frozen=True, kw_only=True)
class Token:
    """One token as a person reads it.

    piece: the vocabulary's own string. text: the characters it stands for ("" where none can be told).
    mark: what the vocabulary adds ("##", a leading space as "·"), to be shown lightly before `text`.
    id: its number. span: character span in the text, or None (special tokens, ids without text).
    special: added by the tokenizer or a control token. part: (k, m), the k-th (from 0) of m tokens that share one
    character or cluster, or None. segment: 0 or 1, which of two texts. word: the number of its word in that text, from
    0, where the text came split into words, else None.
    """

    piece: str = field(metadata=held.text(held.MOST_PIECE))
    text: str = field(metadata=held.text(held.MOST_PIECE))
    mark: str = field(default="", metadata=held.text())
    id: int | None = field(default=None, metadata=held.whole())
    span: tuple[int, int] | None = field(default=None, metadata=held.pair())
    special: bool = field(default=False, metadata=held.flag())
    part: tuple[int, int] | None = field(default=None, metadata=held.pair())
    segment: int = field(default=0, metadata=held.whole(0, 1))
    word: int | None = field(default=None, metadata=held.whole())

    def __str__(self) -> str:
        return self.text or self.piece


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the page says of a model; None what is not known. n_parameters counts each weight once.

    n_layers: of the encoder where there are two stacks; n_decoder_layers then of the decoder. max_tokens: the most that
    its positions allow, None where nothing limits them. chats: whether its tokenizer has a chat template.
    """

    name: str = field(metadata=held.text())
    architecture: str = field(metadata=held.text())
    capture_mode: str = field(metadata=held.under("road", held.text()))
    n_layers: int | None = field(default=None, metadata=held.whole())
    n_decoder_layers: int | None = field(default=None, metadata=held.whole())
    n_heads: int | None = field(default=None, metadata=held.whole())
    n_kv_heads: int | None = field(default=None, metadata=held.whole())
    d_model: int | None = field(default=None, metadata=held.whole())
    d_head: int | None = field(default=None, metadata=held.whole())
    n_parameters: int | None = field(default=None, metadata=held.whole())
    max_tokens: int | None = field(default=None, metadata=held.whole())
    dtype: str = field(default="", metadata=held.text())
    trained: bool | None = field(default=None, metadata=held.flag())
    chats: bool = field(default=False, metadata=held.flag())
    revision: str | None = field(default=None, metadata=held.text())
