"""The date translator: a tiny encoder-decoder (BART's design) from many spellings to ISO, a character a token.

`python -m tools.train.dates` trains it, saves it to `assets/models/dates` and writes its card. It needs no corpus.
"""

from __future__ import annotations

import argparse
import json
import string
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

from tools.train import BUILD, MODELS
from tools.train.export import rounded
from tools.train.loop import Plan, launch
from tools.train.spellings import draw

BEGIN, END, PAD, UNKNOWN = "<s>", "</s>", "<pad>", "<unk>"
CHARACTERS = string.ascii_letters + string.digits + " ,.-/'"
LENGTH = 64  # characters, at most
ISO = 10  # characters of "1998-05-03"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of encoder and decoder."""

    layers: int = 2
    heads: int = 4
    width: int = 96


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a character; `</s>` after a text."""
    vocabulary = {token: number for number, token in enumerate((BEGIN, END, PAD, UNKNOWN, *CHARACTERS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    made.decoder = decoders.Fuse()
    made.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, vocabulary[END])])
    names = {"bos_token": BEGIN, "eos_token": END, "pad_token": PAD, "unk_token": UNKNOWN}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=LENGTH, **names)


def build(shape: Shape, characters: PreTrainedTokenizerFast) -> BartForConditionalGeneration:
    """The model with fresh weights."""
    config = BartConfig(
        vocab_size=len(characters),
        d_model=shape.width,
        encoder_layers=shape.layers,
        decoder_layers=shape.layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=4 * shape.width,
        decoder_ffn_dim=4 * shape.width,
        max_position_embeddings=LENGTH,
        dropout=0.0,
        attention_dropout=0.0,
        bos_token_id=characters.bos_token_id,
        eos_token_id=characters.eos_token_id,
        pad_token_id=characters.pad_token_id,
        decoder_start_token_id=characters.bos_token_id,
        forced_eos_token_id=None,
        tie_word_embeddings=True,
    )
    return BartForConditionalGeneration(config)


class Dates:
    """The date translator as the loop trains it."""

    matrix_rate, other_rate = 0.012, 2e-3

    def __init__(self, shape: Shape) -> None:
        self.tokenizer = tokenizer()
        self.model = build(shape, self.tokenizer)

    def batch(self, size: int, share: float, rng: np.random.Generator) -> dict[str, Tensor]:
        """Sources (size, longest) with their mask, and labels (size, ISO + 1)."""
        sources, targets = zip(*(draw(rng, held=False) for _ in range(size)), strict=True)
        return {**self.encode(sources), "labels": self._ids(targets)}

    def encode(self, sources: tuple[str, ...]) -> dict[str, Tensor]:
        """Input ids and mask, padded to the longest."""
        encoded: Any = self.tokenizer(list(sources), padding=True, return_tensors="pt", return_token_type_ids=False)
        return dict(encoded)

    def losses(self, batch: dict[str, Tensor], share: float) -> dict[str, Tensor]:
        """Cross-entropy of the ISO form's characters."""
        loss = self.model(**batch).loss
        return {"total": loss}

    def check(self) -> dict[str, float]:
        """The share of 200 held-out dates that come out exactly."""
        return {"exact": self.exact(200, seed=7)}

    def exact(self, count: int, seed: int) -> float:
        """The share of `count` spellings of held-out dates whose ISO form comes out exactly, greedily."""
        rng = np.random.default_rng(seed)
        sources, targets = zip(*(draw(rng, held=True) for _ in range(count)), strict=True)
        made = self.translate(sources)
        return sum(one == other for one, other in zip(made, targets, strict=True)) / count

    @torch.no_grad()
    def translate(self, sources: tuple[str, ...]) -> list[str]:
        """The greedy output of each source."""
        self.model.eval()
        made = self.model.generate(**self.encode(sources), max_new_tokens=ISO + 2, num_beams=1, do_sample=False)
        self.model.train()
        return [str(text) for text in self.tokenizer.batch_decode(made, skip_special_tokens=True)]

    def _ids(self, targets: tuple[str, ...]) -> Tensor:
        return torch.tensor([self.tokenizer(text)["input_ids"] for text in targets])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--workers", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--batch", type=int, default=96, help="dates a step in each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, default=BUILD)
    parser.add_argument("--out", type=Path, default=MODELS / "dates")
    parser.add_argument("--report-only", action="store_true", help="no training: save and measure the checkpoint")
    options = parser.parse_args()
    plan = Plan(
        folder=options.build / "dates",
        minutes=options.minutes,
        batch=options.batch,
        workers=options.workers,
        seed=options.seed,
        save_every=60,
    )
    if not options.report_only:
        launch(partial(Dates, Shape()), plan)
    _report(plan, options.build, options.out)


def _report(plan: Plan, build_folder: Path, out: Path) -> None:
    from tools.train.dates_card import finish

    command = f"python -m tools.train.dates --minutes {plan.minutes:g}"
    run = {"command": command, "seed": plan.seed, "workers": plan.workers, "batch": plan.batch}
    print(json.dumps(rounded(finish(build_folder, out, run)), indent=1))


if __name__ == "__main__":
    main()
