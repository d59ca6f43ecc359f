"""Files that are all here → a model and its tokenizer, ready to run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attention.errors import InputError, ModelError, NotNowError
from attention.models import adapter, bounded, files, promises, quantised, rules
from attention.models.card import ModelCard
from attention.models.device import DTYPES, choose, dtype_on, settle
from attention.models.hub import LONGEST_CONFIG
from attention.models.inspect import TOKENIZER
from attention.models.quiet import Quiet
from attention.models.reference import ModelRef
from attention.models.task import Task, auto_class, task_of
from attention.models.weights import INDEX, check_index, read_header
from attention.models.weights import choose as choose_weights

__all__ = ["DTYPES", "LoadedModel", "build"]

# What lies beside a model only where a tokenizer does.
READS = re.compile(r"(?!generation_config\.json|chat_template\.jinja)(?:" + TOKENIZER.pattern + ")")
TOKENIZERS = ("tokenizer_config.json", "tokenizer.json")
FOLDERS = re.compile(r"(?<![\w:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\":,]+[/\\])+")
MOST_LABELS = 50_000
# Words, marks, digits, letters of several scripts; as long as a long text.
TRIAL = "The cat sat on the mat; 3.14 ≈ π, naïve ﬁ ½ ㌔ ﷺ 猫 кот 😀\n" * 40
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


def tokenizer_of(ref: ModelRef, card: ModelCard, folder: Path) -> Any:
    """The tokenizer of files that are all here; a stranger's, and what their config promises, are looked at first.

    Nothing of this changes the library, so several may be opened at once.
    """
    own = card.base is None or any((folder / name).exists() for name in TOKENIZERS)
    base_ref = card.base_ref or ref  # whose files these are, where an adapter has none of its own
    with _quiet, _plain_errors(ref):
        if not bounded.trusted(base_ref):
            _refuse_empty_promises(base_ref, card, folder)
        if own:
            return _tokenizer(ref, folder)
        return _tokenizer(base_ref, card.base.folder if card.base else folder)


def build(ref: ModelRef, card: ModelCard, folder: Path, tokenizer: Any, device: str = "cpu") -> LoadedModel:
    """The model from files that are all here, with its tokenizer; device: as the setting says it, "auto" to choose."""
    with _quiet, _plain_errors(ref):
        place = choose(device, card.parameters, card.dtype)
        if bounded.trusted(card.base_ref or ref):  # here and not before, for it is built in this process
            _refuse_empty_promises(card.base_ref or ref, card, folder)
        if card.base is None:
            model, missing = _model(card, folder, place)
        else:
            model, missing = _adapted(ref, card, card.base, folder, place)
        model = settle(model.eval().requires_grad_(False), place)
    inner = [name for name in missing if any(part in f".{name}" for part in INNER)]
    if inner:
        raise ModelError(f"The weights of {ref.id} lack {len(inner)} tensors, such as {inner[0]}; get a whole copy.")
    return LoadedModel(model=model, tokenizer=tokenizer, card=card, ref=ref, missing=missing)


def _adapted(ref: ModelRef, card: ModelCard, base: ModelCard, folder: Path, place: str) -> tuple[Any, tuple[str, ...]]:
    """The base with the adapter on it; heads that the adapter brings are no longer missing."""
    import transformers

    found, head, labels = _wanted_by(ref, folder)
    model, missing = _model(base, base.folder, place, getattr(transformers, head) if head else None, labels)
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


def _wanted_by(ref: ModelRef, folder: Path) -> tuple[adapter.Adapter, str | None, int | None]:
    """An adapter, the class that it needs of its base, and the size of the head that it brings."""
    found = adapter.read(ref, folder)
    labels = adapter.labels_in(found, read_header(folder / adapter.WEIGHTS))
    if labels is not None and labels > MOST_LABELS:
        raise ModelError(f"The adapter {ref.id} has a head of {labels:,} labels; at most {MOST_LABELS:,} are allowed.")
    return found, adapter.HEADS[found.task] if found.task else None, labels


def _refuse_empty_promises(ref: ModelRef, card: ModelCard, folder: Path) -> None:
    """Raise where a model, or an adapter's base, would make up far more than the files hold."""
    base, head, labels = card, None, None
    if card.base is not None:
        base = card.base
        _, head, labels = _wanted_by(ModelRef(id=card.id, folder=folder), folder)
    said = promises.Promise(parameters=base.parameters, weight_bytes=base.weight_bytes, head=head, labels=labels)
    if bounded.trusted(ref):
        promises.check(base.id, base.folder, said)
    else:
        bounded.check(ref, base.folder, "model", base.model_type, promise=asdict(said))


def _tokenizer(ref: ModelRef, folder: Path) -> Any:
    """The tokenizer in a folder, a stranger's only after it was tried; None where there is no file of one."""
    if not bounded.trusted(ref):
        bounded.check(ref, folder, "tokenizer", _type_in(folder))
    return _opened_tokenizer(ref, folder)


def judged_tokenizer(ref: ModelRef, folder: Path) -> None:
    """Open a stranger's tokenizer, judge its rules before and after, and try it on a text; raises ModelError.

    After, too: the library makes rules of other files, such as sentencepiece's, that stand in no tokenizer.json.
    """
    from attention.tokens import encode

    rules.check(ref.id, folder)
    tokenizer = _opened_tokenizer(ref, folder)
    if tokenizer is None:
        return
    rules.check_loaded(ref.id, tokenizer)
    with suppress(InputError):  # one that cannot read this text is for whoever types another
        encode(tokenizer, TRIAL)


def _opened_tokenizer(ref: ModelRef, folder: Path) -> Any:
    """The tokenizer of a folder, None where it has no file of one: whoever has another, or ids, needs none."""
    from transformers import AutoTokenizer

    from attention.tokens import is_panic

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


def _type_in(folder: Path) -> str:
    """The type that the config beside a tokenizer names; "" where there is none."""
    try:
        found = files.json_of(folder / "config.json", LONGEST_CONFIG).get("model_type")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


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


def _hush() -> Callable[[], None]:
    """No bars and no reports while a model is built; what they would say is in `LoadedModel.missing`."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    def restore() -> None:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

    return restore


_quiet = Quiet(_hush)


def _first_line(err: BaseException) -> str:
    """What an exception says, short, and without the folders of this machine."""
    line = (str(err).strip().splitlines() or [type(err).__name__])[0]
    return FOLDERS.sub("", line)[:200]
