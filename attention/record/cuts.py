"""Which pairs of tokens edits close in an operation, and the rule of its mask before they did.

Shape letters are those of `attention.record.operation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attention.record.rules import Mask

if TYPE_CHECKING:
    from attention.edits import Edit
    from attention.record.operation import AttentionRecord

# Cells of a mask up to which its rule is looked for: of a very long text that takes longer than it is worth.
MOST_CELLS = 20_000_000


def is_cut(record: AttentionRecord, head: int) -> Tensor:
    """Boolean (n_q, n_k), True where an edit closes a key to a query of this head, whatever the mask says of it."""
    pairs = torch.zeros(record.n_q, record.n_k, dtype=torch.bool)
    for edit in record.edits:
        if edit.verb in ("cut", "hide") and edit.changes_head(head):
            pairs |= _closed(edit, record)
    return pairs


def _closed(edit: Edit, record: AttentionRecord) -> Tensor:
    pairs = torch.zeros(record.n_q, record.n_k, dtype=torch.bool)
    if edit.key is None:
        return pairs
    if edit.query is not None:
        pairs[edit.query, edit.key] = True
        return pairs
    pairs[:, edit.key] = True
    # Keys that are no token's own come behind the tokens; of two texts no key is a query.
    if record.kind != "cross" and edit.key < record.n_q:
        pairs[edit.key, edit.key] = False
    return pairs


def uncut(record: AttentionRecord, heads: Sequence[int]) -> Mask | None:
    """The rule by distance, with padding if need be, that with the edits' pairs closed is the record's mask of these
    heads; None where there is none, or where nothing was cut.
    """
    array = record.mask.array
    if array is None or not heads or len(heads) * record.n_q * record.n_k > MOST_CELLS:
        return None
    own = torch.stack([array if array.dim() == 2 else array[head] for head in heads]).cpu()
    cut = torch.stack([is_cut(record, head) for head in heads])
    if not cut.any():
        return None
    return next((mask for mask in _rules(own, cut) if _is_rule(mask, own, cut)), None)


def _rules(own: Tensor, cut: Tensor) -> list[Mask]:
    """What may be the rule, the plain ones first, by the pairs (h, n_q, n_k) that are open."""
    query, key = own.any(0).nonzero(as_tuple=True)
    if not len(query):
        return []
    back, ahead = int((query - key).max()), int((key - query).max())
    keys = (own | cut).flatten(0, 1).any(0)
    return [
        Mask(before=before, after=after, keys=padding)
        for padding, before, after in product((None, keys), (None, max(0, back)), (0, None, max(0, ahead)))
    ]


def _is_rule(mask: Mask, own: Tensor, cut: Tensor) -> bool:
    allowed = mask.rows(0, own.shape[1], own.shape[2])
    return bool(((~cut if allowed is None else allowed & ~cut) == own).all())
