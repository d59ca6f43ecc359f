"""How well a model foresees a text with sets of heads switched off, as rows of a batch.

Shape letters: r rows, n tokens, h heads, v width of a head's output.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from attention.analysis.effect import observe_at, rows_of
from attention.analysis.sweep import MOST_TOKENS
from attention.errors import InputError
from attention.models.task import task_of

if TYPE_CHECKING:
    from attention.capture import Call, Inputs, Product
    from attention.source import Source

# A layer and a head.
Place = tuple[int, int]
NOT_NEXT = "The loss of a text is that of a model that predicts the next token; this one does not."
TOO_SHORT = "A text of one token has no loss: nothing in it was foreseen; give a longer one."


@dataclass(frozen=True, eq=False)
class _Off:
    """Sets what heads put out to zero, in each row of a batch other ones."""

    rows: Sequence[Collection[Place]]

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product (r, n, h, v), with zeros where a row's heads are off."""
        output = product(call)
        at = call.address
        if at is None or at.op:
            return output
        off = [[row, head] for row, places in enumerate(self.rows) for layer, head in places if layer == at.layer]
        if not off:
            return output
        rows, heads = torch.tensor(off, device=output.device).T
        made = output.clone()
        made[rows, :, heads] = 0.0
        return made


def losses_off(source: Source, inputs: Inputs, each: Sequence[Collection[Place]]) -> np.ndarray:
    """The mean of −ln p of a text's tokens after the first, in nats, (r,) float64: for each set of heads that are off.

    Raises InputError for a model that predicts no next token, and for a text of one token.
    """
    if task_of(source.model, source.missing) != "next":
        raise InputError(NOT_NEXT)
    if len(inputs.ids) < 2:
        raise InputError(TOO_SHORT)
    step = max(1, MOST_TOKENS // len(inputs.ids))
    return np.concatenate([_losses(source, inputs, each[at : at + step]) for at in range(0, len(each), step)])


def _losses(source: Source, inputs: Inputs, each: Sequence[Collection[Place]]) -> np.ndarray:
    places = list(range(len(inputs.ids) - 1))
    result = observe_at(source, [inputs] * len(each), _Off(each), places)
    logs = rows_of(source, result, places).float().log_softmax(-1)  # (r, n − 1, vocabulary)
    following = torch.tensor(inputs.ids[1:], device=logs.device).expand(len(each), -1)[..., None]
    lost: np.ndarray = -logs.gather(-1, following)[..., 0].double().mean(-1).cpu().numpy()
    return lost
