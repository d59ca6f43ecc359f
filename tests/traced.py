"""What several tests of heads share: models that stay in memory, and the page's two checks on every head."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from tests import small_models
from tests.tiny import build

# A trace does not keep its model alive, and without it there is no projection.
translator = cache(lambda: small_models.model("t5"))


@cache
def held(name: str, kind: str) -> Any:
    """A tiny model whose projections have biases that are not 0, for they belong to no head."""
    model = build(name, kind)
    with torch.no_grad():
        for own, weight in model.named_parameters():
            if own.endswith("bias"):
                weight.normal_(0, 0.5)
    return model


def checks_hold(trace: Any) -> None:
    """Both checks of the page, on every head; nothing may be left unchecked."""
    assert trace.fidelity.ok, trace.fidelity
    for record in trace.all_records:
        for head in range(record.n_heads):
            error = trace.head(record.layer, head, record.kind).error
            assert error.ok, (record.layer, head, error)
            assert not error.unchecked
