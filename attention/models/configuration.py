"""A config.json that a stranger wrote: read with care, and understood by the library's own classes alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from attention.errors import ModelError
from attention.models import bounded, files, hub
from attention.models.reference import ModelRef

# No model comes near these; a config that does would have the library fill the memory before it reads a weight.
MOST, MOST_LAYERS, MOST_LABELS, MOST_ATTENTION_WINDOW = 20_000_000, 1_000, 50_000, 65_536
SIZE = re.compile(
    r"size|dim|width|d_model|d_ff|d_kv|n_embd|n_inner|heads?$|n_head|experts|layer|labels|window|positions|seq_len|n_ctx"
)
BY_NAME = (("layer", MOST_LAYERS), ("labels", MOST_LABELS), ("attention_window", MOST_ATTENTION_WINDOW))


def read(ref: ModelRef, folder: Path) -> dict[str, Any]:
    """The config.json of a folder; raises ModelError where it is none, or asks for what is never done."""
    path = folder / hub.CONFIG
    try:
        if path.stat().st_size > hub.LONGEST_CONFIG:
            raise ModelError(f"The config.json of {ref.id} is too big to be one; choose another model.")
        raw = files.json_of(path, hub.LONGEST_CONFIG)
        if not isinstance(raw, dict) or not isinstance(raw.get("model_type", ""), str):
            raise ModelError(f"The config.json of {ref.id} describes no model; choose another one.")
        _refuse_huge(ref, raw)
        asks_for_code = _names_a_kernel(raw)
    except FileNotFoundError as err:
        raise hub.no_config(ref) from err
    except OSError as err:
        raise ModelError(f"The config.json of {ref.id} cannot be read: {err.strerror}. Check the file.") from err
    except (ValueError, RecursionError) as err:
        raise ModelError(f"The config.json of {ref.id} is not valid JSON; copy or download it again.") from err
    if asks_for_code:
        raise ModelError(f"{ref.id} asks for compiled code from the hub, which is never run; choose another model.")
    return raw


def understood(ref: ModelRef, folder: Path, raw: dict[str, Any]) -> Any:
    """The config with its defaults filled in; a stranger's only after another process came through with it."""
    if not bounded.trusted(ref):
        bounded.check(ref, folder, "config", raw.get("model_type", ""))
    return load(ref, folder, raw)


def load(ref: ModelRef, folder: Path, raw: dict[str, Any]) -> Any:
    """The config with its defaults filled in, by the library's own class and never by the model's code."""
    from transformers import CONFIG_MAPPING, AutoConfig

    kind = raw.get("model_type", "")
    if kind not in CONFIG_MAPPING and "auto_map" in raw:
        raise ModelError(f"{ref.id} needs Python code of its own, which is never run here; choose another model.")
    if kind and kind not in CONFIG_MAPPING:
        raise ModelError(f"The library does not know the architecture {kind[:60]!r} of {ref.id}; choose another model.")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as err:  # the config's own classes raise what they like on odd values
        raise ModelError(f"The config.json of {ref.id} does not describe a model that the library knows.") from err


def _refuse_huge(ref: ModelRef, raw: object) -> None:
    """Raise for sizes that no model has: the library would build what they ask for before it looks at any weight."""
    for name, value in raw.items() if isinstance(raw, dict) else ():
        _refuse_huge(ref, value)
        value = max((each for each in value if isinstance(each, int)), default=0) if isinstance(value, list) else value
        most = next((most for part, most in BY_NAME if part in name), MOST)
        if SIZE.search(name) and isinstance(value, int) and value > most:
            number = f"{value:,}" if value < files.LARGEST else f"a number of {len(str(value)):,} digits"
            said = f"says {name[:40]!r} is {number}; at most {most:,} is allowed"
            raise ModelError(f"The config.json of {ref.id} {said}.")


def _names_a_kernel(raw: object) -> bool:
    """Whether a config, or one inside it, has the library fetch compiled code: "organisation/kernel" as attention."""
    if not isinstance(raw, dict):
        return False
    names = (raw.get("attn_implementation"), raw.get("_attn_implementation"))
    return any("/" in str(name) for name in names) or any(_names_a_kernel(inner) for inner in raw.values())
