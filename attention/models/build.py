"""Files that are all here → a model and its tokenizer, ready to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention.errors import ModelError, NotNowError
from attention.models import adapter, quantised, rules
from attention.models.card import ModelCard
from attention.models.device import DTYPES, choose, dtype_on, settle
from attention.models.inspect import TOKENIZER
from attention.models.reference import ModelRef
from attention.models.task import Task, auto_class, task_of
from attention.models.weights import INDEX, check_index, read_header
from attention.models.weights import choose as choose_weights

__all__ = ["DTYPES", "LoadedModel", "build"]

# A head or pooler that the files lack is made up; more than this beside the weights that are there is not.
SPARE = 20_000_000
# What lies beside a model only where a tokenizer does.
READS = re.compile(r"(?!generation_config\.json|chat_template\.jinja)(?:" + TOKENIZER.pattern + ")")
TOKENIZERS = ("tokenizer_config.json", "tokenizer.json")
FOLDERS = re.compile(r"(?<![\w:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\":,]+[/\\])+")
INNER = ".layers.", ".layer.", ".h.", ".block.", ".blocks."


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready to run: in evaluation mode, no gradients, attention as from_pretrained chose it.

    tokenizer: None where no file of one lies beside the model. missing: weights that the files lack and that are
    therefore random (a pooler or head the checkpoint came without); a model that lacks weights inside its layers is
    refused.
    """

    model: Any
    tokenizer: Any
    card: ModelCard
    ref: ModelRef
    missing: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """What it predicts; "none" where it has no head, or one that the files lack."""
        return task_of(self.model, self.missing)

    @property
    def chats(self) -> bool:
        """Whether its tokenizer has a chat template, so that it can be traced with chat=True."""
        from attention.tokens import has_template  # here, for it loads torch, and a download needs none of that

        return has_template(self.tokenizer)


def build(ref: ModelRef, card: ModelCard, folder: Path, device: str = "cpu") -> LoadedModel:
    """Model and tokenizer from files that are all here; device: as the setting says it, "auto" to choose."""
    with _quiet(), _plain_errors(ref):
        place = choose(device, card.parameters, card.dtype)
        if card.base is None:
            tokenizer = _tokenizer(ref, folder)
            model, missing = _model(card, folder, place)
        else:
            own = any((folder / name).exists() for name in TOKENIZERS)
            tokenizer = _tokenizer(ref, folder if own else card.base.folder)
            model, missing = _adapted(ref, card, card.base, folder, place)
        model = settle(model.eval().requires_grad_(False), place)
    inner = [name for name in missing if any(part in f".{name}" for part in INNER)]
    if inner:
        raise ModelError(f"The weights of {ref.id} lack {len(inner)} tensors, such as {inner[0]}; get a whole copy.")
    return LoadedModel(model=model, tokenizer=tokenizer, card=card, ref=ref, missing=missing)


def _adapted(ref: ModelRef, card: ModelCard, base: ModelCard, folder: Path, place: str) -> tuple[Any, tuple[str, ...]]:
    """The base with the adapter on it; heads that the adapter brings are no longer missing."""
    import transformers

    found = adapter.read(ref, folder)
    head = getattr(transformers, adapter.HEADS[found.task]) if found.task else None
    labels = adapter.labels_in(found, read_header(folder / adapter.WEIGHTS))
    model, missing = _model(base, base.folder, place, head, labels)
    model = adapter.put_on(model, found, folder)
    return model, tuple(name for name in missing if not any(f".{own}." in f".{name}" for own in found.saved))


def _model(
    card: ModelCard, folder: Path, place: str, head: Any = None, labels: int | None = None
) -> tuple[Any, tuple[str, ...]]:
    """A model and the names of weights that its files lack. head, labels: the class and size that an adapter needs."""
    import torch
    from transformers import AutoConfig

    from attention.models.dtype import of_this_thread  # here, for it loads torch, and a download needs none of that

    weights = choose_weights(name for name, _ in card.files)
    if INDEX in weights:
        check_index(card.id, folder, weights)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if labels is not None:
        config.num_labels = labels
    wanted = head or auto_class(config)
    _refuse_empty_promises(wanted, card, folder)
    unpacked = quantised.unpack(config)
    with of_this_thread():
        model, report = wanted.from_pretrained(
            folder,
            config=config,
            dtype=dtype_on(place, card.dtype) or "auto",
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    if unpacked:  # the library leaves what was not quantised in the type of the file
        model = model.to(torch.bfloat16)
    return model, tuple(sorted(report["missing_keys"]))


def _refuse_empty_promises(auto_class: Any, card: ModelCard, folder: Path) -> None:
    """Raise where the config describes far more weights than the files hold: they would be made up, in memory."""
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    try:
        with torch.device("meta"):
            # The config's own type would be torch's default meanwhile, for all threads.
            empty = auto_class.from_config(config, dtype=torch.get_default_dtype())
            described = sum(weight.numel() for weight in empty.parameters())
    except (RuntimeError, NotImplementedError, ValueError):  # some models compute on weights while they are built
        return
    if described > SPARE + 2 * card.parameters:
        raise ModelError(
            f"The config of {card.id} describes {described:,} parameters, but its files hold {card.parameters:,}; "
            "get a whole copy."
        )


def _tokenizer(ref: ModelRef, folder: Path) -> Any:
    """The tokenizer of a folder, None where it has no file of one: whoever has another, or ids, needs none."""
    from transformers import AutoTokenizer

    from attention.tokens import is_panic

    if ref.entry is None or ref.revision != ref.entry.revision:
        rules.check(ref.id, folder)
    none_given = not any(READS.fullmatch(path.name) for path in folder.iterdir())
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except BaseException as err:  # tokenizer classes raise what they like on missing or odd files
        if not isinstance(err, Exception) and not is_panic(err):
            raise
        if none_given:
            return None
        raise ModelError(
            f"The tokenizer of {ref.id} cannot be loaded ({_first_line(err)}); its files must lie beside the model."
        ) from err
    if len(tokenizer) <= len(tokenizer.all_special_ids):  # without its files the library makes an empty one, silently
        if none_given:
            return None
        raise ModelError(f"{ref.id} has no tokenizer; its files must lie beside the model.")
    return tokenizer


@contextmanager
def _plain_errors(ref: ModelRef) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except MemoryError as err:
        raise NotNowError(f"There is not enough memory for {ref.id}; choose a smaller model.") from err
    except Exception as err:  # model classes raise what they like on files that do not fit them
        raise ModelError(f"{ref.id} cannot be loaded: {_first_line(err)} Choose another model or revision.") from err


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no reports on stderr while a model is built; what they would say is in `LoadedModel.missing`."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _first_line(err: BaseException) -> str:
    """What an exception says, short, and without the folders of this machine."""
    line = (str(err).strip().splitlines() or [type(err).__name__])[0]
    return FOLDERS.sub("", line)[:200]
