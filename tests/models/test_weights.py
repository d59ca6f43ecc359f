"""The safetensors header: read rightly, and never trusted."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from attention.errors import ModelError
from attention.models.weights import TensorFacts, choose, common_dtype, parameters, read_header


def write(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw + data)
    return path


def entry(dtype: object = "F32", shape: object = (2, 3), offsets: object = (0, 24)) -> dict:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def test_a_real_file(tmp_path: Path):
    path = tmp_path / "model.safetensors"
    weights = {"a": torch.zeros(2, 3), "b": torch.zeros(5, dtype=torch.bfloat16), "ids": torch.zeros(1, 7).long()}
    save_file(weights, path, metadata={"format": "pt"})
    found = read_header(path)
    assert set(found) == {
        TensorFacts("a", "F32", (2, 3)),
        TensorFacts("b", "BF16", (5,)),
        TensorFacts("ids", "I64", (1, 7)),
    }
    assert parameters(found) == 11
    assert common_dtype(found) == "F32"


def test_a_saved_causal_mask_is_no_weight():
    tensors = [TensorFacts("h.0.attn.bias", "F32", (1, 1, 13, 13)), TensorFacts("h.0.attn.c_attn.bias", "F16", (11,))]
    assert parameters(tensors) == 11
    assert common_dtype(tensors) == "F16"


@pytest.mark.parametrize(
    ("header", "data", "length", "message"),
    [
        (b"", b"", 0, "longer than the file"),
        (entry(), bytes(24), 2**63, "longer than the file"),
        (entry(), bytes(24), 10**6, "longer than the file"),
        (b"\xff\xfe", b"", None, "not JSON"),
        (b"[" * 100_000, b"", None, "not JSON"),
        ([1], b"", None, "not a table"),
        ({"w": 3}, b"", None, "is not one of a tensor"),
        (entry(dtype="F99"), bytes(24), None, "is not one of a tensor"),
        (entry(dtype=["F32"]), bytes(24), None, "is not one of a tensor"),
        (entry(offsets=(0,)), bytes(24), None, "is not one of a tensor"),
        (entry(shape=3), bytes(24), None, "is not one of a tensor"),
        (entry(shape=(-2, -3)), bytes(24), None, "do not fit together"),
        (entry(shape=(2.0, 3)), bytes(24), None, "do not fit together"),
        (entry(shape=(2, 5)), bytes(24), None, "do not fit together"),
        (entry(offsets=(24, 0)), bytes(24), None, "do not fit together"),
        (entry(), bytes(23), None, "do not fit together"),
        (entry(), bytes(25), None, "shorter or longer"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, header: object, data: bytes, length: int | None, message: str):
    path = write(tmp_path / "model.safetensors", header, data, length)
    with pytest.raises(ModelError, match=rf"model\.safetensors is damaged: .*{message}"):
        read_header(path)


def test_the_right_one_of_these_is_accepted(tmp_path: Path):
    assert read_header(write(tmp_path / "x", entry(), bytes(24))) == (TensorFacts("w", "F32", (2, 3)),)


def test_which_files_are_loaded():
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = "model.safetensors.index.json"
    assert choose(["model.safetensors", "model.fp16.safetensors", *shards, index]) == ("model.safetensors",)
    assert choose([*reversed(shards), index, "pytorch_model.bin"]) == (index, *shards)
    assert choose(shards) == ()
    assert choose(["consolidated.safetensors", "pytorch_model.bin"]) == ()
