"""A model of another type is created in one thread, and what others compute meanwhile keeps its own."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from transformers.modeling_utils import ContextManagers

from attention.config import Limits
from attention.models import ModelPool
from attention.models.dtype import creating, of_this_thread
from tests import small_models, tiny


def elsewhere(ask):
    """What another thread finds."""
    found = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join(10)
    return found[0]


def created() -> list[torch.dtype]:
    whole = torch.arange(3)
    return [
        torch.get_default_dtype(), torch.zeros(1).dtype, torch.tensor([0.5]).dtype, (whole / 2).dtype,
        torch.rand(1).dtype, torch.full((1,), float("-inf")).dtype, torch.nn.Linear(2, 2).weight.dtype,
    ]  # fmt: skip


def test_while_a_model_is_created_others_compute_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path.resolve()
    model = small_models.save("llama", root / "llama")
    del model
    whole = transformers.LlamaForCausalLM.from_pretrained(root / "llama", dtype=torch.bfloat16)
    whole.save_pretrained(root / "llama")
    inside, outside = [], []
    create = transformers.LlamaForCausalLM.__init__

    def slowly(self, config) -> None:
        create(self, config)
        inside.append(torch.get_default_dtype())
        outside.extend(elsewhere(created))

    monkeypatch.setattr(transformers.LlamaForCausalLM, "__init__", slowly)
    loaded = ModelPool(Limits(model_folder=str(root))).get("./llama").model
    assert torch.bfloat16 in inside
    assert set(outside) == {torch.float32}
    assert {weight.dtype for weight in loaded.parameters()} == {torch.bfloat16}
    ids = torch.tensor([tiny.ids(5)])
    with torch.no_grad():
        assert torch.equal(loaded(ids).logits, whole.eval()(ids).logits)
    assert set(created()) == {torch.float32}


@pytest.mark.parametrize(
    "name", ["llama", "gpt2", "bert", "t5", "m2m_100", "xglm", "opt", "gpt_oss", "bloom", "falcon", "mamba", "mpt"]
)
def test_every_weight_and_buffer_has_the_type_that_the_library_gives_it(name: str) -> None:
    """The library itself, which sets torch's default, is the reference."""
    kind = "both" if name in ("t5", "m2m_100") else "masked" if name == "bert" else "decoder"
    config = tiny.build(name, kind).config
    model = tiny.CLASSES[kind]._model_mapping[type(config)]

    def types(around) -> dict[str, torch.dtype]:
        with around, ContextManagers(model.get_init_context(torch.bfloat16, False, False, None)):
            made = model(config)
        return {part: tensor.dtype for part, tensor in [*made.named_parameters(), *made.named_buffers()]}

    theirs = types(nullcontext())
    assert torch.bfloat16 in theirs.values()
    assert types(of_this_thread()) == theirs


def test_what_says_its_type_keeps_it() -> None:
    numbers = np.ones(2, dtype=np.float32)
    kept = torch.ones(2)

    def both() -> list[torch.dtype]:
        whole = torch.arange(3)
        return [
            torch.zeros(1, dtype=torch.float32).dtype, whole.float().dtype, whole.to(torch.float32).dtype,
            torch.tensor(numbers).dtype, torch.from_numpy(numbers).dtype, torch.zeros_like(kept).dtype,
            kept.new_zeros(1).dtype, torch.cat([kept, kept]).dtype, torch.arange(3).dtype,
            torch.zeros(1).double().dtype, torch.zeros(1).dtype, (whole / 2).dtype, torch.linspace(0, 1, 3).dtype,
            torch.arange(0, 1, 0.5).dtype,
        ]  # fmt: skip

    torch.set_default_dtype(torch.bfloat16)
    try:
        theirs = both()
    finally:
        torch.set_default_dtype(torch.float32)
    with creating(torch.bfloat16):
        assert both() == theirs


def test_it_ends_where_the_library_fails() -> None:
    with pytest.raises(ZeroDivisionError), of_this_thread(), creating(torch.bfloat16):
        raise ZeroDivisionError
    assert set(created()) == {torch.float32}
    with pytest.raises(ValueError, match="cannot be created as"), creating(torch.int8):
        pass
