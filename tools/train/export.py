"""A trained model → its folder: fp16 safetensors, config, tokenizer, `headlight.json`. The card comes from `card`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from tools.train.loop import Progress


def load_checkpoint(model: PreTrainedModel, folder: Path) -> Progress:
    """Put the model where its checkpoint left it; raises FileNotFoundError where it was not trained."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["model"])
    return Progress(**state["progress"])


def export(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> PreTrainedModel:
    """Write the folder and return the model as a reader of it gets it: halved to fp16 and back in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    half = copy.deepcopy(model).half()
    half.set_attn_implementation("sdpa")
    half.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    _plain_names(tokenizer, folder)
    back: PreTrainedModel = type(model).from_pretrained(folder, dtype=torch.float32)
    return back.eval()


def greedy(model: PreTrainedModel, **names: Any) -> None:
    """Set how the model writes by default: greedily, with its special tokens."""
    model.generation_config = GenerationConfig(do_sample=False, **names)


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """`headlight.json`: what the app shows of the model."""
    (folder / "headlight.json").write_text(json.dumps(rounded(facts), indent=1, ensure_ascii=False) + "\n", "utf-8")


def rounded(value: Any) -> Any:
    """The same with every number to three places."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, 3) if isinstance(value, float) else value


def _plain_names(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """transformers 5 writes a class name that older readers do not know."""
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text("utf-8"))
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
