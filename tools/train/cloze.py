"""The cloze model: a small encoder (ModernBERT's design) that fills blanks from both sides.

`python -m tools.train.cloze` trains it, saves it to `assets/models/cloze` and writes its card. It shares the
storyteller's tokenizer and, where `--embeddings` names a checkpoint of the storyteller, begins with its embeddings.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import ModernBertConfig, ModernBertForMaskedLM

from tools.train import BUILD, MODELS
from tools.train.export import rounded
from tools.train.guide import Guided, attach, choose_rows, guidance
from tools.train.loop import Plan, launch
from tools.train.loss import cross_entropy
from tools.train.mix import Mixture
from tools.train.targets import lexicon
from tools.train.tokenizer import BEGIN_ID, END_ID, MASK_ID, PAD_ID, SPECIALS
from tools.train.tokenizer import load as load_tokenizer

LENGTH = 128
HIDDEN_SHARES = (0.12, 0.30)  # of the tokens of a window, drawn anew for each
PROSE = {"prose": 1.0}
STAYS = 0.05  # weight of the guided heads' extra loss, from the first step to the last
GUIDED = (
    Guided(layer=0, head=0, kind="previous", lasting=STAYS),
    Guided(layer=0, head=1, kind="next", lasting=STAYS),
    Guided(layer=1, head=0, kind="previous", lasting=STAYS),
    Guided(layer=1, head=1, kind="next", lasting=STAYS),
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of the encoder."""

    layers: int = 4
    heads: int = 6
    width: int = 192
    inner: int = 384
    length: int = LENGTH


def build(vocabulary: int, shape: Shape) -> ModernBertForMaskedLM:
    """The model with fresh weights; all layers look everywhere."""
    config = ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.length,
        layer_types=["full_attention"] * shape.layers,
        bos_token_id=BEGIN_ID,
        cls_token_id=BEGIN_ID,
        eos_token_id=END_ID,
        sep_token_id=END_ID,
        pad_token_id=PAD_ID,
        tie_word_embeddings=True,
        attn_implementation="watched",
    )
    return ModernBertForMaskedLM(config)


class Cloze:
    """The cloze model as the loop trains it."""

    matrix_rate, other_rate = 0.015, 3e-3

    def __init__(self, folder: Path, shape: Shape, embeddings: Path | None = None) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.model = build(self.tokenizer.get_vocab_size(), shape)
        self._ids = np.load(folder / "train.npy")
        self._mixture = Mixture(self.tokenizer, self._ids, length=shape.length - 3)
        self._held = np.load(folder / "held.npy").astype(np.int64)
        self._watch, self._lexicon, self._guided = attach(self.model), lexicon(self.tokenizer), GUIDED
        if embeddings is not None:
            self._begin_with(embeddings)

    def batch(self, size: int, share: float, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Ids with blanks and whole ids, (size, length) each: `<s>`, a passage, `</s>`; and rows to watch."""
        windows = [self._mixture.window(rng, PROSE)[0] for _ in range(size)]
        whole = np.stack([framed(window[window != BEGIN_ID], self._mixture.length + 3) for window in windows])
        share = rng.uniform(*HIDDEN_SHARES, (size, 1))
        hidden = (rng.random(whole.shape) < share) & (whole >= len(SPECIALS))
        rows = choose_rows(size, whole.shape[1] - 1, rng)
        return torch.from_numpy(np.where(hidden, MASK_ID, whole)), torch.from_numpy(whole), rows

    def losses(self, batch: tuple[Tensor, Tensor, Tensor], share: float) -> dict[str, Tensor]:
        """Cross-entropy of the hidden tokens, and the guided heads' loss."""
        blanked, whole, self._watch.rows = batch
        states, labels = self._at_blanks(blanked, whole)
        loss = cross_entropy(states, self.model.decoder.weight, labels, torch.ones(len(labels)))
        guide = guidance(self._watch, blanked, self._lexicon, self._guided, weight=0.0, causal=False)
        self._watch.rows = None
        return {"total": loss + guide, "loss": loss, "guide": guide}

    def check(self) -> dict[str, float]:
        """Top-1 and top-5 on held-out text."""
        return self.accuracy(windows=100, seed=5)

    @torch.no_grad()
    def accuracy(self, windows: int, seed: int) -> dict[str, float]:
        """Shares of held-out blanks (15 %) that the first guess or one of five fills; the same for commonest words."""
        rng = np.random.default_rng(seed)
        length = self._mixture.length + 3
        starts = np.linspace(0, max(0, len(self._held) - length), windows).astype(int)
        whole = np.stack([framed(self._held[at : at + length - 2], length) for at in starts])
        hidden = (rng.random(whole.shape) < 0.15) & (whole >= len(SPECIALS))
        self.model.eval()
        found = []
        for at in range(0, windows, 20):
            part = slice(at, at + 20)
            blanked = torch.from_numpy(np.where(hidden, MASK_ID, whole)[part])
            states, labels = self._at_blanks(blanked, torch.from_numpy(whole[part]))
            logits = states @ self.model.decoder.weight.T + self.model.decoder.bias
            found.append(logits.topk(5).indices == labels[:, None])  # (blanks, 5)
        self.model.train()
        hits = torch.cat(found).double()
        return {"top1": float(hits[:, 0].mean()), "top5": float(hits.sum(1).mean()), **self._commonest(whole[hidden])}

    def _commonest(self, labels: np.ndarray) -> dict[str, float]:
        """The same shares for the tokens that are most frequent in the text that is learned from."""
        order = np.argsort(-np.bincount(self._ids, minlength=self.tokenizer.get_vocab_size()))[:5]
        return {"commonest1": float(np.mean(labels == order[0])), "commonest5": float(np.isin(labels, order).mean())}

    def _at_blanks(self, blanked: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """(states (blanks, d_model) before the vocabulary's matrix, labels (blanks,))."""
        states = self.model.model(input_ids=blanked).last_hidden_state
        blanks = blanked == MASK_ID
        return self.model.head(states[blanks]), whole[blanks]

    def _begin_with(self, checkpoint: Path) -> None:
        weights = torch.load(checkpoint, weights_only=True)["model"]["model.embed_tokens.weight"]
        with torch.no_grad():
            self.model.get_input_embeddings().weight.copy_(weights)


def framed(passage: np.ndarray, length: int) -> np.ndarray:
    """`<s>`, the passage cut to fit, `</s>`: (length,)."""
    body = passage[: length - 2]
    row = np.concatenate([[BEGIN_ID], body, [END_ID]])
    return np.pad(row, (0, length - len(row)), constant_values=END_ID).astype(np.int64)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--batch", type=int, default=16, help="windows a step in each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--embeddings", type=Path, help="a checkpoint of the storyteller to take the embeddings from")
    parser.add_argument("--build", type=Path, default=BUILD)
    parser.add_argument("--out", type=Path, default=MODELS / "cloze")
    parser.add_argument("--report-only", action="store_true", help="no training: save and measure the checkpoint")
    parser.add_argument("--note", default="", help="a sentence for the card about this run")
    options = parser.parse_args()
    plan = Plan(
        folder=options.build / "cloze",
        minutes=options.minutes,
        batch=options.batch,
        workers=options.workers,
        seed=options.seed,
    )
    if not options.report_only:
        embeddings = _kept(options.embeddings, plan.folder)
        launch(partial(Cloze, options.build / "tokenizer", Shape(), embeddings), plan)
    _report(plan, options.build, options.out, options.embeddings, options.note)


def _kept(checkpoint: Path | None, folder: Path) -> Path | None:
    """A copy of the storyteller's checkpoint as it is when this run begins, so that a resumed run and the card know."""
    copy = folder / "embeddings.pt"
    if checkpoint is not None and not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkpoint, copy)
    return copy if copy.exists() else None


def _report(plan: Plan, build_folder: Path, out: Path, embeddings: Path | None, note: str) -> None:
    from tools.train.cloze_card import finish

    begun = f" --embeddings {embeddings}" if embeddings else ""
    command = f"python -m tools.train.cloze --minutes {plan.minutes:g}{begun}"
    told = f"{_note(plan)} {note}".strip()
    run = {"command": command, "seed": plan.seed, "workers": plan.workers, "batch": plan.batch, "note": told}
    print(json.dumps(rounded(finish(build_folder, out, run)), indent=1))


def _note(plan: Plan) -> str:
    copy = plan.folder / "embeddings.pt"
    if not copy.exists():
        return ""
    progress = torch.load(copy, weights_only=True)["progress"]
    minutes, steps = progress["seconds"] / 60, progress["step"]
    return f"It began with the embeddings that the storyteller had after {minutes:.0f} minutes ({steps} steps)."


if __name__ == "__main__":
    main()
