"""Texts that make heads shine: for each kind of head, the best of some candidates and the head to look at."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from tools.train import figures_of_storyteller as figures
from tools.train import passages, probes
from tools.train.targets import Lexicon
from tools.train.tokenizer import BEGIN_ID

CANDIDATES = (
    passages.DEFAULT,
    *(f"{text} {text}" for text in passages.SAID_TWICE),
    "The queen of Zarb met the king of Plok. The queen of Zarb",
    "Mr. Quibbleton was a tailor. Everyone loved Mr. Quibbleton.",
    "When Mary and John went to the shop, John gave a drink to Mary.",
    "The old king gave the ring to his daughter, and she put it in a box.",
    "A dog is a dog, and a cat is a cat, but a fox is not a dog.",
    "Red, blue, green, yellow. Red, blue, green, yellow.",
    "Yes, said the fox, I will come; but not today, for it rains.",
)
SEEN = 0.5  # a head is shown for a kind from this score on
WHAT_TO_SEE = {
    "previous": "each token looks at the one before it",
    "two back": "each token looks at the one two places before it",
    "itself": "each token looks at itself",
    "same word": "a word looks at where it stood before",
    "induction": "a token looks at what followed it the last time",
    "things and names": "each token looks back at the things and people that were named",
    "punctuation": "tokens look back at commas and full stops",
    "nearby": "each token looks at the last few tokens",
    "sentence start": "tokens look back at where their sentence began",
    "small words": "tokens look back at small words such as of, the, was",
    "big words": "tokens look back at nouns, verbs and other big words",
}

# What a newcomer can check by reading the sentence, the most telling first.
TELLING = ("things and names", "same word", "induction", "big words", "previous")

Place = tuple[int, int]  # layer, head


def shining(
    model: LlamaForCausalLM, tokenizer: Tokenizer, tables: Lexicon, guided: frozenset[Place]
) -> list[dict[str, Any]]:
    """For each kind, the text and the head that show it best, and the same among heads that were never guided.

    Only a head counts whose name on that text is the kind (`names_of_heads`), with a score of `SEEN` or more.
    """
    shown = [one for text in CANDIDATES for one in _seen(model, tokenizer, tables, text)]
    free = [one for one in shown if (one["layer"], one["head"]) not in guided]
    found: list[dict[str, Any]] = []
    for kind in WHAT_TO_SEE:
        for pool in (shown, free):
            best = max((one for one in pool if one["kind"] == kind), key=lambda one: one["score"], default=None)
            if best is not None and best not in found:
                found.append(best)
    return [
        {**one, "see": WHAT_TO_SEE[one["kind"]], "never_guided": (one["layer"], one["head"]) not in guided}
        for one in found
    ]


def opening(model: LlamaForCausalLM, tokenizer: Tokenizer, tables: Lexicon) -> dict[str, int] | None:
    """The head to begin with on the default sentence: of the most telling kind there, the one that does it best."""
    seen = _seen(model, tokenizer, tables, passages.DEFAULT)
    told = [one for kind in TELLING for one in seen if one["kind"] == kind]
    best = max((one for one in told if one["kind"] == told[0]["kind"]), key=lambda one: one["score"], default=None)
    return None if best is None else {"layer": best["layer"], "head": best["head"]}


def _seen(model: LlamaForCausalLM, tokenizer: Tokenizer, tables: Lexicon, text: str) -> list[dict[str, Any]]:
    """Every head that does a nameable thing on a text, with its score."""
    ids = torch.tensor([[BEGIN_ID, *tokenizer.encode(text, add_special_tokens=False).ids]])
    scores = figures.text_figures(model, ids, tables)
    weights, _ = probes.attention_maps(model, ids)
    names = figures.names_of_heads(scores, ids, tables)
    seen = []
    for layer, row in enumerate(names):
        for head, kind in enumerate(row):
            if kind in WHAT_TO_SEE and (score := float(scores[kind][layer, head])) >= SEEN:
                # Of a comma that looks at a comma nobody would say that a word looks at where it stood before.
                query, shown = probes.clearest(weights[layer, 0, head], ids[0], kind, tables)
                one = {"text": text, "kind": kind, "layer": layer, "head": head, "score": score}
                seen += [{**one, "query": query}] if shown >= SEEN else []
    return seen
