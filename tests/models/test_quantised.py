"""Quantised checkpoints: unpacked and traced where the library can do that here, refused in words where not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.quantizers.auto import AUTO_QUANTIZER_MAPPING

import attention
from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelPool, inspect, parse
from attention.models.quantised import method_of
from tests import small_models, tiny
from tests.lazy import Lazy
from tests.traced import checks_hold

bitnet = Lazy("transformers.integrations.bitnet")
TEXT = "The cat sat on the mat"
BLOCK = 128
# What four bits mean in mxfp4.
VALUES = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
# Gemma's own method needs no package; its files are too much of their own to be made here.
OPENED = {"fp8", "mxfp8", "mxfp4", "bitnet", "gemma"}


def look(folder: Path, **limits: Any) -> Any:
    allowed = Limits(model_folder=str(folder.parent), **limits)
    return inspect(parse(f"./{folder.name}", allowed), allowed)


def configure(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def llama(twin_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(twin_root / "llama", (tmp_path / "root").resolve() / "packed"))


def as_fp8(folder: Path) -> dict[str, torch.Tensor]:
    """Rewrite a folder's layers as fp8 with one scale a block; what the weights then are."""
    tensors = load_file(folder / "model.safetensors")
    packed, meant = dict(tensors), dict(tensors)
    for name, weight in tensors.items():
        if weight.dim() == 2 and ".layers." in name:
            scale = weight.abs().max() / 448
            small = (weight / scale).to(torch.float8_e4m3fn)
            packed[name], packed[f"{name}_scale_inv"] = small, scale.reshape(1, 1)
            meant[name] = small.float() * scale
    save_file(packed, folder / "model.safetensors", metadata={"format": "pt"})
    settings = {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK], "activation_scheme": "dynamic"}
    configure(folder, quantization_config=settings)
    return meant


def as_mxfp4(folder: Path) -> None:
    """A tiny mixture of experts with its experts in four bits, as its authors store them."""
    torch.manual_seed(3)
    config = transformers.GptOssConfig(
        hidden_size=64, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=16, num_local_experts=4, num_experts_per_tok=2, vocab_size=len(small_models.tokenizer("gpt2")),
        max_position_embeddings=64, sliding_window=8, pad_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = transformers.GptOssForCausalLM(config)
    for weight in model.parameters():
        weight.data.normal_(0, 0.3)
    model.to(torch.bfloat16).save_pretrained(folder)
    small_models.tokenizer("gpt2").save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    for name in [name for name in tensors if name.endswith(("gate_up_proj", "down_proj"))]:
        weight = tensors.pop(name)  # (experts, in, out); stored as (experts, out, in / 32, 16 bytes)
        experts, rows, columns = weight.shape
        tensors[f"{name}_blocks"] = torch.randint(0, 256, (experts, columns, rows // 32, 16), dtype=torch.uint8)
        tensors[f"{name}_scales"] = torch.full((experts, columns, rows // 32), 125, dtype=torch.uint8)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    configure(folder, quantization_config={"quant_method": "mxfp4", "modules_to_not_convert": ["model.embed_tokens"]})


def tiny_llama(folder: Path) -> dict[str, torch.Tensor]:
    """A llama whose sizes are multiples of 16, saved; its tensors."""
    tokenizer = small_models.tokenizer("gpt2")
    tiny.build("llama", "decoder", vocab_size=len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def as_mxfp8(folder: Path) -> None:
    """fp8 with one power of two for each 32 numbers of a row."""
    tensors = tiny_llama(folder)
    for name in [name for name in tensors if ".layers." in name and tensors[name].dim() == 2]:
        rows, columns = tensors[name].shape
        tensors[name] = (tensors[name] * 256).to(torch.float8_e4m3fn)
        tensors[f"{name}_scale_inv"] = torch.full((rows, -(-columns // 32)), 127 - 8, dtype=torch.uint8)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    configure(folder, quantization_config={"quant_method": "mxfp8", "weight_block_size": [1, 32]})


def as_bitnet(folder: Path) -> None:
    """−1, 0 and 1, four to a byte; they stay packed in the memory."""
    tensors = tiny_llama(folder)
    for name in [name for name in tensors if ".layers." in name and tensors[name].dim() == 2]:
        scale = 1 / tensors[name].abs().mean()
        tensors[name] = bitnet.pack_weights((tensors[name] * scale).round().clamp(-1, 1))
        tensors[f"{name}_scale"] = scale.reshape(1)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    configure(folder, quantization_config={"quant_method": "bitnet", "modules_to_not_convert": ["lm_head"]})


def test_fp8_is_unpacked_and_the_checks_hold(llama: Path) -> None:
    meant = as_fp8(llama)
    card = look(llama)
    assert card.quantised == "fp8"
    assert "quantised with fp8" in card.summary
    assert "stored quantised with fp8" in card.notice
    loaded = ModelPool(Limits(model_folder=str(llama.parent))).get("./packed")
    own = dict(loaded.model.named_parameters())
    for name, weight in meant.items():
        assert own[name].dtype == torch.bfloat16
        torch.testing.assert_close(own[name].float(), weight, rtol=1e-2, atol=1e-3)
    trace = attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer)
    assert trace.model.dtype == "bfloat16"
    checks_hold(trace)


def test_the_notice_stands_in_the_trace(llama: Path) -> None:
    as_fp8(llama)
    trace = attention.trace(str(llama), TEXT)
    assert any("stored quantised with fp8" in note for note in trace.notes)


def test_mxfp4_is_unpacked_and_the_checks_hold(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / "experts"
    as_mxfp4(folder)
    stored = load_file(folder / "model.safetensors")
    loaded = ModelPool(Limits(model_folder=str(folder.parent))).get("./experts")
    assert loaded.card.quantised == "mxfp4"
    assert loaded.card.parameters >= sum(weight.numel() for weight in loaded.model.parameters())
    name = "model.layers.1.mlp.experts.down_proj"
    blocks = stored[f"{name}_blocks"]
    pairs = torch.stack([VALUES[(blocks & 15).long()], VALUES[(blocks >> 4).long()]], -1) * 2.0 ** (125 - 127)
    meant = pairs.reshape(*blocks.shape[:2], -1).transpose(1, 2)
    torch.testing.assert_close(dict(loaded.model.named_parameters())[name].float(), meant, rtol=0, atol=0)
    checks_hold(attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer))


@pytest.mark.parametrize("write", [as_mxfp8, as_bitnet])
def test_what_else_is_opened_here(write: Any, tmp_path: Path) -> None:
    folder = tmp_path.resolve() / "other"
    write(folder)
    loaded = ModelPool(Limits(model_folder=str(folder.parent))).get("./other")
    assert loaded.card.quantised == write.__name__.removeprefix("as_")
    trace = attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer)
    checks_hold(trace)
    told = trace.head(0, 0)
    assert (told.contribution is None) == (write is as_bitnet), "bitnet rounds what enters its projections"
    assert bool(told.no_contribution) == (write is as_bitnet)


def test_unpacked_weights_must_fit(llama: Path) -> None:
    as_fp8(llama)
    path = llama / "model.safetensors"
    tensors = load_file(path)
    tensors["extra"] = torch.zeros(900_000, dtype=torch.uint8).view(torch.float8_e4m3fn)
    save_file(tensors, path, metadata={"format": "pt"})
    assert path.stat().st_size < 1_200_000
    assert look(llama, max_model_mb=3).parameters > 900_000
    with pytest.raises(ModelError, match="1 MB are allowed"):
        look(llama, max_model_mb=1)


@pytest.mark.parametrize("method", sorted(set(AUTO_QUANTIZER_MAPPING) - OPENED))
def test_what_cannot_be_opened_here_is_refused_before_any_weights(method: str, llama: Path) -> None:
    (llama / "model.safetensors").unlink()
    settings: dict[str, Any] = {"quant_method": method, "bits": 4}
    if method.startswith("bitsandbytes"):
        settings = {"quant_method": "bitsandbytes", f"load_in_{method[-4]}bit": True}
    configure(llama, quantization_config=settings)
    with pytest.raises(ModelError) as caught:
        look(llama)
    said = str(caught.value)
    assert said.startswith(f"packed is quantised with {method}, which cannot be opened here: ")
    assert said.endswith("Choose the model that it was made from, in full precision.")
    assert "\n" not in said
    assert len(said) < 350


@pytest.mark.parametrize(
    ("method", "named"), [("awq", "gptqmodel"), ("gptq", "optimum"), ("quanto", "optimum-quanto"), ("aqlm", "aqlm")]
)
def test_the_refusal_names_the_package_that_is_missing(method: str, named: str, llama: Path) -> None:
    configure(llama, quantization_config={"quant_method": method, "bits": 4})
    with pytest.raises(ModelError, match=named):
        look(llama)


@pytest.mark.parametrize(
    ("raw", "method"),
    [
        ({}, None),
        ({"quantization_config": None}, None),
        ({"quantization_config": {}}, None),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"text_config": {"quantization_config": {"quant_method": "awq"}}}, "awq"),
        ({"quantization_config": {"load_in_4bit": True}}, "bitsandbytes_4bit"),
        ({"quantization_config": {"quant_method": ["x"]}}, "a method it does not name"),
    ],
)
def test_where_a_config_says_so(raw: dict[str, Any], method: str | None) -> None:
    assert method_of(raw) == method


def test_an_unknown_method_is_refused(llama: Path) -> None:
    configure(llama, quantization_config={"quant_method": "magic\u202e"})
    with pytest.raises(ModelError, match=r"magic\\u202e, which cannot be opened here: the library does not know"):
        look(llama)


def test_where_accelerate_is_missing_the_extra_that_brings_it_is_named(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_fp8(llama)
    monkeypatch.setattr("transformers.quantizers.quantizer_finegrained_fp8.is_accelerate_available", lambda: False)
    with pytest.raises(ModelError) as caught:
        look(llama)
    assert str(caught.value) == (
        "packed is quantised with fp8, which needs the package accelerate; install it with: pip install "
        '"headlight[adapters]".'
    )
