"""How long what each key would write is, ‖f(x_j)‖, for all heads of a layer at once.

f is that of `attention.analysis.norms`: what the layer's own projection makes of one head's value vector alone. There a
head is asked for; here so many are that the projection's matrix is read off first where that is less work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from attention.analysis.norms import writes
from attention.record import absent, wide
from attention.stages import exactly

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Projection

# Numbers that go into a projection at once.
ROOM = 2**22
# Relative difference up to which a projection counts as linear.
LINEAR = 1e-2


def why_no_lengths(record: AttentionRecord) -> str:
    """Why the lengths of a layer cannot be told, or ""."""
    if record.kept.lengths is not None:
        return ""
    written = writes(record, 0, [0])
    return written if isinstance(written, str) else ""


def lengths(record: AttentionRecord) -> Tensor | str:
    """‖f(x_j)‖ of each head and key, (h, n_k) float32 on the CPU; or in words why it cannot be told."""
    if record.kept.lengths is not None:
        return record.kept.lengths
    why = why_no_lengths(record)
    if why or record.projection is None or record.value is None:
        return why
    value = record.value[[record.kv_head(head) for head in range(record.n_heads)]]  # (h, n_k, v)
    try:
        found = None if value.shape[1] <= value.shape[2] else _by_matrix(record.projection, value)
        return (_asked(record.projection, value) if found is None else found).cpu()
    except ReferenceError:
        return absent(record.projection)


def _asked(project: Projection, value: Tensor) -> Tensor:
    """Each head's vector of each key goes through the projection with zeros in the other heads' places."""
    heads, keys, width = value.shape
    step = max(1, ROOM // (heads * heads * width))
    places = torch.eye(heads, dtype=value.dtype, device=value.device)[:, :, None]
    parts = []
    for start in range(0, keys, step):
        own = value[:, start : start + step].transpose(0, 1)  # (k, h, v)
        whole = places * own[:, :, None]  # (k, h, h, v): one head in each row
        parts.append(_through(project, whole.flatten(0, 1).flatten(1)).norm(dim=-1).reshape(-1, heads))
    return torch.cat(parts).T


@exactly
def _by_matrix(project: Projection, value: Tensor) -> Tensor | None:
    """The same by the projection's own matrix; None where that is not linear, as with rounded activations."""
    heads, keys, width = value.shape
    basis = torch.eye(heads * width, dtype=value.dtype, device=value.device)
    step = max(1, ROOM // len(basis))
    matrix = torch.cat([_through(project, part) for part in basis.split(step)]).unflatten(0, (heads, width))
    room = max(1, ROOM // (heads * matrix.shape[-1]))
    found = torch.cat(
        [torch.bmm(wide(value[:, at : at + room]).float(), matrix).norm(dim=-1) for at in range(0, keys, room)], dim=1
    )
    places = torch.arange(0, keys, max(1, keys // 4), device=value.device)
    own = _asked(project, value[:, places])
    close = torch.allclose(found[:, places], own, rtol=LINEAR, atol=LINEAR * float(own.max()))
    return found if close else None


def _through(project: Projection, rows: Tensor) -> Tensor:
    """(rows, h·v) → (rows, m), less what the projection makes of nothing; float32."""
    return (project(rows) - project(torch.zeros_like(rows[:1]))).detach().float()
