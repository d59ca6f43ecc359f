"""The tokenizer that the storyteller and the cloze model share: byte-level BPE, 4,096 tokens, common words one token.

`python -m tools.train.tokenizer` trains it on `corpus/train.txt` and leaves `tokenizer/` with both texts as ids:
`train.npy` and `held.npy` (uint16), paragraphs divided by the token of a line break, books by `</s>`.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tools.train import BUILD

BEGIN, END, MASK, PAD = "<s>", "</s>", "<mask>", "<pad>"
SPECIALS = (BEGIN, END, MASK, PAD)  # their ids are 0, 1, 2, 3
BEGIN_ID, END_ID, MASK_ID, PAD_ID = range(4)
SIZE = 4096
# Words of simple sentences that old books seldom use: learned as one token as if they stood there EVERYDAY_TIMES.
EVERYDAY = """mat rug sofa bed cup plate spoon fork bowl bread cake soup apple pear cat dog mouse fox wolf bear duck
frog hen pig cow horse sheep goat lion tiger fish bird bee ball toy box bag hat coat shoe sock shirt key
lock clock lamp red blue green yellow black white brown pink orange purple grey one two three four five
six seven eight nine ten mum dad mother father sister brother baby boy girl man woman king queen prince
princess doctor teacher farmer baker sailor nurse school shop park garden river lake sea hill forest
road town city house kitchen window door wall floor roof train car bus boat ship bike tired hungry
thirsty happy sad angry cold hot warm wet dry big small tall short fast slow sat ran slept jumped walked
swam ate drank chased barked sang laughed cried sun moon star rain snow wind Monday Tuesday Wednesday
Thursday Friday Saturday Sunday John Mary Tom Anna Paul Lucy Ben Emma Jack Alice"""
EVERYDAY_TIMES = 400


def main() -> None:
    """The command line: `python -m tools.train.tokenizer`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=BUILD / "corpus")
    parser.add_argument("--out", type=Path, default=BUILD / "tokenizer")
    options = parser.parse_args()
    make(options.corpus, options.out)


def make(corpus: Path, out: Path, size: int = SIZE) -> Tokenizer:
    """Train on the corpus and write tokenizer.json, train.npy and held.npy into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    lines = (corpus / "train.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = learn(lines, size)
    tokenizer.save(str(out / "tokenizer.json"))
    for name in ("train", "held"):
        ids = to_ids(tokenizer, (corpus / f"{name}.txt").read_text(encoding="utf-8").splitlines())
        np.save(out / f"{name}.npy", ids)
        print(f"{name}: {len(ids):,} tokens")
    return tokenizer


def learn(lines: Iterable[str], size: int = SIZE) -> Tokenizer:
    """A byte-level BPE with GPT-2's split of words (Radford et al. 2019); a word keeps the space before it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    everyday = [" " + " ".join(EVERYDAY.split())] * EVERYDAY_TIMES
    tokenizer.train_from_iterator(itertools.chain(lines, everyday), trainer)
    return tokenizer


def to_ids(tokenizer: Tokenizer, lines: list[str]) -> np.ndarray:
    """All lines as one row of ids (uint16): a line break after each paragraph, `</s>` where a book ends."""
    (line_break,) = tokenizer.encode("\n", add_special_tokens=False).ids
    row: list[int] = []
    for part in _batches(lines, 1000):
        for line, encoded in zip(part, tokenizer.encode_batch_fast(part, add_special_tokens=False), strict=True):
            row.extend([*encoded.ids, line_break] if line else [END_ID])
    return np.array(row, dtype=np.uint16)


def finished(tokenizer: Tokenizer, *, both_ends: bool, longest: int) -> PreTrainedTokenizerFast:
    """The tokenizer as a model's folder has it: `<s>` before a text, and `</s>` after it where the model is trained so.

    longest: the model's context in tokens.
    """
    copy = _with_wide_mask(tokenizer)
    single = f"{BEGIN} $A {END}" if both_ends else f"{BEGIN} $A"
    copy.post_processor = processors.TemplateProcessing(
        single=single, pair=f"{single} $B:1", special_tokens=[(BEGIN, BEGIN_ID), (END, END_ID)]
    )
    names = {"bos_token": BEGIN, "eos_token": END, "pad_token": PAD}
    if both_ends:
        names = {**names, "mask_token": MASK, "cls_token": BEGIN, "sep_token": END}
    return PreTrainedTokenizerFast(tokenizer_object=copy, model_max_length=longest, **names)


def _with_wide_mask(tokenizer: Tokenizer) -> Tokenizer:
    """A copy in which a blank also takes the space before it, as the words do that may stand there."""
    settings = json.loads(tokenizer.to_str())
    for token in settings["added_tokens"]:
        token["lstrip"] = token["content"] == MASK
    return Tokenizer.from_str(json.dumps(settings))


def load(folder: Path) -> Tokenizer:
    """The trained tokenizer out of its folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def _batches(lines: list[str], size: int) -> Iterator[list[str]]:
    return (lines[at : at + size] for at in range(0, len(lines), size))


if __name__ == "__main__":
    main()
