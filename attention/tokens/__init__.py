"""Text → the tokens that a model gets, as a person reads them: with their ids, their marks and their character spans.

Every vocabulary writes its pieces in its own way: BERT "##ing", SentencePiece "▁cat", byte-level BPE "Ġcat" (and "Ã",
"©" for the two bytes of é). Here each piece becomes a Token with the mark apart from the text:

- a leading space is the mark "·"; a piece of spaces only keeps them as its text, which `label` shows as "·";
- tokens that share one character get one span and `part` = (k, m): the first reads as the whole character, the others
  as the bytes that they bring, "⟨9F 98⟩"; where not even together they make a character, all read as bytes;
- an unknown piece has the mark "[UNK]" (or the vocabulary's own) and reads as the characters that it stands for.

Right-to-left text stays in logical order. A text is data: what could hide in it is made visible, never obeyed.
"""

from attention.record import Token
from attention.tokens.beginning import beginning
from attention.tokens.chat import as_message, as_prompt, has_template
from attention.tokens.encoding import Encoded, encode, from_ids, is_panic, label, word_spans, words
from attention.tokens.messages import are_messages, characters_of
from attention.tokens.visible import readable, visible

__all__ = [
    "Encoded", "Token", "are_messages", "as_message", "as_prompt", "beginning", "characters_of", "encode", "from_ids",
    "has_template", "is_panic", "label", "readable", "visible", "word_spans", "words",
]  # fmt: skip
