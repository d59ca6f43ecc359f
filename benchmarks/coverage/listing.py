"""Which architectures there are: read from transformers' own auto-mappings, by rule."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any

import transformers
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

# In the order in which an architecture that stands in several of them is taken.
TEXT_MAPPINGS = {
    "seq2seq": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "causal": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "masked": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "encoding": "MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES",
}
BASE_MAPPING = "MODEL_MAPPING_NAMES"
# A base model that takes one of these is not a text model; what it does with text stands in the list by itself.
SIGHT_AND_SOUND = ("pixel", "image", "video", "audio", "speech", "spectro", "feat", "wave")


@dataclass(frozen=True)
class Architecture:
    """One model class that transformers maps to from a kind of configuration."""

    name: str
    model_type: str
    mapping: str


def architectures(only: Container[str] | None = None) -> list[Architecture]:
    """Every text architecture once, by name, with the type of configuration that is the class's own.

    only: the names that are looked for; without it all of them are, which imports most models of the library.
    """
    found: dict[str, Architecture] = {}
    types: set[str] = set()
    for mapping, names in TEXT_MAPPINGS.items():
        for model_type, name in _classes(names):
            types.add(model_type)
            if only is not None and name not in only:
                continue
            first = found.get(name)
            if first is None:
                found[name] = Architecture(name, model_type, mapping)
            elif first.model_type != model_type and _is_own(model_type, name):
                found[name] = replace(first, model_type=model_type)
    for model_type, name in _classes(BASE_MAPPING):
        sought = (only is None or name in only) and name not in found
        if sought and model_type not in types and _is_text(model_type, name):
            found[name] = Architecture(name, model_type, "base")
    return sorted(found.values(), key=lambda one: one.name.lower())


def _is_own(model_type: str, name: str) -> bool:
    """Whether the class was written for this type: several types can map to one class."""
    config_class = getattr(getattr(transformers, name, None), "config_class", None)
    return config_class is not None and config_class is CONFIG_MAPPING[model_type]


def base_models_left_out() -> int:
    """How many base models in no text mapping the rule leaves out."""
    types = {model_type for names in TEXT_MAPPINGS.values() for model_type, _ in _classes(names)}
    rest = [(model_type, name) for model_type, name in _classes(BASE_MAPPING) if model_type not in types]
    return sum(not _is_text(model_type, name) for model_type, name in rest)


def _classes(mapping: str) -> Iterator[tuple[str, str]]:
    for model_type, names in getattr(modeling_auto, mapping).items():
        for name in (names,) if isinstance(names, str) else names:
            yield model_type, name


def _is_text(model_type: str, name: str) -> bool:
    """Whether a base model reads token ids and nothing that is seen or heard, and has no parts with configurations."""
    try:
        config_class: Any = CONFIG_MAPPING[model_type]
        if getattr(config_class, "sub_configs", None):  # told first: most are so, and a model's file is slow to import
            return False
        model_class = getattr(transformers, name)
        parameters = inspect.signature(model_class.forward).parameters
        return (
            "input_ids" in parameters
            and model_class.main_input_name == "input_ids"
            and not any(word in parameter for parameter in parameters for word in SIGHT_AND_SOUND)
        )
    except (AttributeError, ImportError, KeyError):
        return False
