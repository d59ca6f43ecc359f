"""What attention costs in operations, memory and time."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import SEED
from attention.lessons.kinds.sorts import numbers, whole
from attention.table import choice

KINDS: tuple[Kind, ...] = (
    Kind(
        name="cache",
        help="bytes of a cache of keys and values, for sizes of known models",
        settings={
            "model": setting("gpt", choice(("gpt", "llama", "large")), "GPT-2, Llama 3 8B or Llama 2 70B at first"),
            "n": setting(1024, whole(1, 131072), "tokens: 1, 128, 1024, 4096, 8192, 32768 or 131072"),
        },
        facts={
            "model": "whose sizes are shown",
            "kib": "its cache for one token, in KiB",
            "said": "the same in words",
            "total": "its cache for all tokens, in words",
            "mha": "for one token, if every query head had keys and values of its own",
            "mqa": "for one token, if all query heads shared one",
            "saved": "query heads to a key-value head",
        },
    ),
    Kind(
        name="cost",
        help="multiply-adds or numbers kept against the number of tokens, with each crossing named",
        settings={
            "of": setting("layer", choice(("layer", "recurrent", "memory", "token")), "what is compared"),
            "d_model": setting(768, whole(64, 4096), "64, 128, 256, 512, 768, 1024, 2048 or 4096"),
            "n": setting(1024, whole(16, 32768), "a power of two"),
            "heads": setting(12, whole(1, 64), "heads, whose maps are counted"),
            "window": setting(4096, whole(16, 32768), "keys that a sliding window keeps"),
        },
        facts={
            "d": "d_model",
            "n": "the number of tokens",
            "crossing": "at how many tokens attention's products equal those by weights",
            "projections": "multiply-adds of the four projections",
            "attention": "multiply-adds of q·k and A·V",
            "share": "attention's over the projections'",
            "rnn": "multiply-adds of a plain recurrent layer",
            "gru": "those of a GRU",
            "lstm": "those of an LSTM",
            "gru_crossing": "at how many tokens an attention layer equals a GRU",
            "lstm_crossing": "at how many it equals an LSTM",
            "fewer_than_rnn": "0 where the attention layer needs fewer than a plain recurrent one, else 1",
            "fewer_than_lstm": "0 where it needs fewer than an LSTM, else 1",
            "maps": "weights of all heads",
            "kept": "numbers of q, k, v and the output",
            "maps_times": "the first over the second",
            "cached": "multiply-adds of the next token with a cache",
            "again": "those without one",
            "saved": "the second over the first",
            "grows": "0 where the next token costs more with twice the tokens in the cache, else 1",
            "window_grows": "the same with a window",
        },
    ),
    Kind(
        name="measured",
        help="this machine's own times for projections and attention, on a click, beside the closed forms",
        settings={
            "d_model": setting(64, whole(16, 128), "width of a word's vector"),
            "lengths": setting((32.0, 64.0, 128.0, 256.0, 512.0), numbers(8, 1024), "how many tokens, rising"),
        },
        facts={
            "measured": "0 where it was measured, else 1",
            "equal_counts": "at how many tokens the counts are equal",
            "equal_times": "at about how many the times are, 0 where nowhere; known once measured, as those below",
            "crossed": "the same, unrounded",
            "order": "0 where the times are equal at fewer tokens than the counts, 1 at about as many, 2 at more",
            "said": "both in words",
        },
    ),
    Kind(
        name="streaming",
        help="one row of attention in blocks of keys, beside the same row in one go",
        settings={
            "n": setting(64, whole(8, 256), "keys"),
            "block": setting(8, whole(1, 64), "keys a block: 1, 2, 4, 8, 16, 32 or 64"),
            "seed": SEED,
        },
        facts={
            "n": "how many keys there are",
            "held": "numbers that are held between two blocks",
            "gap": "the difference of both outputs, as a share",
            "exact": "0 where they are the same within rounding, else 1",
            "blocks": "how many blocks there are",
        },
    ),
)
