"""Where the general shrinking of a configuration does not fit: a few sizes by model type, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import transformers

_KV = "refuses fewer key-value heads than heads"
_INDEX = "its index of keys has sizes of its own"
_MROPE = "the three parts of its rotary embedding must add up to half of a head"
_HEAVY = "tables or towers of its own, too heavy to draw at random"

_RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 32}
_SECTIONS = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 2, 2]}

# model type → (sizes, the reason). Sizes of a part of a configuration are a dictionary under the part's name.
OVERRIDES: dict[str, tuple[dict[str, Any], str]] = {
    "bamba": ({"attn_layer_indices": [1]}, "has no attention layer by default"),
    "blt": (
        {"encoder_hash_byte_group_vocab": 101, "encoder_hash_byte_group_size": [3], "vocab_size": 260,
         "decoder_config": {"hidden_size_global": 64}},
        "bytes, and a table of hashes that is huge by default",
    ),
    "cosmos3_edge_text": (
        {"rope_parameters": _SECTIONS}, _MROPE,
    ),
    "cohere_compass_text": (
        {"rope_parameters": {"full_attention": _SECTIONS}},
        "names its rotary embedding by sort of layer, and has none by default",
    ),
    "dbrx": (
        {"attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8.0}},
        "does not run on its default attn_config",
    ),
    "deberta": (_RELATIVE, "its default has no relative positions, which it is known for"),
    "deberta-v2": (_RELATIVE, "its default has no relative positions, which it is known for"),
    "dots1": ({"n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1}, "has no experts by default"),
    "dots3_note_text": (
        {"swa_num_attention_heads": 4, "swa_num_key_value_heads": 4, "swa_q_lora_rank": 24, "swa_kv_lora_rank": 32},
        "its layers with a window have sizes of their own",
    ),
    "esmc": ({"num_key_value_heads": 4}, _KV),
    "funnel": ({"block_sizes": [1, 1, 1], "n_head": 4, "d_head": 12, "d_inner": 56}, "names its layers by block"),
    "glm5_next_text": ({"num_key_value_heads": 4, "index_kpool": 4}, _KV),
    "gpt_neo": (
        {"attention_types": [[["global", "local", "global"], 1]], "window_size": 5}, "lists its layers by sort",
    ),
    "lfm2_moe": (
        {"layer_types": ["full_attention", "conv", "full_attention"], "num_dense_layers": 1}, "has no list by default",
    ),
    "luke": ({"entity_vocab_size": 23, "entity_emb_size": 16}, _HEAVY),
    "mamba2": ({"num_heads": 8, "head_dim": 16}, "its heads must fill the widened state"),
    "nemo_speechlm": (
        {"audio_config": {"diarization_config": {"head_config": {"audio_hidden_size": 64}}},
         "word_timestamp_config": {"blank_token_id": 100}},
        "its parts must agree on a width and on a token",
    ),
    "perceiver": (
        {"num_latents": 11, "d_latents": 80, "num_self_attends_per_block": 2, "num_self_attention_heads": 4,
         "num_cross_attention_heads": 4, "vocab_size": 262},
        _HEAVY,
    ),
    "qwen2_vl_text": ({"rope_parameters": _SECTIONS}, _MROPE),
    "qwen2_5_vl_text": ({"rope_parameters": _SECTIONS}, _MROPE),
    "glm4v_text": ({"rope_parameters": _SECTIONS}, _MROPE),
    "glm_image_text": ({"rope_parameters": _SECTIONS}, _MROPE),
    "glm_ocr_text": ({"rope_parameters": _SECTIONS}, _MROPE),
    "hunyuan_vl_text": ({"rope_parameters": _SECTIONS}, _MROPE),
    "glm4v_moe_text": (
        {"rope_parameters": {**_SECTIONS, "partial_rotary_factor": 0.5, "mrope_section": [2, 1, 1]}}, _MROPE,
    ),
    "granitemoehybrid": ({"layer_types": ["mamba", "attention", "mamba"]}, "has no attention layer by default"),
    "lilt": ({"hidden_size": 48}, "its width must divide by six"),
    "longcat_flash": (
        {"head_dim": 64, "zero_expert_num": 2, "expert_ffn_hidden_size": 32, "ffn_hidden_size": 56, "q_lora_rank": 24},
        "its heads are as wide as what is rotated of them",
    ),
    "musicgen": ({"decoder": {"num_codebooks": 1}}, "reads several rows of tokens at once"),
    "musicgen_melody": ({"decoder": {"num_codebooks": 1}}, "reads several rows of tokens at once"),
    "vits": (
        {"upsample_initial_channel": 16, "upsample_rates": [2, 2], "upsample_kernel_sizes": [4, 4],
         "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1]]},
        "makes minutes of sound from what it reads",
    ),
    "xmod": ({"default_language": "en_XX"}, "demands a language"),
    "qwen4_exp": (
        {"text_config": {"indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 8,
                         "indexer_compress_ratio": 2}},
        _INDEX,
    ),
    "reformer": (
        {"attention_head_size": 12, "axial_pos_shape": [8, 16], "axial_pos_embds_dim": [24, 40], "num_buckets": 4,
         "local_attn_chunk_length": 4, "lsh_attn_chunk_length": 4, "feed_forward_size": 56,
         "attn_layers": ["local", "lsh", "local"], "max_position_embeddings": 128},
        "its positions are a product of two tables",
    ),
    "roc_bert": ({"pronunciation_vocab_size": 31, "shape_vocab_size": 37}, _HEAVY),
    "T5GemmaEncoderModel": ({"is_encoder_decoder": False}, "refuses a configuration of both stacks"),
    "vibevoice_asr": (
        {"acoustic_tokenizer_encoder_config": {"num_filters": 2, "depths": [1] * 7},
         "semantic_tokenizer_encoder_config": {"num_filters": 2, "depths": [1] * 7}},
        _HEAVY,
    ),
    "zamba2": ({"hybrid_layer_ids": [1, 3]}, "numbers its hybrid layers in a list of its own"),
    "zaya": ({"num_experts_per_tok": 1}, "takes one expert only"),
}  # fmt: skip
OVERRIDES["qwen4_exp_text"] = (OVERRIDES["qwen4_exp"][0]["text_config"], _INDEX)


def encoder_decoder() -> Any:
    """Two small BERTs: this class has no sizes of its own."""
    sizes: dict[str, Any] = {"vocab_size": 101, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    one = transformers.BertConfig(**sizes, intermediate_size=56)
    two = transformers.BertConfig(**sizes, intermediate_size=40, is_decoder=True, add_cross_attention=True)
    return transformers.EncoderDecoderConfig.from_encoder_decoder_configs(one, two, decoder_start_token_id=1)


def gemma3n() -> Any:
    """Text as it is; in place of its tower for pictures, which another library has, a small one that no text meets."""
    text: dict[str, Any] = {
        "vocab_size": 101, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "head_dim": 16,
        "num_key_value_heads": 2, "intermediate_size": 56, "vocab_size_per_layer_input": 101, "laurel_rank": 8,
        "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 0, "sliding_window": 5, "pad_token_id": 0,
        "layer_types": ["sliding_attention", "full_attention"] * 2, "activation_sparsity_pattern": [0.0] * 4,
    }  # fmt: skip
    config = transformers.Gemma3nConfig(
        text_config=text, audio_config={"hidden_size": 32, "conf_num_hidden_layers": 1, "conf_num_attention_heads": 2}
    )
    tower = transformers.SiglipVisionConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    tower.vocab_size, tower.vocab_offset, tower.rms_norm_eps = 128, 262_144, 1e-6
    config.__dict__["vision_config"] = tower  # its own type is demanded of what is set in the usual way
    return config


def gemma4_assistant() -> Any:
    """What its own validation demands of the text part, which its default is not."""
    text = transformers.Gemma4TextConfig(
        vocab_size=101, hidden_size=64, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
        intermediate_size=56, layer_types=["sliding_attention", "full_attention"] * 2, sliding_window=5,
        hidden_size_per_layer_input=0, vocab_size_per_layer_input=0,
    )  # fmt: skip
    return transformers.Gemma4AssistantConfig(text_config=text, backbone_hidden_size=32)


# Configurations that cannot be made from sizes alone.
MADE: dict[str, tuple[Callable[[], Any], str]] = {
    "encoder-decoder": (encoder_decoder, "joins any two models; it has no default"),
    "gemma4_assistant": (gemma4_assistant, "its default does not pass its own validation"),
    "gemma3n": (gemma3n, "its tower for pictures needs another library"),
}
