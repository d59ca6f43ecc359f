"""Models that stay loaded: each once for all who ask, the least recently used one goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from attention.config import Limits
from attention.errors import ModelError
from attention.models.card import ModelCard
from attention.models.download import OnProgress, download
from attention.models.inspect import inspect
from attention.models.reference import ModelRef, parse

# from_pretrained changes torch's default dtype and the library's own classes while it builds a model, for all threads:
# so one model is built at a time. Inspecting and downloading, which take longer, run side by side.
BUILDING = threading.Lock()
# bfloat16 is kept as it is stored: its range is float32's, and what is shown is then what the model computes. float16
# becomes float32, exactly: on a CPU many of its operations are slow or missing, and sums above 65,504 overflow.
DTYPES = {"F32": "float32", "F16": "float32", "BF16": "bfloat16", "F64": "float64"}
# A head or pooler that the files lack is made up; more than this beside the weights that are there is not.
SPARE = 20_000_000
INNER = ".layers.", ".layer.", ".h.", ".block.", ".blocks."


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready to run: in evaluation mode, no gradients, attention as from_pretrained chose it.

    missing: weights that the files lack and that are therefore random (a pooler or head the checkpoint came without);
    a model that lacks weights inside its layers is refused.
    """

    model: Any
    tokenizer: Any
    card: ModelCard
    ref: ModelRef
    missing: tuple[str, ...] = ()

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the model has positions for, or None where there is no such end."""
        limit = self.card.max_positions
        for name, module in self.model.named_modules():
            padding = getattr(module, "padding_idx", None)
            if limit and padding is not None and name.endswith("position_embeddings"):
                return min(limit, int(module.num_embeddings) - padding - 1)  # RoBERTa counts from after its padding
        return limit


class ModelPool:
    """Loaded models by reference, safe to share between threads.

    The same model asked for by several threads is loaded once; a failed load is forgotten, so that one may try again.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits.from_environment()
        self._lock = threading.Lock()
        self._loads: OrderedDict[ModelRef, _Load] = OrderedDict()

    def get(self, ref: ModelRef | str, on_progress: OnProgress | None = None) -> LoadedModel:
        """The model, loaded now or before; waits where another thread is loading it.

        on_progress(done_bytes, total_bytes) follows the download, also one that another thread began, and may be called
        from that thread; it must not raise. Raises ModelError with what is wrong and what to do.
        """
        ref = parse(ref, self.limits) if isinstance(ref, str) else ref
        load, mine = self._join(ref, on_progress)
        if mine:
            self._run(ref, load)
        return load.result.result()

    def loaded(self) -> tuple[ModelRef, ...]:
        """The models in memory, the least recently used first."""
        with self._lock:
            return tuple(ref for ref, load in self._loads.items() if load.ready)

    def _join(self, ref: ModelRef, on_progress: OnProgress | None) -> tuple[_Load, bool]:
        with self._lock:
            mine = ref not in self._loads
            load = self._loads.setdefault(ref, _Load())
            self._loads.move_to_end(ref)
            if on_progress is not None and not load.ready:
                load.listeners.append(on_progress)
            return load, mine

    def _run(self, ref: ModelRef, load: _Load) -> None:
        try:
            card = inspect(ref, self.limits)
            folder = download(ref, card, load.tell)
            with BUILDING:
                self._make_room()
                load.result.set_result(_build(ref, card, folder))
        except BaseException as err:
            with self._lock:
                self._loads.pop(ref, None)
            load.result.set_exception(err)
        load.listeners.clear()

    def _make_room(self) -> None:
        """Drop before loading and not after, so that never more than the allowed number is in memory."""
        with self._lock:
            ready = [ref for ref, load in self._loads.items() if load.ready]
            for ref in ready[: max(len(ready) - self.limits.models_in_memory + 1, 0)]:
                del self._loads[ref]


class _Load:
    """One load, under way or done."""

    def __init__(self) -> None:
        self.result: Future[LoadedModel] = Future()
        self.listeners: list[OnProgress] = []

    @property
    def ready(self) -> bool:
        return self.result.done()

    def tell(self, done: int, total: int) -> None:
        for listener in tuple(self.listeners):
            listener(done, total)


@cache
def shared_pool() -> ModelPool:
    """The process's one pool, with the limits of its environment."""
    return ModelPool()


def _build(ref: ModelRef, card: ModelCard, folder: Path) -> LoadedModel:
    """Model and tokenizer from files that are all here."""
    with _quiet(), _plain_errors(ref):
        tokenizer = _tokenizer(ref, folder)
        model, missing = _model(card, folder)
    inner = [name for name in missing if any(part in f".{name}" for part in INNER)]
    if inner:
        raise ModelError(f"The weights of {ref.id} lack {len(inner)} tensors, such as {inner[0]}; get a whole copy.")
    return LoadedModel(model=model, tokenizer=tokenizer, card=card, ref=ref, missing=missing)


def _model(card: ModelCard, folder: Path) -> tuple[Any, tuple[str, ...]]:
    import transformers

    classes = {
        "encoder": transformers.AutoModel,
        "decoder": transformers.AutoModelForCausalLM,
        "encoder-decoder": transformers.AutoModelForSeq2SeqLM,
    }
    _refuse_empty_promises(classes[card.family], card, folder)
    model, report = classes[card.family].from_pretrained(
        folder,
        dtype=DTYPES.get(card.dtype, "auto"),
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    return model.eval().requires_grad_(False), tuple(sorted(report["missing_keys"]))


def _refuse_empty_promises(auto_class: Any, card: ModelCard, folder: Path) -> None:
    """Raise where the config describes far more weights than the files hold: they would be made up, in memory."""
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    try:
        with torch.device("meta"):
            described = sum(weight.numel() for weight in auto_class.from_config(config).parameters())
    except (RuntimeError, NotImplementedError, ValueError):  # some models compute on weights while they are built
        return
    if described > SPARE + 2 * card.parameters:
        raise ModelError(
            f"The config of {card.id} describes {described:,} parameters, but its files hold {card.parameters:,}; "
            "get a whole copy."
        )


def _tokenizer(ref: ModelRef, folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as err:  # tokenizer classes raise what they like on missing or odd files
        raise ModelError(
            f"The tokenizer of {ref.id} cannot be loaded ({_first_line(err)}); its files must lie beside the model."
        ) from err
    if len(tokenizer) <= len(tokenizer.all_special_ids):  # without its files the library makes an empty one, silently
        raise ModelError(f"{ref.id} has no tokenizer; its files must lie beside the model.")
    return tokenizer


@contextmanager
def _plain_errors(ref: ModelRef) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except MemoryError as err:
        raise ModelError(f"There is not enough memory for {ref.id}; choose a smaller model.") from err
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
    return (str(err).strip().splitlines() or [type(err).__name__])[0][:200]
