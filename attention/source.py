"""A model ready to run and what enters it: an id, a folder or a loaded model; texts or ids → `Inputs` and tokens."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention.config import MEGABYTE, Limits
from attention.errors import InputError
from attention.record import Token

if TYPE_CHECKING:
    from attention.capture import Inputs, PreTrainedModel
    from attention.models import LoadedModel, ModelPool

_JUDGES = re.compile(r"For(Sequence|Token)Classification|ForQuestionAnswering")
Report = Callable[[str, float | None], None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model ready to run, with what is known of it."""

    model: PreTrainedModel
    tokenizer: Any | None
    name: str = ""
    revision: str | None = None
    trained: bool | None = None


def loaded_source(model: Any) -> Source:
    """A model that the caller has loaded; it knows no tokenizer. Raises InputError for what is no model."""
    if not hasattr(model, "config") or not hasattr(model, "get_input_embeddings"):
        name = type(model).__name__
        raise InputError(f"A model must be an id, a folder or a transformers PreTrainedModel; got {name}.")
    return Source(model=model, tokenizer=None)


def load_source(model: str, limits: Limits | None, on_progress: Report | None) -> Source:
    """The model of an id or a folder, downloaded and loaded where it is not yet; raises ModelError.

    limits: None for a person in Python, who may open any folder of theirs; a page's visitor may only open those below
    the host's folder.
    """
    from attention.models import parse

    own = Limits(model_folder=str(Path.cwd().anchor)) if limits is None else limits
    asked = str(Path(model).resolve()) if limits is None and Path(model).expanduser().is_dir() else model
    ref = parse(asked, own)
    loaded: LoadedModel = _pool(own.model_folder if ref.folder and not ref.bundled else "").get(
        ref, _in_words(ref.id, on_progress)
    )
    return Source(
        model=loaded.model,
        tokenizer=loaded.tokenizer,
        name=ref.id,
        revision=loaded.card.revision or ref.revision,
        trained=True if ref.entry is not None else None,
    )


@cache
def _pool(folder: str) -> ModelPool:
    from attention.models import ModelPool, shared_pool

    return ModelPool(replace(Limits.from_environment(), model_folder=folder)) if folder else shared_pool()


def _in_words(name: str, on_progress: Report | None) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    report = on_progress

    def tell(done: int, total: int) -> None:
        share = done / total if total else None
        report(f"Downloading {name}: {done / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB", share)

    report(f"Loading {name}", None)
    return tell


def inputs_of(
    source: Source, text: Any, pair: Any, attention_mask: Any
) -> tuple[Inputs, tuple[Token, ...], tuple[Token, ...]]:
    """What enters the model, the tokens of the text, and those of the decoder's side (empty without one).

    text and pair are strings or ids, as in `attention.trace`. Raises InputError or TooLongError.
    """
    from attention.capture import Inputs

    mask = None if attention_mask is None else tuple(int(one) for one in _row("attention_mask", attention_mask))
    if source.model.config.is_encoder_decoder:
        ids, tokens, extra = _encode(source, text)
        pair_ids, pair_tokens = _target(source, pair, ids)
        return Inputs(ids=ids, pair_ids=pair_ids, extra=extra, attention_mask=mask), tokens, pair_tokens
    ids, tokens, extra = _encode(source, text, pair)
    return Inputs(ids=ids, extra=extra, attention_mask=mask), tokens, ()


def _encode(
    source: Source, text: Any, pair: Any = None
) -> tuple[tuple[int, ...], tuple[Token, ...], dict[str, tuple[int, ...]]]:
    from attention.tokens import encode, from_ids

    if isinstance(text, str):
        if pair is not None and not isinstance(pair, str):
            raise InputError("Give both texts as strings, or one list of ids that holds both.")
        if pair is not None and source.model.can_generate():
            raise InputError("This model reads one text and continues it; leave the second one out.")
        encoded = encode(_tokenizer(source), text, pair)
        taken = _accepted(source, encoded.extra)
        return encoded.ids, encoded.tokens, taken
    if pair is not None:
        raise InputError("Ids enter the model as they are; give one list of ids that holds both texts.")
    ids = tuple(int(one) for one in _row("text", text))
    return ids, from_ids(source.tokenizer, ids), {}


def _accepted(source: Source, extra: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    import inspect

    takes = inspect.signature(source.model.forward).parameters
    return {name: row for name, row in extra.items() if name in takes}


def _target(source: Source, pair: Any, text: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[Token, ...]]:
    """What enters the decoder, and its tokens: the start token, then the target without its end."""
    from attention.tokens import encode, from_ids

    if pair is not None and not isinstance(pair, str):
        ids = tuple(int(one) for one in _row("pair", pair))
        if not ids:
            raise InputError("pair has no ids; leave it out, or give what enters the decoder.")
        return ids, from_ids(source.tokenizer, ids)
    start = _start(source)
    if not pair:
        # A classifier's decoder reads the text again, one place later; a generator begins with its start token.
        entering = start + text[:-1] if _JUDGES.search(type(source.model).__name__) else start
        return entering, from_ids(source.tokenizer, entering)
    encoded = encode(_tokenizer(source), pair, target=True)
    ends = len(encoded.ids) > 1 and encoded.ids[-1] == source.model.config.eos_token_id
    keep = len(encoded.ids) - 1 if ends else len(encoded.ids)
    plain, own = start + encoded.ids[:keep], _own_target(source, encoded.ids)
    if own is None or own == plain or sorted(own) != sorted(encoded.ids):
        return plain, from_ids(source.tokenizer, start) + encoded.tokens[:keep]
    return own, from_ids(source.tokenizer, own)  # mBART turns its target round: the language's code comes first


def _own_target(source: Source, labels: tuple[int, ...]) -> tuple[int, ...] | None:
    """What the model itself would make of these labels for its decoder, or None where it has no say."""
    prepare = getattr(source.model, "prepare_decoder_input_ids_from_labels", None)
    if prepare is None:
        return None
    import torch

    return tuple(prepare(labels=torch.tensor([labels]))[0].tolist())


def _start(source: Source) -> tuple[int]:
    configs = (source.model.config, getattr(source.model, "generation_config", None))
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        for config in configs:
            number = getattr(config, name, None)
            if isinstance(number, int):
                return (number,)
    raise InputError("This model does not say what its decoder starts with; give `pair` as ids.")


def _tokenizer(source: Source) -> Any:
    if source.tokenizer is None:
        raise InputError("A string needs the model's tokenizer: pass tokenizer=, or give ids instead of a string.")
    return source.tokenizer


def _row(name: str, values: Any) -> list[int]:
    wrong = InputError(f"{name} must be a string, a list of whole numbers or a 1-D tensor of them.")
    try:
        row = values.tolist() if hasattr(values, "tolist") else list(values)
        # A tokenizer's own tensor comes as a batch of one.
        row = row[0] if len(row) == 1 and isinstance(row[0], list) else row
        if any(isinstance(one, bool) for one in row):
            raise wrong
        return [operator.index(one) for one in row]
    except TypeError as err:
        raise wrong from err
