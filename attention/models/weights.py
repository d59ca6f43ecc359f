"""What a safetensors file says of itself before its numbers: names, types and shapes, range-checked."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention.errors import ModelError
from attention.models import files

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
LONGEST_HEADER = 100_000_000  # the format's own limit
LONGEST_INDEX = 100_000_000
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
COUNTERS = ("I64", "BOOL")  # position ids and masks that are saved along; never weights
# Buffers that are saved along as numbers: constants, tables made from a formula, running statistics.
BUFFERS = re.compile(r"(?:.*\.)?(final_logits_bias|masked_bias|(rotary_)?inv_freq|running_(mean|var))")
# Where a model ties its weights, these names are the same numbers as its word embeddings, if a file holds both.
OUTPUTS = re.compile(r"(?:.*\.)?(lm_head|lm_head\.decoder|predictions\.decoder|embed_out)\.weight")
EMBEDDINGS = re.compile(r"(?:.*\.)?(shared|wte|word_embeddings|embed_tokens|embed_in)\.weight")
OUTPUT_BIAS = re.compile(r"(.*(?:lm_head|predictions))\.decoder\.bias")
SIDES = re.compile(r"(?:.*\.)?(encoder|decoder)\.embed_tokens\.weight")


@dataclass(frozen=True)
class TensorFacts:
    """One tensor of a file: its name, its type as safetensors writes it, its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def weight(self) -> bool:
        """Whether it was learned: no counter, no buffer, no causal mask (1, 1, n, n) as older GPT-2 files hold."""
        mask = len(self.shape) == 4 and self.shape[:2] == (1, 1) and self.shape[2] == self.shape[3]
        return self.dtype not in COUNTERS and not mask and BUFFERS.fullmatch(self.name) is None


def parameters(tensors: Iterable[TensorFacts], *, tied: bool = False) -> int:
    """How many learned numbers the tensors hold, each counted once, as a loaded model's own `parameters()` has it.

    tied: whether the config says that the output layer is the word embeddings, of which a file may hold two copies.
    """
    weights = [tensor for tensor in tensors if tensor.weight]
    return sum(tensor.size for tensor in weights) - sum(tensor.size for tensor in _copies(weights, tied))


def _copies(weights: list[TensorFacts], tied: bool) -> list[TensorFacts]:
    """Word embeddings, and the output's bias, that a file holds under a second name."""
    shared = {one.shape for one in weights if one.name.split(".")[-2:-1] == ["shared"]}
    once = {one.shape for one in weights if EMBEDDINGS.fullmatch(one.name)}
    sides = [one for one in weights if SIDES.fullmatch(one.name) and one.shape in shared]
    outputs = [one for one in weights if tied and OUTPUTS.fullmatch(one.name) and one.shape in once]
    names = {one.name for one in weights}
    biases = [one for one in weights if OUTPUT_BIAS.sub(r"\1.bias", one.name) in names - {one.name}]
    return sides + outputs + biases


def common_dtype(tensors: Iterable[TensorFacts]) -> str:
    """The type of most weights, "" where there are none."""
    counts: dict[str, int] = {}
    for tensor in tensors:
        if tensor.weight:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.size
    return max(counts, key=lambda dtype: counts[dtype], default="")


def choose(names: Iterable[str]) -> tuple[str, ...]:
    """The weight files that are loaded, of all that lie beside the config: one file, or an index and its shards."""
    names = set(names)
    if SINGLE in names:
        return (SINGLE,)
    shards = sorted(name for name in names if SHARD.fullmatch(name))
    return (INDEX, *shards) if INDEX in names and shards else ()


def check_index(id: str, folder: Path, names: Iterable[str]) -> None:
    """Raise ModelError where the index in a folder names a file that is none of `names`: one that is missing, or one
    elsewhere on this machine, which the library would open.
    """
    try:
        wanted = named_in_index(folder)
    except (OSError, ValueError) as err:
        raise ModelError(f"{INDEX} of {id} is damaged; copy or download it again.") from err
    missing = sorted(wanted - set(names))
    if missing:
        named = ascii(missing[0])[1:-1][:80]
        raise ModelError(f"{id} lacks {named}, which its index names; copy or download it again.")


def named_in_index(folder: Path) -> set[str]:
    """The files that the index in a folder names; raises OSError or ValueError."""
    index = files.json_of(folder / INDEX, LONGEST_INDEX)
    try:
        return {name if isinstance(name, str) else repr(name) for name in index["weight_map"].values()}
    except (KeyError, AttributeError, TypeError) as err:
        raise ValueError("it has no map of the weights") from err


def read_header(path: Path) -> tuple[TensorFacts, ...]:
    """The tensors of a file in the safetensors format; raises ModelError where the file is damaged."""
    try:
        size = path.stat().st_size
        with files.opened(path) as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 10 or length > min(LONGEST_HEADER, size - 8):
                raise _damaged(path, "its header is longer than the file")
            header = files.parsed(file.read(length))
    except OSError as err:
        raise ModelError(f"{path.name} cannot be read: {err.strerror}. Check the file.") from err
    except ValueError as err:  # also bytes that are no text, and numbers of thousands of digits
        raise _damaged(path, "its header is not JSON") from err
    return _tensors(path, header, size - 8 - length)


def _tensors(path: Path, header: Any, room: int) -> tuple[TensorFacts, ...]:
    if not isinstance(header, dict):
        raise _damaged(path, "its header is not a table")
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    found = tuple(_tensor(path, name, entry, room) for name, entry in entries.items())
    if max((entry["data_offsets"][1] for entry in entries.values()), default=0) != room:
        raise _damaged(path, "it is shorter or longer than its header says")
    return found


def _tensor(path: Path, name: str, entry: Any, room: int) -> TensorFacts:
    try:
        dtype, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = all(map(is_size, (*shape, start, stop)))
        right = whole and start <= stop <= room and (stop - start) * 8 == math.prod(shape) * BITS[dtype]
    except (KeyError, TypeError, ValueError) as err:
        raise _damaged(path, f"its entry {name[:60]!r} is not one of a tensor") from err
    if not right:
        raise _damaged(path, f"the sizes of {name[:60]!r} do not fit together")
    return TensorFacts(name, dtype, tuple(shape))


def is_size(number: object) -> bool:
    """Whether this can be a number of rows, columns or bytes."""
    return type(number) is int and 0 <= number < files.LARGEST


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path.name} is damaged: {reason}. Copy or download it again.")
