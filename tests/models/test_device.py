"""Where a model runs and in which type. There is no graphics card in the tests: torch's answers are planted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attention.config import Limits
from attention.errors import InputError, ModelError
from attention.models import ModelPool
from attention.models.device import choose, dtype_on, settle

GIGABYTE = 10**9


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch):
    """Plant graphics cards with so many free bytes each, or Apple's."""

    def plant(*free: int, apple: int | None = None) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(free))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda card: (free[card], 80 * GIGABYTE))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple is not None)
        monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: apple)

    plant()
    return plant


def test_without_a_card_it_is_the_cpu(cards) -> None:
    assert choose("auto", 10, "F32") == "cpu"


def test_the_card_with_the_most_room_is_taken_where_the_model_fits(cards) -> None:
    cards(2 * GIGABYTE, 8 * GIGABYTE)
    assert choose("auto", GIGABYTE, "F32") == "cuda:1"
    assert choose("auto", 3 * GIGABYTE, "F16") == "cuda:1", "float16 stays as small on a card"
    assert choose("auto", 2 * GIGABYTE, "F32") == "cpu", "it does not fit"


def test_apples_card_is_taken_where_the_model_fits(cards) -> None:
    cards(apple=4 * GIGABYTE)
    assert choose("auto", GIGABYTE, "BF16") == "mps"
    assert choose("auto", GIGABYTE, "F32") == "cpu"


@pytest.mark.parametrize(("setting", "chosen"), [("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1")])
def test_a_device_that_is_named_is_taken(cards, setting: str, chosen: str) -> None:
    cards(1, 1)
    assert choose(setting, GIGABYTE, "F32") == chosen


@pytest.mark.parametrize("setting", ["cuda:2", "mps", "tpu", "cuda:x"])
def test_a_device_that_is_not_there_is_refused(cards, setting: str) -> None:
    cards(1, 1)
    with pytest.raises(ModelError, match=r"HEADLIGHT_DEVICE is .* set it to auto or to one of cpu, cuda:0, cuda:1"):
        choose(setting, 1, "F32")


@pytest.mark.parametrize(
    ("device", "stored", "loaded"),
    [
        ("cpu", "F16", "float32"), ("cpu", "BF16", "bfloat16"), ("cpu", "F32", "float32"), ("cpu", "F64", "float64"),
        ("cuda:0", "F16", "float16"), ("cuda:0", "BF16", "bfloat16"), ("cuda:0", "F64", "float64"),
        ("mps", "F16", "float16"), ("mps", "F64", "float32"), ("cpu", "I8", None),
    ],
)  # fmt: skip
def test_the_type_on_each_device(device: str, stored: str, loaded: str | None) -> None:
    assert dtype_on(device, stored) == loaded


def test_the_pool_hands_its_setting_on(cards, twin_root: Path) -> None:
    pool = ModelPool(Limits(model_folder=str(twin_root), device="cuda"))
    with pytest.raises(ModelError, match="HEADLIGHT_DEVICE is 'cuda'"):
        pool.get("./gpt2")
    assert ModelPool(Limits(model_folder=str(twin_root), device="cpu")).get("./gpt2").model.device.type == "cpu"


def test_a_card_that_is_full_after_all_is_told_in_words() -> None:
    class Full(torch.nn.Module):
        def to(self, *_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError, match="cuda:0 has no room for this model; set HEADLIGHT_DEVICE=cpu"):
        settle(Full(), "cuda:0")


def test_a_model_is_moved_whole() -> None:
    moved = settle(torch.nn.Linear(2, 3), "meta")
    assert {weight.device.type for weight in moved.parameters()} == {"meta"}


@pytest.mark.parametrize("raw", ["auto", "cpu", "cuda", "cuda:1", "mps", " cpu "])
def test_the_setting_is_read(raw: str) -> None:
    assert Limits.from_environment({"HEADLIGHT_DEVICE": raw}).device == raw.strip()


@pytest.mark.parametrize("raw", ["", "gpu", "cuda:", "cuda:-1", "CPU", "cuda:1; rm"])
def test_a_setting_that_cannot_be_read_is_refused(raw: str) -> None:
    with pytest.raises(InputError, match="HEADLIGHT_DEVICE"):
        Limits.from_environment({"HEADLIGHT_DEVICE": raw})
