"""A model that is ready to run, from an id, a folder or a model that the caller has loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attention.config import MEGABYTE, Limits
from attention.errors import InputError

if TYPE_CHECKING:
    from attention.capture import PreTrainedModel
    from attention.models import ModelPool, Wait

# The limits that a model's loading depends on, beside the folder that it may lie in.
LOADING = ("max_model_mb", "models_in_memory", "models", "any_model", "device", "memory_mb", "public")
Report = Callable[[str, float | None], None]
OnWait = Callable[["Wait"], None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model ready to run, with what is known of it. notes: what a person should know of it, in sentences. missing:
    weights that its files lack and that are therefore random.
    """

    model: PreTrainedModel
    tokenizer: Any | None
    name: str = ""
    revision: str | None = None
    trained: bool | None = None
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def loaded_source(model: Any) -> Source:
    """A model that the caller has loaded; it knows no tokenizer. Raises InputError for what is no model."""
    if not hasattr(model, "config") or not hasattr(model, "get_input_embeddings"):
        name = type(model).__name__
        raise InputError(f"A model must be an id, a folder or a transformers PreTrainedModel; got {name}.")
    return Source(model=_without_wrapper(model), tokenizer=None)


def _without_wrapper(model: Any) -> PreTrainedModel:
    """The transformers model inside a `PeftModel`, with the adapter in its layers; any other model as it is."""
    if not (type(model).__module__.startswith("peft.") and hasattr(model, "get_base_model")):
        return cast("PreTrainedModel", model)
    config = model.active_peft_config
    if config.is_prompt_learning or getattr(config, "alora_invocation_tokens", None):
        raise InputError(
            "This adapter puts learned vectors before the text, or acts on parts of it, so its heads read keys that "
            "stand for no token; give the base model, or a model with a LoRA adapter."
        )
    return cast("PreTrainedModel", model.get_base_model())


def load_source(model: str, limits: Limits | None, on_progress: Report | None, on_wait: OnWait | None = None) -> Source:
    """The model of an id or a folder, downloaded and loaded where it is not yet; raises ModelError.

    limits: None for a person in Python, who may open any folder of theirs, and those that `models` lists by their ids
    there; a page's visitor may only open those below the host's folder. on_wait(wait) is called before this waits for
    the model: `Wait` knows what is coming and how far it is, and can be cancelled.
    """
    from attention.models import parse

    asked, own = _own_folder(model) if limits is None else (model, limits)
    ref = parse(asked, own)
    pool = _pool(limits, own.model_folder if ref.folder and not ref.bundled else None)
    wait = pool.ask(ref, _in_words(ref.id, on_progress))
    if on_wait is not None:
        on_wait(wait)
    loaded = wait.result()
    return Source(
        model=loaded.model,
        tokenizer=loaded.tokenizer,
        name=ref.id,
        revision=loaded.card.revision or ref.revision,
        trained=True if ref.entry is not None else None,
        notes=(loaded.card.notice,) if loaded.card.notice else (),
        missing=loaded.missing,
    )


def _own_folder(model: str) -> tuple[str, Limits]:
    """What a person in Python means, and from where: a folder as their system knows it goes first, then one of
    `model_folder`, by the id that the page and `models` have for it.
    """
    anywhere = Limits(model_folder=str(Path.cwd().anchor))
    here = Path(model).expanduser()
    if here.is_dir():
        return str(here.resolve()), anywhere
    root = Limits.from_environment().local_root if model.startswith(".") else None
    if root is not None and (root / model).resolve().is_relative_to(root) and (root / model).is_dir():
        return model, replace(anywhere, model_folder=str(root))
    return model, anywhere


def _pool(limits: Limits | None, folder: str | None) -> ModelPool:
    """The process's own pool, unless what was given differs in what matters to a model's loading.

    What may stay in the memory is meant for all models together, so that other limits alone are a reason for a second.
    """
    from attention.models import shared_pool

    shared = shared_pool()
    same = shared.limits
    given = same if limits is None else replace(same, **{name: getattr(limits, name) for name in LOADING})
    given = given if folder is None or Path(folder) == same.local_root else replace(given, model_folder=folder)
    return shared if given == same else _other_pool(given)


# Few: each keeps models in the memory.
@lru_cache(maxsize=4)
def _other_pool(limits: Limits) -> ModelPool:
    from attention.models import ModelPool

    return ModelPool(limits)


def _in_words(name: str, on_progress: Report | None) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    report = on_progress
    fetched = False

    def tell(done: int, total: int) -> None:
        nonlocal fetched
        if done < total:
            fetched = True
            digits = 0 if total >= 10 * MEGABYTE else 1
            amount = f"{done / MEGABYTE:,.{digits}f} of {total / MEGABYTE:,.{digits}f} MB"
            report(f"Downloading {name}: {amount}", done / total)
        elif fetched:
            report(f"Loading {name}", None)

    report(f"Loading {name}", None)
    return tell
