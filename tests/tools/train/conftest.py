"""A corpus made of nonsense words, prepared once: the books themselves do not go into the repository."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tools.train import corpus, tokenizer
from tools.train.names import made_up

SENTENCES = (
    "The {a} of {N} saw a {b}.",
    "One day the {b} went to {N}, and {N} said nothing.",
    '"Who is {N}?" asked the {a}.',
    "So {N} and the {a} ran home, for the {b} was there.",
)


def nonsense(seed: int, paragraphs: int) -> str:
    """Paragraphs of four sentences about made-up things, an empty line between them."""
    rng = np.random.default_rng(seed)
    words = [made_up(rng).lower() for _ in range(40)]
    lines = []
    for _ in range(paragraphs):
        filling = {"a": rng.choice(words), "b": rng.choice(words), "N": made_up(rng)}
        lines.append(" ".join(sentence.format(**filling) for sentence in SENTENCES))
    return "\n\n".join(lines)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the commands leave it: `corpus/` and `tokenizer/`, of two small books."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("train")
    (folder / "books").mkdir()
    for number in (1, 2):
        (folder / "books" / f"book{number}.txt").write_text(nonsense(number, 150), "utf-8")
    corpus.prepare(folder / "books", folder / "corpus")
    tokenizer.make(folder / "corpus", folder / "tokenizer", size=420)
    return folder
