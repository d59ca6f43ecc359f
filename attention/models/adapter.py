"""An adapter over a base model, as the peft library saves them: read and judged before any weights, put on unmerged.

Everything in adapter_config.json is a stranger's word. The base it names goes through the same door as what a person
types; the only options handed on to the library are numbers, switches and names of modules, and patterns only where
they cannot take long.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attention.config import Limits
from attention.errors import ModelError, extra
from attention.models import files
from attention.models.reference import ModelRef, parse
from attention.models.weights import TensorFacts

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
LIBRARIES = ("peft", "accelerate")
LONGEST_CONFIG = 1_000_000
# How the kinds are called that are put on and watched; each is tried in a test. More would need one.
KINDS = {
    "LORA": "LoRA", "ADALORA": "AdaLoRA", "LOHA": "LoHa", "LOKR": "LoKr", "IA3": "IA³", "OFT": "OFT", "BOFT": "BOFT",
    "VERA": "VeRA", "FOURIERFT": "FourierFT", "HRA": "HRA", "LN_TUNING": "LN tuning",
}  # fmt: skip
PROMPTS = ("PREFIX_TUNING", "PROMPT_TUNING", "P_TUNING", "MULTITASK_PROMPT_TUNING", "CPT", "CARTRIDGE")
# What the adapter does to a text goes by these; they are names of modules, patterns of such names, and numbers by name.
NAMES = ("target_modules", "modules_to_save", "exclude_modules", "feedforward_modules", "target_parameters")
PATTERNS = ("layers_pattern", "rank_pattern", "alpha_pattern")
# Of use while an adapter is trained, or said elsewhere; nothing of this changes what a trained one computes.
UNUSED = re.compile(
    r"init_\w+|\w*dropout\w*|\w+_dropout|inference_mode|auto_mapping|peft_type|peft_version|task_type|revision|"
    r"base_model_name_or_path|loftq_config|eva_config|corda_config|lora_ga_config|runtime_config|megatron_core"
)
# How LoRA may have begun. The other ways (PiSSA, OLoRA, CorDA …) change the base's weights before the training.
STARTS = ("None", "True", "False", "gaussian", "eva", "orthogonal")
# Where the name of an adapter's tensor stops being that of the module it sits on.
MARKS = re.compile(r"\.(lora|hada|lokr|ia3|oft|boft|vera|hra|fourierft)_")
MOST, MOST_RANK = 1_000_000, 16_384
# Each of them is tried on the name of each module, and compiled anew for it, while no other model can be built.
MOST_PATTERNS = 1_000
# A pattern with few repetitions, none of them of a group, takes time that grows as a small power of a name's length.
REPEATS, GROUP_REPEATS, LONGEST_PATTERN = 3, re.compile(r"\)[*+{?]"), 2_000
HEADS = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What an adapter's config says. options: those that are handed on to the library, checked."""

    kind: str
    base: str
    revision: str | None
    task: str | None
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """How its kind is called: "LoRA", or "DoRA" where it has magnitudes too."""
        return "DoRA" if self.kind == "LORA" and self.options.get("use_dora") else KINDS[self.kind]

    @property
    def saved(self) -> tuple[str, ...]:
        """Modules that the adapter brings whole, such as a new head."""
        return tuple(self.options.get("modules_to_save") or ())


def read(ref: ModelRef, folder: Path) -> Adapter:
    """The adapter in a folder, from its config alone; raises ModelError for what is not run here."""
    raw = _json(ref, folder / CONFIG)
    kind, base = str(raw.get("peft_type")), raw.get("base_model_name_or_path")
    if kind in PROMPTS:
        raise ModelError(
            f"{ref.id} puts learned vectors before the text ({kind.lower().replace('_', ' ')}): its heads read keys "
            "that stand for no token, so there is no map of tokens to show; choose a LoRA adapter, or the base model."
        )
    if kind not in KINDS:
        raise ModelError(
            f"{ref.id} is an adapter of the kind {kind[:40]!r}; these are run: {', '.join(KINDS.values())}."
        )
    if not isinstance(base, str) or not base:
        raise ModelError(f"The adapter {ref.id} does not say which model it belongs to; choose another one.")
    _need_library(ref)
    revision = raw.get("revision")
    return Adapter(
        kind=kind,
        base=base,
        revision=revision if isinstance(revision, str) and revision else None,
        task=raw.get("task_type") if raw.get("task_type") in HEADS else None,
        options=_options(ref, kind, raw),
    )


def base_of(ref: ModelRef, adapter: Adapter, limits: Limits) -> ModelRef:
    """The base model that the adapter names, through the same door as what a person types.

    A folder only where the adapter lies in one itself: what is on this machine is no business of the hub's.
    """
    asked = f"{adapter.base}@{adapter.revision}" if adapter.revision and "@" not in adapter.base else adapter.base
    if ref.folder is not None:
        asked = _beside(adapter.base, limits) or (adapter.base if adapter.base.startswith(("/", ".", "~")) else asked)
    try:
        found = parse(asked, limits)
    except ModelError as err:
        raise ModelError(f"The base of the adapter {ref.id} cannot be opened. {err}") from err
    if found.built_in or found == ref or (found.folder and not found.bundled and ref.folder is None):
        raise ModelError(
            f"The adapter {ref.id} names {ascii(adapter.base)[:60]} as its base, which is no model of the hub; "
            "merge it into its base, and save that."
        )
    return found


def labels_in(adapter: Adapter, tensors: Iterable[TensorFacts]) -> int | None:
    """How many labels the head has that the adapter brings; its config does not say."""
    heads = sorted(
        (one.name, one.shape[0])
        for one in tensors
        if len(one.shape) == 2 and any(f".{name}." in f".{one.name}" for name in adapter.saved)
    )
    judges = adapter.task in ("SEQ_CLS", "TOKEN_CLS")
    return heads[-1][1] if judges and heads else None


def put_on(model: Any, adapter: Adapter, folder: Path) -> Any:
    """The base model with the adapter inside it, not merged; it stays a model of the base's own class."""
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PeftModel, PeftType

    config = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(adapter.kind)](
        inference_mode=True, **_for_the_library(adapter, folder)
    )
    # On the meta device first: no time is spent on initial values, of which some are found by decomposing matrices.
    with warnings.catch_warnings():  # the library asks transformers for things by names that are going out of use
        warnings.simplefilter("ignore", FutureWarning)
        worn = PeftModel.from_pretrained(
            model, str(folder), config=config, low_cpu_mem_usage=True, torch_device="cpu", local_files_only=True
        )
    bare = [name for name, weight in worn.named_parameters() if weight.is_meta]
    if bare:
        raise ModelError(f"The adapter's file lacks {len(bare)} tensors, such as {bare[0]}; get a whole copy.")
    return worn.get_base_model()


def _for_the_library(adapter: Adapter, folder: Path) -> dict[str, Any]:
    """The options, with the modules that the file itself has tensors for where the config has a pattern for them."""
    from attention.models.weights import read_header

    options = dict(adapter.options)
    if isinstance(options.get("target_modules"), str):
        found = (_module(one.name) for one in read_header(folder / WEIGHTS))
        options["target_modules"] = sorted({name for name in found if name})
    return options


def _module(name: str) -> str:
    """The path of the module that a tensor of an adapter belongs to; "" where the tensor is no adapter's."""
    found = MARKS.search(name)
    return name[: found.start()].removeprefix("base_model.model.") if found else ""


def _json(ref: ModelRef, path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LONGEST_CONFIG:
            raise ModelError(f"The {CONFIG} of {ref.id} is too big to be one; choose another adapter.")
        raw = files.json_of(path, LONGEST_CONFIG)
    except (OSError, ValueError) as err:
        raise ModelError(f"The {CONFIG} of {ref.id} cannot be read; copy or download it again.") from err
    if not isinstance(raw, dict):
        raise ModelError(f"The {CONFIG} of {ref.id} describes no adapter; choose another one.")
    return raw


def _need_library(ref: ModelRef) -> None:
    """Raise ModelError where the packages for adapters are not installed; the page's own environment has them."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise ModelError(f"{ref.id} is an adapter, which needs {' and '.join(missing)}; {extra('adapters')}.")


def _options(ref: ModelRef, kind: str, raw: dict[str, Any]) -> dict[str, Any]:
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PeftType

    known = {field.name: field.default for field in fields(PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(kind)])}
    chosen = {
        name: value
        for name, value in raw.items()
        if not UNUSED.fullmatch(name) and value not in (None, "", [], {}) and value != known.get(name, False)
    }
    if str(raw.get("init_lora_weights")) not in STARTS:
        raise ModelError(f"The adapter {ref.id} was trained on a base that was changed first; merge it into that base.")
    for name, value in chosen.items():
        if name not in known or not _harmless(name, value):
            raise ModelError(
                f"The adapter {ref.id} uses {name[:40]!r} in a way that is not run here; choose another one."
            )
    return chosen


def _harmless(name: str, value: Any) -> bool:
    if name in NAMES:
        return _pattern(value) if isinstance(value, str) and name != "target_modules" else _words(value)
    if name in PATTERNS:
        keys = [value] if isinstance(value, str) else list(value) if isinstance(value, list | dict) else [None]
        numbers = list(value.values()) if isinstance(value, dict) else []
        few = len(keys) <= MOST_PATTERNS
        return few and all(_pattern(key) for key in keys) and all(_number(name, number) for number in numbers)
    if name == "layers_to_transform":
        return all(_number(name, each) for each in (value if isinstance(value, list) else [value]))
    return value in ("none", "all", "lora_only") if name == "bias" else _number(name, value)


def _words(value: Any) -> bool:
    words = [value] if isinstance(value, str) else value
    return isinstance(words, list) and len(words) <= MOST and all(isinstance(word, str) for word in words)


def _pattern(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > LONGEST_PATTERN or GROUP_REPEATS.search(value):
        return False
    return sum(value.count(sign) for sign in "*+{") <= REPEATS


def _number(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return True
    most = MOST_RANK if name in ("r", "rank_pattern") else MOST
    return isinstance(value, int | float) and abs(value) <= most


def _beside(text: str, limits: Limits) -> str | None:
    """A folder that the text names from where Python runs, as the peft library reads it, if it may be opened."""
    root = limits.local_root
    try:
        folder = Path(text).resolve()
        return str(folder) if root is not None and folder.is_relative_to(root) and folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long for a path, or with a character that no path has
        return None
