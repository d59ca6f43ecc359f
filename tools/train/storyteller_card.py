"""After the training of the storyteller: its folder, `headlight.json` and card, measured on the weights as saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from tools.train import card, passages, probes
from tools.train import figures_of_storyteller as figures
from tools.train.export import export, greedy, load_checkpoint, write_facts
from tools.train.mix import KINDS, LENGTH
from tools.train.phases import PHASES
from tools.train.shine import opening, shining
from tools.train.storyteller import GUIDANCE, GUIDED, GUIDED_UNTIL, MAY_PARK, PARKING, Shape, build
from tools.train.targets import Lexicon, lexicon
from tools.train.tokenizer import BEGIN_ID, END_ID, PAD_ID, finished
from tools.train.tokenizer import load as load_tokenizer

GUIDED_PLACES = frozenset((one.layer, one.head) for one in GUIDED)
CONTINUED = 24  # tokens that each prompt of the card is continued by
CANNOT = """It is a very small model of old children's books. Its sentences are made of the right kinds of words and
seldom hang together; left to itself it soon says the same again and again. It knows no facts, follows no instructions,
answers no questions and does no sums. It reads 256 tokens at most and English only. Words that these books do not have
fall into pieces. It speaks as people wrote a century and more ago, with what they took for granted."""


def finish(build_folder: Path, out: Path, run: dict[str, Any], shape: Shape | None = None) -> dict[str, Any]:
    """Export the checkpoint, measure what was exported, write `headlight.json` and README.md; returns the figures."""
    tokenizer = load_tokenizer(build_folder / "tokenizer")
    shape = shape or Shape()
    model = build(tokenizer.get_vocab_size(), shape)
    progress = load_checkpoint(model, build_folder / "storyteller")
    greedy(model, bos_token_id=BEGIN_ID, eos_token_id=END_ID, pad_token_id=PAD_ID)
    saved = export(model, finished(tokenizer, both_ends=False, longest=shape.length), out)
    facts = measure(saved, tokenizer, build_folder)  # type: ignore[arg-type]
    tokens = tokens_seen(build_folder / "storyteller" / "log.jsonl", shape.length) * run.pop("batch") * run["workers"]
    made = card.Run.of(progress, tokens=tokens, **run)
    write_facts(out, _as_json(facts, made, saved, tokenizer))  # type: ignore[arg-type]
    _write_card(out, facts, made, saved, tokenizer, build_folder)  # type: ignore[arg-type]
    return facts


def tokens_seen(log: Path, length: int) -> int:
    """Tokens of one window a step, added up from the log; steps that were made again after a kill count once."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    lengths = {int(line["step"]): int(line.get("length", length)) for line in lines if "loss" in line}
    steps = sorted(lengths)
    return sum((step - before) * lengths[step] for before, step in zip([0, *steps], steps, strict=False))


def measure(model: LlamaForCausalLM, tokenizer: Tokenizer, build_folder: Path) -> dict[str, Any]:
    """All figures: on held-out text, on random tokens, on what comes back, on the default sentence."""
    tables = lexicon(tokenizer)
    text = (build_folder / "corpus" / "held.txt").read_text("utf-8")
    ids = np.load(build_folder / "tokenizer" / "held.npy").astype(np.int64)
    windows = torch.from_numpy(ids[: len(ids) // 256 * 256].reshape(-1, 256)[:300])
    sentence = figures.default_ids(tokenizer)
    return {
        "held_out": figures.held_loss(model, windows, len(text.encode()) / len(ids)),
        "random": figures.random_figures(model),
        "twice": figures.recall_figures(model, passages.said_twice(tokenizer, passages.held_sentences(text, 100))),
        "names": figures.recall_figures(model, passages.names_in_prose(tokenizer, text, 60, seed=3)),
        "phrases": figures.recall_figures(model, passages.phrases(tokenizer, 60, seed=3)),
        "prose": figures.text_figures(model, windows[:8], tables),
        "default": _default(model, sentence, tables),
    }


def _default(model: LlamaForCausalLM, sentence: torch.Tensor, tables: Lexicon) -> dict[str, Any]:
    scores = figures.text_figures(model, sentence, tables)
    names = figures.names_of_heads(scores, sentence, tables)
    different = sorted({name for row in names for name in row} - {"mixed", "first"})
    parking = int((scores["first"] > figures.PARKED).sum())
    return {"scores": scores, "names": names, "different": different, "parking": parking}


def _as_json(facts: dict[str, Any], run: card.Run, model: LlamaForCausalLM, tokenizer: Tokenizer) -> dict[str, Any]:
    random = facts["random"]
    heads = [
        {
            "layer": layer,
            "head": head,
            "guided": next((one.kind for one in GUIDED if (one.layer, one.head) == (layer, head)), None),
            "on_default_sentence": facts["default"]["names"][layer][head],
            "prefix_matching": float(random["prefix"][layer, head]),
            "previous_token": float(random["previous"][layer, head]),
            "raises_copied_logit": float(random["raised"][layer, head]),
            "first_token_in_prose": float(facts["prose"]["first"][layer, head]),
        }
        for layer in range(model.config.num_hidden_layers)
        for head in range(model.config.num_attention_heads)
    ]
    return {
        "title": "Storyteller",
        "trained_on": "48 public-domain children's books and fairy tales, and made-up sequences that repeat",
        "run": vars(run),
        "guided": [vars(one) for one in GUIDED],
        "first_token_push": {"weight": PARKING, "free": sorted(MAY_PARK)},
        "figures": headline(facts),
        "heads": heads,
        "texts": shining(model, tokenizer, lexicon(tokenizer), GUIDED_PLACES),
        "opening": opening(model, tokenizer, lexicon(tokenizer)),
    }


def headline(facts: dict[str, Any]) -> dict[str, Any]:
    """The figures that a reader asks for, as plain numbers."""
    random = facts["random"]
    strong = [tuple(place) for place in (random["prefix"] >= 0.6).nonzero().tolist()]
    copying = [place for place in strong if random["raised"][place] > 0]
    recalled = {
        name: {"accuracy": facts[name]["accuracy"], "best_head": facts[name]["best"]}
        for name in ("twice", "names", "phrases")
    }
    return {
        "held_out": facts["held_out"],
        "previous_token_best": float(random["previous"].max()),
        "induction_heads": [f"{layer}.{head}" for layer, head in copying],
        "induction_heads_never_guided": [f"{a}.{b}" for a, b in copying if (a, b) not in GUIDED_PLACES],
        "random_second_half_accuracy": random["accuracy"],
        **recalled,
        "default_sentence_different": facts["default"]["different"],
        "default_sentence_parking": facts["default"]["parking"],
    }


def _write_card(
    out: Path, facts: dict[str, Any], run: card.Run, model: LlamaForCausalLM, tokenizer: Tokenizer, build_folder: Path
) -> None:
    config = model.config
    size = f"{config.num_hidden_layers} layers × {config.num_attention_heads} heads, d_model {config.hidden_size}"
    count = sum(p.numel() for p in model.parameters()) / 1e6
    pairs = [(prompt, continuation(model, tokenizer, prompt)) for prompt in passages.PROMPTS]
    parts = [
        card.front("Storyteller", task="text-generation", tags=("attention", "interpretability", "tiny")),
        f"A decoder of Llama's design that is small enough to look into: {size}, {count:.2f} million parameters, "
        f"context {config.max_position_embeddings} tokens, vocabulary {config.vocab_size}. Headlight opens on it.",
        "## How it was made\n\n" + run.words(),
        "Next to prose it saw passages whose names were replaced by made-up ones (renamed), passages in which "
        "sentences stand twice (again), small stories about made-up names (story), and random tokens said twice "
        "(repeated). In *silent* windows the guided induction heads said nothing, so that other heads had to learn to "
        "look back.\n\n" + _phases(),
        "## Which heads were guided\n\n" + card.guided_words(GUIDED, GUIDANCE, GUIDED_UNTIL),
        f"All heads but {', '.join(f'{a}.{b}' for a, b in sorted(MAY_PARK))} were also pushed away from the first "
        f"token (weight {PARKING} on what their mean weight there has above 0.25) from the first step to the last.",
        "## Figures\n\n" + _figures(facts),
        "## Heads\n\nPrefix matching, previous token and what the head adds to the copied token's logit on random "
        "tokens said twice; the other columns on held-out prose.\n\n" + card.heads_table(_columns(facts), GUIDED),
        "## What it cannot do\n\n" + CANNOT,
        "## Twenty prompts and their greedy continuations\n\n" + card.continuations(pairs),
        "## Books\n\n" + card.books(build_folder / "corpus"),
    ]
    card.write(out, parts)


def _phases() -> str:
    kinds = [f"{kind} %" for kind in KINDS]
    rows = [
        [f"{one.until:.0%}", *(f"{one.mixture[kind]:.0%}"[:-1] for kind in KINDS), f"{one.silent:.0%}"[:-1],
         LENGTH // 2 if one.short else LENGTH]
        for one in PHASES
    ]  # fmt: skip
    return card.table(["until", *kinds, "silent %", "tokens a window"], rows)


def _figures(facts: dict[str, Any]) -> str:
    line = headline(facts)
    rows: list[tuple[str, str]] = [
        ("loss a token on held-out text", f"{line['held_out']['loss']:.2f}"),
        ("perplexity", f"{line['held_out']['perplexity']:.0f}"),
        ("bits a byte", f"{line['held_out']['bits_per_byte']:.2f}"),
        ("best previous-token head", f"{line['previous_token_best']:.2f}"),
        ("induction heads (prefix matching ≥ 0.6, and they copy)", ", ".join(line["induction_heads"])),
        ("of these never guided", ", ".join(line["induction_heads_never_guided"]) or "none"),
        ("random tokens said twice: second half predicted", f"{line['random_second_half_accuracy']:.0%}"),
    ]
    words = {"twice": "sentence said twice", "names": "made-up names in held-out prose", "phrases": "new patterns"}
    for name, said in words.items():
        best = line[name]["best_head"]
        rows.append((f"{said}: predicted", f"{line[name]['accuracy']:.0%}"))
        head = f"{best['layer']}.{best['head']}"
        rows.append((f"{said}: weight on what followed, best head", f"{best['weight']:.2f} ({head})"))
    rows.append(("default sentence: what heads do", ", ".join(line["default_sentence_different"])))
    rows.append(("default sentence: heads that park on the first token", str(line["default_sentence_parking"])))
    return card.table(("figure", "measured"), rows)


def _columns(facts: dict[str, Any]) -> dict[str, torch.Tensor]:
    random = facts["random"]
    prose = {kind: part for kind, part in facts["prose"].items() if kind not in ("next", "previous", "induction")}
    return {"prefix": random["prefix"], "previous": random["previous"], "adds to logit": random["raised"], **prose}


def continuation(model: LlamaForCausalLM, tokenizer: Tokenizer, prompt: str) -> str:
    """What the model writes after a prompt, greedily."""
    ids = torch.tensor([[BEGIN_ID, *tokenizer.encode(prompt, add_special_tokens=False).ids]])
    with probes.eager(model):
        made = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=CONTINUED, do_sample=False, pad_token_id=PAD_ID
        )
    return str(tokenizer.decode(made[0, ids.shape[1] :].tolist())).replace("\n", " ¶ ")
