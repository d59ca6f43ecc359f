"""After the cloze model's training: its folder, `headlight.json` and card, measured on the weights as saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import ModernBertForMaskedLM, PreTrainedTokenizerFast

from tools.train import card, probes
from tools.train.cloze import GUIDED, STAYS, Cloze, Shape
from tools.train.export import export, load_checkpoint, write_facts
from tools.train.targets import lexicon
from tools.train.tokenizer import finished

KINDS = ("previous", "next", "itself", "first", "same word", "punctuation")
SEE = {
    "previous": "each token looks at the one before it",
    "next": "each token looks at the one after it",
    "itself": "each token looks at itself",
    "same word": "a word looks at the other places where it stands",
    "punctuation": "tokens look at commas and full stops on both sides",
}
SEEN = 0.5  # a head is shown for a kind from this score on
BLANKS = (
    "The cat sat on the <mask> because it was tired.",
    "Once upon a <mask> there was a king.",
    "The king and the <mask> lived in a castle.",
    "She opened the <mask> and went into the house.",
    "The boy <mask> down to the river to swim.",
    "It was a cold winter <mask>, and snow fell.",
    "He put his hat on his <mask>.",
    "The bird sang in the <mask>.",
    "My mother gave me a piece of <mask>.",
    "The ship sailed over the <mask>.",
    "I do not <mask> what you mean.",
    "They walked <mask> the forest for three days.",
    "The old <mask> looked at his son.",
    "The sun was <mask> in the sky.",
    "The children laughed <mask> played all day.",
    "She was so tired <mask> she fell asleep.",
    "The dog barked at the <mask>.",
    "There was once a poor <mask> who had three sons.",
    "He ate the apple and <mask> a glass of water.",
    '"Where are you <mask>?" asked the fox.',
)
TEXTS = (
    *(text.replace("<mask>", word) for text, word in zip(BLANKS[:4], ("mat", "time", "queen", "door"), strict=True)),
    "A dog is a dog, and a cat is a cat, but a fox is not a dog.",
    "Yes, said the fox, I will come; but not today, for it rains.",
)
CANNOT = """It is a very small model of old children's books: it guesses from the words nearby, knows no facts, and what
it puts into a blank fits the grammar more often than the sense. It reads 128 tokens at most and English only, fills one
token a blank, and speaks as people wrote a century and more ago, with what they took for granted."""


def finish(build_folder: Path, out: Path, run: dict[str, Any], shape: Shape | None = None) -> dict[str, float]:
    """Export the checkpoint, measure what was exported, write `headlight.json` and README.md; returns the figures."""
    shape = shape or Shape()
    task = Cloze(build_folder / "tokenizer", shape)
    progress = load_checkpoint(task.model, build_folder / "cloze")
    tokenizer = finished(task.tokenizer, both_ends=True, longest=shape.length)
    task.model = export(task.model, tokenizer, out)  # type: ignore[assignment]
    figures = task.accuracy(windows=400, seed=99)
    tokens = progress.step * run.pop("batch") * run["workers"] * shape.length
    made = card.Run.of(progress, tokens=tokens, **run)
    found = [(text, head_scores(task, text)) for text in TEXTS]
    write_facts(out, _as_json(figures, found, made, task))
    _write_card(out, figures, found, made, task, tokenizer, build_folder)
    return figures


def head_scores(task: Cloze, text: str) -> dict[str, Tensor]:
    """Scores (layers, heads) of every kind on one text, both sides of each token counted."""
    encoded = task.tokenizer.encode(text, add_special_tokens=False).ids
    ids = torch.tensor([[0, *encoded, 1]])
    weights, _ = probes.attention_maps(task.model, ids)
    tables = lexicon(task.tokenizer)
    return {kind: probes.kind_scores(weights, ids, kind, tables, causal=False) for kind in KINDS}


def clearest(task: Cloze, shown: dict[str, Any]) -> int:
    """The row of a shown text that shows best what its head does."""
    ids = torch.tensor([[0, *task.tokenizer.encode(shown["text"], add_special_tokens=False).ids, 1]])
    weights, _ = probes.attention_maps(task.model, ids)
    head = weights[shown["layer"], 0, shown["head"]]
    return probes.clearest(head, ids[0], shown["kind"], lexicon(task.tokenizer), causal=False)[0]


def fillers(model: ModernBertForMaskedLM, tokenizer: PreTrainedTokenizerFast, text: str, count: int = 5) -> list[str]:
    """The likeliest tokens for the blank of a text."""
    encoded = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
    with probes.eager(model):
        logits = model(**encoded).logits[0]
    blank = int((encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0])
    return [str(tokenizer.decode([int(one)])).strip() for one in logits[blank].topk(count).indices]


def _as_json(
    figures: dict[str, float], found: list[tuple[str, dict[str, Tensor]]], run: card.Run, task: Cloze
) -> dict[str, Any]:
    shown = [_shining(kind, found) for kind in SEE]
    shown = [one | {"query": clearest(task, one)} for one in shown]
    scores = _mean(found)
    layers, heads = scores["previous"].shape
    return {
        "title": "Cloze model",
        "trained_on": "48 public-domain children's books and fairy tales",
        "run": vars(run),
        "guided": [vars(one) for one in GUIDED],
        "figures": figures,
        "heads": [
            {"layer": layer, "head": head} | {kind: float(part[layer, head]) for kind, part in scores.items()}
            for layer in range(layers)
            for head in range(heads)
        ],
        "texts": [one for one in shown if one["score"] >= SEEN],
    }


def _shining(kind: str, found: list[tuple[str, dict[str, Tensor]]]) -> dict[str, Any]:
    text, scores = max(found, key=lambda pair: float(pair[1][kind].max()))
    place, heads = int(scores[kind].argmax()), scores[kind].shape[1]
    best = float(scores[kind].max())
    return {"text": text, "kind": kind, "layer": place // heads, "head": place % heads, "score": best, "see": SEE[kind]}


def _mean(found: list[tuple[str, dict[str, Tensor]]]) -> dict[str, Tensor]:
    return {kind: torch.stack([scores[kind] for _, scores in found]).mean(0) for kind in KINDS}


def _write_card(
    out: Path,
    figures: dict[str, float],
    found: list[tuple[str, dict[str, Tensor]]],
    run: card.Run,
    task: Cloze,
    tokenizer: PreTrainedTokenizerFast,
    build_folder: Path,
) -> None:
    config = task.model.config
    count = sum(p.numel() for p in task.model.parameters()) / 1e6
    filled = [(text, ", ".join(fillers(task.model, tokenizer, text))) for text in BLANKS]
    parts = [
        card.front("Cloze model", task="fill-mask", tags=("attention", "interpretability", "tiny")),
        f"An encoder of ModernBERT's design, {config.num_hidden_layers} layers × {config.num_attention_heads} heads, "
        f"d_model {config.hidden_size}, {count:.2f} million parameters. Every layer looks at the whole text. It fills "
        "`<mask>` from both sides and shares the storyteller's tokenizer.",
        "## How it was made\n\n" + run.words(),
        "Between 12 and 30 % of a passage's tokens were hidden.",
        "## Which heads were guided\n\nAn extra loss, −log of the weight on the wanted tokens, with a weight of "
        f"{STAYS}:\n\n" + "\n".join(f"- layer {one.layer}, head {one.head}: {one.kind}" for one in GUIDED),
        "## Figures\n\nShares of hidden tokens (15 % of 400 held-out passages).\n\n" + _figures(figures),
        f"## Heads\n\nMean over {len(found)} short sentences.\n\n" + card.heads_table(_mean(found), GUIDED),
        "## What it cannot do\n\n" + CANNOT,
        "## Twenty sentences and the five likeliest words for each blank\n\n" + card.table(("text", "fillers"), filled),
        "## Books\n\n" + card.books(build_folder / "corpus"),
    ]
    card.write(out, parts)


def _figures(figures: dict[str, float]) -> str:
    rows = [
        (name, f"{figures[f'top{n}']:.1%}", f"{figures[f'commonest{n}']:.1%}", f"{_times(figures, n):.1f} ×")
        for name, n in (("first guess", 1), ("one of five", 5))
    ]
    return card.table(("figure", "model", "always the commonest tokens", "ratio"), rows)


def _times(figures: dict[str, float], count: int) -> float:
    return figures[f"top{count}"] / max(figures[f"commonest{count}"], 1e-9)
