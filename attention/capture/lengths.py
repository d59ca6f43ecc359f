"""How many tokens a model's positions allow: read from it where that can be done, else asked when a text is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from attention.capture.anatomy import anatomy_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LENGTHS = ("max_position_embeddings", "n_positions", "max_sequence_length", "n_ctx")
_ROTARY = ("rope_parameters", "rope_theta", "rotary_dim", "rotary_pct", "rotary_emb_base")
# A table may have some rows more than there are positions: those that are kept for padding.
_SPARE = 8


def longest(model: PreTrainedModel, *, second: bool = False) -> int | None:
    """The most tokens that the model's positions allow, or None where nothing limits them.

    second: of the text that enters its decoder, which in a model made of two has a limit of its own.
    """
    both = _read(model, second), anatomy_of(model).memory.get(("asked", second))
    return min((limit for limit in both if limit is not None), default=None)


def remember(model: PreTrainedModel, limit: int, *, second: bool) -> None:
    """Keep a limit that was found out by asking."""
    anatomy_of(model).memory["asked", second] = limit


def part_of(model: PreTrainedModel, *, second: bool) -> nn.Module | None:
    """The encoder or the decoder of a model that is made of two whole models; None for any other."""
    own = getattr(model.config, "decoder" if second else "encoder", None)
    if not hasattr(own, "get_text_config"):
        return None
    part = model.get_decoder() if second else model.get_encoder()
    return part if isinstance(part, nn.Module) and part is not model else None


def _read(model: PreTrainedModel, second: bool) -> int | None:
    part = part_of(model, second=second)
    whole = model.config if part is None else getattr(model.config, "decoder" if second else "encoder")
    config = whole.get_text_config(decoder=False)
    limit = next((getattr(config, name) for name in _LENGTHS if isinstance(getattr(config, name, None), int)), None)
    if limit is None or limit <= 0:
        return None
    memory = anatomy_of(model).memory
    if ("tables", second) not in memory:
        named = list((model if part is None else part).named_modules())
        reserved = max((_reserved(name, module) for name, module in named), default=0)
        memory["tables", second] = set(_tables(named)), reserved
    tables, reserved = memory["tables", second]
    return limit - reserved if _counts_positions(tables, config, limit) else None


def _counts_positions(tables: set[int], config: Any, limit: int) -> bool:
    """Whether there is a table of positions or a rotary embedding; T5's config has a number that nothing obeys."""
    if any(getattr(config, name, None) for name in _ROTARY):
        return True
    return any(limit <= size <= limit + _SPARE for size in tables)


def _tables(named: list[tuple[str, nn.Module]]) -> Iterator[int]:
    """The rows of all tables of vectors: embeddings, those of another class that are called after positions (I-BERT),
    and tensors that are (CTRL).

    Other buffers of such a module are none: a model with sinusoids in one makes a longer one when it needs it.
    """
    for name, module in named:
        if isinstance(module, nn.Embedding):
            yield module.num_embeddings
        table = "pos" in name.rpartition(".")[2] and hasattr(module, "padding_idx")
        for own, tensor in (*module._parameters.items(), *module._buffers.items(), *vars(module).items()):
            if isinstance(tensor, Tensor) and tensor.dim() == 2 and ("pos" in own or (table and own == "weight")):
                yield tensor.shape[0]


def _reserved(name: str, module: nn.Module) -> int:
    """RoBERTa-like models count positions from padding_idx + 1, so their table holds that many fewer tokens."""
    padding = getattr(module, "padding_idx", None)
    is_table = name.endswith("position_embeddings") and hasattr(module, "weight")
    return padding + 1 if is_table and isinstance(padding, int) else 0
