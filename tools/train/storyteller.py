"""The storyteller: a small decoder (Llama's design) that learns prose and to look back. The app's default model.

`python -m tools.train.storyteller` trains it, saves it to `assets/models/storyteller` and writes its card.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from tools.train import BUILD, MODELS
from tools.train.export import rounded
from tools.train.guide import Guided, attach, choose_rows, guidance, parking
from tools.train.loop import Plan, launch
from tools.train.loss import cross_entropy
from tools.train.mix import LENGTH, Mixture
from tools.train.phases import phase
from tools.train.targets import lexicon
from tools.train.tokenizer import BEGIN_ID, END_ID, PAD_ID
from tools.train.tokenizer import load as load_tokenizer

GUIDED = (
    Guided(layer=0, head=0, kind="previous"),
    Guided(layer=0, head=1, kind="same word", lasting=0.03),
    Guided(layer=0, head=2, kind="two back", lasting=0.05),
    Guided(layer=0, head=4, kind="small words", lasting=0.03),
    Guided(layer=1, head=0, kind="previous"),
    Guided(layer=1, head=1, kind="things and names", lasting=0.03),
    Guided(layer=1, head=3, kind="big words", lasting=0.03),
    Guided(layer=2, head=0, kind="induction"),
    Guided(layer=3, head=0, kind="induction"),
)
GUIDANCE, GUIDED_UNTIL = 0.2, 0.3  # weight at the start, and the share of the run when it has fallen to nothing
PARKING = 0.15  # weight of the push away from the first token
MAY_PARK = frozenset({(0, 1), (2, 0), (3, 0)})  # guided heads that have nothing to look at most of the time


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of the decoder."""

    layers: int = 4
    heads: int = 6
    width: int = 192
    inner: int = 512
    length: int = LENGTH


def build(vocabulary: int, shape: Shape) -> LlamaForCausalLM:
    """The model with fresh weights."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.length,
        tie_word_embeddings=True,
        bos_token_id=BEGIN_ID,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
        attn_implementation="watched",
    )
    return LlamaForCausalLM(config)


class Batch(NamedTuple):
    """ids (size, length + 1), loss weights (size, length), rows to watch (size, ROWS), silent windows (size,)."""

    ids: Tensor
    weights: Tensor
    rows: Tensor
    silent: Tensor


def shortened(batch: Batch) -> Batch:
    """The first half of each window, and rows that lie in it."""
    half = batch.weights.shape[1] // 2
    return Batch(batch.ids[:, : half + 1], batch.weights[:, :half], 2 + batch.rows % (half - 2), batch.silent)


class Storyteller:
    """The storyteller as the loop trains it."""

    matrix_rate, other_rate = 0.012, 4e-3

    def __init__(self, folder: Path, shape: Shape, guided: tuple[Guided, ...] = GUIDED) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.model = build(self.tokenizer.get_vocab_size(), shape)
        self.mixture = Mixture(self.tokenizer, np.load(folder / "train.npy"), length=shape.length)
        self._held = np.load(folder / "held.npy").astype(np.int64)
        self._watch, self._lexicon, self._guided = attach(self.model), lexicon(self.tokenizer), guided
        self._watch.silent_heads = frozenset((one.layer, one.head) for one in guided if one.kind == "induction")

    def batch(self, size: int, share: float, rng: np.random.Generator) -> Batch:
        """A batch with what the attention function is to watch and to silence in it."""
        now = phase(share)
        ids, weights = self.mixture.batch(size, now.mixture, rng)
        rows, silent = choose_rows(size, weights.shape[1], rng), rng.random(size) < now.silent
        whole = Batch(torch.from_numpy(ids), torch.from_numpy(weights), rows, torch.from_numpy(silent))
        return shortened(whole) if now.short else whole

    def losses(self, batch: Batch, share: float) -> dict[str, Tensor]:
        """Next-token loss, the guided heads' and the parked heads'."""
        ids, weights, self._watch.rows, self._watch.silent = batch
        loss = self._next_token(ids, weights)
        strength = GUIDANCE * max(0.0, 1 - share / GUIDED_UNTIL)
        guide = guidance(self._watch, ids[:, :-1], self._lexicon, self._guided, strength)
        parked = parking(self._watch, MAY_PARK)
        self._watch.rows = self._watch.silent = None
        length = torch.tensor(float(weights.shape[1]))  # for the log, from which the card counts the tokens
        total = loss + guide + PARKING * parked
        return {"total": total, "loss": loss, "guide": guide, "parked": parked, "length": length}

    @torch.no_grad()
    def check(self) -> dict[str, float]:
        """The loss on 48 windows of held-out text."""
        self.model.eval()
        span = self.mixture.length + 1
        starts = np.linspace(0, max(0, len(self._held) - span), 48).astype(int)
        ids = torch.from_numpy(np.stack([self._held[at : at + span] for at in starts]))
        loss = self._next_token(ids, torch.ones(ids.shape[0], ids.shape[1] - 1))
        self.model.train()
        return {"held": float(loss)}

    def _next_token(self, ids: Tensor, weights: Tensor) -> Tensor:
        hidden = self.model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state  # (batch, n, d_model)
        labels = ids[:, 1:].reshape(-1)
        return cross_entropy(hidden.flatten(0, 1), self.model.lm_head.weight, labels, weights.reshape(-1))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--batch", type=int, default=8, help="windows a step in each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, default=BUILD)
    parser.add_argument("--out", type=Path, default=MODELS / "storyteller")
    parser.add_argument("--report-only", action="store_true", help="no training: save and measure the checkpoint")
    parser.add_argument("--note", default="", help="a sentence for the card about this run")
    options = parser.parse_args()
    plan = Plan(
        folder=options.build / "storyteller",
        minutes=options.minutes,
        batch=options.batch,
        workers=options.workers,
        seed=options.seed,
    )
    if not options.report_only:
        launch(partial(Storyteller, options.build / "tokenizer", Shape()), plan)
    _report(plan, options.build, options.out, options.note)


def _report(plan: Plan, build_folder: Path, out: Path, note: str) -> None:
    from tools.train.storyteller_card import finish, headline

    command = f"python -m tools.train.storyteller --minutes {plan.minutes:g}"
    run = {"command": command, "seed": plan.seed, "workers": plan.workers, "batch": plan.batch, "note": note}
    print(json.dumps(rounded(headline(finish(build_folder, out, run))), indent=1))


if __name__ == "__main__":
    main()
