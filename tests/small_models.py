"""Tiny models with random weights, of the kinds in the catalogue, with tokenizers that work: made and saved in a blink.

`save(family, folder)` writes what the hub would hold: config, safetensors weights and tokenizer files. Sizes are
distinct primes where the architecture lets them be, so that a swapped axis cannot pass; matrices are wide (deviation
0.3), so that attention is far from uniform.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = (
    "The cat sat on the mat because it was tired.",
    "The red door opens slowly. The red door opens slowly.",
    "She sat on the bank of the river, then walked to the bank to open an account.",
    "Le chat dort déjà sur le tapis, parce qu’il est très fatigué.",
    "singing and walking, walked and walks, playing and played",
)
DEVIATION = 0.3


def wordpiece() -> Any:
    """BERT's way: lower case, "##ing", [CLS] … [SEP]."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {piece: number for number, piece in enumerate([*special, *_wordpieces()])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names, model_input_names=inputs)


def byte_level(end: str = "<|endoftext|>") -> Any:
    """GPT-2's way: bytes, "Ġcat", nothing around the text."""
    tokenizer = _bytes([end], 293)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=end, bos_token=end, unk_token=end, model_input_names=_INPUTS
    )


def roberta_bytes() -> Any:
    """RoBERTa's way: bytes, "Ġcat", <s> … </s>."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = _bytes(special, 307)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ends, add_prefix_space=False)
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), special, strict=True))
    names |= {"cls_token": "<s>", "sep_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names, model_input_names=_INPUTS)


def unigram() -> Any:
    """SentencePiece's way: "▁cat", <0xE2> for what is unknown, </s> at the end."""
    tokenizer = Tokenizer(models.Unigram(_unigram_vocabulary(), unk_id=2, byte_fallback=True))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_input_names=_INPUTS,
    )


_INPUTS = ["input_ids", "attention_mask"]


def _bytes(special: list[str], size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=special,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return tokenizer


def _wordpieces() -> list[str]:
    """The letters alone and inside words, the words without their common endings, and these; in one fixed order."""
    text = normalizers.BertNormalizer(lowercase=True).normalize_str(" ".join(SENTENCES))
    words = set("".join(letter if letter.isalpha() else " " for letter in text).split())
    endings = ("ing", "ed", "s")
    ends = {
        word: next((end for end in endings if word.endswith(end) and len(word) > len(end) + 3), "") for word in words
    }
    stems = {word.removesuffix(ends[word]) for word in words}
    letters = sorted(set(text) - {" "})
    inner = [f"##{letter}" for letter in letters if letter.isalpha()]
    return [*letters, *inner, *sorted(stems - set(letters)), *(f"##{end}" for end in endings if len(end) > 1)]


def _unigram_vocabulary() -> list[tuple[str, float]]:
    """Special pieces, the substrings of words that come back, every character, every byte.

    Counted here, as above, for the library's own training gives another vocabulary in each process.
    """
    words = [f"▁{word}" for sentence in SENTENCES for word in sentence.split()]
    counts: Counter[str] = Counter()
    for word in words:
        counts.update(word[start:stop] for start in range(len(word)) for stop in range(start + 1, len(word) + 1))
    kept = {piece: count for piece, count in counts.items() if len(piece) == 1 or (count > 2 and len(piece) < 6)}
    scored = sorted((piece, math.log(count / len(words)) - 3.0) for piece, count in kept.items())
    bytes_ = [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    return [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scored, *bytes_]


def _bert(vocabulary: int) -> Any:
    return transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=vocabulary,
            hidden_size=33,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=37,
            max_position_embeddings=131,
        )
    )


def _minilm(vocabulary: int) -> Any:
    return transformers.BertModel(
        transformers.BertConfig(
            vocab_size=vocabulary,
            hidden_size=35,
            num_hidden_layers=3,
            num_attention_heads=5,
            intermediate_size=41,
            max_position_embeddings=127,
        )
    )


def _distilbert(vocabulary: int) -> Any:
    return transformers.DistilBertForMaskedLM(
        transformers.DistilBertConfig(
            vocab_size=vocabulary, dim=39, n_layers=2, n_heads=3, hidden_dim=43, max_position_embeddings=113
        )
    )


def _roberta(vocabulary: int) -> Any:
    return transformers.RobertaForMaskedLM(
        transformers.RobertaConfig(
            vocab_size=vocabulary,
            hidden_size=55,
            num_hidden_layers=2,
            num_attention_heads=5,
            intermediate_size=47,
            max_position_embeddings=103,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            type_vocab_size=1,
        )
    )


def _gpt2(vocabulary: int) -> Any:
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=vocabulary, n_embd=51, n_layer=2, n_head=3, n_positions=109, bos_token_id=0, eos_token_id=0
        )
    )


def _gpt_neox(vocabulary: int) -> Any:
    return transformers.GPTNeoXForCausalLM(
        transformers.GPTNeoXConfig(
            vocab_size=vocabulary,
            hidden_size=50,
            num_hidden_layers=3,
            num_attention_heads=5,
            intermediate_size=53,
            max_position_embeddings=137,
            rotary_pct=0.4,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def _llama(vocabulary: int) -> Any:
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=54,
            num_hidden_layers=2,
            num_attention_heads=9,
            num_key_value_heads=3,
            intermediate_size=59,
            max_position_embeddings=139,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def _qwen3(vocabulary: int) -> Any:
    return transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=57,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=22,
            intermediate_size=61,
            max_position_embeddings=149,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def _t5(vocabulary: int) -> Any:
    return transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=vocabulary,
            d_model=31,
            d_kv=7,
            d_ff=67,
            num_layers=2,
            num_decoder_layers=3,
            num_heads=5,
            relative_attention_num_buckets=11,
            relative_attention_max_distance=29,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


def _marian(vocabulary: int) -> Any:
    return transformers.MarianMTModel(
        transformers.MarianConfig(
            vocab_size=vocabulary,
            d_model=42,
            encoder_layers=3,
            decoder_layers=2,
            encoder_attention_heads=3,
            decoder_attention_heads=3,
            encoder_ffn_dim=71,
            decoder_ffn_dim=73,
            max_position_embeddings=107,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
            forced_eos_token_id=1,
            scale_embedding=True,
        )
    )


FAMILIES: dict[str, tuple[Callable[[int], Any], Callable[[], Any]]] = {
    "bert": (_bert, wordpiece),
    "distilbert": (_distilbert, wordpiece),
    "roberta": (_roberta, roberta_bytes),
    "minilm": (_minilm, wordpiece),
    "gpt2": (_gpt2, byte_level),
    "gpt_neox": (_gpt_neox, byte_level),
    "llama": (_llama, byte_level),
    "qwen3": (_qwen3, byte_level),
    "t5": (_t5, unigram),
    "marian": (_marian, unigram),
}


@cache
def tokenizer(family: str) -> Any:
    """The family's tokenizer, trained once a process."""
    build = FAMILIES[family][1]
    return build()


def model(family: str, seed: int = 7) -> Any:
    """A fresh model of the family in evaluation mode, the same weights for the same seed."""
    made = FAMILIES[family][0](len(tokenizer(family)))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if weight.dim() > 1 and "embed_positions" not in name:
                weight.normal_(0.0, DEVIATION, generator=generator)
    return made.eval()


def save(family: str, folder: Path | str, dtype: torch.dtype | None = None) -> Path:
    """Write the twin of `family` into `folder` as the hub would hold it; returns the folder."""
    folder = Path(folder)
    made = model(family)
    (made if dtype is None else made.to(dtype)).save_pretrained(folder)
    tokenizer(family).save_pretrained(folder)
    return folder
