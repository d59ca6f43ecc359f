"""The models and texts of the benchmark: random weights, whole words as tokens, and texts of a wanted length."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STORYTELLER = ROOT / "assets" / "models" / "storyteller"
SEED = 0
WORDS = (
    "the", "cat", "sat", "on", "a", "mat", "because", "it", "was", "tired", "and", "then", "one", "small", "dog",
    "ran", "to", "see", "what", "she", "had", "found", "in", "her", "old", "red", "box", "by", "our", "door", "but",
    "no", "man", "or", "bird", "could", "ever", "say", "where", "his", "long", "way", "went", "when", "all", "of", "us",
    "were", "at", "home",
)  # fmt: skip
# GPT-2 small's layers, heads and width, with few words; and 3,072 heads, each too narrow to be good for anything.
SIZES: dict[str, dict[str, Any]] = {
    "gpt2-small-size": {"n_layer": 12, "n_head": 12, "n_embd": 768},
    "wide": {"n_layer": 48, "n_head": 64, "n_embd": 128},
}
LONGEST = 2_048


def build(name: str) -> Any:
    """A GPT-2 of that size with random weights, for texts of up to 2,048 of a few words."""
    import torch
    import transformers

    torch.manual_seed(SEED)
    facts: dict[str, Any] = {"n_positions": LONGEST, "bos_token_id": 0, "eos_token_id": 0}
    config = transformers.GPT2Config(vocab_size=len(WORDS) + 1, **facts, **SIZES[name])
    return transformers.GPT2LMHeadModel(config).eval()


def save(name: str, folder: Path) -> None:
    """Write the model with its tokenizer, as the app opens it."""
    build(name).save_pretrained(folder)
    tokenizer().save_pretrained(folder)


def tokenizer() -> Any:
    """A token a word."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    end = "<|endoftext|>"
    vocabulary = {word: number for number, word in enumerate([end, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=end))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    names = {"unk_token": end, "bos_token": end, "eos_token": end}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, **names, model_input_names=["input_ids", "attention_mask"]
    )


def words(n: int) -> str:
    """n words, which are n tokens of these models and of the local one."""
    return " ".join(itertools.islice(itertools.cycle(WORDS), n))


@cache
def story(n: int) -> str:
    """A text that the bundled storyteller takes as n tokens."""
    import transformers

    made = transformers.AutoTokenizer.from_pretrained(STORYTELLER)
    for count in range(1, n + 1):
        text = words(count)
        length = len(made(text).input_ids)
        if length == n:
            return text
        if length > n:
            break
    raise ValueError(f"No run of these words is {n} tokens.")
