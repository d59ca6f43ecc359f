"""What each head puts out on average over reference texts: what may stand in for a head that is switched off.

Position 0 of each text is left out: where a head rests on the first token, that token's own output is far from all
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from torch import Tensor

from attention.capture.address import Address
from attention.capture.anatomy import anatomy_of, weights_of
from attention.capture.inputs import Inputs
from attention.capture.observe import observe
from attention.capture.seam import Call, Product
from attention.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Tokens of a batch.
MOST_TOKENS = 2048


@dataclass(eq=False)
class _Sums:
    """Sums the output of each head over the tokens of a batch but for the first ones. sums (h, v), float64."""

    sums: dict[Address, Tensor] = field(default_factory=dict)
    counts: dict[Address, int] = field(default_factory=dict)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = product(call)
        if call.address is None:
            return output
        counted = output.detach()[:, 1:].double()  # (b, n_q − 1, h, v)
        total, before = counted.sum(dim=(0, 1)), self.sums.get(call.address)
        self.sums[call.address] = total if before is None else before + total
        self.counts[call.address] = self.counts.get(call.address, 0) + counted.shape[0] * counted.shape[1]
        return output

    def means(self) -> dict[Address, Tensor]:
        """(h, v) float32, of each operation that saw a token."""
        return {at: (self.sums[at] / count).float() for at, count in self.counts.items() if count}


def means_of(
    model: PreTrainedModel,
    texts: Sequence[Inputs],
    digest: str,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Mapping[Address, Tensor]:
    """The mean output z of every head over the texts, (h, v) float32 by address, as it enters the output projection.

    digest: of the texts; the means are remembered by it as long as the model is as it was. on_progress(done, total)
    counts texts. Raises InputError where no text is there, and what `observe` raises.
    """
    known = remembered(model, digest)
    if known is not None:
        return known
    if not texts:
        raise InputError("None of the reference texts can be read by this model, so there is no mean over them.")
    seen = _Sums()
    done = 0
    for batch in _batches(texts):
        observe(model, batch, seen, positions=(0,))
        done += len(batch)
        if on_progress is not None:
            on_progress(done, len(texts))
    made = seen.means()
    anatomy_of(model).memory.setdefault(_Sums, {})[digest] = _weights(model), made
    return made


def remembered(model: PreTrainedModel, digest: str) -> Mapping[Address, Tensor] | None:
    """The means over texts of this digest, where they were made of the model as it now is."""
    weights, made = anatomy_of(model).memory.get(_Sums, {}).get(digest, (None, None))
    return made if weights == _weights(model) else None


def _batches(texts: Sequence[Inputs]) -> Iterator[list[Inputs]]:
    """Texts of one length together. Padding is never read: where a model mixes neighbours beside its attention
    (MobileBERT, ConvBERT), it would reach the last tokens.
    """
    for _, alike in groupby(sorted(texts, key=lambda one: one.sizes), key=lambda one: one.sizes):
        several = list(alike)
        step = max(1, MOST_TOKENS // max(several[0].sizes))
        yield from (several[at : at + step] for at in range(0, len(several), step))


def _weights(model: PreTrainedModel) -> tuple[int, int]:
    """What changes when a weight is changed or replaced."""
    own = weights_of(model)
    return hash(tuple((w.data_ptr(), w.dtype) for w in own)), sum(0 if w.is_inference() else w._version for w in own)
