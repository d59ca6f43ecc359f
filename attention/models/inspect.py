"""A look at a model before any of its weights: what it is, how big, and whether it may be loaded at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from attention.catalogue import Family
from attention.config import MEGABYTE, Limits, variable
from attention.errors import ModelError
from attention.models import adapter, configuration, files, hub, nested, quantised
from attention.models.card import ModelCard
from attention.models.reference import ModelRef
from attention.models.weights import INDEX, TensorFacts, check_index, choose, common_dtype, parameters, read_header

# Bytes of all files beside the weights; the largest vocabularies take some tens of megabytes.
MOST_BESIDE = 200_000_000
# A name that a stranger wrote is shown up to this length.
LONGEST_NAME = 80
# What a tokenizer may consist of, beside its classes' own code: vocabularies, merges, rules.
TOKENIZER = re.compile(
    r"(tokenizer|vocab|merges|special_tokens_map|added_tokens|sentencepiece|spiece|source|target|normalizer|bpe)"
    r"[A-Za-z0-9._-]*\.(json|txt|model|spm|codes|bpe)|generation_config\.json|chat_template\.jinja|[A-Za-z0-9_-]+\.(model|spm|tiktoken)"
)


@dataclass(frozen=True)
class _Source:
    """Where a model's facts come from: a folder here, or the hub's listing at one commit."""

    ref: ModelRef
    folder: Path
    files: tuple[tuple[str, int], ...]
    complete: bool
    commit: str | None
    licence: str | None
    renamed: str | None = None


def inspect(ref: ModelRef, limits: Limits) -> ModelCard:
    """The card of a model, or ModelError with the reason why it is not loaded.

    Refused are: what cannot be found, weights that are pickled only, code of the model's own, and more than
    `limits.max_model_mb` of weights.
    """
    if ref.built_in:
        raise ModelError(f"{ref.id} is built in and has no files; choose a model from the hub or a folder.")
    source = _local(ref, limits) if ref.folder else _remote(ref)
    if ref.folder:
        nested.refuse(ref, source.folder, (name for name, _ in source.files))
    if _is_adapter(source):
        return _adapter_card(source, limits)
    if adapter.CONFIG in dict(source.files):  # the library would put it on as it is, without a look at its settings
        raise ModelError(
            f"{ref.id} is a whole model with an {adapter.CONFIG} beside it, and only one of the two is opened; choose "
            "another model, or remove one of them."
        )
    raw = configuration.read(ref, source.folder)
    method = quantised.allowed(ref, raw)
    config = configuration.understood(ref, source.folder, raw)
    weights = _weights(source)
    weight_bytes = _bytes_of(source, weights)
    _fits(ref, weight_bytes, limits)
    tensors = _tensors(source, weights)
    card = _card(source, config, tensors, weight_bytes)
    _fits_beside(ref, sum(size for _, size in card.files) - weight_bytes)
    return card if method is None else _unpacked(ref, card, method, quantised.unpacked_parameters(raw, tensors), limits)


def _unpacked(ref: ModelRef, card: ModelCard, method: str, count: int, limits: Limits) -> ModelCard:
    """The card of a quantised model, which takes the memory of its weights unpacked, as bfloat16."""
    _fits(ref, max(card.weight_bytes, 2 * count), limits)
    return replace(card, quantised=method, parameters=count, dtype="BF16")


def _is_adapter(source: _Source) -> bool:
    names = [name for name, _ in source.files]
    return adapter.CONFIG in names and not choose(names)


def _adapter_card(source: _Source, limits: Limits) -> ModelCard:
    """The card of an adapter: its base's, with the sizes of both together."""
    ref, sizes = source.ref, dict(source.files)
    if adapter.WEIGHTS not in sizes:
        only = f", only {adapter.PICKLE}, which can run code when opened" if adapter.PICKLE in sizes else ""
        raise ModelError(
            f"The adapter {ref.id} has no {adapter.WEIGHTS}{only}; choose one that is saved as safetensors."
        )
    found = adapter.read(ref, source.folder)
    base_ref = adapter.base_of(ref, found, limits)
    base = inspect(base_ref, limits)
    if base.adapter is not None:
        raise ModelError(f"The base of {ref.id} is itself an adapter; merge {base_ref} into its base, and save that.")
    tensors = _adapter_tensors(source)
    _fits(ref, base.weight_bytes + sizes[adapter.WEIGHTS], limits)
    wanted = [adapter.CONFIG, *sorted(name for name in sizes if TOKENIZER.fullmatch(name)), adapter.WEIGHTS]
    _fits_beside(ref, sum(sizes[name] for name in wanted[:-1]))
    return replace(
        base,
        id=ref.id,
        parameters=base.parameters + parameters(tensors),
        weight_bytes=base.weight_bytes + sizes[adapter.WEIGHTS],
        licence=source.licence,
        revision=source.commit,
        folder=source.folder,
        files=tuple((name, sizes[name]) for name in wanted),
        complete=source.complete and base.complete,
        renamed=source.renamed,
        adapter=found.name,
        adapter_of=str(base_ref),
        base=base,
        base_ref=base_ref,
    )


def _adapter_tensors(source: _Source) -> tuple[TensorFacts, ...]:
    path = source.folder / adapter.WEIGHTS
    if path.exists():
        return read_header(path)
    return hub.tensors(source.ref, source.commit or "", (adapter.WEIGHTS,))


def glance(ref: ModelRef, folder: Path) -> ModelCard | None:
    """What the config alone says of a hub model whose files lie in `folder`; None where it cannot be read.

    No hub is asked and no weight file is opened, so the card counts no parameters and knows no type.
    """
    source = _Source(ref, folder, _files_in(folder), True, folder.name, None)
    try:
        config = configuration.understood(ref, folder, configuration.read(ref, folder))
        return _card(source, config, (), _bytes_of(source, choose(name for name, _ in source.files)))
    except Exception:  # it is one line of a list, and the others are to be seen
        return None


def family_of(config: Any) -> Family:
    """Whether a config describes an encoder, a decoder or both, from its own words and the library's tables."""
    from transformers.models.auto import modeling_auto as tables

    from attention.models.task import sees_more_than_text

    if config.is_encoder_decoder:
        return "encoder-decoder"
    if sees_more_than_text(config):
        return "decoder"
    causal = config.model_type in tables.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    named = any(re.search(r"CausalLM$|(?<!With)LMHeadModel$", name) for name in config.architectures or ())
    both = config.model_type in tables.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    # BERT and its kin stand in both tables: there the checkpoint's own architecture or switch decides.
    return "decoder" if causal and (named or not both or getattr(config, "is_decoder", False)) else "encoder"


def _local(ref: ModelRef, limits: Limits) -> _Source:
    """A folder's own files; raises where one of them leads outside the allowed folder."""
    folder = cast(Path, ref.folder)
    root = folder if ref.bundled else limits.local_root
    for stray in files.strays(folder, root):
        raise ModelError(f"{_name(stray)} in {ref.id} leads outside the folder of models; put a copy in its place.")
    for odd in files.irregular(folder):
        raise ModelError(f"{_name(odd)} in {ref.id} is no file but a pipe, a socket or a device; remove it.")
    return _Source(ref, folder, _files_in(folder), True, None, None)


def _files_in(folder: Path) -> tuple[tuple[str, int], ...]:
    """(name, bytes) of what lies in a folder itself, by name."""
    return tuple((path.name, path.stat().st_size) for path in sorted(folder.iterdir()) if path.is_file())


def _remote(ref: ModelRef) -> _Source:
    listing = hub.look(ref)
    if listing.files is not None:
        return _Source(ref, listing.folder, listing.files, False, listing.commit, listing.licence, listing.renamed)
    here = _files_in(listing.folder)
    if not choose(name for name, _ in here) and adapter.WEIGHTS not in dict(here):
        raise hub.not_complete(ref)
    return _Source(ref, listing.folder, here, True, listing.commit, None)


def _weights(source: _Source) -> tuple[str, ...]:
    """The weight files to load; raises where there are none that are safe, or where some are missing."""
    names = [name for name, _ in source.files]
    chosen = choose(names)
    if chosen:
        return chosen
    pickles = nested.pickles(names)
    if pickles:
        raise ModelError(
            f"{source.ref.id} has its weights only as {pickles[0]}, a kind of file that can run code when opened; "
            "only safetensors are loaded. Where you trust it, convert it: from_pretrained(…).save_pretrained(folder)."
        )
    raise ModelError(f"{source.ref.id} has no model.safetensors; choose a model that has its weights as safetensors.")


def _bytes_of(source: _Source, weights: tuple[str, ...]) -> int:
    return sum(size for name, size in source.files if name in weights and name != INDEX)


def _fits(ref: ModelRef, weight_bytes: int, limits: Limits) -> None:
    if weight_bytes > limits.max_model_mb * MEGABYTE:
        raise ModelError(
            f"{ref.id} has {weight_bytes / MEGABYTE:,.0f} MB of weights and {limits.max_model_mb:,} MB are allowed; "
            f"choose a smaller model, or raise {variable('max_model_mb')}."
        )


def _fits_beside(ref: ModelRef, size: int) -> None:
    """Raise for a vocabulary or an index that is far bigger than any: it would fill the disk, and then the memory."""
    if size > MOST_BESIDE:
        raise ModelError(
            f"{ref.id} has {size / MEGABYTE:,.0f} MB of files beside its weights, and {MOST_BESIDE / MEGABYTE:,.0f} MB "
            "are allowed; choose another model."
        )


def _tensors(source: _Source, weights: tuple[str, ...]) -> tuple[TensorFacts, ...]:
    files = tuple(name for name in weights if name != INDEX)
    here = tuple(name for name in files if (source.folder / name).exists())
    if source.complete and INDEX in weights:
        check_index(source.ref.id, source.folder, files)
    found = [tensor for name in here for tensor in read_header(source.folder / name)]
    there = tuple(name for name in files if name not in here)
    return (*found, *(hub.tensors(source.ref, source.commit or "", there) if there else ()))


def _card(source: _Source, config: Any, tensors: tuple[TensorFacts, ...], weight_bytes: int) -> ModelCard:
    try:
        return _facts(source, config, tensors, weight_bytes)
    except Exception as err:  # configs of the library's own classes can still hold or raise what they like
        raise ModelError(
            f"The config.json of {source.ref.id} does not say what a text model consists of; choose another model."
        ) from err


def _facts(source: _Source, config: Any, tensors: tuple[TensorFacts, ...], weight_bytes: int) -> ModelCard:
    entry = source.ref.entry
    text = config.get_text_config()
    heads = _number(text, "num_attention_heads", "encoder_attention_heads")
    d_model = _number(text, "hidden_size", "d_model")
    wanted = (*choose(name for name, _ in source.files), hub.CONFIG)
    return ModelCard(
        id=source.ref.id,
        architecture=_name((config.architectures or [type(config).__name__.removesuffix("Config")])[0]),
        model_type=config.model_type,
        family=family_of(config),
        layers=_number(text, "encoder_layers", "num_hidden_layers"),
        decoder_layers=_number(text, "decoder_layers", "num_decoder_layers") if config.is_encoder_decoder else None,
        heads=heads,
        kv_heads=_number(text, "num_key_value_heads") or heads,
        d_model=d_model,
        d_head=_number(text, "head_dim", "d_kv") or (d_model // heads if d_model and heads else None),
        max_positions=_number(text, "max_position_embeddings"),
        parameters=parameters(tensors, tied=bool(getattr(text, "tie_word_embeddings", False))),
        weight_bytes=weight_bytes,
        dtype=common_dtype(tensors),
        licence=_name(source.licence) if source.licence else (entry.licence if entry else None),
        revision=source.commit,
        folder=source.folder,
        files=tuple((name, size) for name, size in source.files if name in wanted or TOKENIZER.fullmatch(name)),
        complete=source.complete,
        renamed=source.renamed,
    )


def _name(given: str) -> str:
    """A stranger's word as it is shown: short, and in characters that can be seen and sent."""
    return ascii(given)[1:-1][:LONGEST_NAME]


def _number(config: Any, *names: str) -> int | None:
    """The first of the names that the config has as a whole number above 0 (a list, one a layer, gives its largest)."""
    for name in names:
        value = _value(config, name)
        if isinstance(value, list | tuple) and value and all(type(each) is int for each in value):
            value = max(value)
        if type(value) is int and 0 < value < files.LARGEST:
            return value
    return None


def _value(config: Any, name: str) -> Any:
    """What a config has of that name; a list where its layers differ and it refuses to say one for all."""
    try:
        return getattr(config, name, None)
    except RuntimeError:
        layers = config.per_layer_config
        return [getattr(layer, name, None) for layer in (layers.values() if isinstance(layers, dict) else layers)]
