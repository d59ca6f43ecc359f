"""Name each recorded operation as the model does: which kind, which layer, which of several."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from attention.capture.address import Address, number_in
from attention.capture.anatomy import Anatomy, anatomy_of
from attention.capture.recorder import Operation
from attention.record import Kind

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_CROSS = re.compile(r"cross|encoder_attn|encdec|enc_dec|encoder_decoder", re.IGNORECASE)
_ATTENTION_LAYERS = ("attention", "hybrid")


def addresses(model: PreTrainedModel, operations: list[Operation]) -> list[Address]:
    """An address for each operation of a run, in order."""
    anatomy = anatomy_of(model)
    names = anatomy.names
    kinds = _kinds(model, operations, anatomy)
    layers = _layers(model, operations, kinds, names)
    seen: Counter[tuple[Kind, int]] = Counter()
    found = []
    for kind, layer in zip(kinds, layers, strict=True):
        found.append(Address(kind, layer, seen[kind, layer]))
        seen[kind, layer] += 1
    return found


def _kinds(model: PreTrainedModel, operations: list[Operation], anatomy: Anatomy) -> list[Kind]:
    crosses = [_says_cross(op, anatomy.names) for op in operations]
    if anatomy.encoder is None:
        own: Kind = "decoder" if _is_causal(model, operations) else "encoder"
        return ["cross" if cross else own for cross in crosses]
    encoder = anatomy.encoder
    texts = {op.record.n_q for op in operations if id(op.module) in encoder}
    return [
        "encoder" if id(op.module) in encoder else "cross" if cross or _is_cross(op, texts) else "decoder"
        for op, cross in zip(operations, crosses, strict=True)
    ]


def _says_cross(operation: Operation, names: dict[int, str]) -> bool:
    """Whether the module calls itself cross-attention, by a mark or by its name."""
    if getattr(operation.module, "is_cross_attention", False):
        return True
    path = names.get(id(operation.module), "")
    named = _CROSS.search(path.rpartition(".")[2]) or _CROSS.search(".".join(path.split(".")[-2:]))
    return bool(named)


def _is_cross(operation: Operation, texts: set[int]) -> bool:
    """Whether a decoder's operation looks at another text, and at that alone; T5Gemma 2 joins both in one softmax."""
    n_q, n_k = operation.record.n_q, operation.record.n_k
    return n_q != n_k and n_k not in {n_q + n for n in texts}


def _is_causal(model: PreTrainedModel, operations: list[Operation]) -> bool:
    shown = [answer for answer in map(_looks_ahead, operations) if answer is not None]
    if shown:
        return not all(shown)
    # One live token shows no mask: ask the modules, then whether the model generates text.
    asked = [getattr(op.module, "is_causal", None) for op in operations]
    return bool(next((answer for answer in asked if answer is not None), model.can_generate()))


def _looks_ahead(operation: Operation) -> bool | None:
    """Whether some query may see a later key; None where the mask leaves no such pair to tell by."""
    n_q, n_k, mask = operation.record.n_q, operation.record.n_k, operation.record.mask
    if n_q < 2 or (mask.keys is not None and int(mask.keys.sum()) < 2):
        return None
    if mask.array is None:
        return not mask.causal
    return bool(mask.array.reshape(-1, n_q, n_k).triu(1).any())


def _layers(model: PreTrainedModel, operations: list[Operation], kinds: list[Kind], names: dict[int, str]) -> list[int]:
    layers = [_own_number(op, names) for op in operations]
    for kind in set(kinds):
        mine = [i for i, own in enumerate(kinds) if own == kind]
        passes = _passes([operations[i] for i in mine])
        calls = Counter(id(operations[mine[group[0]]].module) for group in passes)
        if max(calls.values()) > 1 or any(layers[i] is None for i in mine):
            # One module serves several layers (ALBERT, Zamba): its own number cannot tell them apart.
            for group, number in zip(passes, _counted(model.config, len(passes)), strict=True):
                for member in group:
                    layers[mine[member]] = number
    return [layer if layer is not None else 0 for layer in layers]


def _passes(operations: list[Operation]) -> list[list[int]]:
    """Group operations by pass through their module: calls in a row on one query are one pass (DiffLlama)."""
    groups: list[list[int]] = []
    for i, operation in enumerate(operations):
        last = operations[groups[-1][-1]] if groups else None
        if last is not None and last.module is operation.module and _same_pass(last, operation):
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _same_pass(one: Operation, other: Operation) -> bool:
    """Whether two operations ran in one call of their module: told, or seen by their sharing one query."""
    if one.number is not None:
        return one.number == other.number
    first, second = one.record.query, other.record.query
    if first is None or second is None:
        return False
    return first.data_ptr() == second.data_ptr() and first.shape == second.shape


def _own_number(operation: Operation, names: dict[int, str]) -> int | None:
    own = getattr(operation.module, "layer_idx", None)
    if isinstance(own, int) and own >= 0:
        return own
    return number_in(names.get(id(operation.module), ""))


def _counted(config: Any, count: int) -> list[int]:
    """Layer numbers for operations in running order: those that the config calls attention, else 0, 1, 2 …"""
    types = getattr(config, "layers_block_type", None) or getattr(config, "layer_types", None) or []
    numbers = [i for i, name in enumerate(types) if any(word in str(name) for word in _ATTENTION_LAYERS)]
    return numbers if len(numbers) == count else list(range(count))
