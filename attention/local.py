"""The embedded default: a sentence through our own multi-head self-attention, with nothing to download.

Each word gets a fixed vector and its sinusoidal position (Vaswani et al. 2017, §3.5), and one `MultiHeadSelfAttention`
layer with fixed weights runs on them. Words and weights are numbers of a hash, which the browser computes alike
(`static/local/layer.js`). Nothing here is trained: it shows the arithmetic, not meaning, and the page says so.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from attention import hashing
from attention.catalogue import LOCAL
from attention.errors import InputError, TooLongError
from attention.layer_settings import LocalSettings
from attention.mhsa import MultiHeadSelfAttention
from attention.record import (
    TOLERANCE,
    AttentionRecord,
    Fidelity,
    FusedWitness,
    Mask,
    ModelFacts,
    Token,
    Trace,
    checked_rows,
    difference,
)
from attention.stages import exactly
from attention.tokens import beginning, words

DEFAULT = LocalSettings()
# Scores of unit variance give an almost flat softmax; with this gain a head visibly prefers some words.
GAIN = 1.6
LONGEST_WAVE = 10_000
# Frequencies are rounded to this grid, on which all powers agree, so that the browser's positions are the same.
GRID = 2**36


@dataclass(frozen=True, eq=False)
class LocalProjection:
    """W_O of the local layer."""

    layer: MultiHeadSelfAttention
    name: str = "to_output"
    norm_follows: str | None = None

    @property
    def linear(self) -> tuple[Tensor, Tensor | None]:
        """Its weight (m, h·v) and bias."""
        return self.layer.to_output.weight, self.layer.to_output.bias

    def __call__(self, heads: Tensor) -> Tensor:
        """(n_q, h·v) → (n_q, m)."""
        with torch.no_grad():
            return self.layer.to_output(heads)


@exactly
def trace_local(text: str, settings: LocalSettings = DEFAULT, *, max_tokens: int | None = None) -> Trace:
    """Run the sentence through the local layer. Raises InputError for a text without a word, TooLongError."""
    tokens = words(text)
    _check(text, tokens, max_tokens)
    layer, x = build(settings), embed(tokens, settings)
    started = time.perf_counter()
    with torch.no_grad():
        made = layer.run(x[None])
    seconds = time.perf_counter() - started
    record = AttentionRecord(
        layer=0,
        kind="decoder" if settings.causal else "encoder",
        query=made.query[0],
        key=made.key[0],
        value=made.value[0],
        scale=layer.scale,
        temperature=settings.temperature,
        mask=Mask(after=0) if settings.causal else Mask(),
        output=made.heads[0],
        projection=LocalProjection(layer),
        projected=made.output[0][checked_rows(len(tokens))],
        witness=FusedWitness(scale=layer.scale / settings.temperature, causal=settings.causal),
    )
    return Trace(
        model=facts(layer),
        tokens=tokens,
        all_records=(record,),
        fidelity=_fidelity(layer, x, made.output[0]),
        seconds=seconds,
    )


def build(settings: LocalSettings = DEFAULT) -> MultiHeadSelfAttention:
    """The layer with its fixed weights: each projection nearly N(0, GAIN²/d_model), no bias.

    Fewer key-value heads have the first columns of more.
    """
    # float32 by name: while another thread loads a bfloat16 model, torch's default type is that.
    layer = MultiHeadSelfAttention(
        settings.d_model, settings.n_heads, n_kv_heads=settings.n_kv_heads, causal=settings.causal,
        scaled=settings.scaled, temperature=settings.temperature, bias=False,
    ).to(torch.float32)  # fmt: skip
    for name in ("query", "key", "value", "output"):
        weight = getattr(layer, f"to_{name}").weight
        with torch.no_grad():
            weight.copy_(_projection(name, settings.seed, settings.d_model)[: len(weight)])
    return layer.requires_grad_(False)


@lru_cache(maxsize=16)
def _projection(name: str, seed: int, d_model: int) -> Tensor:
    """(m, m) float32: a weight as torch's Linear has it. Kept, for nearly all texts are looked at with the same few."""
    made = hashing.normal(hashing.number_of(name, seed), d_model * d_model) * (GAIN / math.sqrt(d_model))
    return torch.from_numpy(made.reshape(d_model, d_model).T.astype(np.float32))


def embed(tokens: tuple[Token, ...], settings: LocalSettings = DEFAULT) -> Tensor:
    """(n, m): a fixed vector for each distinct word, capital or small, plus its position, unless that is left out."""
    found = {word: word_vector(word, settings.d_model) for word in {folded(token.text) for token in tokens}}
    vectors = torch.stack([found[folded(token.text)] for token in tokens])
    return vectors + sinusoids(len(tokens), settings.d_model) if settings.positions else vectors


def folded(word: str) -> str:
    """What a word is looked up by: its letters, capital or small.

    One by one, and by way of the capital: so Python and browsers agree, and "ς" is "σ".
    """
    return "".join(letter.upper().lower() for letter in word)


def word_vector(word: str, d_model: int) -> Tensor:
    """(m,) float32, of a word that was folded; a narrower vector is the beginning of a wider one."""
    return torch.from_numpy(hashing.normal(hashing.number_of("word", word), d_model).astype(np.float32))


def sinusoids(n: int, d_model: int) -> Tensor:
    """(n, m): sine in even and cosine in odd dimensions, wavelengths from 2π to 10000·2π (§3.5)."""
    # One by one: numpy's powers differ from machine to machine, and in their last digit from those of a browser.
    frequency = [_rounded(LONGEST_WAVE ** (-even / d_model) * GRID) / GRID for even in range(0, d_model, 2)]
    angle = np.arange(n, dtype=np.float64)[:, None] * np.array(frequency)  # (n, ⌈m/2⌉)
    both = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n, -1)[:, :d_model]
    return torch.from_numpy(both.astype(np.float32))


def facts(layer: MultiHeadSelfAttention) -> ModelFacts:
    """What the page says of the local model."""
    return ModelFacts(
        name=LOCAL,
        architecture="MultiHeadSelfAttention",
        capture_mode="from scratch",
        n_layers=1,
        n_heads=layer.n_heads,
        n_kv_heads=layer.n_kv_heads,
        d_model=layer.to_output.out_features,
        d_head=layer.d_head,
        n_parameters=sum(weight.numel() for weight in layer.parameters()),
        dtype="float32",
        trained=False,
    )


def _rounded(value: float) -> int:
    """As a browser's Math.round: a half goes up."""
    return math.floor(value + 0.5)


def _check(text: str, tokens: tuple[Token, ...], max_tokens: int | None) -> None:
    if not tokens:
        raise InputError("There is no word to look at yet: type a sentence.")
    if max_tokens is not None and len(tokens) > max_tokens:
        start = beginning(text, tokens, max_tokens, words)
        raise TooLongError(f"This text has {len(tokens)} tokens; the limit here is {max_tokens}. Shorten it.", start)


def _fidelity(layer: MultiHeadSelfAttention, x: Tensor, ours: Tensor) -> Fidelity:
    """The whole layer against torch's own attention with the same weights."""
    whole = layer.n_heads == layer.n_kv_heads
    with torch.no_grad():
        own = _by_module(layer, x) if whole else _by_function(layer, x)
    allowed = TOLERANCE[torch.float32]
    gap = difference((ours - own).abs().max().item(), own.abs().max().item(), allowed)
    return Fidelity(
        of=f"output of torch's {'nn.MultiheadAttention' if whole else 'scaled_dot_product_attention'}",
        absolute=gap.absolute,
        relative=gap.relative,
        tolerance=allowed,
    )


def _by_module(layer: MultiHeadSelfAttention, x: Tensor) -> Tensor:
    """(n, m): by nn.MultiheadAttention, which divides by √d_head always, so its queries bring what else is asked."""
    reference = nn.MultiheadAttention(x.shape[-1], layer.n_heads, bias=False, batch_first=True).to(torch.float32)
    factor = layer.scale / layer.temperature * math.sqrt(layer.d_head)
    query, key, value = (one.weight for one in (layer.to_query, layer.to_key, layer.to_value))
    reference.in_proj_weight.copy_(torch.cat([query * factor, key, value]))
    reference.out_proj.weight.copy_(layer.to_output.weight)
    blocked = torch.ones(len(x), len(x), dtype=torch.bool).triu(1) if layer.causal else None
    own: Tensor = reference.eval()(x[None], x[None], x[None], attn_mask=blocked, need_weights=False)[0][0]
    return own


def _by_function(layer: MultiHeadSelfAttention, x: Tensor) -> Tensor:
    """(n, m): by torch's scaled_dot_product_attention, which shares keys and values between heads as they are."""
    query = (x @ layer.to_query.weight.T).view(len(x), layer.n_heads, layer.d_head)
    key, value = (
        (x @ one.weight.T).view(len(x), layer.n_kv_heads, layer.d_head) for one in (layer.to_key, layer.to_value)
    )
    mixed = functional.scaled_dot_product_attention(
        query.transpose(0, 1)[None], key.transpose(0, 1)[None], value.transpose(0, 1)[None],
        is_causal=layer.causal, scale=layer.scale / layer.temperature, enable_gqa=True,
    )  # fmt: skip
    return mixed[0].transpose(0, 1).reshape(len(x), -1) @ layer.to_output.weight.T
