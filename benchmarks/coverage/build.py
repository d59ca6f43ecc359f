"""A tiny model of any architecture, with random weights that are wide enough for attention to be far from uniform."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, PreTrainedModel

from benchmarks.coverage.listing import Architecture
from benchmarks.coverage.overrides import MADE, OVERRIDES

DEVIATION, BENT = 0.3, 0.1
# Every name by which some configuration knows a size; each architecture takes those that it has.
SIZES: dict[str, Any] = {
    "vocab_size": 101, "hidden_size": 64, "n_embd": 64, "d_model": 64, "dim": 64, "emb_dim": 64, "embedding_size": 64,
    "word_embed_proj_dim": 64, "num_hidden_layers": 3, "n_layer": 3, "n_layers": 3, "num_layers": 3,
    "encoder_layers": 2, "decoder_layers": 2, "num_decoder_layers": 2, "num_encoder_layers": 2,
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "num_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "d_kv": 11, "intermediate_size": 56,
    "n_inner": 56, "d_ff": 56, "encoder_ffn_dim": 56, "decoder_ffn_dim": 56, "ffn_dim": 56, "hidden_dim": 56,
    "moe_intermediate_size": 32, "max_position_embeddings": 128, "n_positions": 128, "sliding_window": 5,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "num_local_experts": 4,
    "num_experts": 4, "n_routed_experts": 4, "moe_num_experts": 4, "num_experts_per_tok": 2, "top_k_experts": 2,
    "kv_lora_rank": 32, "q_lora_rank": 24, "qk_nope_head_dim": 24, "v_head_dim": 20, "index_topk": 8,
    "index_n_heads": 4, "index_head_dim": 64, "n_group": 1, "topk_group": 1, "moe_topk": 2, "rotary_dim": 8,
    "attn_layer_period": 3, "attn_layer_offset": 1, "mamba_d_state": 8, "mamba_n_heads": 4, "mamba_d_ssm": 128,
    "num_kv_shared_layers": 0, "vocab_size_per_layer_input": 101, "hidden_size_per_layer_input": 8,
}  # fmt: skip
# By these names a configuration lists the sorts of its layers.
SORTS = ("layer_types", "layers_block_type")


def build(architecture: Architecture, *, sharp: float = 1.0, eager: bool = False, seed: int = 1) -> PreTrainedModel:
    """The architecture with random weights (see `widen`), the same each time, in evaluation mode.

    eager: with the model's own attention code instead of the fused one that it uses by itself.
    """
    model_class = getattr(transformers, architecture.name)
    config = config_of(architecture, model_class)
    torch.manual_seed(seed)
    model = model_class._from_config(config, **({"attn_implementation": "eager"} if eager else {}))
    widen(model, sharp, seed)
    return model.eval()


def config_of(architecture: Architecture, model_class: Any) -> Any:
    """A small configuration for this class: the one that its type names, or the part of it that the class needs."""
    if architecture.model_type in MADE:
        return MADE[architecture.model_type][0]()
    special = next((OVERRIDES[key][0] for key in (architecture.name, architecture.model_type) if key in OVERRIDES), {})
    config_class = CONFIG_MAPPING[architecture.model_type]
    wanted = getattr(model_class, "config_class", None)
    if wanted is not None and not issubclass(config_class, wanted):
        name = next(name for name, part in config_class.sub_configs.items() if issubclass(part, wanted))
        config_class, special = config_class.sub_configs[name], special.get(name, special)
    config = shrunk(config_class, special)
    if architecture.mapping == "causal" and not config.is_encoder_decoder and hasattr(config, "is_decoder"):
        config.is_decoder = True
    return config


def shrunk(config_class: Any, special: Mapping[str, Any]) -> Any:
    """The configuration with all sizes that it has made small; its parts too."""
    known = config_class()
    names = _settable(config_class)
    own: dict[str, Any] = {key: size for key, size in SIZES.items() if key in names}
    own |= _each_sort_twice(known, names)
    if "kv_lora_rank" in names and "num_key_value_heads" in names:
        own["num_key_value_heads"] = own["num_attention_heads"]  # latent attention makes keys for every head
    for name in getattr(config_class, "sub_configs", None) or {}:
        given = getattr(known, name, None)
        if given is not None:
            own[name] = shrunk(type(given), special.get(name, {})).to_dict()
    own |= {key: value for key, value in special.items() if not (isinstance(value, Mapping) and key in own)}
    return config_class(**own)


def _settable(config_class: Any) -> set[str]:
    """The names that the configuration takes and keeps, and the aliases of those that it has by another name only."""
    names = {field.name for field in dataclasses.fields(config_class)}
    return names | {alias for alias, own in config_class.attribute_map.items() if own in names and own not in SIZES}


def _each_sort_twice(known: Any, names: set[str]) -> dict[str, Any]:
    """A list of layers in which each sort that there is by default comes twice (of many sorts, once), in order."""
    for name in SORTS:
        sorts = getattr(known, name, None)
        if name in names and isinstance(sorts, list | tuple) and sorts:
            distinct = list(dict.fromkeys(sorts))
            layers = distinct * (3 if len(distinct) == 1 else 2 if len(distinct) == 2 else 1)
            return {name: layers, "num_hidden_layers": len(layers)}
    return {}


def widen(model: PreTrainedModel, sharp: float, seed: int) -> None:
    """Draw every matrix from N(0, DEVIATION²), and move every vector a little from what it starts as.

    sharp: what the scales of the norms are around, 1 by default. Where queries and keys are normed, wide matrices make
    no wide scores, and only this does.
    """
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not weight.is_floating_point():
                continue
            noise = torch.empty(weight.shape).normal_(0, 1, generator=draw)
            if weight.dim() >= 2:
                weight.copy_(noise * DEVIATION)
            else:
                is_scale = "norm" in name.lower() and not name.endswith("bias")
                weight.add_(noise * BENT + (sharp - 1 if is_scale else 0))
