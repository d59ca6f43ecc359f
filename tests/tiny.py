"""Tiny random models of many architectures, with weights wide enough that attention is far from uniform."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    PreTrainedModel,
)

CLASSES = {
    "decoder": AutoModelForCausalLM,
    "encoder": AutoModel,
    "masked": AutoModelForMaskedLM,
    "both": AutoModelForSeq2SeqLM,
}
# Every name by which some configuration knows a size; each architecture takes those that it has.
SIZES: dict[str, Any] = {
    "vocab_size": 101, "hidden_size": 48, "n_embd": 48, "d_model": 48, "embedding_size": 32, "word_embed_proj_dim": 48,
    "num_hidden_layers": 3, "n_layer": 3, "num_layers": 3, "encoder_layers": 2, "decoder_layers": 2,
    "num_decoder_layers": 2, "num_attention_heads": 4, "n_head": 4, "num_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12, "d_kv": 11, "intermediate_size": 56,
    "n_inner": 56, "n_heads": 4, "d_ff": 56, "encoder_ffn_dim": 56, "decoder_ffn_dim": 56, "moe_intermediate_size": 32,
    "max_position_embeddings": 128, "n_positions": 128, "sliding_window": 5, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "decoder_start_token_id": 1, "num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2,
    "mamba_d_state": 8, "mamba_chunk_size": 16, "attn_layer_period": 3, "attn_layer_offset": 1,
}  # fmt: skip


def build(name: str, kind: str, *, seed: int = 1, **sizes: Any) -> PreTrainedModel:
    """The architecture `name` with random weights N(0, 0.3²), in evaluation mode."""
    config_class = transformers.CONFIG_MAPPING[name]
    known = config_class()
    own = {key: value for key, value in SIZES.items() if hasattr(known, key) and not _fixed(config_class, key)}
    config = config_class(**{**own, **sizes})
    torch.manual_seed(seed)
    model = CLASSES[kind].from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() >= 2:
                weight.normal_(0, 0.3)
            elif weight.dim() == 1 and "bias" in name:
                weight.normal_(0, 0.1)
    return model.eval()


def _fixed(config_class: type, key: str) -> bool:
    """Whether a configuration computes this size itself."""
    own = getattr(config_class, key, None)
    return isinstance(own, property) and own.fset is None


def ids(n: int, seed: int = 3) -> list[int]:
    """n ordinary token ids."""
    return torch.randint(3, 100, (n,), generator=torch.Generator().manual_seed(seed)).tolist()


def own_attentions(model: PreTrainedModel, text: list[int], pair: list[int] | None = None, **inputs: Any) -> Any:
    """The model's output with its own eager attention maps."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        if pair is not None:
            inputs["decoder_input_ids"] = torch.tensor([pair])
        with torch.no_grad():
            return model(input_ids=torch.tensor([text]), output_attentions=True, **inputs)
    finally:
        model.set_attn_implementation(before)


def own_map(output: Any, kind: str) -> Any:
    """The tuple of layers' maps of one kind in a model's output."""
    for name in ({"cross": "cross_attentions"}.get(kind, f"{kind}_attentions"), "attentions"):
        if getattr(output, name, None) is not None:
            return getattr(output, name)
    raise AssertionError(f"the model gave no {kind} maps of its own")
