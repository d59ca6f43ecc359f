"""The embedded default: a sentence through our own multi-head self-attention, with nothing to download.

Each word gets a fixed random vector and its sinusoidal position (Vaswani et al. 2017, §3.5), and one causal
`MultiHeadSelfAttention` layer with fixed random weights runs on them. Nothing here is trained: it shows the arithmetic,
not meaning, and the page says so.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attention.catalogue import LOCAL
from attention.errors import InputError, TooLongError
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

D_MODEL, N_HEADS, SEED = 64, 4, 2017
# Scores of unit variance give an almost flat softmax; with this gain a head visibly prefers some words.
GAIN = 1.6


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
def trace_local(text: str, *, max_tokens: int | None = None) -> Trace:
    """Run the sentence through the local layer. Raises InputError for a text without a word, TooLongError."""
    tokens = words(text)
    _check(text, tokens, max_tokens)
    layer, x = build(), embed(tokens)
    started = time.perf_counter()
    with torch.no_grad():
        made = layer.run(x[None])
    seconds = time.perf_counter() - started
    record = AttentionRecord(
        layer=0,
        kind="decoder",
        query=made.query[0],
        key=made.key[0],
        value=made.value[0],
        scale=layer.scale,
        mask=Mask(after=0),
        output=made.heads[0],
        projection=LocalProjection(layer),
        projected=made.output[0][checked_rows(len(tokens))],
        witness=FusedWitness(scale=layer.scale, causal=True),
    )
    return Trace(
        model=facts(layer),
        tokens=tokens,
        all_records=(record,),
        fidelity=_fidelity(layer, x, made.output[0]),
        seconds=seconds,
    )


def build(d_model: int = D_MODEL, n_heads: int = N_HEADS, seed: int = SEED) -> MultiHeadSelfAttention:
    """The layer with its fixed random weights: each projection N(0, GAIN²/d_model), no bias."""
    # float32 by name: while another thread loads a bfloat16 model, torch's default type is that.
    layer = MultiHeadSelfAttention(d_model, n_heads, causal=True, bias=False).to(torch.float32)
    generator = torch.Generator().manual_seed(seed)
    for weight in layer.parameters():
        nn.init.normal_(weight, std=GAIN / math.sqrt(d_model), generator=generator)
    return layer.requires_grad_(False)


def embed(tokens: tuple[Token, ...], d_model: int = D_MODEL) -> Tensor:
    """(n, m): a fixed random vector for each distinct word (case ignored), plus its position."""
    vectors = torch.stack([_word_vector(token.text.casefold(), d_model) for token in tokens])
    return vectors + sinusoids(len(tokens), d_model)


def sinusoids(n: int, d_model: int) -> Tensor:
    """(n, m): sine in even and cosine in odd dimensions, wavelengths from 2π to 10000·2π (§3.5)."""
    position = torch.arange(n, dtype=torch.float32)[:, None]
    frequency = torch.exp(torch.arange(0, d_model, 2, dtype=torch.float32) * (-math.log(10_000) / d_model))
    angle = position * frequency  # (n, m/2)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


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


def _check(text: str, tokens: tuple[Token, ...], max_tokens: int | None) -> None:
    if not tokens:
        raise InputError("There is no word to look at yet: type a sentence.")
    if max_tokens is not None and len(tokens) > max_tokens:
        start = beginning(text, tokens, max_tokens, words)
        raise TooLongError(f"This text has {len(tokens)} tokens; the limit here is {max_tokens}. Shorten it.", start)


def _word_vector(word: str, d_model: int) -> Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8], "big") % 2**63
    return torch.randn(d_model, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)


def _fidelity(layer: MultiHeadSelfAttention, x: Tensor, ours: Tensor) -> Fidelity:
    """The whole layer against torch's nn.MultiheadAttention with the same weights."""
    reference = nn.MultiheadAttention(x.shape[-1], layer.n_heads, bias=False, batch_first=True).to(torch.float32)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([layer.to_query.weight, layer.to_key.weight, layer.to_value.weight]))
        reference.out_proj.weight.copy_(layer.to_output.weight)
        blocked = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
        own = reference.eval()(x[None], x[None], x[None], attn_mask=blocked, need_weights=False)[0][0]
    allowed = TOLERANCE[torch.float32]
    gap = difference((ours - own).abs().max().item(), own.abs().max().item(), allowed)
    return Fidelity(
        of="output of torch's nn.MultiheadAttention",
        absolute=gap.absolute,
        relative=gap.relative,
        tolerance=allowed,
    )
