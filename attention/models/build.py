"""Files that are all here → a model and its tokenizer, ready to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention.errors import ModelError
from attention.models.card import ModelCard
from attention.models.reference import ModelRef

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


def build(ref: ModelRef, card: ModelCard, folder: Path) -> LoadedModel:
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
